#include "sim/world/simulate_plan.hpp"

#include <future>

#include <fmt/format.h>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"

namespace medius::sim {
namespace {

using station::ProgramBlock;

constexpr std::int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
bool has_blocks(const station::Program& program, hal::CoordinateKind kind) {
  for (const ProgramBlock& block : program.blocks) {
    if (!block.guided && block.coordinate == kind) return true;
  }
  return false;
}

class PlanRun {
 public:
  PlanRun(const PlanOptions& options, station::ProgramLibrary library, station::Program program)
      : options_(options), library_(std::move(library)) {
    result_.program = std::move(program);
    result_.seed = options.seed;
    state_ = station::begin_plan(result_.program);
    const auto machine = station::load_machine(options.session.world.machine_file);
    sees_pelvis_ = machine && machine->pelvis_sensor;
    for (auto& [id, exercise] : state_.exercises) {
      exercise.proposals_only = options.proposals_only;
      const bool cable = id.starts_with("cable-");
      if (cable && options.cable_load_cap_n > 0.0) exercise.load_cap = options.cable_load_cap_n;
    }
  }

  tl::expected<PlanResult, std::string> run() {
    const station::PlanCalendar& plan = result_.program.plan;
    total_ = plan.weeks * plan.days_per_week;
    for (std::uint32_t day = 0; day <= plan.weeks * plan.days_per_week; ++day) {
      if (station::tests_due(plan, day)) ++total_;
    }
    while (const auto day = station::day_of(plan, state_.days_done)) {
      if (auto error = maybe_test()) return tl::make_unexpected(*error);
      if (auto error = train_day(*day)) return tl::make_unexpected(*error);
    }
    if (auto error = maybe_test()) return tl::make_unexpected(*error);
    result_.trace_hash = trace_.value();
    return std::move(result_);
  }

 private:
  using Error = std::optional<std::string>;
  using Played = tl::expected<SessionResult, std::string>;

  [[nodiscard]] SimulateOptions session_options(const station::Program& program,
                                                hal::CoordinateKind kind) {
    SimulateOptions options = options_.session;
    options.program = program;
    options.jump_rests = true;
    options.program_id = program.id;
    options.strength = strength_of(options_.adaptation, adaptation_);
    // Every session has a seed of its own: nobody does the same thing twice.
    std::uint64_t mix = options_.seed * 1'000'003u + ++sessions_;
    options.world.seed = splitmix64(mix) >> 24;
    if (kind == hal::CoordinateKind::kLever) {
      options.world.machine_file = options_.seated_machine_file;
    }
    return options;
  }

  // The machines of a program side by side: they know nothing of each other, so that the order of
  // their computing changes no result.
  std::vector<Played> play(const station::Program& program) {
    std::vector<std::future<Played>> running;
    const bool needs_machine = has_blocks(program, hal::CoordinateKind::kCable) ||
                               has_blocks(program, hal::CoordinateKind::kLever);
    for (const hal::CoordinateKind kind :
         {hal::CoordinateKind::kCable, hal::CoordinateKind::kLever}) {
      // What needs no machine is paced by the cable station.
      const bool cable = kind == hal::CoordinateKind::kCable;
      if (!has_blocks(program, kind) && (needs_machine || !cable)) continue;
      running.push_back(
          std::async(std::launch::async, simulate_session, session_options(program, kind)));
    }
    std::vector<Played> played;
    for (auto& session : running) played.push_back(session.get());
    return played;
  }

  void account(const SessionResult& session) {
    result_.simulated_s += session.simulated_s;
    trace_.add(session.trace_hash);
  }

  void report_progress() {
    if (options_.progress) options_.progress(++done_, total_);
  }

