#include "sim/station/guard_relay.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hal/guard/relay_wire.hpp"

namespace medius::sim {
namespace {

// How many ticks of the plant a guard may be behind before the plant waits for it.
constexpr std::uint64_t kBehindTicks = 1;
// As long as for a silent controller: then it has gone.
constexpr int kSilenceMs = 500;

}  // namespace

GuardRelay::GuardRelay(const char* address, std::uint16_t port, bool waits) : waits_(waits) {
  file_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(port);
  if (file_ < 0 || ::inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
      ::bind(file_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    const std::error_code error(errno, std::generic_category());
    if (file_ >= 0) ::close(file_);
    throw std::system_error(error, fmt::format("the guard's relay on {}:{}", address, port));
  }
}

GuardRelay::~GuardRelay() {
  ::close(file_);
}

std::uint16_t GuardRelay::port() const {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::getsockname(file_, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  return ntohs(own.sin_port);
}

void GuardRelay::drain(SimulatedStation& station) {
  guard::RelayPump pump;
  sockaddr_in from{};
  socklen_t size = sizeof from;
  while (::recvfrom(file_, &pump, sizeof pump, 0, reinterpret_cast<sockaddr*>(&from), &size) ==
         static_cast<ssize_t>(sizeof pump)) {
    size = sizeof from;
    if (pump.magic != guard::kRelayMagic) continue;
    if (!present_ || from.sin_port != guard_.sin_port) seen_tick_ = tick_;
    present_ = true;
    guard_ = from;
    if (pump.tick > seen_tick_) seen_tick_ = pump.tick;
    if (pump.level == level_) continue;
    level_ = pump.level;
    pumped_tick_ = tick_;
    station.pump_relay();
  }
}

void GuardRelay::before_tick(SimulatedStation& station) {
  drain(station);
  while (waits_ && present_ && seen_tick_ + kBehindTicks < tick_) {
    pollfd waiting{file_, POLLIN, 0};
    if (::poll(&waiting, 1, kSilenceMs) <= 0) present_ = false;
    drain(station);
  }
}

void GuardRelay::say_change(const SimulatedStation& station) {
  const bool closed = station.safety().relay_closed;
  if (closed == was_closed_) return;
  was_closed_ = closed;
  fmt::print("medius-sim: relay {} at tick {}; last pumped at {}, last round at {}\n",
             closed ? "closed" : "opened", tick_, pumped_tick_, last_round_tick_);
  std::fflush(stdout);
}

void GuardRelay::after_tick(SimulatedStation& station) {
  ++tick_;
  say_change(station);
  if (!present_) return;
  guard::RelayTime time;
  time.tick = tick_;
  static_cast<void>(::sendto(file_, &time, sizeof time, 0,
                             reinterpret_cast<const sockaddr*>(&guard_), sizeof guard_));
}

}  // namespace medius::sim
