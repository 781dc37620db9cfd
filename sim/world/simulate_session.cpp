#include <array>
#include <map>
#include <optional>

#include "controller/station/plan.hpp"
#include "sim/checkers/force_truth.hpp"
#include "sim/machine/person_setup.hpp"
#include "sim/world/world.hpp"

namespace medius::sim {
namespace {

constexpr double kLeastBottomS = 0.4;  // nobody turns round at once

// Collects what the plant and the controller did on each axis during each set, by the loop's set
// serial. Motion in metres of the handle, forces in the axis' unit.
class SetLog {
 public:
  void sample(const World& world, const SimulatedStation& machine) {
    const rt::Status& status = world.status();
    for (std::size_t i = 0; i < machine.axis_count(); ++i) {
      const rt::AxisStatus& axis = status.axis[i];
      if (axis.set_serial == 0 || axis.load_state != safety::LoadState::kLoaded) continue;
      std::vector<ForceTruthSample>& samples = samples_[i][axis.set_serial];
      if (axis.drive_in_velocity_mode) continue;  // no force is set, so none can be missed
      const HandleTruth truth = machine.handle(i);
      samples.push_back({truth.position * truth.metres_per_unit,
                         truth.velocity * truth.metres_per_unit, truth.force, axis.force_target});
    }
  }
  [[nodiscard]] std::vector<ForceTruth> judge(std::size_t axis) const {
    std::vector<ForceTruth> verdicts;
    for (const auto& [serial, samples] : samples_[axis]) {
      verdicts.push_back(samples.empty() ? ForceTruth{} : judge_force(samples));
    }
    return verdicts;
  }

 private:
  std::array<std::map<std::uint16_t, std::vector<ForceTruthSample>>, hal::kMaxAxes> samples_;
};

// The trainer: changes the load when a set has reached a repetition.
class Trainer {
 public:
  explicit Trainer(std::vector<SimulateOptions::LoadChange> changes)
      : changes_(std::move(changes)) {}

  void act(station::Station& station) {
    const station::Snapshot& now = station.snapshot();
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const auto& change = changes_[i];
      if (now.state != station::StationState::kWorking || now.set_index != change.set_index ||
          now.loop.axis[0].reps_counted < change.after_repetition) {
        continue;
      }
      station::AdjustLoadOrder order;
      order.header.request_id = "trainer-" + std::to_string(i);
      order.load = change.load;
      station.adjust_load(order, [](const auto&) {});
      changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }

 private:
  std::vector<SimulateOptions::LoadChange> changes_;
};

// What the person does without the machine: what is asked, at its pace, then the button. Who stands
// on one leg puts the foot down when the time is over.
class OffTheMachine {
 public:
  void act(World& world) {
    const station::Snapshot& now = world.station().snapshot();
    const bool guided = now.state == station::StationState::kGuided && now.guided.has_value();
    int leg = 0;
    if (guided && now.guided->watches_pelvis &&
        now.guided->pace.phase == station::PacePhase::kHold) {
      leg = now.guided->record.side == record::Side::kRight ? 2 : 1;
    }
    if (leg != leg_) world.machine().stand_on_leg(leg);
    leg_ = leg;
    if (!guided || now.guided->record.id == pressed_for_) return;
    const station::PacePhase phase = now.guided->pace.phase;
    const bool done =
        phase == station::PacePhase::kOver ||
        (phase == station::PacePhase::kFree &&
         now.guided->pace.phase_elapsed_s > kOwnPaceS * now.guided->record.reps_asked);
    if (!done) return;
    pressed_for_ = now.guided->record.id;
    world.machine().press_reset(kPressS);
  }

