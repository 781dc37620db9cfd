#include "sim/faults/mishaps.hpp"

namespace medius::sim {

bool befall(SimulatedStation& machine, const ActiveFault& fault) noexcept {
  const double intensity = fault.intensity;
  switch (fault.injector) {
    case Injector::kRelease:
      machine.release_handle(fault.axis);
      return true;
    case Injector::kJam:
      machine.suffer(Mishap::kJam, fault.axis, 100.0 + 300.0 * intensity);
      return true;
    case Injector::kCableCut:
      machine.suffer(Mishap::kCableCut, fault.axis, 0.0);
      return true;
    case Injector::kHooked:
      machine.suffer(Mishap::kHooked, fault.axis, 0.0);
      return true;
    case Injector::kWeak:
      machine.suffer(Mishap::kWeak, fault.axis, 0.7 * (1.0 - intensity));
      return true;
    case Injector::kWalksIn:
      machine.suffer(Mishap::kWalksIn, fault.axis, 0.5 + 0.4 * intensity);
      return true;
    case Injector::kSlack:
      machine.suffer(Mishap::kWalksIn, fault.axis, 0.05 + 0.1 * intensity);
      return true;
    case Injector::kStopsLifting:
      machine.suffer(Mishap::kStopsLifting, fault.axis, 0.0);
      return true;
    case Injector::kEstop:
      machine.press_estop(true);
      return true;
    default:
      return false;
  }
}

void mend(SimulatedStation& machine) noexcept {
  machine.press_estop(false);
  for (std::size_t axis = 0; axis < machine.axis_count(); ++axis) {
    machine.suffer(Mishap::kNone, axis, 0.0);
  }
}

}  // namespace medius::sim
