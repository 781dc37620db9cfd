#include "sim/machine/simulated_station.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/lifter/single_leg_stance.hpp"
#include "sim/machine/cable_machine.hpp"
#include "sim/machine/linked_machine.hpp"
#include "sim/machine/seated_machine.hpp"
#include "sim/plant/linked_arms.hpp"

namespace medius::sim {
namespace {

constexpr int kRelayHoldTicks = 50;  // the hold must come again within 50 ms
// A 2 kN cell, at the pad of a lever as torque.
constexpr double kLoadCellRailN = 2000.0;
// The operator presses reset once a controller has been talking for a moment: a press nobody
// listens to would be lost.
constexpr int kResetAfterWrites = 100;
constexpr int kResetPressTicks = 200;
constexpr int kPelvisSampleTicks = 10;
// The charge pump's capacitor and the relay's release together: with the guard's 5 ms the torque is
// gone within 20 ms.
constexpr int kPumpHoldTicks = 10;

}  // namespace

void make_seated(SimulatedStationConfig& config) {
  config.machine = SimulatedMachine::kSeated;
  config.drive.rated_force_n = 130.0;
  config.drive.force_limit_n = 250.0;
  config.drive.speed_limit_mps = 1.5 / config.lever.pad_lever_m;  // 1.5 m/s at the pad
  config.drive.unload_ramp_s = 0.045;
  for (std::size_t leg = 0; leg < 2; ++leg) {
    LifterConfig& lifter = config.person.lifter[leg];
    config.person.leg[leg] = seated_leg(lifter.body);
    lifter.pad_lever_m = config.lever.pad_lever_m;
    lifter.leg_inertia_kgm2 = config.person.leg[leg].inertia_kgm2;
    lifter.leg_gravity_moment_kgm = 0.0;  // the seat carries the legs
  }
}

void make_seated_linked(SimulatedStationConfig& config) {
  make_seated(config);
  config.machine = SimulatedMachine::kSeatedLinked;
  config.drive.rated_force_n *= 2.0;  // the force limit stays: it is the machine's
  config.lever = linked_arms(config.lever);
}

struct SimulatedStation::State {
  explicit State(const SimulatedStationConfig& c) : config(c) {
    if (c.machine == SimulatedMachine::kSeatedLinked) {
      auto machine = std::make_unique<LinkedMachine>(c);
      linked = machine.get();
      mechanics = std::move(machine);
      load_cell_rail *= c.lever.pad_lever_m;
    } else if (c.machine == SimulatedMachine::kSeated) {
      auto machine = std::make_unique<SeatedMachine>(c);
      seated = machine.get();
      mechanics = std::move(machine);
      load_cell_rail *= c.lever.pad_lever_m;
    } else {
      auto machine = std::make_unique<CableMachine>(c);
      cable = machine.get();
      mechanics = std::move(machine);
    }
    axes.assign(c.machine == SimulatedMachine::kSeated ? 2 : 1, Axis{});
    drives.assign(axes.size(), SimulatedDrive(c.drive));
  }

  [[nodiscard]] bool relay_closed() const noexcept {
    return !estop_pressed && relay_held && ticks_since_hold <= kRelayHoldTicks &&
           (!guard_fitted || ticks_since_pump <= kPumpHoldTicks);
  }
  // Both channels follow the safe-state relay, which follows the e-stop chain.
  [[nodiscard]] bool sto() const noexcept { return !relay_closed(); }
  [[nodiscard]] std::size_t known(std::size_t axis) const noexcept {
    return axis < axes.size() ? axis : axes.size() - 1;
  }
  [[nodiscard]] std::size_t holds() const noexcept {
    return linked != nullptr ? std::size_t{kMostLegs} : axes.size();
  }
  [[nodiscard]] std::size_t known_hold(std::size_t hold) const noexcept {
    return hold < holds() ? hold : holds() - 1;
  }
  [[nodiscard]] hal::LoadCellInput cell_at(double force) const noexcept {
    hal::LoadCellInput cell;
    cell.force = clamped(force, -load_cell_rail, load_cell_rail);
    cell.saturated = cell.force != force;
    return cell;
  }

  void step_panel() noexcept;
  void measure() noexcept;
  void step_stances() noexcept;
  void sample_pelvis() noexcept;

  struct Axis {
    hal::DriveInput drive;
    hal::LoadCellInput load_cell;
    std::array<hal::LoadCellInput, hal::kPads> pad{};
  };

  SimulatedStationConfig config;
  std::unique_ptr<Mechanics> mechanics;
  CableMachine* cable = nullptr;  // whichever of the three the mechanics are
  SeatedMachine* seated = nullptr;
  LinkedMachine* linked = nullptr;
  std::vector<Axis> axes;
  std::vector<SimulatedDrive> drives;
  double load_cell_rail = kLoadCellRailN;

