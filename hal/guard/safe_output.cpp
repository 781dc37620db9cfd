#include "hal/guard/safe_output.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace medius::guard {
namespace {

using Failure = tl::unexpected<std::string>;

// For a simulated machine that is looked after but not held.
class NoOutput final : public SafeOutput {
 public:
  bool pump() noexcept override { return true; }
  void starve() noexcept override {}
};

// A charge pump on the transmit line: each byte 0x55 is ten alternating bits, 4800 Hz at 9600
// baud, so that a line that stands still, at whatever level, holds nothing.
class SerialPump final : public SafeOutput {
 public:
  explicit SerialPump(int file) : file_(file) {}
  ~SerialPump() override {
    starve();
    ::close(file_);
  }
  SerialPump(const SerialPump&) = delete;
  SerialPump& operator=(const SerialPump&) = delete;

  bool pump() noexcept override {
    // What is queued would go on pumping after our death: never more than a few bytes, 1 ms each.
    constexpr int kQueuedMost = 3;
    int queued = 0;
    if (::ioctl(file_, TIOCOUTQ, &queued) != 0) return false;
    if (queued >= kQueuedMost) return ++stalled_ < kStalledMost;
    stalled_ = 0;
    const char wave = 0x55;
    return ::write(file_, &wave, 1) == 1;
  }
  void starve() noexcept override { static_cast<void>(::tcflush(file_, TCOFLUSH)); }

 private:
  // A line that takes nothing for 50 ms is not sending: flow control, or unplugged.
  static constexpr int kStalledMost = 100;
  int file_;
  int stalled_ = 0;
};

tl::expected<std::unique_ptr<SafeOutput>, std::string> open_serial(const std::string& device) {
  const auto failure = [&device](const char* what) {
    const int error = errno;
    return Failure(fmt::format("{}: {} failed ({}); name a serial line that this user may write",
                               device, what, std::generic_category().message(error)));
  };
  const int file = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return failure("opening it");
  termios line{};
  if (::tcgetattr(file, &line) != 0) {
    auto result = failure("setting it up as a serial line");
    ::close(file);
    return result;
  }
  ::cfmakeraw(&line);
  line.c_cflag |= CLOCAL;
  line.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS);
  ::cfsetispeed(&line, B9600);
  ::cfsetospeed(&line, B9600);
  if (::tcsetattr(file, TCSANOW, &line) != 0) {
    auto result = failure("setting it to 9600 baud");
    ::close(file);
    return result;
  }
  return std::unique_ptr<SafeOutput>(std::make_unique<SerialPump>(file));
}

}  // namespace

tl::expected<std::unique_ptr<SafeOutput>, std::string> open_output(const GuardFile& guard) {
  if (auto ok = check_output(guard); !ok) return Failure(ok.error());
  switch (guard.output) {
    case OutputKind::kGpio:
      return open_gpio(guard.device, guard.line);
    case OutputKind::kSerial:
      return open_serial(guard.device);
    case OutputKind::kSimulated: {
      auto relay = open_simulated_relay(guard.device);
      if (!relay) return Failure(relay.error());
      return std::unique_ptr<SafeOutput>(std::move(*relay));
    }
    case OutputKind::kNone:
      break;
  }
  return std::unique_ptr<SafeOutput>(std::make_unique<NoOutput>());
}

}  // namespace medius::guard
