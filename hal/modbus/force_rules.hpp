// What a drive on its link may pull, decided from descriptor and machine file alone: refusals, and
// reductions of the force limit with their reasons.
#pragma once

#include "hal/modbus/bus_plan.hpp"

namespace medius::hal::modbus {

// Up to this force the controller alone holds a released handle, without the drive's own speed
// limit or a short watchdog.
inline constexpr double kReducedForceCable = 200.0;
// The same share of the lever's largest moment (250 Nm against 600 N).
inline constexpr double kReducedForceLever = 83.0;
inline constexpr double kWatchdogFullForceS = 0.050;  // of force while nobody commands
inline constexpr double kWatchdogReducedS = 0.200;

[[nodiscard]] constexpr double reduced_force(CoordinateKind kind) noexcept {
  return kind == CoordinateKind::kCable ? kReducedForceCable : kReducedForceLever;
}
[[nodiscard]] constexpr const char* force_unit(CoordinateKind kind) noexcept {
  return kind == CoordinateKind::kCable ? "N" : "Nm";
}

// `mass`: reflected, kg | kg m2; 0 = not known, then the lightest of the common machines is taken.
// Fills force_cap and reductions. Throws BusError where the drive is refused for force; `where`
// names file and device.
void apply_force_rules(const std::string& where, const LinkPlan& link, DevicePlan& device,
                       double mass, bool relay_stands_in);

// Throws BusError when one exchange alone is too slow for force.
void check_drive_exchange(const std::string& where, const LinkPlan& link, const DevicePlan& device);

// The most force whose release the controller still catches below 1.2 m/s (levers: 3 rad/s, the
// same at a pad 0.4 m from the hip): F = m v / t. t is the sample's age (p99), the samples that
// confirm a release, and one cycle until the new set-point is out.
[[nodiscard]] double releasable_force(const LinkPlan& link, const DevicePlan& device,
                                      double mass) noexcept;

}  // namespace medius::hal::modbus
