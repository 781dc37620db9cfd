// One Modbus connection, TCP or a serial line, with libmodbus set away from its defaults: no error
// recovery, the whole reply within the response time-out, a flush before every request (what each
// of these prevents). Not thread safe: it belongs to its bus thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "hal/modbus/bus_plan.hpp"

struct _modbus;

namespace medius::hal::modbus {

// Rates that libmodbus 3.1.6 sets as asked; it takes 9600 for a rate that it does not know.
inline constexpr int kSureBauds[] = {9600,   19200,  38400,   57600,   115200, 230400,
                                     460800, 921600, 1000000, 2500000, 3000000};
[[nodiscard]] constexpr bool is_sure_baud(int baud) noexcept {
  return std::find(std::begin(kSureBauds), std::end(kSureBauds), baud) != std::end(kSureBauds);
}

enum class Outcome : std::uint8_t {
  kOk = 0,
  kException,  // the device refused; the link is alive
  kTimeout,    // a late reply would answer the next request: TCP closes, a line has been paused
  kProtocol,   // the stream may be out of step: likewise
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
  // A line whose rate is not the one asked for after opening is closed again.
  [[nodiscard]] Outcome open_line(const SerialLine& line, int response_timeout_ms);
  void close() noexcept;
  [[nodiscard]] bool is_serial() const noexcept { return serial_; }
  [[nodiscard]] bool is_open() const noexcept { return context_ != nullptr; }

  // Of a serial line, for the requests that follow: silence before each, and after an error the
  // pause in which the device's latest reply arrives and is thrown away.
  struct Pauses {
    int silence_us = 0;
    int after_error_us = 0;
  };
  void set_pauses(const Pauses& pauses) noexcept { pauses_ = pauses; }

  [[nodiscard]] Outcome read(std::uint8_t unit, std::uint16_t address,
                             std::span<std::uint16_t> words);
  // FC 4; FC 1 or 2 with 16 bits in a word, the first in bit 0.
  [[nodiscard]] Outcome read_inputs(std::uint8_t unit, std::uint16_t address,
                                    std::span<std::uint16_t> words);
  [[nodiscard]] Outcome read_bits(std::uint8_t unit, FunctionCode function, std::uint16_t address,
                                  int count, std::span<std::uint16_t> words);
  [[nodiscard]] Outcome write_one(std::uint8_t unit, std::uint16_t address, std::uint16_t word);
  [[nodiscard]] Outcome write(std::uint8_t unit, std::uint16_t address,
                              std::span<const std::uint16_t> words);
  // FC23: the device writes first, then reads.
  [[nodiscard]] Outcome write_and_read(std::uint8_t unit, std::uint16_t write_address,
                                       std::span<const std::uint16_t> out,
                                       std::uint16_t read_address, std::span<std::uint16_t> in);

  [[nodiscard]] const char* error() const noexcept;  // of the last call that did not go well
  // Modbus exception code of the last call when its outcome was kException; 0 otherwise.
  [[nodiscard]] int exception_code() const noexcept;
  [[nodiscard]] std::uint64_t flushed_bytes() const noexcept { return flushed_bytes_; }

 private:
  [[nodiscard]] Outcome connect(int response_timeout_ms);
  void before_request(std::uint8_t unit) noexcept;
  void flush() noexcept;
  [[nodiscard]] Outcome judge(int result, std::size_t expected) noexcept;
  [[nodiscard]] Outcome classify(int result, std::size_t expected) noexcept;

  _modbus* context_ = nullptr;
  bool serial_ = false;
  bool wrong_baud_ = false;
  Pauses pauses_;
  std::int64_t quiet_since_ns_ = 0;
  int errno_ = 0;
  std::uint64_t flushed_bytes_ = 0;
};

}  // namespace medius::hal::modbus
