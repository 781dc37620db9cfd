#include "sim/world/motion_bench.hpp"

#include <memory>
#include <utility>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/plugin_host.hpp"
#include "sim/world/world_image.hpp"

namespace medius::sim {
namespace {

constexpr double kPretensionN = 10.0;
constexpr double kEnteringS = 1.0;  // at rest, before the movement
constexpr double kLimitS = 120.0;

class MotionRun {
 public:
  MotionRun(const MotionBenchOptions& options, const rt::EngineConfig& config)
      : options_(options),
        machine_(simulated(options)),
        image_(machine_),
        engine_(config, image_, channels_) {}

  MotionBenchResult run(rt::ProfileInstance& profile) {
    run_for(0.5);  // the reset edge has been seen
    send({.kind = rt::CommandKind::kEnable});
    run_for(0.5);
    send({.kind = rt::CommandKind::kSetUserLimits, .value = options_.load_n, .value2 = 1.5});
    send({.kind = rt::CommandKind::kTakeUp, .value = kPretensionN});
    run_for(1.0);
    rt::Command start{.kind = rt::CommandKind::kStartSet};
    start.value = options_.load_n;
    start.profile = &profile;
    send(start);
    send({.kind = rt::CommandKind::kEngage});
    engaged_ = true;
    machine_.hold_dead_man(options_.dead_man);
    run_for(kEnteringS);
    if (channels_.status.load().axis[0].drive_in_velocity_mode) result_.entered_s = kEnteringS;
    machine_.start_rig();
    start_tick_ = next_tick_;
    moving_ = true;
    double end_s = options_.run_s;
    while (moved_s() < kLimitS && (end_s <= 0.0 || moved_s() < end_s)) {
      if (moved_s() >= options_.dead_man_until_s) machine_.hold_dead_man(false);
      if (moved_s() >= options_.release_after_s) machine_.release_handle();
      tick();
      if (end_s <= 0.0 && machine_.rig().done()) end_s = moved_s() + 1.0;
    }
    result_.trace_hash = hash_.value();
    return std::move(result_);
  }

 private:
  static SimulatedStationConfig simulated(const MotionBenchOptions& options) {
    SimulatedStationConfig config;
    std::uint64_t mix = options.seed;
    config.plant = options.plant;
    config.plant.seed = splitmix64(mix);
    config.seed = splitmix64(mix);
    config.drive.velocity_mode = options.drive_has_mode;
    config.rig = true;
    config.rig_config = options.rig;
    return config;
  }

  [[nodiscard]] double moved_s() const {
    return static_cast<double>(next_tick_ - start_tick_) * kTickPeriodS;
  }
  void send(rt::Command command) {
    command.command_id = ++next_command_;
    channels_.commands.push(command);
  }
  void run_for(double seconds) {
    const auto ticks = static_cast<int>(seconds / kTickPeriodS + 0.5);
    for (int i = 0; i < ticks; ++i) tick();
  }

  void tick() {
    const bool frozen =
        options_.freeze_at_release && moving_ && moved_s() >= options_.release_after_s;
    if (!frozen) {
      engine_.cycle({next_tick_, static_cast<std::int64_t>(next_tick_) * kTickPeriodNs, 0, 0});
    }
    const rt::AxisStatus axis = channels_.status.load().axis[0];
    const CableTruth& truth = machine_.truth();
    if (moving_) {
      result_.samples.push_back(
          {moved_s(), truth.ring_position_m, truth.ring_velocity_mps, truth.drum_position_m,
           truth.drum_velocity_mps, truth.cuff_tension_n, truth.motor_force_n, axis.velocity_target,
           axis.drive_in_velocity_mode, static_cast<std::uint8_t>(axis.load_state)});
    }
    hash_.add(truth.motor_force_n);
    hash_.add(truth.ring_position_m);
    channels_.events.consume_all([this](const rt::Event& event) {
      if (event.kind != rt::EventKind::kFault || !result_.fault.empty() || !engaged_) return;
      result_.fault = safety::fault_info(event.fault).name;
      result_.fault_s = moving_ ? moved_s() : 0.0;
    });
    channels_.samples.consume_all([](const rt::SampleRecord&) {});
    machine_.step_tick();
    ++next_tick_;
  }

  const MotionBenchOptions& options_;
  SimulatedStation machine_;
  WorldImage image_;
  rt::EngineChannels channels_;
  rt::Engine engine_;
  MotionBenchResult result_;
  TraceHash hash_;
  std::uint64_t next_tick_ = 0, start_tick_ = 0, next_command_ = 0;
  bool engaged_ = false, moving_ = false;
};

}  // namespace

tl::expected<MotionBenchResult, std::string> run_motion(const MotionBenchOptions& options) {
  const auto machine = station::load_machine(options.machine_file);
  if (!machine) return tl::make_unexpected(machine.error().message);
  station::PluginHost plugins;
  for (const station::PluginError& error : plugins.load_directory(options.plugin_directory)) {
    return tl::make_unexpected(error.message);
  }
  rt::EngineConfig config = machine->engine();
  config.axis[0].drive_velocity_mode = options.drive_velocity_mode;
  const medius_activation_t activation{sizeof activation, MEDIUS_COORDINATE_CABLE, kTickPeriodS,
                                       config.axis[0].bounds.force_max,
                                       config.axis[0].bounds.overspeed_trip};
  auto profile = plugins.create(options.profile, options.parameters, activation);
  if (!profile) return tl::make_unexpected(profile.error().message);
  auto run = std::make_unique<MotionRun>(options, config);
  MotionBenchResult result = run->run(**profile);
  result.compliance_m_per_n = rt::servo_compliance(config.axis[0].control.reflected_mass);
  return result;
}

}  // namespace medius::sim
