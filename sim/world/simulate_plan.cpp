#include "sim/world/simulate_plan.hpp"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/station/people.hpp"

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

// Noon of the first day, 2026-01-05 UTC, a Monday.
constexpr std::int64_t kFirstDayUnixNs = 1'767'614'400'000'000'000;
constexpr const char* kClientId = "simulated";

// One machine with its store: a station of its own, between whose sessions nothing runs.
struct Place {
  hal::CoordinateKind kind = hal::CoordinateKind::kCable;
  station::MachineConfig machine;
  std::shared_ptr<record::Store> store;
  std::string plan_id;
};

station::ExerciseDecision decision_from(const record::PlanDecision& stored) {
  station::ExerciseDecision out;
  out.exercise_id = stored.exercise_id;
  out.decision.change = static_cast<station::Change>(stored.change);
  out.decision.load_before = stored.load_before;
  out.decision.load = stored.load;
  out.decision.reps_before = stored.reps_before;
  out.decision.reps = stored.reps;
  out.decision.refused = stored.refused;
  out.decision.applied = stored.applied;
  out.decision.capped = stored.capped;
  out.decision.reason = stored.reason;
  for (const record::PlanSet& set : stored.sets) {
    station::SetFigures figures;
    figures.side = set.side;
    figures.load = set.load;
    figures.reps_asked = set.reps_asked;
    figures.reps_full = set.reps_full;
    figures.reps_partial = set.reps_partial;
    figures.range = set.range;
    figures.tempo_off_share = set.tempo_off_share;
    figures.momentum_share = set.momentum_share;
    out.day.sets.push_back(figures);
  }
  return out;
}

class PlanRun {
 public:
  PlanRun(const PlanOptions& options, station::ProgramLibrary library, station::Program program)
      : options_(options), library_(std::move(library)) {
    result_.program = std::move(program);
    result_.seed = options.seed;
    result_.client_id = kClientId;
    // What the stores know of the program is what is carried out.
    library_.programs.insert_or_assign(result_.program.id, result_.program);
  }

  tl::expected<PlanResult, std::string> run() {
    if (auto error = open_places()) return tl::make_unexpected(*error);
    const station::PlanCalendar& plan = result_.program.plan;
    total_ = plan.weeks * plan.days_per_week;
    for (std::uint32_t day = 0; day <= plan.weeks * plan.days_per_week; ++day) {
      if (station::tests_due(plan, day)) ++total_;
    }
    while (const auto day = station::day_of(plan, days_done_)) {
      now_unix_ns_ =
          kFirstDayUnixNs + (static_cast<std::int64_t>(day->week) * 7 + day->day_of_week) * kDayNs;
      if (auto error = maybe_test()) return tl::make_unexpected(*error);
      if (auto error = train_day(*day)) return tl::make_unexpected(*error);
    }
    now_unix_ns_ += kDayNs;
    if (auto error = maybe_test()) return tl::make_unexpected(*error);
    result_.trace_hash = trace_.value();
    return std::move(result_);
  }

 private:
  using Error = std::optional<std::string>;
  using Played = tl::expected<SessionResult, std::string>;
  struct Part {
    Place* place = nullptr;
    Played played;
  };

  [[nodiscard]] station::PeopleDesk desk_of(const Place& place) const {
    return {*place.store, library_, place.machine};
  }

  Error open_places() {
    const std::string& first = options_.session.world.machine_file;
    const auto machine = station::load_machine(first);
    if (!machine) return machine.error().message;
    const bool lever = machine->axes.front().engine.coordinate == hal::CoordinateKind::kLever;
    if (lever) {
      if (auto error = open_place(hal::CoordinateKind::kLever, first)) return error;
    } else {
      // What needs no machine is paced by the cable station.
      const bool seated = has_blocks(result_.program, hal::CoordinateKind::kLever);
      if (!seated || has_blocks(result_.program, hal::CoordinateKind::kCable)) {
        if (auto error = open_place(hal::CoordinateKind::kCable, first)) return error;
      }
      if (seated) {
        auto error = open_place(hal::CoordinateKind::kLever, options_.seated_machine_file);
        if (error) return error;
      }
    }
    if (!places_.empty()) return std::nullopt;
    return fmt::format("nothing of '{}' runs on '{}'; 'medius programs' shows what is for which",
                       result_.program.id, machine->name);
  }

