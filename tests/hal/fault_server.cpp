#include "tests/hal/fault_server.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace medius::hal::modbus {
namespace {

constexpr int kReadRegisters = 3;
constexpr int kWriteRegisters = 16;
constexpr int kReadWriteRegisters = 23;
constexpr std::uint32_t kRatedMilliNewton = 341'000;

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

bool read_exactly(int client, std::uint8_t* bytes, std::size_t count,
                  const std::atomic<bool>& stop) {
  while (count > 0 && !stop) {
    pollfd ready{client, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    const ssize_t got = ::recv(client, bytes, count, 0);
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<std::size_t>(got);
  }
  return count == 0;
}

}  // namespace

FaultServer::FaultServer() {
  open(0);
}
FaultServer::~FaultServer() {
  stop();
}

void FaultServer::open(int port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error("fault server: cannot listen");
  }
  port_ = ntohs(address.sin_port);
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void FaultServer::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
}

void FaultServer::restart() {
  const std::lock_guard lock(mutex_);
  drive_write_ = {};
  open(port_);
}

void FaultServer::inject(ReplyFault fault, int count) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  faults_left_ = count;
}

void FaultServer::set_config(int index, std::uint16_t value) {
  const std::lock_guard lock(mutex_);
  config_overrides_[index] = value;
}

std::array<std::uint16_t, 11> FaultServer::last_write() const {
  const std::lock_guard lock(mutex_);
  return drive_write_;
}

void FaultServer::run() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++connections_;
    const int yes = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    serve(client);
    ::close(client);
  }
}

void FaultServer::serve(int client) {
  while (!stopping_ && serve_one(client)) {
  }
}

std::uint16_t FaultServer::drive_register(int address) const {
  const auto& seen = use_old_ ? old_write_ : drive_write_;
  if (address < 11) return seen[static_cast<std::size_t>(address)];
  if (address >= 0x120) {
    const int index = address - 0x120;
    if (const auto found = config_overrides_.find(index); found != config_overrides_.end()) {
      return found->second;
    }
    switch (index) {
      case 0:
        return 2;
      case 1:
        return kRatedMilliNewton >> 16;
      case 2:
        return kRatedMilliNewton & 0xFFFF;
      case 4:
        return drive_write_[4];
      case 5:
        return drive_write_[5];
      case 6:
        return drive_write_[7];
      default:
        return 0;
    }
  }
  const std::uint32_t position_um = seen[0] * 1000u;
  switch (address - 0x100) {
    case 0:
      return seen[0];
    case 1:
      return 0x0040;
    case 2:
      return seen[2];
    case 4:
      return static_cast<std::uint16_t>(position_um >> 16);
    case 5:
      return static_cast<std::uint16_t>(position_um & 0xFFFF);
    case 14:
      return static_cast<std::uint16_t>(device_time_us_ >> 16);
    case 15:
      return static_cast<std::uint16_t>(device_time_us_ & 0xFFFF);
    default:
      return 0;
  }
}

std::vector<std::uint8_t> FaultServer::reply_to(std::span<const std::uint8_t> header,
                                                std::span<const std::uint8_t> pdu) {
  const std::uint8_t unit = header[6];
  const int function = pdu[0];
  std::uint16_t read_address = 0, read_count = 0, write_address = 0;
  std::span<const std::uint8_t> values;
  if (function == kReadRegisters || function == kReadWriteRegisters) {
    read_address = word(pdu, 1);
    read_count = word(pdu, 3);
  }
  if (function == kReadWriteRegisters) {
    write_address = word(pdu, 5);
    values = pdu.subspan(10);
  } else if (function == kWriteRegisters) {
    write_address = word(pdu, 1);
    values = pdu.subspan(6);
  }
  if (unit == 1 && !values.empty()) {
    old_write_ = drive_write_;
    ++drive_writes_;
  }
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    const std::size_t at = write_address + i / 2;
    if (unit == 1 && at < 11) drive_write_[at] = word(values, i);
    if (unit == 2 && at < 2) panel_write_[at] = word(values, i);
  }
  std::vector<std::uint8_t> out{header[0], header[1], 0, 0, 0, 0, unit, pdu[0]};
  const auto put = [&](std::uint16_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value & 0xFF));
  };
  if (function == kWriteRegisters) {
    put(write_address);
    put(static_cast<std::uint16_t>(values.size() / 2));
  } else {
    out.push_back(static_cast<std::uint8_t>(2 * read_count));
    for (int i = 0; i < read_count; ++i) {
      const int at = read_address + i;
      const std::uint16_t panel[] = {0x2, static_cast<std::uint16_t>(panel_write_[0] == 1 ? 3 : 1),
                                     panel_write_[1]};
      put(unit == 2 ? (at >= 0x10 && at < 0x13 ? panel[at - 0x10] : std::uint16_t{0})
                    : drive_register(at));
    }
  }
  out[5] = static_cast<std::uint8_t>(out.size() - 6);
  return out;
}

bool FaultServer::serve_one(int client) {
  std::array<std::uint8_t, 260> bytes{};
  if (!read_exactly(client, bytes.data(), 7, stopping_)) return false;
  const std::size_t pdu_size = static_cast<std::size_t>(bytes[4] << 8 | bytes[5]) - 1;
  if (pdu_size > 253 || !read_exactly(client, bytes.data() + 7, pdu_size, stopping_)) return false;
  const std::span<const std::uint8_t> all(bytes.data(), 7 + pdu_size);
  std::vector<std::uint8_t> reply;
  ReplyFault fault = ReplyFault::kNone;
  {
    const std::lock_guard lock(mutex_);
    const bool drive_round = all[6] == 1 && all[7] == kReadWriteRegisters;
    if (drive_round && faults_left_ > 0) {
      fault = fault_;
      --faults_left_;
    }
    const bool frozen = fault_ == ReplyFault::kFrozen && faults_left_ > 0;
    if (!frozen) device_time_us_ += 1000;
    use_old_ = fault == ReplyFault::kOldEcho;
    reply = reply_to(all.first(7), all.subspan(7));
    use_old_ = false;
  }
  switch (fault) {
    case ReplyFault::kLate:
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      break;
    case ReplyFault::kWrongUnit:
      reply[6] = 77;
      break;
    case ReplyFault::kWrongTransaction:
      reply[1] = static_cast<std::uint8_t>(reply[1] + 1);
      break;
    case ReplyFault::kJunk:
      reply.insert(reply.end(), {0xDE, 0xAD, 0xBE, 0xEF});
      reply[5] = static_cast<std::uint8_t>(reply[5] + 4);
      break;
    case ReplyFault::kTruncated:
      reply.resize(reply.size() / 2);
      break;
    case ReplyFault::kException:
      reply.resize(8);
      reply[5] = 3;
      reply[7] = static_cast<std::uint8_t>(all[7] | 0x80);
      reply.push_back(6);
      break;
    case ReplyFault::kClosed:
      return false;
    case ReplyFault::kSilent:
      return true;
    default:
      break;
  }
  if (fault == ReplyFault::kTrickled) {
    for (const std::uint8_t byte : reply) {
      if (stopping_ || ::send(client, &byte, 1, MSG_NOSIGNAL) != 1) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
    }
    return true;
  }
  return ::send(client, reply.data(), reply.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(reply.size());
}

}  // namespace medius::hal::modbus
