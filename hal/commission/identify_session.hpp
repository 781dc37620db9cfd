// The loop of an identification: bus image in, watch, excitation, bus image out, a thousand times a
// second.
#pragma once

#include <vector>

#include "hal/commission/identify.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal {

struct SessionRecord {
  std::vector<MotionSample> motion;   // of the strokes
  std::vector<CommandStep> commands;  // of the whole run
  std::vector<RecordedTick> ticks;    // every 5 ms
  std::vector<double> rest_cell;      // load cell without load, before the drive was enabled
  std::vector<double> ages_ms;
  std::vector<double> cycles_ms;
  double velocity_product = 0.0, velocity_squares = 0.0;  // drive's speed against the position's
  ExcitationResult excitation;
  double speed_reached = 0.0, force_reached = 0.0;
  std::string stopped;        // why it ended early; empty: it did not
  bool moved_at_all = false;  // the drive had been enabled
};

struct SessionOptions {
  std::size_t axis = 0;
  ExcitationConfig excitation;
  // As the drive will understand it: a coarse register rounds the force.
  modbus::RegisterSpec force_register;
  double rated_force = 0.0;
  bool lockstep = false;
  bool panel_is_there = true;
  int fifo_priority = 0;  // 0: normal scheduling
};

[[nodiscard]] SessionRecord run_session(
    modbus::MachineBus& bus, const SessionOptions& options,
    const std::function<bool(const std::string& what, double share)>& progress);

}  // namespace medius::hal