 private:
  static constexpr double kOwnPaceS = 4.0;  // a repetition that nobody paces
  static constexpr double kPressS = 0.2;
  int leg_ = 0;
  std::string pressed_for_;
};

SessionResult collect(World& world, const SimulateOptions& options, const std::string& session_id,
                      const SetLog& log) {
  SessionResult result;
  result.session_id = session_id;
  result.program_id = options.program_id;
  result.seed = options.world.seed;
  result.simulated_s = world.time_s();
  result.trace_hash = world.trace_hash();
  std::array<std::vector<ForceTruth>, hal::kMaxAxes> forces;
  std::array<std::size_t, hal::kMaxAxes> done{};  // sets of each axis so far
  for (std::size_t i = 0; i < forces.size(); ++i) forces[i] = log.judge(i);
  for (record::SetRecord& stored : world.store().sets_of(session_id)) {
    SimulatedSet set;
    const std::size_t axis = stored.axis;
    const std::size_t index = done[axis]++;
    const std::vector<SetTruth>& truths = world.machine().set_truth(axis);
    set.stored = std::move(stored);
    set.metres_per_unit = world.machine().handle(axis).metres_per_unit;
    if (index < truths.size()) set.truth = truths[index];
    if (index < forces[axis].size()) {
      const ForceTruth& force = forces[axis][index];
      set.rendered_ratio_truth = force.rendered_ratio;
      set.force_error_rms = force.rms_n;
      set.force_error_percent = force.rms_percent;
    }
    result.sets.push_back(std::move(set));
  }
  result.guided = world.store().guided_of(session_id);
  return result;
}

tl::expected<station::Program, std::string> find_program(const SimulateOptions& options) {
  if (options.program) return *options.program;
  const station::ProgramLibrary programs = station::load_programs(options.world.program_directory);
  const auto program = programs.programs.find(options.program_id);
  if (program != programs.programs.end()) return program->second;
  std::string known;
  for (const auto& [id, found] : programs.programs) known += (known.empty() ? "" : ", ") + id;
  return tl::make_unexpected("program '" + options.program_id + "' is not in '" +
                             options.world.program_directory + "'; " +
                             (known.empty() ? "no program is; name the directory with --programs"
                                            : "choose one of: " + known));
}

}  // namespace

std::vector<PlannedSet> plan_of(const station::Program& program) {
  std::vector<PlannedSet> plan;
  for (const station::ProgramBlock& block : program.blocks) {
    if (block.guided) continue;  // the handle is not felt in it
    for (std::uint32_t round = 0; round < block.sets; ++round) {
      for (const record::Side side : block.sides) {
        PlannedSet set;
        set.side = static_cast<int>(side);
        set.load_n = block.load;
        set.intent.tempo = block.tempo;
        set.intent.bottom_s =
            block.tempo.bottom_s > kLeastBottomS ? block.tempo.bottom_s : kLeastBottomS;
        set.intent.reps = static_cast<int>(block.reps);
        set.hold_s = block.hold_s;
        set.exercise = exercise_named(block.exercise_id);
        plan.push_back(set);
      }
    }
  }
  return plan;
}

tl::expected<SessionResult, std::string> simulate_session(const SimulateOptions& options) {
  auto program = find_program(options);
  if (!program) return tl::make_unexpected(program.error());
  const auto machine = station::load_machine(options.world.machine_file);
  if (!machine) return tl::make_unexpected(machine.error().message);
  station::MachineShare share = station::share_of(*program, *machine);
  if (share.program.blocks.empty()) {
    return tl::make_unexpected("nothing of '" + program->id + "' runs on this machine: " +
                               (share.skipped.empty() ? "it has no block" : share.skipped.front()));
  }
  WorldOptions world_options = options.world;
  const station::Program whole = *program;
  world_options.programs.push_back(std::move(*program));
  world_options.station.person.plan = plan_of(share.program);
  const auto person = choose_person(options.person);
  if (!person) return tl::make_unexpected(person.error());
  if (options.person.chosen()) put_on_machine(*person, world_options.station);
  for (std::size_t leg = 0; leg < options.strength.size(); ++leg) {
    world_options.station.person.lifter[leg].isometric_torque_nm *= options.strength[leg];
  }
  auto created = World::create(world_options);
  if (!created) return tl::make_unexpected(created.error());
  World& world = **created;
  world.run_for(1.0);  // the person presses reset, the link is fresh

  std::optional<tl::expected<station::Receipt, station::Refusal>> answer;
  station::StartSessionOrder order;
  order.header.request_id = "simulate";
  order.program_id = share.program.id;
  if (!options.trainee.client_id.empty()) {
    order.planned = station::PlannedSession{whole, options.trainee};
  }
  world.station().start_session(order, [&](auto receipt) { answer = std::move(receipt); });
  world.run_until([&] { return answer.has_value(); }, 1.0);
  if (!answer) return tl::make_unexpected(std::string("the station did not answer within 1 s"));
  if (!*answer) return tl::make_unexpected((*answer).error().message);
  const std::string session_id = (*answer)->session_id;

  SetLog log;
  Trainer trainer(options.load_changes);
  OffTheMachine off_the_machine;
  double next_progress_s = 0.0;
  const bool ended = world.run_until(
      [&] {
        log.sample(world, world.machine());
        trainer.act(world.station());
        off_the_machine.act(world);
        if (options.jump_rests) (void)world.jump_rest();
        if (options.progress && world.time_s() >= next_progress_s) {
          options.progress(world.time_s(), world.station().snapshot());
          next_progress_s += 1.0;
        }
        const station::StationState state = world.station().snapshot().state;
        return state == station::StationState::kIdle || state == station::StationState::kFault;
      },
      options.limit_s);
  const station::Snapshot last = world.station().snapshot();
  world.run_for(0.2);  // the store's last completions
  SessionResult result = collect(world, options, session_id, log);
  result.program = std::move(share.program);
  result.skipped = std::move(share.skipped);
  result.completed = ended && last.state == station::StationState::kIdle;
  if (!result.completed) {
    result.reason = ended ? last.state_reason : "not finished within the simulated time limit";
  }
  return result;
}

}  // namespace medius::sim
