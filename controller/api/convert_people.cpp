#include "controller/api/convert_people.hpp"

#include <charconv>
#include <cmath>

#include "controller/record/export.hpp"

namespace medius::api {
namespace {

// The numbers of these enums are the same on both sides; a test compares their words.
static_assert(static_cast<int>(record::Side::kBoth) == v1::SIDE_BOTH);
static_assert(static_cast<int>(station::Goal::kActivation) == v1::GOAL_ACTIVATION);
static_assert(static_cast<int>(record::Sex::kOther) == v1::SEX_OTHER);
static_assert(static_cast<int>(record::PlanChange::kLessLoad) + 1 == v1::CHANGE_LESS);

v1::Side side_to_pb(record::Side side) {
  return static_cast<v1::Side>(side);
}

void time_to_pb(std::int64_t unix_ns, google::protobuf::Timestamp* out) {
  out->set_seconds(unix_ns / 1'000'000'000);
  out->set_nanos(static_cast<std::int32_t>(unix_ns % 1'000'000'000));
}

void load_to_pb(double value, hal::CoordinateKind kind, v1::Load* out) {
  if (kind == hal::CoordinateKind::kLever) {
    out->set_load_nm(value);
  } else {
    out->set_load_n(value);
  }
}

// Free text of a person: lines are allowed, other control characters are not.
Shape<std::string> notes_from_pb(const std::string& notes) {
  for (const char c : notes) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      return tl::unexpected(std::string("notes hold a control character; write plain text"));
    }
  }
  if (notes.size() > record::kNotesMax) {
    return tl::unexpected("notes have " + std::to_string(notes.size()) + " bytes, at most " +
                          std::to_string(record::kNotesMax) + " are kept; shorten them");
  }
  return notes;
}

Shape<record::LoadCap> cap_from_pb(const v1::LoadCap& cap) {
  const auto exercise = name_from_pb("caps.exercise", cap.exercise());
  if (!exercise) return tl::unexpected(exercise.error());
  const auto load = load_from_pb(cap.load());
  if (!load) return tl::unexpected("caps: " + load.error());
  return record::LoadCap{*exercise, load->coordinate, load->value};
}

}  // namespace

std::string etag_of(std::uint64_t revision) {
  return "\"" + std::to_string(revision) + "\"";
}

Shape<std::optional<std::uint64_t>> revision_from_pb(const std::string& etag) {
  if (etag.empty() || etag == "*") return std::optional<std::uint64_t>();
  std::uint64_t revision = 0;
  const bool quoted = etag.size() > 2 && etag.front() == '"' && etag.back() == '"';
  const char* begin = etag.data() + 1;
  const char* end = etag.data() + etag.size() - 1;
  if (!quoted || std::from_chars(begin, end, revision).ptr != end) {
    return tl::unexpected(std::string("etag is not one of ours; send back the one that was read"));
  }
  return std::optional(revision);
}

void client_to_pb(const record::ClientRecord& client, v1::Client* out) {
  out->set_name("clients/" + client.id);
  out->set_etag(etag_of(client.revision));
  const station::GoalPreset* goal = station::find_goal(client.goal);
  if (goal != nullptr) out->set_goal(static_cast<v1::Goal>(goal->goal));
  out->set_notes(client.notes);
  out->set_birth_year(client.birth_year);
  out->set_sex(static_cast<v1::Sex>(client.sex));
  out->set_body_mass_kg(client.body_mass_kg);
  out->set_height_m(client.height_m);
  out->set_leg_length_m(client.leg_length_m);
  out->set_affected_side(side_to_pb(client.affected_side));
  out->set_in_therapy(client.in_therapy);
  for (const record::LoadCap& cap : client.caps) {
    v1::LoadCap* entry = out->add_caps();
    entry->set_exercise(cap.exercise_id);
    load_to_pb(cap.load, cap.coordinate, entry->mutable_load());
  }
  time_to_pb(client.create_unix_ns, out->mutable_create_time());
  time_to_pb(client.update_unix_ns, out->mutable_update_time());
}

Shape<bool> client_from_pb(const v1::Client& client, record::ClientRecord& out) {
  if (!v1::Goal_IsValid(client.goal()) || !v1::Sex_IsValid(client.sex()) ||
      !v1::Side_IsValid(client.affected_side())) {
    return tl::unexpected(
        std::string("goal, sex or affected_side has a value that this station does not know"));
  }
  const auto notes = notes_from_pb(client.notes());
  if (!notes) return tl::unexpected(notes.error());
  for (const double value : {client.body_mass_kg(), client.height_m(), client.leg_length_m()}) {
    if (!std::isfinite(value)) {
      return tl::unexpected(std::string("a body measure is not a finite number; 0 = not said"));
    }
  }
  if (client.birth_year() > 9999) {
    return tl::unexpected("birth_year is " + std::to_string(client.birth_year()) +
                          "; write four digits, 0 = not said");
  }
  out.caps.clear();
  for (const v1::LoadCap& entry : client.caps()) {
    const auto cap = cap_from_pb(entry);
    if (!cap) return tl::unexpected(cap.error());
    out.caps.push_back(*cap);
  }
  const station::GoalPreset* goal = station::find_goal(static_cast<station::Goal>(client.goal()));
  out.goal = goal == nullptr ? "" : goal->id;
  out.notes = *notes;
  out.birth_year = static_cast<std::uint16_t>(client.birth_year());
  out.sex = static_cast<record::Sex>(client.sex());
  out.body_mass_kg = client.body_mass_kg();
  out.height_m = client.height_m();
  out.leg_length_m = client.leg_length_m();
  out.affected_side = static_cast<record::Side>(client.affected_side());
  out.in_therapy = client.in_therapy();
  return true;
}

void plan_to_pb(const record::PlanRecord& plan, const station::PeopleDesk& desk,
                const record::ClientRecord* client, v1::Plan* out) {
  out->set_name("plans/" + plan.id);
  out->set_etag(etag_of(plan.revision));
  out->set_client("clients/" + plan.client_id);
  out->set_program("programs/" + plan.program_id);
  out->set_weeks(plan.weeks);
  out->set_days_per_week(plan.days_per_week);
  for (const std::uint32_t week : plan.test_weeks) out->add_test_weeks(week);
  out->set_days_done(plan.days_done);
  if (plan.last_start_unix_ns != 0) {
    time_to_pb(plan.last_start_unix_ns, out->mutable_last_strength_day());
  }
  if (!plan.session_id.empty()) out->set_session("sessions/" + plan.session_id);
  const auto program = desk.programs.programs.find(plan.program_id);
  for (const record::PlanExercise& exercise : plan.exercises) {
    v1::PlanExercise* entry = out->add_exercises();
    entry->set_exercise(exercise.exercise_id);
    entry->set_load(exercise.load);
    entry->set_reps(exercise.reps);
    entry->set_surplus_days(exercise.surplus_days);
    entry->set_short_days(exercise.short_days);
    if (exercise.proposal) {
      entry->mutable_proposal()->set_load(exercise.proposal->load);
      entry->mutable_proposal()->set_reps(exercise.proposal->reps);
      entry->mutable_proposal()->set_reason(exercise.proposal->reason);
    }
    if (program == desk.programs.programs.end()) continue;
    for (const station::ProgramBlock& block : program->second.blocks) {
      if (block.exercise_id != exercise.exercise_id || block.guided) continue;
      entry->set_coordinate(coordinate_to_pb(block.coordinate));
      const auto cap = client == nullptr
                           ? std::nullopt
                           : station::cap_of(client->caps, block.exercise_id, block.coordinate);
      if (cap) entry->set_load_cap(*cap);
    }
  }
  time_to_pb(plan.create_unix_ns, out->mutable_create_time());
  time_to_pb(plan.update_unix_ns, out->mutable_update_time());
  out->set_earlier_sets(static_cast<std::uint32_t>(plan.earlier.size()));
}

void decision_to_pb(const record::PlanDecision& decision, v1::PlanDecision* out) {
  out->set_exercise(decision.exercise_id);
  out->set_change(static_cast<v1::Change>(static_cast<int>(decision.change) + 1));
  out->set_load_before(decision.load_before);
  out->set_load(decision.load);
  out->set_reps_before(decision.reps_before);
  out->set_reps(decision.reps);
  out->set_refused(decision.refused);
  out->set_proposed(!decision.applied);
  out->set_capped(decision.capped);
  out->set_decided_by(decision.decided_by);
  out->set_reason(decision.reason);
  for (const record::PlanSet& set : decision.sets) {
    v1::PlanSet* entry = out->add_sets();
    entry->set_side(side_to_pb(set.side));
    entry->set_load(set.load);
    entry->set_reps_asked(set.reps_asked);
    entry->set_reps_full(set.reps_full);
    entry->set_reps_partial(set.reps_partial);
    entry->set_range(set.range);
    entry->set_tempo_off_share(set.tempo_off_share);
    entry->set_momentum_share(set.momentum_share);
  }
}

void plan_day_to_pb(const record::PlanDayRecord& day, v1::PlanDay* out) {
  out->set_ordinal(day.ordinal);
  out->set_days_done(day.days_done);
  if (!day.session_id.empty()) out->set_session("sessions/" + day.session_id);
  time_to_pb(day.unix_ns, out->mutable_time());
  out->set_counted(day.counted);
  for (const std::string& note : day.notes) out->add_notes(note);
  for (const record::PlanDecision& decision : day.decisions) {
    decision_to_pb(decision, out->add_decisions());
  }
}

void next_to_pb(const station::NextOfPlan& next, v1::NextSession* out) {
  out->set_plan("plans/" + next.plan.id);
  out->set_over(!next.day.has_value());
  if (next.day) {
    out->set_week(next.day->week + 1);
    out->set_day(next.day->day_of_week + 1);
  }
  if (next.session) {
    for (const station::ProgramBlock& block : next.session->program.blocks) {
      prescription_to_pb(block, out->add_blocks());
    }
    for (const std::string& note : next.session->trainee.notes) out->add_notes(note);
  }
  for (const std::string& skipped : next.skipped) out->add_skipped(skipped);
  for (const station::DueTest& test : next.tests) {
    v1::DueTest* entry = out->add_tests();
    entry->set_program("programs/" + test.program_id);
    entry->set_week(test.week);
    entry->set_note(test.note);
  }
}

Shape<record::EarlierSet> earlier_from_pb(const v1::EarlierSet& set, std::size_t number) {
  const std::string row = "sets[" + std::to_string(number) + "]: ";
  const auto exercise = name_from_pb("exercise", set.exercise());
  if (!exercise) return tl::unexpected(row + exercise.error());
  const auto load = load_from_pb(set.load());
  if (!load) return tl::unexpected(row + load.error());
  if (!v1::Side_IsValid(set.side())) return tl::unexpected(row + "side has an unknown value");
  // 1900 to 2262: what nanoseconds in 64 bits hold.
  if (set.day().seconds() < -2'208'988'800 || set.day().seconds() > 9'000'000'000) {
    return tl::unexpected(row + "day is no date of a training; write seconds since 1970");
  }
  record::EarlierSet out;
  out.day_unix_ns = set.day().seconds() * 1'000'000'000;
  out.exercise_id = *exercise;
  out.side = static_cast<record::Side>(set.side());
  out.coordinate = load->coordinate;
  out.load = load->value;
  out.reps = set.reps();
  return out;
}

void test_to_pb(const std::string& client_id, const station::TestRecord& test,
                v1::TestResult* out) {
  out->set_name("clients/" + client_id + "/tests/" + test.session.id);
  out->set_session("sessions/" + test.session.id);
  out->set_program("programs/" + test.session.program_id);
  out->set_kind(station::to_string(test.result.kind));
  out->set_unit(test.result.unit);
  time_to_pb(test.session.start_unix_ns, out->mutable_start_time());
  for (const station::SideResult& side : test.result.sides) {
    v1::TestSide* entry = out->add_sides();
    entry->set_side(side_to_pb(side.side));
    entry->set_trials(static_cast<std::uint32_t>(side.value.count));
    entry->set_best(side.value.best);
    entry->set_mean(side.value.mean);
    entry->set_standard_error(side.value.standard_error);
  }
  if (test.result.symmetry) out->set_symmetry(station::symmetry_text(*test.result.symmetry));
  out->set_note(test.result.note);
}

void progress_to_pb(const station::Progress& progress, v1::Progress* out) {
  out->set_client("clients/" + progress.client_id);
  for (const station::TestSeries& series : progress.tests) {
    v1::TestSeries* entry = out->add_tests();
    entry->set_kind(station::to_string(series.kind));
    entry->set_side(side_to_pb(series.side));
    entry->set_unit(series.unit);
    for (const station::TestPoint& point : series.points) {
      v1::TestPoint* at = entry->add_points();
      at->set_session("sessions/" + point.session_id);
      time_to_pb(point.unix_ns, at->mutable_time());
      at->set_value(point.value);
      at->set_standard_error(point.standard_error);
      at->set_change_known(point.since_first);
      at->set_difference(point.difference);
      at->set_percent(point.percent);
      at->set_minimal_detectable_change(point.minimal_detectable_change);
      at->set_beyond_error(point.beyond_error);
      at->set_words(point.words);
    }
  }
  for (const station::SymmetryPoint& point : progress.symmetry) {
    v1::SymmetryPoint* entry = out->add_symmetry();
    entry->set_session("sessions/" + point.session_id);
    time_to_pb(point.unix_ns, entry->mutable_time());
    entry->set_source(point.source);
    entry->set_percent(point.percent);
    entry->set_error_percent(point.error_percent);
    entry->set_beyond_error(point.beyond_error);
    entry->set_words(point.words);
  }
  for (const station::LoadSeries& series : progress.loads) {
    v1::LoadSeries* entry = out->add_loads();
    entry->set_exercise(series.exercise_id);
    entry->set_coordinate(coordinate_to_pb(series.coordinate));
    for (const station::LoadPoint& point : series.points) {
      v1::LoadPoint* at = entry->add_points();
      time_to_pb(point.unix_ns, at->mutable_time());
      at->set_plan("plans/" + point.plan_id);
      at->set_load(point.load);
      at->set_reps(point.reps);
      at->set_told(point.told);
    }
  }
  for (const std::string& note : progress.notes) out->add_notes(note);
}

void machine_to_pb(const station::MachineConfig& machine, const std::string& station,
                   v1::Machine* out) {
  out->set_name(station + "/machines/main");
  out->set_title(machine.name);
  out->set_simulated(machine.simulated);
  out->set_pelvis_sensor(machine.pelvis_sensor);
  bool linked = false;
  for (std::size_t i = 0; i < machine.axes.size(); ++i) {
    const station::AxisMachineConfig& axis = machine.axes[i];
    v1::MachineAxis* entry = out->add_axes();
    entry->set_axis_name(axis.name);
    entry->set_axis(static_cast<std::uint32_t>(i));
    entry->set_coordinate(coordinate_to_pb(axis.engine.coordinate));
    entry->set_force_max(axis.engine.bounds.force_max);
    entry->set_user_force_max(axis.user_force_max);
    entry->set_load_step_max(axis.load_step_max);
    entry->set_pretension(axis.pretension);
    entry->set_linked_arms(axis.engine.linked_arms);
    linked = linked || axis.engine.linked_arms;
  }
  if (!linked) {
    out->add_sides(v1::SIDE_LEFT);
    out->add_sides(v1::SIDE_RIGHT);
  }
  if (linked || machine.axes.size() > 1) out->add_sides(v1::SIDE_BOTH);
}

}  // namespace medius::api