  Error train_day(const station::PlanDay& day) {
    PlanSessionDay entry;
    entry.day = day;
    entry.strength = strength_of(options_.adaptation, adaptation_);
    const std::int64_t start_ns =
        (static_cast<std::int64_t>(day.week) * 7 + day.day_of_week) * kDayNs;
    if (result_.program.plan.strength && state_.days_done > 0) {
      if (auto warning = station::too_soon(state_.last_start_unix_ns, start_ns)) {
        entry.notes.push_back(*warning);
      }
    }
    const station::Program session = station::next_session(result_.program, state_);
    std::map<std::string, station::DayFigures> figures;
    std::vector<record::SetRecord> stored;
    for (Played& played : play(session)) {
      if (!played) return played.error();
      account(*played);
      if (!played->completed) entry.notes.push_back("ended early: " + played->reason);
      std::vector<record::SetRecord> sets;
      for (SimulatedSet& set : played->sets) sets.push_back(std::move(set.stored));
      for (const auto& [id, exercise] : state_.exercises) {
        const auto day_of_exercise = station::day_figures(played->program, sets, id);
        auto& all = figures[id].sets;
        all.insert(all.end(), day_of_exercise.sets.begin(), day_of_exercise.sets.end());
        const auto told = station::guided_figures(played->program, played->guided, id);
        all.insert(all.end(), told.sets.begin(), told.sets.end());
      }
      for (const record::GuidedRecord& guided : played->guided) {
        if (guided.end == record::GuidedEnd::kConfirmed) ++entry.guided;
      }
      stored.insert(stored.end(), sets.begin(), sets.end());
    }
    for (const record::SetRecord& set : stored) entry.repetitions += set.reps_counted;
    entry.sets = static_cast<std::uint32_t>(stored.size());
    const double rested_nm = options_.session.world.station.person.lifter[0].isometric_torque_nm;
    train(options_.adaptation, adaptation_, stored,
          {rested_nm * entry.strength[0], rested_nm * entry.strength[1]});
    entry.decisions = station::finish_day(result_.program, state_, start_ns, figures);
    result_.sessions.push_back(std::move(entry));
    report_progress();
    return std::nullopt;
  }

  Error maybe_test() {
    const station::PlanCalendar& plan = result_.program.plan;
    if (!station::tests_due(plan, state_.days_done)) return std::nullopt;
    PlanTestDay day;
    day.week = state_.days_done / plan.days_per_week;
    for (const std::string& id : plan.tests) {
      const auto test = library_.programs.find(id);
      if (test == library_.programs.end()) {
        day.notes.push_back(id + " is not among the programs of this station; not done");
        continue;
      }
      if (test->second.test == station::TestKind::kPelvicDrop && !sees_pelvis_) {
        day.results.push_back(station::pelvis_not_seen());
        continue;
      }
      std::vector<record::SetRecord> sets;
      std::vector<record::GuidedRecord> guided;
      for (Played& played : play(test->second)) {
        if (!played) return played.error();
        account(*played);
        if (!played->completed) day.notes.push_back(id + " ended early: " + played->reason);
        for (SimulatedSet& set : played->sets) sets.push_back(std::move(set.stored));
        guided.insert(guided.end(), played->guided.begin(), played->guided.end());
      }
      day.results.push_back(station::test_result(test->second.test, sets, guided));
    }
    result_.tests.push_back(std::move(day));
    report_progress();
    return std::nullopt;
  }

  const PlanOptions& options_;
  station::ProgramLibrary library_;
  station::PlanState state_;
  AdaptationState adaptation_;
  bool sees_pelvis_ = false;
  PlanResult result_;
  TraceHash trace_;
  std::uint64_t sessions_ = 0;
  std::uint32_t done_ = 0, total_ = 0;
};

}  // namespace

tl::expected<PlanResult, std::string> simulate_plan(const PlanOptions& options) {
  station::ProgramLibrary library = station::load_programs(options.session.world.program_directory);
  const auto found = library.programs.find(options.program_id);
  if (found == library.programs.end()) {
    return tl::make_unexpected(
        fmt::format("program '{}' is not in '{}'; 'medius programs' lists them", options.program_id,
                    options.session.world.program_directory));
  }
  station::Program program = found->second;
  if (program.plan.weeks == 0) {
    return tl::make_unexpected(fmt::format(
        "program '{}' is a single session and has no [plan]; leave --weeks out", program.id));
  }
  if (options.weeks > 0) {
    program.plan.weeks = options.weeks;
    // A longer or shorter plan ends with a test too.
    if (!program.plan.test_weeks.empty()) {
      std::erase_if(program.plan.test_weeks, [&](auto week) { return week >= options.weeks; });
      program.plan.test_weeks.push_back(options.weeks);
    }
  }
  return PlanRun(options, std::move(library), std::move(program)).run();
}

}  // namespace medius::sim
