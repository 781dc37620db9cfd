#include "sim/machine/simulated_station.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/machine/person.hpp"
#include "sim/machine/set_truth_tracker.hpp"
#include "sim/machine/simulated_drive.hpp"

namespace medius::sim {
namespace {

constexpr int kRelayHoldTicks = 50;        // the hold must come again within 50 ms
constexpr double kLoadCellRailN = 2000.0;  // a 2 kN cell
// The operator presses reset once a controller has been talking for a moment: a press nobody
// listens to would be lost.
constexpr int kResetAfterWrites = 100;
constexpr int kResetPressTicks = 200;

}  // namespace

struct SimulatedStation::State {
  explicit State(const SimulatedStationConfig& c)
      : config(c),
        plant(c.plant, c.person.leg[first_side(c)]),
        person(c.person),
        drive(c.drive),
        rig(c.rig_config) {
    if (config.rig) plant.set_cuff_end(CuffEnd::kRig);
  }

  static std::size_t first_side(const SimulatedStationConfig& c) {
    return !c.person.plan.empty() && c.person.plan.front().side == 2 ? 1 : 0;
  }

  [[nodiscard]] bool relay_closed() const noexcept {
    return !estop_pressed && relay_held && ticks_since_hold <= kRelayHoldTicks;
  }
  // Both channels follow the safe-state relay, which follows the e-stop chain.
  [[nodiscard]] bool sto() const noexcept { return !relay_closed(); }

  void step_panel() noexcept;
  void step_plant() noexcept;
  void measure() noexcept;

  SimulatedStationConfig config;
  CablePlant plant;
  Person person;
  SimulatedDrive drive;
  MotionRig rig;
  bool rig_started = false;
  SetTruthTracker sets;

  std::int64_t ticks = 0;
  int ticks_since_hold = kRelayHoldTicks + 1;
  bool relay_held = false;
  bool estop_pressed = false;
  int reset_ticks = 0;  // left of a press
  bool stop_pressed = false, key_on = true, dead_man_held = false;
  bool released = false;
  int writes = 0;
  std::size_t leg_side = 0;
  hal::DriveInput drive_input;
  hal::LoadCellInput load_cell_input;
};

void SimulatedStation::State::step_panel() noexcept {
  if (ticks_since_hold <= kRelayHoldTicks) ++ticks_since_hold;
  if (reset_ticks > 0) --reset_ticks;
}

void SimulatedStation::State::step_plant() noexcept {
  plant.command(drive.force_n(), drive.powered());
  plant.set_drive_speed_limit(drive.speed_limit_mps());
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    if (config.rig) {
      if (rig_started) rig.step();
      plant.set_rig(rig.position_m(), rig.velocity_mps(), config.rig_config.stiffness_npm,
                    config.rig_config.damping_nspm, config.rig_config.mass_kg);
      plant.step(0.0);
    } else {
      const CableTruth& truth = plant.truth();
      plant.step(released ? 0.0 : person.torque_nm(truth.hip_angle_rad, truth.hip_velocity_radps));
    }
  }
}

void SimulatedStation::State::measure() noexcept {
  drive_input.position = plant.encoder_position_m();
  drive_input.velocity = plant.encoder_velocity_mps();
  drive_input.force = plant.drive_force_n();
  drive_input.force_limit = drive.force_limit_n();
  drive_input.speed_limit = drive.speed_limit_mps();
  drive_input.temperature_c = 35.0;
  drive_input.bus_voltage_v = 310.0;
  drive_input.state = drive.state();
  drive_input.statusword = drive.statusword(sto());
  drive_input.error_code = drive.error_code();
  drive_input.mode_display = drive.mode();
  drive_input.sto_active = sto();
  drive_input.watchdog_tripped = drive.watchdog_tripped();
  const double force_n = plant.load_cell_n();
  load_cell_input.force = clamped(force_n, -kLoadCellRailN, kLoadCellRailN);
  load_cell_input.saturated = load_cell_input.force != force_n;
}

SimulatedStation::SimulatedStation(const SimulatedStationConfig& config)
    : state_(std::make_unique<State>(config)) {
  state_->leg_side = State::first_side(config);
  state_->measure();
}
SimulatedStation::~SimulatedStation() = default;

void SimulatedStation::step_tick() noexcept {
  State& s = *state_;
  ++s.ticks;
  s.step_panel();
  s.drive.step(s.sto());
  s.step_plant();
  const CableTruth& truth = s.plant.truth();
  if (s.config.rig) {
    if (s.rig_started && s.rig.done()) s.sets.end();
  } else if (!s.released) {
    s.person.tick(truth, s.sets);
    if (s.person.side() != s.leg_side) {
      s.leg_side = s.person.side();
      s.plant.set_leg(s.config.person.leg[s.leg_side]);
    }
  }
  s.sets.step(truth);
  s.measure();
}

double SimulatedStation::time_s() const noexcept {
  return static_cast<double>(state_->ticks) * kTickPeriodS;
}

void SimulatedStation::write_drive(const DriveCommand& command) noexcept {
  state_->drive.write(command);
  // A drive reports mode and limits as soon as they are written.
  state_->drive_input.mode_display = state_->drive.mode();
  state_->drive_input.force_limit = state_->drive.force_limit_n();
  state_->drive_input.speed_limit = state_->drive.speed_limit_mps();
  if (state_->writes <= kResetAfterWrites && ++state_->writes == kResetAfterWrites &&
      state_->config.person.presses_reset_at_start) {
    state_->reset_ticks = kResetPressTicks;
  }
}

void SimulatedStation::write_relay(bool hold) noexcept {
  state_->relay_held = hold;
  if (hold) state_->ticks_since_hold = 0;
}

const hal::DriveInput& SimulatedStation::drive() const noexcept {
  return state_->drive_input;
}
const hal::LoadCellInput& SimulatedStation::load_cell() const noexcept {
  return state_->load_cell_input;
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

double SimulatedStation::watchdog_s() const noexcept {
  return state_->drive.watchdog_s();
}
bool SimulatedStation::limit_active() const noexcept {
  return state_->drive.limit_active();
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

void SimulatedStation::release_handle() noexcept {
  if (state_->released) return;
  state_->released = true;
  state_->person.let_go(state_->sets);
  state_->plant.set_cuff_end(CuffEnd::kReleased);
}

void SimulatedStation::grip() noexcept {
  if (!state_->released) return;
  state_->released = false;
  state_->plant.set_cuff_end(state_->config.rig ? CuffEnd::kRig : CuffEnd::kLeg);
}

const CableTruth& SimulatedStation::truth() const noexcept {
  return state_->plant.truth();
}
const LifterTruth& SimulatedStation::lifter_truth() const noexcept {
  return state_->person.lifter_truth();
}
const std::vector<SetTruth>& SimulatedStation::set_truth() const noexcept {
  return state_->sets.sets();
}
const MotionRig& SimulatedStation::rig() const noexcept {
  return state_->rig;
}

void SimulatedStation::start_rig() noexcept {
  if (!state_->config.rig || state_->rig_started) return;
  state_->rig_started = true;
  state_->rig.start();
  state_->sets.begin(0, state_->config.rig_config.reps);
}

std::uint64_t SimulatedStation::state_hash() const noexcept {
  TraceHash hash;
  hash.add(state_->plant.state_hash());
  hash.add(state_->drive.force_n());
  hash.add(static_cast<std::uint64_t>(state_->drive.state()));
  hash.add(static_cast<std::uint64_t>(state_->ticks));
  return hash.value();
}

}  // namespace medius::sim
