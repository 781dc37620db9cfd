#include "sim/world/rig_bench.hpp"

#include <memory>

#include "controller/base/clamp.hpp"
#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/plugin_host.hpp"
#include "sim/machine/person_setup.hpp"
#include "sim/world/world_image.hpp"

namespace medius::sim {
namespace {

constexpr double kSettleS = 1.5;  // load ramped in and steady before the first repetition
constexpr double kLoadingLimitS = 60.0;
constexpr double kLimitS = 900.0;
constexpr double kAfterReleaseS = 2.0;
constexpr double kUsualSpeedLimitMps = 1.5;  // of the machine files
constexpr double kSinkS = 3.0;               // a person who has given up comes down in two
// The wish of a profile and what is felt of it differ by rounding at most, unless stage 1 limits.
constexpr double kClippedN = 1e-6;
constexpr double kPretensionN = 10.0;
// Room for the sag under an emphasis of half the load before the inner stop.
constexpr double kPadStartM = 0.06;
// An arm meets its leg; a person takes the start position, as the station waits for before a load.
constexpr double kTakenUpS = 4.0;
constexpr double kPersonLimitOverPlan = 3.0, kPersonBeginsS = 20.0;

// Drives the engine through a set by hand: enable, take up, start, engage; then the rig moves.
class RigRun {
 public:
  static bool is_lever(const station::MachineConfig& machine) {
    return machine.axes.front().engine.coordinate == hal::CoordinateKind::kLever;
  }

  RigRun(const RigBenchOptions& options, const station::MachineConfig& machine)
      : arm_m_(is_lever(machine) ? options.lever.pad_lever_m : 1.0),
        with_person_(options.lifting.has_value()),
        release_one_leg_(options.release_one_leg),
        machine_(simulated(options, machine)),
        image_(machine_),
        engine_(config(options, machine), image_, channels_),
        force_max_(machine.axes.front().engine.bounds.force_max) {}

  tl::expected<RigBenchResult, std::string> run(const RigBenchOptions& options,
                                                rt::ProfileInstance& profile) {
    if (options.lifting) person_limit_s_ = patience_s(options.lifting->set.intent);
    run_for(0.5);  // the reset edge has been seen
    send({.kind = rt::CommandKind::kEnable});
    run_for(0.5);
    send({.kind = rt::CommandKind::kSetUserLimits, .value = force_max_, .value2 = 2.0});
    send({.kind = rt::CommandKind::kTakeUp, .value = kPretensionN * arm_m_});
    run_for(arm_m_ != 1.0 || with_person_ ? kTakenUpS : 1.0);
    rt::Command start{.kind = rt::CommandKind::kStartSet};
    start.value = options.load_n * arm_m_;
    start.value2 = options.range_m / arm_m_;
    start.profile = &profile;
    send(start);
    send({.kind = rt::CommandKind::kEngage});
    const double loading_end_s = time_s() + kLoadingLimitS;
    do {
      tick();
    } while (applied_ < start.value && time_s() < loading_end_s);
    if (!with_person_) run_for(kSettleS);
    first_tick_ = next_tick_;
    machine_.start_rig();
    recording_ = true;
    move(options.release_after_s, options.freeze_at_release);
    recording_ = false;
    return result();
  }

 private:
  static double patience_s(const LifterIntent& intent) {
    const measure::Tempo& tempo = intent.tempo;
    const double rep_s = tempo.concentric_s + tempo.hold_s + tempo.eccentric_s + intent.bottom_s;
    return kPersonBeginsS + kPersonLimitOverPlan * rep_s * intent.reps;
  }
  static SimulatedStationConfig simulated(const RigBenchOptions& options,
                                          const station::MachineConfig& machine) {
    const bool linked = machine.axes.front().engine.linked_arms;
    SimulatedStationConfig config;
    std::uint64_t mix = options.seed;
    config.plant = options.plant;
    config.plant.seed = splitmix64(mix);
    config.seed = splitmix64(mix);
    config.lever = options.lever;
    config.lever.seed = config.plant.seed;
    const double pad_n = linked ? 0.5 * options.load_n : options.load_n;
    config.rig_offset_m = kPadStartM + pad_n * (1.0 / options.rig.stiffness_npm +
                                                1.0 / options.lever.pad_stiffness_npm);
    config.rig_left_share = options.left_share;
    config.rig = !options.lifting;
    config.rig_config = options.rig;
    if (options.lifting) {
      put_on_machine(options.lifting->person, config);
      for (LifterConfig& lifter : config.person.lifter) lifter.seed = splitmix64(mix);
      config.person.plan = {options.lifting->set};
    }
    if (linked) {
      make_seated_linked(config);
    } else if (is_lever(machine)) {
      make_seated(config);
    }
    config.drive.speed_limit_mps =
        options.drive_speed_limit_mps / (is_lever(machine) ? options.lever.pad_lever_m : 1.0);
    return config;
  }
  static rt::EngineConfig config(const RigBenchOptions& options,
                                 const station::MachineConfig& machine) {
    rt::EngineConfig config = machine.engine();
    rt::ForceControlConfig& control = config.axis[0].control;
    control.use_observer = options.use_observer;
    if (options.kp >= 0.0) control.kp = options.kp;
    if (options.kd_s >= 0.0) control.kd_s = options.kd_s;
    control.reflected_mass *= options.mass_ratio;
    if (options.drive_speed_limit_mps > kUsualSpeedLimitMps) {
      config.axis[0].drive_speed_limit = options.drive_speed_limit_mps;
    }
    return config;
  }

