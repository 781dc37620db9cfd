// A drive with load cell and an operator panel on the canonical map, over TCP or a serial line,
// whose position counts its answers: every sample tells which answer it was and when that was made.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/random.hpp"
#include "sim/proxy/endpoint.hpp"
#include "sim/proxy/frame.hpp"
#include "sim/station/modbus_server_codec.hpp"

namespace medius::sim::proxy {

class CountingDevice final : public RegisterSpace {
 public:
  explicit CountingDevice(Wire wire, std::uint64_t seed);
  ~CountingDevice() override;
  CountingDevice(const CountingDevice&) = delete;
  CountingDevice& operator=(const CountingDevice&) = delete;

  // For --link and --upstream.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  // When the answer of this count was made, CLOCK_MONOTONIC; 0: never.
  [[nodiscard]] std::int64_t made_ns(std::int64_t count) const;
  [[nodiscard]] std::int64_t answers() const;
  void press_reset(bool pressed) noexcept { reset_pressed_ = pressed; }

  // Position is this many metres a count.
  static constexpr double kMetresPerCount = 1e-6;
  // The count in an answer of the drive's read block; -1: it is none.
  [[nodiscard]] static std::int64_t count_in(Wire wire, std::span<const std::uint8_t> reply);

  ModbusException check_read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                             std::uint16_t count) override;
  ModbusException check_write(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                              std::span<const std::uint16_t> values) override;
  void write(std::uint8_t unit, std::uint16_t address,
             std::span<const std::uint16_t> values) override;
  void read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
            std::span<std::uint16_t> values) override;

 private:
  struct Client {
    Fd fd;
    Bytes pending;
    std::int64_t last_ns = 0;
  };

  void run();
  [[nodiscard]] bool serve(Client& client);
  [[nodiscard]] bool answer_tcp(Client& client);
  void answer_line(Client& client);
  void execute(std::uint8_t unit, std::span<const std::uint8_t> pdu,
               std::vector<std::uint8_t>& out);
  void watch() noexcept;
  void take_controlword(std::uint16_t word) noexcept;
  [[nodiscard]] std::uint16_t drive_register(std::uint16_t address);

  const Wire wire_;
  std::string where_;
  Fd listener_, slave_;
  std::vector<Client> clients_;
  Random random_;
  std::array<std::uint16_t, 11> out_{};
  std::array<std::uint16_t, 2> panel_{};
  std::int64_t written_ns_ = 0, relay_ns_ = 0;
  std::uint16_t statusword_;
  std::uint16_t old_word_ = 0;
  bool tripped_ = false;
  std::int32_t cell_mn_ = 0;
  std::atomic<bool> reset_pressed_{false};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::int64_t> made_ns_;  // by count
  std::thread thread_;
};

}  // namespace medius::sim::proxy
