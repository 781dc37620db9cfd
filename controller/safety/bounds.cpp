// The compiled-in bounds of each machine, and how a configuration tightens them.
#include <algorithm>

#include "controller/safety/kernel.hpp"
#include "controller/safety/limits.hpp"

namespace medius::safety {
namespace {

constexpr std::int64_t kMsNs = 1'000'000;

// ---- compiled-in bounds, each with its reason ----------------------------------------------
constexpr AxisBounds kCableBounds = {
    .force_max = 600.0,         // ankle loads are 20-90 N, pad loads to 400 N
    .brake_force_max = 150.0,   // what the release results were reached with
    .felt_rise_per_s = 500.0,   // in a repetition; as 0.5 N a tick it keeps the 2 N a tick too
    .felt_fall_per_s = 4000.0,  // 4 N a tick; faster only under R3 and R4
    // A friction reversal moves the word by 18 N in 25 ms; fourteen times that leaves force control
    // its room and still spreads a jump over the whole scale across 60 ms.
    .torque_slew_per_tick = 10.0,
    .correction_max = 240.0,    // 0.4 x F_max
    .correction_floor = 20.0,   // friction without load: 5 N + 10 N s/m x 1.2 m/s, and a fifth more
    .outward_hold_speed = 2.5,  // a lift faster than this is a jump
    .governor_speed = 0.8,      // above every training tempo's return
    .governor_gain = 400.0,
    .overspeed_trip = 1.5,           // invariant: what a limb may meet
    .release_force_fraction = 0.35,  // no false trip in any tempo tried
    .release_speed = 0.25,           // faster than the cuff's recoil at a turn
    .release_confirm_ticks = 3,      // 900 N on 8 kg reaches 1.1 m/s after 10 ms: no time for more
    .slack_speed = 0.15,             // half of the 0.3 m/s allowed without user load
    .slack_gain = 120.0,             // 2.6 kg of drive follow within 22 ms
    .slack_pull_max = 20.0,          // reel-in beats drive friction and cannot hurt a hand
    .pretension_max = 30.0,          // half the contact limit for a face
    .eccentric_ratio_max = 2.0,      // the law's own range ends here
    // Above a tremor of +/- 10 mm, below 70 % of the shortest repetition counted (30 mm).
    .refill_rise = 0.0205,
    .freeze_age_ns = 10 * kMsNs,  // ten lost rounds of a 1 ms bus
    .unload_age_ns = 20 * kMsNs,
    .panel_age_ns = 60 * kMsNs,  // panels answer every few bus cycles
};

using Field = double AxisBounds::*;
using Bounds = AxisBounds;

constexpr Field kForces[] = {&Bounds::brake_force_max,     &Bounds::felt_rise_per_s,
                             &Bounds::felt_fall_per_s,     &Bounds::correction_floor,
                             &Bounds::slack_pull_max,      &Bounds::pretension_max,
                             &Bounds::torque_slew_per_tick};
constexpr Field kLengths[] = {&Bounds::outward_hold_speed, &Bounds::governor_speed,
                              &Bounds::overspeed_trip,     &Bounds::release_speed,
                              &Bounds::slack_speed,        &Bounds::refill_rise};
// A lower value of these is always the safer one; the others brake, detect, or also lower the word.
constexpr Field kConfigurable[] = {&Bounds::felt_rise_per_s,    &Bounds::outward_hold_speed,
                                   &Bounds::governor_speed,     &Bounds::overspeed_trip,
                                   &Bounds::slack_speed,        &Bounds::pretension_max,
                                   &Bounds::eccentric_ratio_max};

constexpr AxisBounds lever_bounds() {
  AxisBounds b = kCableBounds;
  for (const Field force : kForces) b.*force *= kPadLeverM;
  for (const Field length : kLengths) b.*length /= kPadLeverM;
  b.force_max = 250.0;  // an arm
  b.correction_max = 0.4 * b.force_max;
  b.governor_gain *= kPadLeverM * kPadLeverM;
  b.slack_gain *= kPadLeverM * kPadLeverM;
  return b;
}

constexpr AxisBounds kLeverBounds = lever_bounds();

// two and four bus cycles may be longer than the defaults, up to these.
constexpr std::int64_t kFreezeAgeMaxNs = 30 * kMsNs;
constexpr std::int64_t kUnloadAgeMaxNs = 60 * kMsNs;

}  // namespace

AxisBounds machine_bounds(hal::CoordinateKind kind) noexcept {
  return kind == hal::CoordinateKind::kCable ? kCableBounds : kLeverBounds;
}

AxisBounds tightened(const AxisBounds& machine, const AxisBounds& configured) noexcept {
  AxisBounds b = machine;
  for (const Field field : kConfigurable) b.*field = smaller(machine.*field, configured.*field);
  b.freeze_age_ns = std::clamp(configured.freeze_age_ns, std::int64_t{0}, kFreezeAgeMaxNs);
  b.unload_age_ns = std::clamp(configured.unload_age_ns, std::int64_t{0}, kUnloadAgeMaxNs);
  b.panel_age_ns = std::clamp(configured.panel_age_ns, std::int64_t{0}, kUnloadAgeMaxNs);
  // A released mass gains energy with the square of force x time: their product stays what it is.
  const double share =
      static_cast<double>(machine.unload_age_ns) / static_cast<double>(b.unload_age_ns);
  b.force_max = smaller(bound(machine.force_max) * at_most(share, 1.0), configured.force_max);
  return b;
}

}  // namespace medius::safety
