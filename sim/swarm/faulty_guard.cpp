#include "sim/swarm/faulty_guard.hpp"

#include <algorithm>
#include <limits>

namespace medius::sim {

rt::GuardVerdict FaultyGuard::call(rt::ProfileInstance& profile, const medius_step_in_t& input,
                                   rt::ProfileOutput& output) noexcept {
  output = profile.step(input);
  ++ticks_;
  switch (injector_) {
    case Injector::kWishNan:
      output.force = intensity_ < 0.3 ? std::numeric_limits<double>::infinity()
                                      : std::numeric_limits<double>::quiet_NaN();
      break;
    case Injector::kWishHuge:
      output.force = intensity_ < 0.3 ? -1e9 : intensity_ < 0.6 ? 1e9 : 901.0;
      break;
    case Injector::kWishShakes: {
      // 5 to 100 Hz, half of the base load up and down, never beyond it by more.
      const int half_period = std::max(5, static_cast<int>(100.0 * (1.0 - intensity_)));
      output.force += ((ticks_ / half_period) % 2 == 0 ? 0.5 : -0.5) * input.base_force;
      break;
    }
    case Injector::kProfileHangs:
      return rt::GuardVerdict::kOverBudget;
    case Injector::kProfileCrashes:
      return rt::GuardVerdict::kCrashed;
    default:
      break;
  }
  return rt::GuardVerdict::kReturned;
}

}  // namespace medius::sim