  Error open_place(hal::CoordinateKind kind, const std::string& file) {
    auto machine = station::load_machine(file);
    if (!machine) return machine.error().message;
    if (station::share_of(result_.program, *machine).program.blocks.empty()) return std::nullopt;
    Place place;
    place.kind = kind;
    place.machine = std::move(*machine);
    const char* folder = kind == hal::CoordinateKind::kLever ? "/lever" : "/cable";
    auto store = options_.data_directory.empty()
                     ? record::Store::open_in_memory()
                     : record::Store::open(options_.data_directory + folder);
    if (!store) return store.error().message;
    place.store = std::move(*store);
    record::ClientRecord client;
    client.id = kClientId;
    client.in_therapy = options_.proposals_only;
    if (options_.cable_load_cap_n > 0.0) {
      client.caps.push_back({"", hal::CoordinateKind::kCable, options_.cable_load_cap_n});
    }
    const auto added = station::create_client(desk_of(place), client, kFirstDayUnixNs);
    if (!added && added.error().code != station::RefusalCode::kWrongState) {
      return added.error().message;
    }
    const auto plan = station::create_plan(
        desk_of(place), {kClientId, result_.program.id, result_.program.plan.weeks, 0},
        kFirstDayUnixNs);
    if (!plan) return plan.error().message;
    place.plan_id = plan->id;
    result_.plan_ids += (result_.plan_ids.empty() ? "" : " ") + plan->id;
    places_.push_back(std::move(place));
    return std::nullopt;
  }

  [[nodiscard]] SimulateOptions session_options(const Place& place,
                                                const station::PlannedSession& planned) {
    SimulateOptions options = options_.session;
    options.program = planned.program;
    options.trainee = planned.trainee;
    options.jump_rests = true;
    options.program_id = planned.program.id;
    options.strength = strength_of(options_.adaptation, adaptation_);
    options.world.store = place.store;
    options.world.wall_start_unix_ns = now_unix_ns_;
    options.world.machine_file = place.machine.path;
    // Every session has a seed of its own: nobody does the same thing twice.
    std::uint64_t mix = options_.seed * 1'000'003u + ++sessions_;
    options.world.seed = splitmix64(mix) >> 24;
    return options;
  }

  // The plan's next session (or a test of it) at every machine that has a part in it. The machines
  // know nothing of each other, so that the order of their computing changes no result.
  tl::expected<std::vector<Part>, std::string> play(const std::string& test_id) {
    std::vector<std::pair<Place*, std::future<Played>>> running;
    for (Place& place : places_) {
      const auto planned = station::planned_session(
          desk_of(place), {place.plan_id, test_id, kClientId, true}, now_unix_ns_);
      if (!planned) return tl::make_unexpected(planned.error().message);
      if (station::share_of(planned->program, place.machine).program.blocks.empty()) continue;
      running.emplace_back(&place, std::async(std::launch::async, simulate_session,
                                              session_options(place, *planned)));
    }
    std::vector<Part> parts;
    for (auto& [place, session] : running) parts.push_back({place, session.get()});
    for (const Part& part : parts) {
      if (!part.played) return tl::make_unexpected(part.played.error());
      result_.simulated_s += part.played->simulated_s;
      trace_.add(part.played->trace_hash);
    }
    return parts;
  }

  void report_progress() {
    if (options_.progress) options_.progress(++done_, total_);
  }

  // What the station has decided, in the order of the program.
  void take_decisions(const std::vector<record::PlanDayRecord>& days, PlanSessionDay& entry) const {
    for (const ProgramBlock& block : result_.program.blocks) {
      const auto known = [&](const auto& one) { return one.exercise_id == block.exercise_id; };
      if (std::any_of(entry.decisions.begin(), entry.decisions.end(), known)) continue;
      for (const record::PlanDayRecord& day : days) {
        for (const record::PlanDecision& decision : day.decisions) {
          if (known(decision)) entry.decisions.push_back(decision_from(decision));
        }
      }
    }
  }

