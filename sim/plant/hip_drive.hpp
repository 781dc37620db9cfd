// The muscles about a hip from one tick of the person to the next: what they are told is constant,
// their impedance about the intended path acts at every plant step.
#pragma once

#include "controller/base/clamp.hpp"

namespace medius::sim {

// As constructed: a limp hip.
struct HipDrive {
  double muscle_nm = 0.0, stiffness_nmprad = 0.0, damping_nmsprad = 0.0;
  double reference_rad = 0.0, reference_radps = 0.0;  // the intended path
  double least_nm = 0.0, most_nm = 0.0;               // what the muscles can give either way
  double passive_nm = 0.0;                            // what the tissues take of it
  double push_nm = 0.0;                               // of the body, beside the muscles
  double torque_nm = 0.0;                             // of the last step, without the push

  // [any] Hip torque for one plant step of `dt_s`. Muscle and impedance together stay within what
  // the person has: a weak lifter must sink.
  [[nodiscard]] double next(double angle_rad, double velocity_radps, double dt_s) noexcept {
    const double wanted_nm = muscle_nm + stiffness_nmprad * (reference_rad - angle_rad) +
                             damping_nmsprad * (reference_radps - velocity_radps);
    reference_rad += reference_radps * dt_s;
    torque_nm = clamped(wanted_nm, least_nm, most_nm) - passive_nm;
    return torque_nm + push_nm;
  }
};

}  // namespace medius::sim
