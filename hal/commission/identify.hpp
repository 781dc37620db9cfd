// Identification of an axis at low force: do torque, position and load cell have the same sign,
// what does the load cell say without load, how heavy is the axis, how much does it rub, how late
// is it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/commission/excitation.hpp"
#include "hal/commission/machine_plan.hpp"
#include "hal/commission/model_fit.hpp"

namespace medius::hal {

struct IdentifyOptions {
  MachineSource source;
  std::string axis;       // empty: the only one
  double seconds = 20.0;  // of strokes
  bool pull = true;       // false: nothing holds the handle; the load cell's sign is not tested
};

enum class SignTest : std::uint8_t { kAgrees, kReversed, kNotSeen };

// For the plot.
struct RecordedTick {
  double time_s = 0.0;
  double position = 0.0, velocity = 0.0;
  double tension = 0.0;
  double force = 0.0;  // commanded, inward
  Stage stage = Stage::kBreakaway;
};

struct IdentifyResult {
  std::string axis;
  bool lever = false;
  bool simulated = false;
  IdentifyLimits limits;
  Estimate cell_zero;                           // what it says without load; sigma: of one reading
  SignTest torque_sign = SignTest::kNotSeen;    // outward force moves outward
  SignTest velocity_sign = SignTest::kNotSeen;  // the drive's speed is its position's
  double velocity_ratio = 0.0;                  // drive's over position's; 1 = same scale
  SignTest cell_sign = SignTest::kNotSeen;      // a pull of the motor is tension
  double pull_force = 0.0, pull_tension = 0.0;
  double breakaway_force = 0.0;
  bool fitted = false;
  ModelFit fit;
  double cycle_ms = 0.0;    // between samples of the drive
  double age_ms_p99 = 0.0;  // of the drive's values in the loop
  double speed_reached = 0.0, force_reached = 0.0;
  std::vector<std::string> findings;  // what is wrong or worth knowing, with the next step
  std::vector<std::string> warnings;  // of the file and of the links
  std::vector<RecordedTick> record;
};

struct IdentifyStop {
  std::string message;
  bool refused = false;  // before anything was moved
};

// Called before anything moves, with what will be done; false ends it. `progress` false likewise.
struct IdentifyCallbacks {
  std::function<bool(const std::string& question)> confirm;
  std::function<bool(const std::string& what, double share)> progress;
};

// [control] Runs the bus and a loop of 1 kHz in this process until it is done.
[[nodiscard]] tl::expected<IdentifyResult, IdentifyStop> identify(
    const IdentifyOptions& options, const IdentifyCallbacks& callbacks);

// The mass for the machine file: rounded up, because below the real one the friction observer is
// unstable, and by no more than 15 %, which costs margin on stiff attachments.
[[nodiscard]] double mass_for_file(const Estimate& mass) noexcept;

[[nodiscard]] std::string identify_text(const IdentifyResult& result);
[[nodiscard]] std::string identify_json(const IdentifyResult& result);
// Position, speed, force and tension over time.
[[nodiscard]] std::string identify_svg(const IdentifyResult& result);

}  // namespace medius::hal