  Error train_day(const station::PlanDay& day) {
    PlanSessionDay entry;
    entry.day = day;
    entry.strength = strength_of(options_.adaptation, adaptation_);
    const auto parts = play("");
    if (!parts) return parts.error();
    std::vector<record::SetRecord> stored;
    std::vector<record::PlanDayRecord> days;
    for (const Part& part : *parts) {
      const SessionResult& played = *part.played;
      if (!played.completed) entry.notes.push_back("ended early: " + played.reason);
      for (const SimulatedSet& set : played.sets) stored.push_back(set.stored);
      for (const record::GuidedRecord& guided : played.guided) {
        if (guided.end == record::GuidedEnd::kConfirmed) ++entry.guided;
      }
      auto of_plan = part.place->store->plan_days(part.place->plan_id);
      if (of_plan.empty() || of_plan.back().session_id != played.session_id) {
        return fmt::format("the plan did not take up session {}", played.session_id);
      }
      const bool alone = places_.size() == 1;  // else the other machine does what this one skips
      for (const std::string& note : of_plan.back().notes) {
        if (alone || !of_plan.back().counted) entry.notes.push_back(note);
      }
      days.push_back(std::move(of_plan.back()));
    }
    take_decisions(days, entry);
    for (const record::SetRecord& set : stored) entry.repetitions += set.reps_counted;
    entry.sets = static_cast<std::uint32_t>(stored.size());
    const double rested_nm = options_.session.world.station.person.lifter[0].isometric_torque_nm;
    train(options_.adaptation, adaptation_, stored,
          {rested_nm * entry.strength[0], rested_nm * entry.strength[1]});
    result_.sessions.push_back(std::move(entry));
    report_progress();
    return next_day();
  }

  // A day on which nothing could be counted is not tried again and again.
  Error next_day() {
    ++days_done_;
    for (const Place& place : places_) {
      auto plan = place.store->plan(place.plan_id);
      if (!plan) return "plan " + place.plan_id + " is not in its store any more";
      if (plan->days_done == days_done_) continue;
      plan->days_done = days_done_;
      if (auto put = place.store->put_plan(*plan); !put) return put.error().message;
    }
    return std::nullopt;
  }

  Error maybe_test() {
    const station::PlanCalendar& plan = result_.program.plan;
    if (!station::tests_due(plan, days_done_)) return std::nullopt;
    PlanTestDay day;
    day.week = days_done_ / plan.days_per_week;
    for (const std::string& id : plan.tests) {
      const auto test = library_.programs.find(id);
      if (test == library_.programs.end()) {
        day.notes.push_back(id + " is not among the programs of this station; not done");
        continue;
      }
      const bool sees_pelvis = places_.front().machine.pelvis_sensor;
      if (test->second.test == station::TestKind::kPelvicDrop && !sees_pelvis) {
        day.results.push_back(station::pelvis_not_seen());
        continue;
      }
      const auto parts = play(id);
      if (!parts) return parts.error();
      std::vector<record::SetRecord> sets;
      std::vector<record::GuidedRecord> guided;
      for (const Part& part : *parts) {
        const SessionResult& played = *part.played;
        if (!played.completed) day.notes.push_back(id + " ended early: " + played.reason);
        for (const SimulatedSet& set : played.sets) sets.push_back(set.stored);
        guided.insert(guided.end(), played.guided.begin(), played.guided.end());
      }
      if (parts->empty()) {
        day.notes.push_back(id + " belongs to another machine; not done here");
        continue;
      }
      day.results.push_back(station::test_result(test->second.test, sets, guided));
    }
    result_.tests.push_back(std::move(day));
    report_progress();
    return std::nullopt;
  }

  const PlanOptions& options_;
  station::ProgramLibrary library_;
  std::vector<Place> places_;
  std::uint32_t days_done_ = 0;
  std::int64_t now_unix_ns_ = kFirstDayUnixNs;
  AdaptationState adaptation_;
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
