// One Modbus TCP connection, with libmodbus set away from its defaults: no error recovery, the
// whole reply within the response time-out, a flush before every request (what
// each of these prevents). Not thread safe: it belongs to its bus thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "hal/modbus/machine_bus.hpp"

struct _modbus;

namespace medius::hal::modbus {

enum class Outcome : std::uint8_t {
  kOk = 0,
  kException,  // the device refused; the link is alive
  kTimeout,    // close: a late reply would answer the next request
  kProtocol,   // close: the stream may be out of step
  kClosed,     // reset, closed or unreachable
};

class Connection {
 public:
  Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Bounded by the time-out. On failure error() says why.
  [[nodiscard]] Outcome open(const std::string& numeric_ip, int port, int response_timeout_ms);
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return context_ != nullptr; }

  [[nodiscard]] Outcome read(std::uint8_t unit, std::uint16_t address,
                             std::span<std::uint16_t> words);
  [[nodiscard]] Outcome write(std::uint8_t unit, std::uint16_t address,
                              std::span<const std::uint16_t> words);
  // FC23: the device writes first, then reads.
  [[nodiscard]] Outcome write_and_read(std::uint8_t unit, std::uint16_t write_address,
                                       std::span<const std::uint16_t> out,
                                       std::uint16_t read_address, std::span<std::uint16_t> in);

  [[nodiscard]] const char* error() const noexcept;  // of the last call that did not go well
  [[nodiscard]] std::uint64_t flushed_bytes() const noexcept { return flushed_bytes_; }

 private:
  void before_request(std::uint8_t unit) noexcept;
  [[nodiscard]] Outcome judge(int result, std::size_t expected) noexcept;

  _modbus* context_ = nullptr;
  int errno_ = 0;
  std::uint64_t flushed_bytes_ = 0;
};

}  // namespace medius::hal::modbus