  std::int64_t ticks = 0;
  int ticks_since_hold = kRelayHoldTicks + 1;
  int ticks_since_pump = kPumpHoldTicks + 1;
  bool guard_fitted = false;
  bool relay_held = false;
  bool estop_pressed = false;
  int reset_ticks = 0;  // left of a press
  bool stop_pressed = false, key_on = true, dead_man_held = false;
  int writes = 0;
  std::vector<SingleLegStance> stances;  // left, right; empty until somebody stood on one leg
  int standing_leg = 0;
  double pelvic_tilt_rad = 0.0;
  std::uint32_t pelvis_samples = 0;
};

void SimulatedStation::State::step_panel() noexcept {
  if (ticks_since_hold <= kRelayHoldTicks) ++ticks_since_hold;
  if (ticks_since_pump <= kPumpHoldTicks) ++ticks_since_pump;
  if (reset_ticks > 0) --reset_ticks;
}

void SimulatedStation::State::measure() noexcept {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const AxisReading reading = mechanics->reading(i);
    const SimulatedDrive& drive = drives[i];
    hal::DriveInput& input = axes[i].drive;
    input.position = reading.position;
    input.velocity = reading.velocity;
    input.force = reading.drive_force;
    input.force_limit = drive.force_limit_n();
    input.speed_limit = drive.speed_limit_mps();
    input.temperature_c = 35.0;
    input.bus_voltage_v = 310.0;
    input.state = drive.state();
    input.statusword = drive.statusword(sto());
    input.error_code = drive.error_code();
    input.mode_display = drive.mode();
    input.sto_active = sto();
    input.watchdog_tripped = drive.watchdog_tripped();
    if (linked != nullptr) {
      for (std::size_t pad = 0; pad < reading.pad.size(); ++pad) {
        axes[i].pad[pad] = cell_at(reading.pad[pad]);
      }
      axes[i].load_cell = hal::both_pads(axes[i].pad);
    } else {
      axes[i].load_cell = cell_at(reading.load_cell);
    }
  }
}

void SimulatedStation::State::step_stances() noexcept {
  for (std::size_t leg = 0; leg < stances.size(); ++leg) {
    stances[leg].tick(standing_leg == static_cast<int>(leg) + 1);
  }
}

void SimulatedStation::State::sample_pelvis() noexcept {
  if (!config.pelvis_sensor || ticks % kPelvisSampleTicks != 0) return;
  pelvic_tilt_rad = mechanics->lifter(0).pelvic_tilt_rad;
  for (const SingleLegStance& stance : stances) pelvic_tilt_rad += stance.tilt_rad();
  ++pelvis_samples;
}

SimulatedStation::SimulatedStation(const SimulatedStationConfig& config)
    : state_(std::make_unique<State>(config)) {
  state_->measure();
}
SimulatedStation::~SimulatedStation() = default;

void SimulatedStation::step_tick() noexcept {
  State& s = *state_;
  ++s.ticks;
  s.step_panel();
  for (std::size_t i = 0; i < s.drives.size(); ++i) {
    s.drives[i].step(s.sto(), s.axes[i].drive.force);
  }
  s.mechanics->step_tick(s.drives);
  s.measure();
  s.step_stances();
  s.sample_pelvis();
}

bool SimulatedStation::rest(double seconds) noexcept {
  for (const SimulatedDrive& drive : state_->drives) {
    if (drive.powered()) return false;
  }
  return state_->mechanics->rest(seconds);
}

double SimulatedStation::time_s() const noexcept {
  return static_cast<double>(state_->ticks) * kTickPeriodS;
}

std::size_t SimulatedStation::axis_count() const noexcept {
  return state_->axes.size();
}

std::size_t SimulatedStation::hold_count() const noexcept {
  return state_->holds();
}

hal::CoordinateKind SimulatedStation::coordinate() const noexcept {
  return state_->cable == nullptr ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable;
}

void SimulatedStation::write_drive(const DriveCommand& command, std::size_t axis) noexcept {
  State& s = *state_;
  const std::size_t at = s.known(axis);
  s.drives[at].write(command);
  // A drive reports mode and limits as soon as they are written.
  s.axes[at].drive.mode_display = s.drives[at].mode();
  s.axes[at].drive.force_limit = s.drives[at].force_limit_n();
  s.axes[at].drive.speed_limit = s.drives[at].speed_limit_mps();
  if (at == 0 && s.writes <= kResetAfterWrites && ++s.writes == kResetAfterWrites &&
      s.config.person.presses_reset_at_start) {
    s.reset_ticks = kResetPressTicks;
  }
}

void SimulatedStation::write_relay(bool hold) noexcept {
  state_->relay_held = hold;
  if (hold) state_->ticks_since_hold = 0;
}

void SimulatedStation::fit_guard() noexcept {
  state_->guard_fitted = true;
}

void SimulatedStation::pump_relay() noexcept {
  state_->ticks_since_pump = 0;
}

const hal::DriveInput& SimulatedStation::drive(std::size_t axis) const noexcept {
  return state_->axes[state_->known(axis)].drive;
}
const hal::LoadCellInput& SimulatedStation::load_cell(std::size_t axis) const noexcept {
  return state_->axes[state_->known(axis)].load_cell;
}
const hal::LoadCellInput& SimulatedStation::pad_cell(std::size_t pad) const noexcept {
  return state_->axes[0].pad[pad < hal::kPads ? pad : 0];
}
bool SimulatedStation::linked() const noexcept {
  return state_->linked != nullptr;
}

