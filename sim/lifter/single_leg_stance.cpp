#include "sim/lifter/single_leg_stance.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "sim/lifter/pelvis_tilt.hpp"
#include "sim/lifter/strength.hpp"

namespace medius::sim {
namespace {

constexpr double kGravity = 9.81;
// All but the standing leg, which is a sixth of the body, hangs on the standing hip. Its weight
// acts half the distance between the hips (0.09 m) beside it and, with the raised leg, a little
// further.
constexpr double kCarriedShare = 5.0 / 6.0;
constexpr double kLeverM = 0.10;
constexpr double kSwayRad = 0.005;
constexpr double kSwayShare[2] = {0.7, 0.3};
constexpr double kSwayHz[2] = {0.23, 0.61};

double phase_of(std::uint64_t seed, int which) noexcept {
  const auto turn = static_cast<double>((seed >> (16 * which)) & 0xffffu) / 65536.0;
  return 2.0 * det::kPi * turn;
}

}  // namespace

SingleLegStance::SingleLegStance(const LifterConfig& leg)
    : leg_(leg),
      fatigue_rates_{leg.fatigue_f, leg.fatigue_r, leg.fatigue_rest},
      sway_{Oscillator(kSwayHz[0], phase_of(leg.seed, 0), kTickPeriodS),
            Oscillator(kSwayHz[1], phase_of(leg.seed, 1), kTickPeriodS)} {}

void SingleLegStance::tick(bool on_one_leg) noexcept {
  double target_rad = 0.0;
  double share = 0.0;
  if (on_one_leg) {
    const double demand_nm = kCarriedShare * leg_.body.mass_kg * kGravity * kLeverM;
    const double rested = leg_.fatigue ? 1.0 - fatigue_.fatigued : 1.0;
    const double capacity_nm =
        at_least(leg_.isometric_torque_nm * angle_factor(leg_.angle_curve, 0.0) * rested, 1.0);
    share = clamped(demand_nm / capacity_nm, 0.0, 1.0);
    const double gives_way = clamped((share - kTiltFrom) / (1.0 - kTiltFrom), 0.0, 1.0);
    const double sway_rad =
        kSwayRad * (kSwayShare[0] * sway_[0].next() + kSwayShare[1] * sway_[1].next());
    target_rad = kTiltRadPerNm * demand_nm + leg_.pelvic_drop_max_rad * gives_way + sway_rad;
  }
  step_fatigue(fatigue_rates_, fatigue_, share, kTickPeriodS);
  tilt_rad_ += (kTickPeriodS / kTiltLagS) * (target_rad - tilt_rad_);
}

}  // namespace medius::sim
