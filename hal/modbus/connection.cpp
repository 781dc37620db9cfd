#include "hal/modbus/connection.hpp"

#include <array>
#include <cerrno>

#include <modbus/modbus.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "hal/modbus/lockstep.hpp"

namespace medius::hal::modbus {
namespace {

// libmodbus 3.1.6 selects on its socket and aborts the process for a descriptor beyond FD_SETSIZE.
// The next free descriptor tells before it is too late.
bool descriptors_left() noexcept {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  ::close(probe);
  return probe < FD_SETSIZE;
}

constexpr std::int64_t kNsPerUs = 1000;

struct BaudConstant {
  int baud;
  speed_t constant;
};
constexpr BaudConstant kBaudConstants[] = {
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
    {115200, B115200},   {230400, B230400},   {460800, B460800},   {921600, B921600},
    {1000000, B1000000}, {2500000, B2500000}, {3000000, B3000000},
};
static_assert(std::size(kBaudConstants) == std::size(kSureBauds));

// What the line really runs at. libmodbus says nothing when it sets another rate.
bool runs_at(int fd, int baud) noexcept {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return false;
  for (const BaudConstant& each : kBaudConstants) {
    if (each.baud != baud) continue;
    return ::cfgetospeed(&settings) == each.constant && ::cfgetispeed(&settings) == each.constant;
  }
  return false;
}

}  // namespace

Outcome Connection::open(const std::string& numeric_ip, int port, int response_timeout_ms) {
  close();
  wrong_baud_ = false;
  if (!descriptors_left()) {
    errno_ = EMFILE;
    return Outcome::kClosed;
  }
  context_ = modbus_new_tcp(numeric_ip.c_str(), port);
  if (context_ == nullptr) {
    errno_ = errno;
    return Outcome::kClosed;
  }
  serial_ = false;
  return connect(response_timeout_ms);
}

Outcome Connection::open_line(const SerialLine& line, int response_timeout_ms) {
  close();
  wrong_baud_ = false;
  if (!descriptors_left()) {
    errno_ = EMFILE;
    return Outcome::kClosed;
  }
  context_ = modbus_new_rtu(line.device.c_str(), line.baud, line.parity, 8, line.stop_bits);
  if (context_ == nullptr) {
    errno_ = errno;
    return Outcome::kClosed;
  }
  serial_ = true;
  const Outcome outcome = connect(response_timeout_ms);
  if (outcome != Outcome::kOk) return outcome;
  if (!runs_at(modbus_get_socket(context_), line.baud)) {
    close();
    wrong_baud_ = true;
    return Outcome::kClosed;
  }
  quiet_since_ns_ = monotonic_ns();
  return Outcome::kOk;
}

Outcome Connection::connect(int response_timeout_ms) {
  modbus_set_error_recovery(context_, MODBUS_ERROR_RECOVERY_NONE);
  const auto microseconds = static_cast<std::uint32_t>(response_timeout_ms) * 1000u;
  modbus_set_response_timeout(context_, microseconds / 1'000'000u, microseconds % 1'000'000u);
  modbus_set_byte_timeout(context_, 0, 0);  // the response time-out covers the whole reply
  if (modbus_connect(context_) == 0 && modbus_get_socket(context_) < FD_SETSIZE) {
    return Outcome::kOk;
  }
  errno_ = errno == EINPROGRESS ? ETIMEDOUT : errno;  // 3.1.6 reports a slow connect like this
  close();
  return Outcome::kClosed;
}

void Connection::close() noexcept {
  if (context_ == nullptr) return;
  modbus_close(context_);
  modbus_free(context_);
  context_ = nullptr;
}

void Connection::before_request(std::uint8_t unit) noexcept {
  modbus_set_slave(context_, unit);
  if (serial_) sleep_until_ns(quiet_since_ns_ + pauses_.silence_us * kNsPerUs);
  flush();
  errno = 0;
}

void Connection::flush() noexcept {
  const int flushed = modbus_flush(context_);
  if (flushed > 0) flushed_bytes_ += static_cast<std::uint64_t>(flushed);
}

Outcome Connection::judge(int result, std::size_t expected) noexcept {
  const Outcome outcome = classify(result, expected);
  if (!serial_) return outcome;
  if (outcome == Outcome::kTimeout || outcome == Outcome::kProtocol) {
    // A serial reply carries nothing that tells which request it answers: without this pause a late
    // one passes for the answer to the next request, and every reply after it is one cycle old.
    sleep_until_ns(monotonic_ns() + pauses_.after_error_us * kNsPerUs);
    flush();
  }
  quiet_since_ns_ = monotonic_ns();
  return outcome;
}

Outcome Connection::classify(int result, std::size_t expected) noexcept {
  if (result == static_cast<int>(expected)) return Outcome::kOk;
  errno_ = result < 0 ? errno : EMBBADDATA;
  if (errno_ >= EMBXILFUN && errno_ <= EMBXGTAR) return Outcome::kException;
  if (errno_ == ETIMEDOUT) return Outcome::kTimeout;
  if (errno_ > MODBUS_ENOBASE) return Outcome::kProtocol;
  return Outcome::kClosed;
}

Outcome Connection::read(std::uint8_t unit, std::uint16_t address, std::span<std::uint16_t> words) {
  before_request(unit);
  return judge(
      modbus_read_registers(context_, address, static_cast<int>(words.size()), words.data()),
      words.size());
}

Outcome Connection::write(std::uint8_t unit, std::uint16_t address,
                          std::span<const std::uint16_t> words) {
  before_request(unit);
  return judge(
      modbus_write_registers(context_, address, static_cast<int>(words.size()), words.data()),
      words.size());
}

Outcome Connection::write_and_read(std::uint8_t unit, std::uint16_t write_address,
                                   std::span<const std::uint16_t> out, std::uint16_t read_address,
                                   std::span<std::uint16_t> in) {
  before_request(unit);
  return judge(modbus_write_and_read_registers(
                   context_, write_address, static_cast<int>(out.size()), out.data(), read_address,
                   static_cast<int>(in.size()), in.data()),
               in.size());
}

Outcome Connection::read_inputs(std::uint8_t unit, std::uint16_t address,
                                std::span<std::uint16_t> words) {
  before_request(unit);
  return judge(
      modbus_read_input_registers(context_, address, static_cast<int>(words.size()), words.data()),
      words.size());
}

Outcome Connection::read_bits(std::uint8_t unit, FunctionCode function, std::uint16_t address,
                              int count, std::span<std::uint16_t> words) {
  std::array<std::uint8_t, MODBUS_MAX_READ_BITS> bits{};
  before_request(unit);
  const int result = function == FunctionCode::kReadCoils
                         ? modbus_read_bits(context_, address, count, bits.data())
                         : modbus_read_input_bits(context_, address, count, bits.data());
  const Outcome outcome = judge(result, static_cast<std::size_t>(count));
  if (outcome != Outcome::kOk) return outcome;
  std::fill(words.begin(), words.end(), std::uint16_t{0});
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    if (bits[i] != 0) words[i / 16] = static_cast<std::uint16_t>(words[i / 16] | 1u << (i % 16));
  }
  return outcome;
}

Outcome Connection::write_one(std::uint8_t unit, std::uint16_t address, std::uint16_t word) {
  before_request(unit);
  return judge(modbus_write_register(context_, address, word), 1);
}

int Connection::exception_code() const noexcept {
  return errno_ >= EMBXILFUN && errno_ <= EMBXGTAR ? errno_ - MODBUS_ENOBASE : 0;
}

const char* Connection::error() const noexcept {
  if (wrong_baud_) return "the line does not run at the baud rate asked for";
  return errno_ == EMFILE ? "no descriptor below FD_SETSIZE is free" : modbus_strerror(errno_);
}

}  // namespace medius::hal::modbus
