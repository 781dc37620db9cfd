// An active profile as the loop calls it. Created and destroyed on control (station/plugin_host),
// called on rt only; swapped only at rest.
#pragma once

#include <array>
#include <cstdint>

#include "plugins/abi/medius/plugin.h"

namespace medius::rt {

inline constexpr int kMaxParameterEvents = 32;  // a tick; more wait for the next tick

struct ProfileOutput {
  double force = 0.0;  // the wish, unchecked
  bool ok = false;     // step() returned MEDIUS_STEP_OK
  // Of a profile that commands motion; `force` is then the most it may be held with.
  double velocity = 0.0;
  double force_min = 0.0;
};

class ProfileInstance {
 public:
  virtual ~ProfileInstance() = default;  // [control] deactivates and destroys the plugin's instance

  // [rt] One tick of the plugin. Host-side slews of parameters happen here.
  virtual ProfileOutput step(const medius_step_in_t& input) noexcept = 0;
  // [any] The wish is a speed within a force, not a force.
  [[nodiscard]] virtual bool commands_motion() const noexcept { return false; }
  // [rt] Drops run-time state.
  virtual void reset() noexcept = 0;
  // [rt] Queues a parameter change for the next step(); false when 32 are waiting.
  virtual bool queue_parameter(std::uint32_t parameter_id, double value) noexcept = 0;
};

}  // namespace medius::rt
