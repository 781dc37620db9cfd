// The pelvis of somebody who stands on one leg: how far it drops on the other side.
#pragma once

#include <span>

#include "controller/base/det_math.hpp"
#include "controller/measure/metrics.hpp"

namespace medius::measure {

// A pelvis that drops further on the unsupported side is remarked on. A sound stance raises it
// there and keeps it so for 30 s (Hardcastle and Nade, The significance of the Trendelenburg test,
// J Bone Joint Surg Br 67-B, 1985, 741-746); in runners each further degree of drop went with 80 %
// higher odds of being injured (Bramah et al., Am J Sports Med 46, 2018). Neither gives a limit in
// degrees: five are this program's own, more than sway and a belt's shaking make, and no diagnosis.
inline constexpr double kPelvicDropMaxRad = 5.0 * det::kPi / 180.0;
// A step or a shake of the belt is shorter than this.
inline constexpr double kPelvisMeanS = 0.1;

struct PelvicDrop {
  bool sensed = false;  // a sensor measured any of it
  bool known = false;   // ... at least nine tenths of it, and its start
  double drop_rad = 0.0;
  double uncertainty_rad = 0.0;
};

// [any] Of one repetition: largest mean over kPelvisMeanS, over the first such mean.
[[nodiscard]] PelvicDrop pelvic_drop(std::span<const MetricSample> samples, double dt_s) noexcept;

// The single-leg stance: both feet on the floor at first, then one foot is raised, and for half a
// minute the pelvis must not fall on that side; the time until it does is recorded (Hardcastle and
// Nade 1985). The level on both feet is the zero, since a belt never sits quite straight.
struct StanceConfig {
  double level_s = 1.0;  // standing on both feet, before
  double hold_s = 30.0;  // on one
  double drop_max_rad = kPelvicDropMaxRad;
  double confirm_s = 0.5;  // a drop that lasts shorter is a correction of balance
  double dt_s = 1e-3;
};

struct StanceResult {
  bool measured = false;      // nine tenths of the time by a sensor, the start included
  bool held = false;          // the whole time, without a drop that lasted
  bool dropped = false;       // beyond drop_max_rad for confirm_s
  double drop_rad = 0.0;      // largest mean over kPelvisMeanS, over the level
  double mean_rad = 0.0;      // mean drop on one leg
  double stood_s = 0.0;       // recorded time on one leg, at most hold_s
  double until_drop_s = 0.0;  // until the lasting drop began; stood_s without one
};

// [any] `samples` begin with level_s on both feet.
[[nodiscard]] StanceResult single_leg_stance(std::span<const MetricSample> samples,
                                             const StanceConfig& config) noexcept;

}  // namespace medius::measure
