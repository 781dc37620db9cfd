// The safe-state output: what holds the relay, and lets it go by itself when nobody pumps. Each
// real one is a charge pump, since a level stays as it is when its process dies.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "hal/guard/guard_file.hpp"

namespace medius::guard {

class SafeOutput {
 public:
  virtual ~SafeOutput() = default;
  // [guard] One half wave of the pump. False when the device did not take it.
  [[nodiscard]] virtual bool pump() noexcept = 0;
  // [guard] Nothing is pumped: the relay opens by itself; may take down a level at once.
  virtual void starve() noexcept = 0;
};

// With a simulated machine the output is also the clock: the guard looks once a tick of the plant.
class SimulatedRelay : public SafeOutput {
 public:
  // [guard] Waits for the plant's next tick; false when none came within `timeout_ms`.
  [[nodiscard]] virtual bool wait_tick(int timeout_ms) noexcept = 0;
  // [guard] The plant's time, with everything that has arrived.
  [[nodiscard]] virtual std::int64_t clock_ns() noexcept = 0;
  // [guard] Ends a look: tells the plant that the guard has seen its time.
  virtual void answer() noexcept = 0;
};

// Errors: the device cannot be used, in one sentence.
[[nodiscard]] tl::expected<std::unique_ptr<SafeOutput>, std::string> open_output(
    const GuardFile& guard);
// ADDRESS:PORT of medius-sim's relay.
[[nodiscard]] tl::expected<std::unique_ptr<SimulatedRelay>, std::string> open_simulated_relay(
    const std::string& device);
[[nodiscard]] tl::expected<std::unique_ptr<SafeOutput>, std::string> open_gpio(
    const std::string& chip, int line);

}  // namespace medius::guard
