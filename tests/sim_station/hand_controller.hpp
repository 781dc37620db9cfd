// A controller worked by hand: enough to bring the simulated drive up and put a force on the
// person.
#pragma once

#include "controller/base/clamp.hpp"
#include "hal/modbus/cia402.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class HandController {
 public:
  explicit HandController(SimulatedStation& station) : station_(station) {}

  hal::DriveRequest request = hal::DriveRequest::kEnable;
  double force_n = 0.0;  // where the force goes, by a ramp
  double ramp_nps = 60.0;
  double force_limit_n = 600.0;
  double speed_limit_mps = 1.5;
  double watchdog_s = 0.05;
  bool hold_relay = true;
  bool talks = true;  // false: no telegrams at all

  void tick() {
    if (talks) {
      const double step = ramp_nps * 1e-3;
      applied_n_ += clamped(force_n - applied_n_, -step, step);
      DriveCommand command;
      command.controlword = hal::cia402_controlword(station_.drive().state, request);
      if (command.controlword == hal::kControlFaultReset) {
        command.controlword = pulse_.shape(command.controlword, 5);
      }
      command.mode = hal::kModeCyclicTorque;
      command.force_n = applied_n_;
      command.force_limit_n = force_limit_n;
      command.speed_limit_mps = speed_limit_mps;
      command.watchdog_s = watchdog_s;
      station_.write_drive(command);
      station_.write_relay(hold_relay);
    }
    station_.step_tick();
  }

  void run(double seconds) {
    for (int i = 0; i < static_cast<int>(seconds * 1000.0 + 0.5); ++i) tick();
  }
  // True when the condition held within the time.
  template <typename Condition>
  bool run_until(Condition condition, double limit_s) {
    for (int i = 0; i < static_cast<int>(limit_s * 1000.0); ++i) {
      if (condition()) return true;
      tick();
    }
    return condition();
  }

 private:
  SimulatedStation& station_;
  hal::FaultResetPulse pulse_;
  double applied_n_ = 0.0;
};

}  // namespace medius::sim