  [[nodiscard]] double time_s() const { return static_cast<double>(next_tick_) * kTickPeriodS; }

  void send(rt::Command command) {
    command.command_id = ++next_command_;
    channels_.commands.push(command);
  }

  void tick() {
    const Tick now{next_tick_, static_cast<std::int64_t>(next_tick_) * kTickPeriodNs, 0, 0};
    if (!frozen_) engine_.cycle(now);
    const rt::Status status = channels_.status.load();
    const HandleTruth truth = machine_.handle(0);
    applied_ = status.axis[0].load_applied;
    cannot_lift_ = cannot_lift_ || (recording_ && machine_.lifter_truth(0).cannot_lift);
    if (recording_) {
      samples_.push_back({truth.position * arm_m_, truth.velocity * arm_m_, truth.force / arm_m_,
                          status.axis[0].force_target / arm_m_});
      velocity_seen_mps_.push_back(status.axis[0].velocity * arm_m_);
      drive_mps_.push_back(arm_m_ != 1.0 ? machine_.lever_truth(0).arm_velocity_radps * arm_m_
                                         : machine_.truth().drum_velocity_mps);
      const double hand = arm_m_ != 1.0 ? machine_.lever_truth(0).leg[0].angle_rad
                                        : machine_.truth().cuff_position_m;
      taut_m_.push_back(at_most(hand, truth.position) * arm_m_);
      if (machine_.linked()) note_pads(status.axis[0]);
    }
    hash_.add(status.axis[0].force_output);
    hash_.add(truth.force);
    channels_.events.consume_all([this](const rt::Event& event) {
      if (event.kind == rt::EventKind::kRepClosed && event.axis == 0) reps_.push_back(event.rep);
      if (event.kind == rt::EventKind::kFault && fault_.empty() && recording_) {
        fault_ = safety::fault_info(event.fault).name;
        fault_sample_ = samples_.size();
      }
    });
    channels_.samples.consume_all([this](const rt::SampleRecord& sample) {
      if (!recording_ || sample.axis != 0) return;
      note_clipping(sample);
      oscillated_ = oscillated_ || (sample.limits & rt::kLimitOscillation) != 0;
    });
    machine_.step_tick();
    ++next_tick_;
  }

  void note_pads(const rt::AxisStatus& axis) {
    RigBenchResult::Pads& pads = pads_.emplace_back();
    for (std::size_t pad = 0; pad < pads.truth_n.size(); ++pad) {
      pads.truth_n[pad] = machine_.lever_truth(0).leg[pad].pad_force_n;
      pads.seen_n[pad] = axis.pad_force[pad] / arm_m_;
    }
  }

  void note_clipping(const rt::SampleRecord& sample) {
    if (absolute(sample.force_wish - sample.force_target) <= kClippedN) return;
    const auto flagged = [&](std::uint32_t flag) { return (sample.limits & flag) != 0 ? 1u : 0u; };
    ++clipped_.clipped_ticks;
    clipped_.clipped_by_tank += flagged(safety::kLimitTank);
    clipped_.clipped_by_phase += flagged(safety::kLimitPhaseGate);
    clipped_.clipped_by_slew += flagged(safety::kLimitSlew);
  }

