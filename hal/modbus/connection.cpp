#include "hal/modbus/connection.hpp"

#include <cerrno>

#include <modbus/modbus.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

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

}  // namespace

Outcome Connection::open(const std::string& numeric_ip, int port, int response_timeout_ms) {
  close();
  if (!descriptors_left()) {
    errno_ = EMFILE;
    return Outcome::kClosed;
  }
  context_ = modbus_new_tcp(numeric_ip.c_str(), port);
  if (context_ == nullptr) {
    errno_ = errno;
    return Outcome::kClosed;
  }
  modbus_set_error_recovery(context_, MODBUS_ERROR_RECOVERY_NONE);
  const auto microseconds = static_cast<std::uint32_t>(response_timeout_ms) * 1000u;
  modbus_set_response_timeout(context_, microseconds / 1'000'000u, microseconds % 1'000'000u);
  modbus_set_byte_timeout(context_, 0, 0);  // the response time-out covers the whole reply
  if (modbus_connect(context_) == 0 && modbus_get_socket(context_) < FD_SETSIZE)
    return Outcome::kOk;
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
  const int flushed = modbus_flush(context_);
  if (flushed > 0) flushed_bytes_ += static_cast<std::uint64_t>(flushed);
  errno = 0;
}

Outcome Connection::judge(int result, std::size_t expected) noexcept {
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

const char* Connection::error() const noexcept {
  return errno_ == EMFILE ? "no descriptor below FD_SETSIZE is free" : modbus_strerror(errno_);
}

}  // namespace medius::hal::modbus
