// medius-sim's relay: datagrams on the loopback. The plant's ticks are the guard's clock.
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/base/tick.hpp"
#include "hal/guard/relay_wire.hpp"
#include "hal/guard/safe_output.hpp"

namespace medius::guard {
namespace {

using Failure = tl::unexpected<std::string>;

class UdpRelay final : public SimulatedRelay {
 public:
  explicit UdpRelay(int file) : file_(file) {}
  ~UdpRelay() override { ::close(file_); }
  UdpRelay(const UdpRelay&) = delete;
  UdpRelay& operator=(const UdpRelay&) = delete;

  bool pump() noexcept override {
    level_ = 1 - level_;
    return true;
  }
  void starve() noexcept override {}

  bool wait_tick(int timeout_ms) noexcept override {
    if (!greeted_) answer();
    pollfd waiting{file_, POLLIN, 0};
    if (::poll(&waiting, 1, timeout_ms) > 0 && drain()) return true;
    // The machine may have been started anew, or not yet.
    greeted_ = false;
    return false;
  }

  std::int64_t clock_ns() noexcept override {
    static_cast<void>(drain());
    return static_cast<std::int64_t>(tick_) * kTickPeriodNs;
  }

  void answer() noexcept override {
    RelayPump pump;
    pump.level = level_;
    pump.tick = tick_;
    greeted_ = ::send(file_, &pump, sizeof pump, MSG_DONTWAIT) == sizeof pump;
  }

 private:
  bool drain() noexcept {
    bool any = false;
    RelayTime time;
    while (::recv(file_, &time, sizeof time, MSG_DONTWAIT) == sizeof time) {
      if (time.magic != kRelayMagic) continue;
      tick_ = time.tick;
      any = true;
    }
    return any;
  }

  int file_;
  std::uint64_t tick_ = 0;
  std::uint32_t level_ = 0;
  bool greeted_ = false;
};

}  // namespace

tl::expected<std::unique_ptr<SimulatedRelay>, std::string> open_simulated_relay(
    const std::string& device) {
  const std::size_t colon = device.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::uint16_t port = 0;
  bool well = colon != std::string::npos &&
              ::inet_pton(AF_INET, device.substr(0, colon).c_str(), &to.sin_addr) == 1;
  if (well) {
    const char* const end = device.data() + device.size();
    const auto [stop, error] = std::from_chars(device.data() + colon + 1, end, port);
    well = error == std::errc{} && stop == end && port != 0;
  }
  if (!well) {
    return Failure("simulated relay '" + device +
                   "': write ADDRESS:PORT, as medius-sim --guard-port prints it");
  }
  to.sin_port = htons(port);
  const int file = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0 || ::connect(file, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    const int error = errno;
    if (file >= 0) ::close(file);
    return Failure(
        fmt::format("simulated relay '{}': {}", device, std::generic_category().message(error)));
  }
  return std::unique_ptr<SimulatedRelay>(std::make_unique<UdpRelay>(file));
}

}  // namespace medius::guard
