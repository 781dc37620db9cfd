// A machine small enough to reason about, behind the loop's own seam: one mass with Coulomb and
// viscous friction on each axis, a drive with dead time and lag, a handle on a spring held by a
// hand that goes where the test says.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/rt/engine.hpp"
#include "controller/rt/simulated_tick_source.hpp"

namespace medius::rt::test {

struct FakePlant {
  double mass = 2.6;
  double coulomb = 8.0, viscous = 10.0;
  double stiffness = 9200.0, damping = 60.0;  // handle spring
  double position = 0.0, velocity = 0.0, motor = 0.0, tension = 0.0;
  std::array<double, 4> delayed{};  // words on their way to the motor
  bool held = true;

  void step(double word, double hand_position, double hand_velocity) {
    delayed = {word, delayed[0], delayed[1], delayed[2]};
    constexpr int kSteps = 20;
    constexpr double kStepS = 1e-3 / kSteps;
    for (int i = 0; i < kSteps; ++i) {
      motor += (delayed[1] - motor) * kStepS / 0.0008;
      tension = 0.0;
      if (held) {
        const double stretch = hand_position - position;
        const double pull = stiffness * stretch + damping * (hand_velocity - velocity);
        tension = stretch > 0.0 ? at_least(pull, 0.0) : 0.0;
      }
      const double friction = coulomb * saturated(velocity, 0.002) + viscous * velocity;
      velocity += (tension - motor - friction) / mass * kStepS;
      position += velocity * kStepS;
    }
  }
};

// The loop's view of the machine. Everything the tests tamper with is public.
class FakeMachine final : public hal::MachineImage {
 public:
  explicit FakeMachine(int axis_count) : axes(axis_count) {}

  void read(const Tick& tick, hal::MachineInput& input) noexcept override {
    if (!frozen) {
      const hal::Freshness fresh{tick.nominal_ns, ++sequence, 1, true};
      for (int i = 0; i < axes; ++i) {
        const auto at = static_cast<std::size_t>(i);
        hal::DriveInput& drive = state.axis[at].drive;
        const bool on =
            state.safety.relay_closed && last.axis[at].request == hal::DriveRequest::kEnable;
        if (drive.state != hal::DriveState::kFault) {
          drive.state = on ? hal::DriveState::kOperationEnabled : hal::DriveState::kSwitchedOn;
        } else if (last.axis[at].request == hal::DriveRequest::kResetFault) {
          drive.state = hal::DriveState::kSwitchOnDisabled;
        }
        drive.sto_active = !state.safety.relay_closed;
        drive.position = plant[at].position;
        drive.velocity = plant[at].velocity;
        drive.force = plant[at].motor;
        drive.freshness = fresh;
        state.axis[at].load_cell.force = plant[at].tension;
        state.axis[at].load_cell.freshness = fresh;
      }
      state.panel.freshness = fresh;
      state.safety.freshness = fresh;
    }
    input = state;
    if (tamper) tamper(input);
  }
  void write(const Tick&, const hal::MachineOutput& output) noexcept override {
    last = output;
    ++writes;
    state.safety.relay_closed = output.hold_relay;
  }

  // One period of physics; the hands' positions are the caller's.
  void step() {
    for (std::size_t i = 0; i < static_cast<std::size_t>(axes); ++i) {
      const bool on = state.axis[i].drive.state == hal::DriveState::kOperationEnabled;
      plant[i].step(on ? last.axis[i].force : 0.0, hand_position[i], hand_velocity[i]);
    }
  }

  int axes;
  std::array<FakePlant, hal::kMaxAxes> plant{};
  std::array<double, hal::kMaxAxes> hand_position{}, hand_velocity{};
  hal::MachineInput state = [] {
    hal::MachineInput input;
    input.safety.estop_released = true;
    for (hal::AxisInput& axis : input.axis) axis.drive.mode_display = 10;
    return input;
  }();
  hal::MachineOutput last;
  std::uint32_t sequence = 0;
  std::uint64_t writes = 0;
  bool frozen = false;  // no new samples: ages grow
  std::function<void(hal::MachineInput&)> tamper;
};

// A profile whose wish the test writes.
class FakeProfile final : public ProfileInstance {
 public:
  ProfileOutput step(const medius_step_in_t& input) noexcept override {
    last = input;
    ++calls;
    return {wish ? wish(input) : input.base_force, ok};
  }
  void reset() noexcept override {
    ++resets;
    if (on_reset) on_reset();
  }
  bool queue_parameter(std::uint32_t id, double value) noexcept override {
    parameter_id = id;
    parameter = value;
    return accepts_parameters;
  }