  void move(double release_after_s, bool freeze) {
    const double release_s = release_after_s < 0.0 ? kLimitS : time_s() + release_after_s;
    const double end_s = with_person_ ? time_s() + person_limit_s_ : kLimitS;
    while (!done() && time_s() < end_s && time_s() < release_s) tick();
    cannot_lift_ = cannot_lift_ || (with_person_ && time_s() >= end_s);
    if (with_person_ && done()) run_for(kSinkS);
    moved_ = samples_.size();  // what the cable does alone is nobody's repetition
    if (done()) {
      run_for(0.6);  // the last repetition closes
    } else {
      machine_.release_handle();
      frozen_ = freeze;
      if (machine_.linked() && !release_one_leg_) machine_.release_handle(1);
      run_for(kAfterReleaseS);
    }
  }

  [[nodiscard]] bool done() const {
    if (!with_person_) return machine_.rig().done();
    const LifterState state = machine_.lifter_truth().state;
    return state == LifterState::kDone || state == LifterState::kFailed || !fault_.empty();
  }

  void run_for(double seconds) {
    const double end = time_s() + seconds;
    while (time_s() < end) tick();
  }

  RigBenchResult result() {
    const rt::Status status = channels_.status.load();
    RigBenchResult result = std::move(clipped_);
    result.force = judge_force(samples_);
    result.reps_counted = status.axis[0].reps_counted;
    result.reps_partial = status.axis[0].reps_partial;
    result.direction_changes = status.axis[0].direction_changes;
    result.trace_hash = hash_.value();
    result.simulated_s = time_s();
    result.fault = std::move(fault_);
    result.fault_sample = fault_sample_;
    result.oscillated = oscillated_;
    result.reps = std::move(reps_);
    result.first_tick = first_tick_;
    result.lifted = machine_.lifter_truth(0).reps_completed;
    result.cannot_lift = cannot_lift_ || machine_.lifter_truth(0).state == LifterState::kFailed;
    result.moved = moved_;
    result.samples = std::move(samples_);
    result.velocity_seen_mps = std::move(velocity_seen_mps_);
    result.drive_mps = std::move(drive_mps_);
    result.taut_m = std::move(taut_m_);
    result.pads = std::move(pads_);
    return result;
  }

  double arm_m_;  // 1: a cable
  bool with_person_, release_one_leg_;
  double person_limit_s_ = 0.0;  // somebody who has not done the set by then will not do it
  SimulatedStation machine_;
  WorldImage image_;
  rt::EngineChannels channels_;
  rt::Engine engine_;
  std::vector<ForceTruthSample> samples_;
  std::vector<double> velocity_seen_mps_, drive_mps_, taut_m_;
  std::vector<RigBenchResult::Pads> pads_;
  std::vector<measure::RepBoundary> reps_;
  std::uint64_t first_tick_ = 0;
  std::size_t moved_ = 0, fault_sample_ = 0;
  RigBenchResult clipped_;  // only what note_clipping() counts
  double force_max_;
  double applied_ = 0.0;
  std::string fault_;
  TraceHash hash_;
  std::uint64_t next_tick_ = 0;
  std::uint64_t next_command_ = 0;
  bool recording_ = false, oscillated_ = false, cannot_lift_ = false, frozen_ = false;
};

}  // namespace

tl::expected<RigBenchResult, std::string> run_rig(const RigBenchOptions& options) {
  const auto machine = station::load_machine(options.machine_file);
  if (!machine) return tl::make_unexpected(machine.error().message);
  station::PluginHost plugins;
  for (const station::PluginError& error : plugins.load_directory(options.plugin_directory)) {
    return tl::make_unexpected(error.message);
  }
  const rt::AxisConfig& axis = machine->axes.front().engine;
  const std::uint32_t coordinate =
      RigRun::is_lever(*machine) ? MEDIUS_COORDINATE_LEVER : MEDIUS_COORDINATE_CABLE;
  const medius_activation_t activation{sizeof activation, coordinate, kTickPeriodS,
                                       axis.bounds.force_max, axis.bounds.overspeed_trip};
  auto profile = plugins.create(options.profile, options.parameters, activation,
                                station::ParameterAuthority::kTherapist);
  if (!profile) return tl::make_unexpected(profile.error().message);
  RigBenchOptions placed = options;
  placed.plant.load_cell_after_last_pulley =
      machine->axes.front().load_cell.place != station::LoadCellPlace::kDrum;
  auto run = std::make_unique<RigRun>(placed, *machine);
  return run->run(placed, **profile);
}

}  // namespace medius::sim
