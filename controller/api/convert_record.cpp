#include <algorithm>
#include <array>
#include <utility>

#include "controller/api/convert.hpp"
#include "controller/record/export.hpp"
#include "controller/record/measuring.hpp"

namespace medius::api {
namespace {

void time_to_pb(std::int64_t unix_ns, google::protobuf::Timestamp* out) {
  out->set_seconds(unix_ns / 1'000'000'000);
  out->set_nanos(static_cast<std::int32_t>(unix_ns % 1'000'000'000));
}

v1::Side side_to_pb(record::Side side) {
  switch (side) {
    case record::Side::kNone:
      return v1::SIDE_UNSPECIFIED;
    case record::Side::kLeft:
      return v1::SIDE_LEFT;
    case record::Side::kRight:
      return v1::SIDE_RIGHT;
    case record::Side::kBoth:
      return v1::SIDE_BOTH;
  }
  return v1::SIDE_UNSPECIFIED;
}

v1::SetEnd end_to_pb(record::SetEnd end) {
  switch (end) {
    case record::SetEnd::kOpen:
      return v1::SET_END_OPEN;
    case record::SetEnd::kCount:
      return v1::SET_END_COUNT;
    case record::SetEnd::kStopped:
      return v1::SET_END_STOPPED;
    case record::SetEnd::kStoodStill:
      return v1::SET_END_STOOD_STILL;
    case record::SetEnd::kFault:
      return v1::SET_END_FAULT;
    case record::SetEnd::kInterrupted:
      return v1::SET_END_INTERRUPTED;
  }
  return v1::SET_END_UNSPECIFIED;
}

const char* rejection_name(measure::RepRejection rejection) {
  switch (rejection) {
    case measure::RepRejection::kNone:
      return "";
    case measure::RepRejection::kTooShort:
      return "too-short";
    case measure::RepRejection::kSlack:
      return "slack";
    case measure::RepRejection::kUnfinished:
      return "unfinished";
    case measure::RepRejection::kLinkLost:
      return "link-lost";
  }
  return "";
}

constexpr std::array<std::pair<std::uint32_t, const char*>, 8> kQualityNames{{
    {measure::kQualityRangeShort, "range-short"},
    {measure::kQualityTempoFast, "tempo-fast"},
    {measure::kQualityTempoSlow, "tempo-slow"},
    {measure::kQualityHoldShort, "hold-short"},
    {measure::kQualityMomentum, "momentum"},
    {measure::kQualitySamplesMissing, "samples-missing"},
    {measure::kQualityProvisional, "provisional"},
    {measure::kQualityPelvicDrop, "pelvic-drop"},
}};

void load_to_pb(double value, hal::CoordinateKind kind, v1::Load* out) {
  if (kind == hal::CoordinateKind::kCable) {
    out->set_load_n(value);
  } else {
    out->set_load_nm(value);
  }
}

void tempo_to_pb(const measure::Tempo& tempo, v1::Tempo* out) {
  out->set_concentric_s(tempo.concentric_s);
  out->set_hold_s(tempo.hold_s);
  out->set_eccentric_s(tempo.eccentric_s);
  out->set_bottom_s(tempo.bottom_s);
}

void phase_metrics_to_pb(const measure::PhaseMetrics& phase, v1::PhaseMetrics* out) {
  out->set_duration_s(phase.duration_s);
  out->set_force_mean_time(phase.force_mean_time);
  out->set_force_mean_distance(phase.force_mean_distance);
  out->set_force_peak(phase.force_peak);
  out->set_impulse(phase.impulse);
  out->set_work_j(phase.work_j);
  out->set_power_mean_w(phase.power_mean_w);
  out->set_power_peak_w(phase.power_peak_w);
  out->set_velocity_mean(phase.velocity_mean);
  out->set_velocity_peak(phase.velocity_peak);
  out->set_force_error_rms(phase.force_error_rms);
}

v1::GuidedEnd guided_end_to_pb(record::GuidedEnd end) {
  using record::GuidedEnd;
  switch (end) {
    case GuidedEnd::kOpen:
      return v1::GUIDED_END_OPEN;
    case GuidedEnd::kConfirmed:
      return v1::GUIDED_END_CONFIRMED;
    case GuidedEnd::kSkipped:
      return v1::GUIDED_END_SKIPPED;
    case GuidedEnd::kNotConfirmed:
      return v1::GUIDED_END_NOT_CONFIRMED;
    case GuidedEnd::kStopped:
      return v1::GUIDED_END_STOPPED;
    case GuidedEnd::kFault:
      return v1::GUIDED_END_FAULT;
    case GuidedEnd::kInterrupted:
      return v1::GUIDED_END_INTERRUPTED;
  }
  return v1::GUIDED_END_UNSPECIFIED;
}

v1::Goal goal_to_pb(station::Goal goal) {
  using station::Goal;
  switch (goal) {
    case Goal::kNone:
      return v1::GOAL_UNSPECIFIED;
    case Goal::kStrength:
      return v1::GOAL_STRENGTH;
    case Goal::kEndurance:
      return v1::GOAL_ENDURANCE;
    case Goal::kHypertrophy:
      return v1::GOAL_HYPERTROPHY;
    case Goal::kCompound:
      return v1::GOAL_COMPOUND;
    case Goal::kActivation:
      return v1::GOAL_ACTIVATION;
  }
  return v1::GOAL_UNSPECIFIED;
}

v1::Progression progression_to_pb(station::Progression progression) {
  using station::Progression;
  switch (progression) {
    case Progression::kFixed:
      return v1::PROGRESSION_FIXED;
    case Progression::kRepsFirst:
      return v1::PROGRESSION_REPS_FIRST;
    case Progression::kTwoForTwo:
      return v1::PROGRESSION_TWO_FOR_TWO;
  }
  return v1::PROGRESSION_UNSPECIFIED;
}

// Some 2 KB a repetition: a thousand of them stay below what a message may hold.
constexpr std::size_t kMeasuredRepsMax = 1000;

void rep_to_pb(const measure::RepMetrics& rep, v1::Repetition* out) {
  out->set_index(rep.index);
  switch (rep.kind) {
    case measure::RepKind::kFull:
      out->set_kind(v1::REP_KIND_FULL);
      break;
    case measure::RepKind::kPartial:
      out->set_kind(v1::REP_KIND_PARTIAL);
      break;
    case measure::RepKind::kRejected:
      out->set_kind(v1::REP_KIND_REJECTED);
      break;
  }
  out->set_rejection(rejection_name(rep.rejection));
  for (const auto& [flag, name] : kQualityNames) {
    if ((rep.quality & flag) != 0) out->add_quality(name);
  }
  out->set_range(rep.range);
  out->set_hold_s(rep.hold_s);
  out->set_bottom_s(rep.bottom_s);
  out->set_time_under_tension_s(rep.time_under_tension_s);
  out->set_rendered_ratio(rep.rendered_ratio);
  out->set_tempo_error_percent(rep.tempo_error_percent);
  phase_metrics_to_pb(rep.concentric, out->mutable_concentric());
  phase_metrics_to_pb(rep.eccentric, out->mutable_eccentric());
  out->set_start_tick(rep.start_tick);
  out->set_peak_start_tick(rep.peak_start_tick);
  out->set_peak_end_tick(rep.peak_end_tick);
  out->set_end_tick(rep.end_tick);
  out->set_definition_version(rep.definition_version);
}

}  // namespace

void value_to_pb(const measure::MetricValue& value, hal::CoordinateKind kind,
                 v1::MetricValue* out) {
  const measure::MetricDefinition* metric = measure::find_metric(value.id);
  if (metric == nullptr) return;
  out->set_key(metric->key);
  out->set_value(value.value);
  out->set_uncertainty(value.uncertainty);
  out->set_unit(record::metric_unit(*metric, kind));
  for (std::string name : record::value_flag_names(value.flags)) {
    std::replace(name.begin(), name.end(), '_', '-');
    out->add_flags(std::move(name));
  }
  out->set_version(value.version);
}

void given_to_pb(const record::SetGiven& given, v1::SetGiven* out) {
  out->set_detector_version(given.detector_version);
  for (const auto& [name, value] : record::tracker_values(given.tracker)) {
    (*out->mutable_detector())[std::string(name)] = value;
  }
  tempo_to_pb(given.tempo, out->mutable_tempo());
  out->set_range_target(given.range_target);
  out->set_hold_s(given.hold_s);
  out->set_force_max(given.force_max);
  out->set_velocity_max(given.velocity_max);
  out->set_force_before(given.force_before);
  out->set_changes_lost(given.changes_lost);
  for (const record::GivenChange& change : given.changes) {
    v1::SetChange* one = out->add_changes();
    one->set_tick(change.tick);
    // On the wire 0 is "unspecified".
    one->set_kind(static_cast<v1::SetChangeKind>(static_cast<int>(change.kind) + 1));
    one->set_parameter(change.name);
    one->set_value(change.value);
  }
}

void metrics_to_pb(const record::SetRecord& set, v1::Set* out) {
  if (set.given.known()) given_to_pb(set.given, out->mutable_given());
  const auto count = static_cast<std::size_t>(out->repetitions_size());
  const std::size_t first = count - std::min(count, kMeasuredRepsMax);
  for (std::size_t i = first; i < count; ++i) {
    v1::Repetition* rep = out->mutable_repetitions(static_cast<int>(i));
    for (const measure::MetricValue& value : set.reps[i].values) {
      value_to_pb(value, set.coordinate, rep->add_metrics());
    }
  }
  for (const measure::MetricValue& value : set.metrics) {
    value_to_pb(value, set.coordinate, out->add_metrics());
  }
}

void set_to_pb(const record::SetRecord& set, std::size_t reps_max, v1::Set* out) {
  out->set_name("sessions/" + set.session_id + "/sets/" + set.id);
  out->set_index(set.index);
  out->set_exercise(set.exercise_id);
  out->mutable_profile()->set_profile(set.profile_id);
  for (const auto& [name, value] : set.parameters) {
    (*out->mutable_profile()->mutable_parameters())[name] = value;
  }
  out->set_side(side_to_pb(set.side));
  out->set_axis(set.axis);
  out->set_coordinate(coordinate_to_pb(set.coordinate));
  tempo_to_pb(record::tempo_of(set.tempo), out->mutable_tempo());
  load_to_pb(set.load_start, set.coordinate, out->mutable_load_start());
  load_to_pb(set.load_end, set.coordinate, out->mutable_load_end());
  out->set_reps_target(set.reps_target);
  out->set_reps_counted(set.reps_counted);
  out->set_reps_partial(set.reps_partial);
  out->set_direction_changes(set.direction_changes);
  out->set_end(end_to_pb(set.end));
  if (set.start_unix_ns != 0) time_to_pb(set.start_unix_ns, out->mutable_start_time());
  if (set.end_unix_ns != 0) time_to_pb(set.end_unix_ns, out->mutable_end_time());
  out->set_start_tick(set.start_tick);
  out->set_end_tick(set.end_tick);
  out->set_samples(set.samples);
  out->set_samples_dropped(set.samples_dropped);
  if (set.fault != 0) fault_to_pb(static_cast<safety::FaultCode>(set.fault), out->mutable_fault());
  const std::size_t first = set.reps.size() - std::min(reps_max, set.reps.size());
  for (std::size_t i = first; i < set.reps.size(); ++i) {
    rep_to_pb(set.reps[i], out->add_repetitions());
  }
}

void guided_to_pb(const record::GuidedRecord& guided, v1::GuidedExercise* out) {
  constexpr double kDegrees = 180.0 / det::kPi;
  out->set_name("sessions/" + guided.session_id + "/guided/" + guided.id);
  out->set_index(guided.index);
  out->set_exercise(guided.exercise_id);
  out->set_side(side_to_pb(guided.side));
  out->set_warm_up(guided.warm_up);
  out->set_reps_asked(guided.reps_asked);
  tempo_to_pb(record::tempo_of(guided.tempo), out->mutable_tempo());
  if (guided.hold_s > 0.0) seconds_to_pb(guided.hold_s, out->mutable_hold());
  if (guided.duration_s > 0.0) seconds_to_pb(guided.duration_s, out->mutable_duration());
  out->set_end(guided_end_to_pb(guided.end));
  if (guided.from == record::ConfirmedFrom::kPanel) {
    out->set_confirmed_from(v1::CONFIRMED_FROM_PANEL);
  } else if (guided.from == record::ConfirmedFrom::kOrder) {
    out->set_confirmed_from(v1::CONFIRMED_FROM_ORDER);
  }
  out->set_confirmed_by(guided.confirmed_by);
  out->set_reps_confirmed(guided.reps_confirmed);
  out->set_reason(guided.reason);
  if (guided.start_unix_ns != 0) time_to_pb(guided.start_unix_ns, out->mutable_start_time());
  if (guided.end_unix_ns != 0) time_to_pb(guided.end_unix_ns, out->mutable_end_time());
  out->set_start_tick(guided.start_tick);
  out->set_end_tick(guided.end_tick);
  if (!guided.stance) return;
  v1::Stance* stance = out->mutable_stance();
  stance->set_measured(guided.stance->measured);
  stance->set_held(guided.stance->held);
  stance->set_dropped(guided.stance->dropped);
  stance->set_drop_deg(guided.stance->drop_rad * kDegrees);
  stance->set_mean_deg(guided.stance->mean_rad * kDegrees);
  stance->set_stood_s(guided.stance->stood_s);
  stance->set_until_drop_s(guided.stance->until_drop_s);
}

void session_to_pb(const record::SessionRecord& session, v1::Session* out) {
  out->set_name("sessions/" + session.id);
  if (!session.program_id.empty()) out->set_program("programs/" + session.program_id);
  out->set_client(session.client_id);
  if (!session.plan_id.empty()) out->set_plan("plans/" + session.plan_id);
  if (session.start_unix_ns != 0) time_to_pb(session.start_unix_ns, out->mutable_start_time());
  if (session.end_unix_ns != 0) time_to_pb(session.end_unix_ns, out->mutable_end_time());
}

void prescription_to_pb(const station::ProgramBlock& block, v1::Prescription* out) {
  out->set_exercise(block.exercise_id);
  for (const record::Side side : block.sides) out->add_sides(side_to_pb(side));
  out->set_sets(block.sets);
  out->set_reps(block.reps);
  if (block.sets_max > block.sets) out->set_sets_max(block.sets_max);
  if (block.reps_max > block.reps) out->set_reps_max(block.reps_max);
  out->set_warm_up(block.warm_up);
  tempo_to_pb(block.tempo, out->mutable_tempo());
  seconds_to_pb(block.rest_s, out->mutable_rest());
  out->set_goal(goal_to_pb(block.goal));
  out->set_progression(progression_to_pb(block.progression));
  if (block.hold_s > 0.0) seconds_to_pb(block.hold_s, out->mutable_hold());
  if (block.guided) {
    out->set_guided(true);
    if (block.duration_s > 0.0) seconds_to_pb(block.duration_s, out->mutable_duration());
    out->set_cue(block.cue);
    return;
  }
  load_to_pb(block.load, block.coordinate, out->mutable_load());
  if (block.load_share < 1.0) out->set_load_share(block.load_share);
  out->set_range_target(block.range_target);
  out->mutable_profile()->set_profile(block.profile.id);
  for (const auto& [name, value] : block.profile.parameters) {
    (*out->mutable_profile()->mutable_parameters())[name] = value;
  }
}

void program_to_pb(const station::Program& program, v1::Program* out) {
  out->set_name("programs/" + program.id);
  out->set_title(program.title);
  out->set_description(program.description);
  out->set_weeks(program.plan.weeks);
  out->set_days_per_week(program.plan.days_per_week);
  for (const std::uint32_t week : program.plan.test_weeks) out->add_test_weeks(week);
  for (const std::string& test : program.plan.tests) out->add_tests("programs/" + test);
  if (program.test != station::TestKind::kNone) out->set_test(station::to_string(program.test));
  for (const station::ProgramBlock& block : program.blocks) {
    prescription_to_pb(block, out->add_blocks());
  }
}

void profile_to_pb(const station::ProfileInfo& profile, v1::Profile* out) {
  out->set_name("profiles/" + profile.id);
  out->set_title(profile.name);
  out->set_vendor(profile.vendor);
  out->set_version(profile.version);
  out->set_description(profile.description);
  for (const auto kind : {hal::CoordinateKind::kCable, hal::CoordinateKind::kLever}) {
    if ((profile.coordinates & (1u << static_cast<unsigned>(kind))) != 0) {
      out->add_coordinates(coordinate_to_pb(kind));
    }
  }
  for (const station::ParameterInfo& parameter : profile.parameters) {
    v1::ProfileParameter* p = out->add_parameters();
    p->set_name(parameter.name);
    p->set_unit(parameter.unit);
    p->set_description(parameter.description);
    p->set_min(parameter.min);
    p->set_max(parameter.max);
    p->set_default_value(parameter.default_value);
    p->set_user_max(parameter.user_max);
  }
}

}  // namespace medius::api