  std::function<double(const medius_step_in_t&)> wish;
  std::function<void()> on_reset;
  bool ok = true;
  bool accepts_parameters = true;
  medius_step_in_t last{};
  std::uint64_t calls = 0, resets = 0;
  std::uint32_t parameter_id = 0;
  double parameter = 0.0;
};

inline EngineConfig fake_config(int axis_count = 1,
                                hal::CoordinateKind kind = hal::CoordinateKind::kCable) {
  EngineConfig config;
  config.axis_count = axis_count;
  for (AxisConfig& axis : config.axis) {
    axis.coordinate = kind;
    axis.control.reflected_mass = 2.6;
    axis.control.observer_limit = 40.0;
    axis.bounds = safety::machine_bounds(kind);
    axis.drive_speed_limit = 1.5;
  }
  return config;
}

// Engine, machine and the control side's end of the channels.
class Bench {
 public:
  explicit Bench(const EngineConfig& config = fake_config(), ProfileGuard* guard = nullptr)
      : machine(config.axis_count),
        channels(std::make_unique<EngineChannels>()),
        engine(config, machine, *channels, guard) {}

  // One tick; `before` runs on the outside world first.
  void tick() {
    Tick now;
    if (!source.wait_next(now)) return;
    engine.cycle(now);
    machine.step();
    Event event;
    while (channels->events.pop(event)) events.push_back(event);
    SampleRecord sample;
    while (channels->samples.pop(sample)) {
      last_sample[sample.axis] = sample;
      hash.add(sample.force_output);
      hash.add(sample.position);
    }
    status = channels->status.load();
  }
  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) tick();
  }
  void send(CommandKind kind, double value = 0.0, double value2 = 0.0, std::uint8_t axis = 0,
            ProfileInstance* with = nullptr) {
    Command command;
    command.kind = kind;
    command.axis = axis;
    command.command_id = ++last_id;
    command.value = value;
    command.value2 = value2;
    command.profile = with;
    channels->commands.push(command);
  }
  // Minimum-jerk move of the hand, one tick at a time.
  void move(double to, double seconds, std::size_t axis = 0) {
    const double from = machine.hand_position[axis];
    const int ticks = static_cast<int>(seconds * 1000.0);
    for (int i = 1; i <= ticks; ++i) {
      const double t = static_cast<double>(i) / ticks;
      machine.hand_position[axis] = from + (to - from) * t * t * t * (10.0 + t * (6.0 * t - 15.0));
      machine.hand_velocity[axis] = (to - from) * 30.0 * t * t * (1.0 - t) * (1.0 - t) / seconds;
      tick();
    }
    machine.hand_velocity[axis] = 0.0;
  }

  // From power-up to enabled drives.
  void power_up() {
    run(5);
    machine.state.panel.reset_pressed = true;
    run(5);
    machine.state.panel.reset_pressed = false;
    run(5);
    for (int i = 0; i < machine.axes; ++i) {
      send(CommandKind::kEnable, 0.0, 0.0, static_cast<std::uint8_t>(i));
    }
    run(10);
  }
  // ... to pretension on every axis, hands a little out so that the cables are taut.
  void take_up(double pretension = 10.0) {
    power_up();
    for (int i = 0; i < machine.axes; ++i) {
      const auto axis = static_cast<std::uint8_t>(i);
      send(CommandKind::kSetUserLimits, 200.0, 1.5, axis);
      send(CommandKind::kTakeUp, pretension, 0.0, axis);
    }
    run(1000);
  }
  // ... to a loaded set.
  void load(double base_load, double range = 0.0) {
    take_up();
    for (int i = 0; i < machine.axes; ++i) {
      const auto axis = static_cast<std::uint8_t>(i);
      send(CommandKind::kStartSet, base_load, range, axis, &profile[axis]);
      send(CommandKind::kEngage, 0.0, 0.0, axis);
    }
    run(200 + static_cast<int>(base_load / 60.0 * 1000.0));
  }

  [[nodiscard]] const Event* find(EventKind kind, std::uint64_t command_id = 0) const {
    for (const Event& event : events) {
      if (event.kind == kind && (command_id == 0 || event.command_id == command_id)) return &event;
    }
    return nullptr;
  }
  [[nodiscard]] int count(EventKind kind) const {
    int n = 0;
    for (const Event& event : events) n += event.kind == kind ? 1 : 0;
    return n;
  }
  [[nodiscard]] double word(std::size_t axis = 0) const { return machine.last.axis[axis].force; }

  std::array<FakeProfile, hal::kMaxAxes> profile;
  SimulatedTickSource source;
  FakeMachine machine;
  std::unique_ptr<EngineChannels> channels;
  Engine engine;
  std::vector<Event> events;
  std::array<SampleRecord, hal::kMaxAxes> last_sample{};
  Status status;
  TraceHash hash;
  std::uint64_t last_id = 0;
};

}  // namespace medius::rt::test
