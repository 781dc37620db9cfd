// A charge pump on a line of a GPIO chip, through libgpiod (version 1).
#include <fmt/format.h>

#include "hal/guard/safe_output.hpp"

#ifdef MEDIUS_HAS_GPIOD
#include <cerrno>
#include <system_error>

#include <gpiod.h>
#endif

namespace medius::guard {

#ifdef MEDIUS_HAS_GPIOD
namespace {

class GpioPump final : public SafeOutput {
 public:
  GpioPump(gpiod_chip* chip, gpiod_line* line) : chip_(chip), line_(line) {}
  ~GpioPump() override {
    starve();
    ::gpiod_chip_close(chip_);  // releases the line
  }
  GpioPump(const GpioPump&) = delete;
  GpioPump& operator=(const GpioPump&) = delete;

  bool pump() noexcept override {
    level_ = 1 - level_;
    return ::gpiod_line_set_value(line_, level_) == 0;
  }
  void starve() noexcept override {
    level_ = 0;
    static_cast<void>(::gpiod_line_set_value(line_, level_));
  }

 private:
  gpiod_chip* chip_;
  gpiod_line* line_;
  int level_ = 0;
};

}  // namespace

tl::expected<std::unique_ptr<SafeOutput>, std::string> open_gpio(const std::string& chip,
                                                                 int line) {
  const auto failure = [&](const char* what) {
    const int error = errno;
    return tl::make_unexpected(
        fmt::format("gpio {} line {}: {} failed ({}); name a chip and a free line of it that this "
                    "user may drive (gpioinfo lists them)",
                    chip, line, what, std::generic_category().message(error)));
  };
  gpiod_chip* const opened = ::gpiod_chip_open(chip.c_str());
  if (opened == nullptr) return failure("opening the chip");
  gpiod_line* const got = ::gpiod_chip_get_line(opened, static_cast<unsigned int>(line));
  if (got == nullptr || ::gpiod_line_request_output(got, "medius-guard", 0) != 0) {
    auto result = failure("taking the line as an output");
    ::gpiod_chip_close(opened);
    return result;
  }
  return std::unique_ptr<SafeOutput>(std::make_unique<GpioPump>(opened, got));
}

#else

tl::expected<std::unique_ptr<SafeOutput>, std::string> open_gpio(const std::string& chip,
                                                                 int line) {
  return tl::make_unexpected(
      fmt::format("gpio {} line {}: this build has no libgpiod; install libgpiod-dev, build again, "
                  "or use output = \"serial\"",
                  chip, line));
}

#endif

}  // namespace medius::guard
