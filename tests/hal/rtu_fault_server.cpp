#include "tests/hal/rtu_fault_server.hpp"

#include <chrono>
#include <stdexcept>

#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include "sim/station/rtu_frame.hpp"

namespace medius::hal::modbus {
namespace {

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

RtuFaultServer::RtuFaultServer() {
  char name[128] = {};
  termios raw{};
  ::cfmakeraw(&raw);
  if (::openpty(&master_, &slave_, name, &raw, nullptr) != 0) {
    throw std::runtime_error("rtu fault server: no pty");
  }
  device_ = name;
  thread_ = std::thread([this] { run(); });
}

RtuFaultServer::~RtuFaultServer() {
  stopping_ = true;
  thread_.join();
  ::close(master_);
  ::close(slave_);
}

void RtuFaultServer::inject(LineFault fault, int count) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  faults_left_ = count;
}

void RtuFaultServer::set(std::uint8_t unit, std::uint16_t address, std::uint16_t value) {
  const std::lock_guard lock(mutex_);
  registers_[{unit, address}] = value;
}

std::uint16_t RtuFaultServer::get(std::uint8_t unit, std::uint16_t address) const {
  const std::lock_guard lock(mutex_);
  const auto found = registers_.find({unit, address});
  return found == registers_.end() ? std::uint16_t{0} : found->second;
}

void RtuFaultServer::freeze(std::uint8_t unit, std::uint16_t address) {
  const std::lock_guard lock(mutex_);
  frozen_[{unit, address}] = true;
}

void RtuFaultServer::mute(std::uint8_t unit) {
  const std::lock_guard lock(mutex_);
  muted_[unit] = true;
}

void RtuFaultServer::run() {
  std::vector<std::uint8_t> bytes;
  while (!stopping_) {
    pollfd ready{master_, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    std::uint8_t buffer[256];
    const ssize_t got = ::read(master_, buffer, sizeof buffer);
    if (got <= 0) continue;
    bytes.insert(bytes.end(), buffer, buffer + got);
    const std::size_t length = sim::rtu_request_size(bytes);
    if (length == 0 || bytes.size() < length) continue;
    const std::span<const std::uint8_t> request(bytes.data(), length - 2);
    LineFault fault = LineFault::kNone;
    std::vector<std::uint8_t> reply;
    {
      const std::lock_guard lock(mutex_);
      if (!muted_[bytes[0]]) {
        if (faults_left_ > 0) {
          fault = fault_;
          --faults_left_;
        }
        reply = reply_to(request);
      }
      ++requests_;
    }
    bytes.clear();
    if (!reply.empty()) send(std::move(reply), fault);
  }
}

std::vector<std::uint8_t> RtuFaultServer::reply_to(std::span<const std::uint8_t> request) {
  const std::uint8_t unit = request[0];
  const int function = request[1];
  const auto write = [&](std::uint16_t address, std::uint16_t value) {
    if (!frozen_.contains({unit, address})) registers_[{unit, address}] = value;
  };
  ++registers_[{unit, kCounter}];
  std::vector<std::uint8_t> out{unit, request[1]};
  const auto put = [&](std::uint16_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value & 0xFF));
  };
  if (function == 6 || function == 16) {
    const std::uint16_t address = word(request, 2);
    const std::size_t count = function == 6 ? 1 : word(request, 4);
    for (std::size_t i = 0; i < count; ++i) {
      write(static_cast<std::uint16_t>(address + i),
            word(request, (function == 6 ? 4 : 7) + 2 * i));
    }
    put(address);
    put(word(request, 4));
    return out;
  }
  if (function == 23) {
    for (std::size_t i = 0; i < word(request, 8); ++i) {
      write(static_cast<std::uint16_t>(word(request, 6) + i), word(request, 11 + 2 * i));
    }
  }
  const std::uint16_t count = word(request, 4);
  out.push_back(static_cast<std::uint8_t>(2 * count));
  for (std::size_t i = 0; i < count; ++i) {
    put(registers_[{unit, static_cast<std::uint16_t>(word(request, 2) + i)}]);
  }
  return out;
}

void RtuFaultServer::send(std::vector<std::uint8_t> reply, LineFault fault) {
  using std::chrono::milliseconds;
  if (fault == LineFault::kSilent) return;
  if (fault == LineFault::kWrongUnit) reply[0] = static_cast<std::uint8_t>(reply[0] + 1);
  if (fault == LineFault::kException) {
    reply = {reply[0], static_cast<std::uint8_t>(reply[1] | 0x80), 6};
  }
  sim::append_rtu_crc(reply);
  if (fault == LineFault::kBadCrc) reply.back() = static_cast<std::uint8_t>(reply.back() ^ 1);
  if (fault == LineFault::kTruncated) reply.resize(reply.size() / 2);
  if (fault == LineFault::kLate) std::this_thread::sleep_for(milliseconds(80));
  const std::size_t step = fault == LineFault::kTrickled ? 1 : reply.size();
  for (std::size_t at = 0; at < reply.size(); at += step) {
    if (::write(master_, reply.data() + at, step) < 0) return;
    if (fault == LineFault::kTrickled) std::this_thread::sleep_for(milliseconds(15));
  }
}

}  // namespace medius::hal::modbus