hal::PanelInput SimulatedStation::panel() const noexcept {
  hal::PanelInput panel;
  panel.reset_pressed = state_->reset_ticks > 0;
  panel.key_on = state_->key_on;
  panel.dead_man_held = state_->dead_man_held;
  panel.stop_pressed = state_->stop_pressed;
  return panel;
}

hal::SafetyInput SimulatedStation::safety() const noexcept {
  hal::SafetyInput safety;
  safety.estop_released = !state_->estop_pressed;
  safety.relay_closed = state_->relay_closed();
  return safety;
}

hal::PelvisInput SimulatedStation::pelvis() const noexcept {
  hal::PelvisInput pelvis;
  pelvis.tilt_rad = state_->pelvic_tilt_rad;
  pelvis.present = state_->config.pelvis_sensor;
  return pelvis;
}
std::uint32_t SimulatedStation::pelvis_samples() const noexcept {
  return state_->pelvis_samples;
}

double SimulatedStation::watchdog_s(std::size_t axis) const noexcept {
  return state_->drives[state_->known(axis)].watchdog_s();
}
bool SimulatedStation::limit_active(std::size_t axis) const noexcept {
  return state_->drives[state_->known(axis)].limit_active();
}

void SimulatedStation::press_reset(double seconds) noexcept {
  state_->reset_ticks = static_cast<int>(clamped(seconds, 0.0, 60.0) / kTickPeriodS + 0.5);
}
void SimulatedStation::press_stop(bool pressed) noexcept {
  state_->stop_pressed = pressed;
}
void SimulatedStation::turn_key(bool on) noexcept {
  state_->key_on = on;
}
void SimulatedStation::hold_dead_man(bool held) noexcept {
  state_->dead_man_held = held;
}
void SimulatedStation::press_estop(bool pressed) noexcept {
  state_->estop_pressed = pressed;
}

void SimulatedStation::stand_on_leg(int side) noexcept {
  State& s = *state_;
  if (side != 0 && s.stances.empty()) {
    for (const LifterConfig& leg : s.config.person.lifter) s.stances.emplace_back(leg);
  }
  s.standing_leg = side;
}

void SimulatedStation::release_handle(std::size_t hold) noexcept {
  state_->mechanics->release(state_->known_hold(hold));
}
void SimulatedStation::grip(std::size_t hold) noexcept {
  state_->mechanics->grip(state_->known_hold(hold));
}

bool SimulatedStation::held(std::size_t hold) const noexcept {
  return state_->mechanics->held(state_->known_hold(hold));
}

bool SimulatedStation::suffer(Mishap mishap, std::size_t axis, double amount) noexcept {
  return state_->mechanics->suffer(mishap, state_->known(axis), amount);
}

void SimulatedStation::fail_drive(std::size_t axis) noexcept {
  constexpr std::uint16_t kOvercurrent = 0x2310;  // CiA 402 603Fh
  state_->drives[state_->known(axis)].fail(kOvercurrent);
}

HandleTruth SimulatedStation::handle(std::size_t axis) const noexcept {
  return state_->mechanics->handle(state_->known(axis));
}
const LifterTruth& SimulatedStation::lifter_truth(std::size_t hold) const noexcept {
  return state_->mechanics->lifter(state_->known_hold(hold));
}
const std::vector<SetTruth>& SimulatedStation::set_truth(std::size_t hold) const noexcept {
  return state_->mechanics->sets(state_->known_hold(hold)).sets();
}

const CableTruth& SimulatedStation::truth() const noexcept {
  static const CableTruth at_rest;
  return state_->cable != nullptr ? state_->cable->truth() : at_rest;
}
const MotionRig& SimulatedStation::rig() const noexcept {
  static const MotionRig at_rest{RigConfig{}};
  if (state_->seated != nullptr) return state_->seated->rig();
  if (state_->linked != nullptr) return state_->linked->rig();
  return state_->cable != nullptr ? state_->cable->rig() : at_rest;
}
void SimulatedStation::start_rig() noexcept {
  if (state_->cable != nullptr) state_->cable->start_rig();
  if (state_->seated != nullptr) state_->seated->start_rig();
  if (state_->linked != nullptr) state_->linked->start_rig();
}
const LeverTruth& SimulatedStation::lever_truth(std::size_t axis) const noexcept {
  static const LeverTruth at_rest;
  if (state_->linked != nullptr) return state_->linked->truth();
  return state_->seated != nullptr ? state_->seated->truth(state_->known(axis)) : at_rest;
}

std::uint64_t SimulatedStation::state_hash() const noexcept {
  TraceHash hash;
  hash.add(state_->mechanics->state_hash());
  for (const SimulatedDrive& drive : state_->drives) {
    hash.add(drive.force_n());
    hash.add(static_cast<std::uint64_t>(drive.state()));
  }
  hash.add(static_cast<std::uint64_t>(state_->ticks));
  return hash.value();
}

}  // namespace medius::sim
