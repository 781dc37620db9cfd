#include "client/wire.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "client/wording.hpp"
#include "controller/base/det_math.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

std::int64_t unix_ns(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000'000 + time.nanos();
}

double seconds_of(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + 1e-9 * static_cast<double>(duration.nanos());
}

std::string tempo_text(const v1::Tempo& tempo) {
  return fmt::format("{:g}-{:g}-{:g}-{:g}", tempo.concentric_s(), tempo.hold_s(),
                     tempo.eccentric_s(), tempo.bottom_s());
}

double value_of(const v1::Load& load) {
  return load.value_case() == v1::Load::kLoadNm ? load.load_nm() : load.load_n();
}

record::Side side_from_pb(v1::Side side) {
  switch (side) {
    case v1::SIDE_LEFT:
      return record::Side::kLeft;
    case v1::SIDE_RIGHT:
      return record::Side::kRight;
    case v1::SIDE_BOTH:
      return record::Side::kBoth;
    default:
      return record::Side::kNone;
  }
}

record::SetEnd end_from_pb(v1::SetEnd end) {
  switch (end) {
    case v1::SET_END_COUNT:
      return record::SetEnd::kCount;
    case v1::SET_END_STOPPED:
      return record::SetEnd::kStopped;
    case v1::SET_END_STOOD_STILL:
      return record::SetEnd::kStoodStill;
    case v1::SET_END_FAULT:
      return record::SetEnd::kFault;
    case v1::SET_END_INTERRUPTED:
      return record::SetEnd::kInterrupted;
    default:
      return record::SetEnd::kOpen;
  }
}

measure::PhaseMetrics phase_from_pb(const v1::PhaseMetrics& phase) {
  measure::PhaseMetrics out;
  out.duration_s = phase.duration_s();
  out.force_mean_time = phase.force_mean_time();
  out.force_mean_distance = phase.force_mean_distance();
  out.force_peak = phase.force_peak();
  out.impulse = phase.impulse();
  out.work_j = phase.work_j();
  out.power_mean_w = phase.power_mean_w();
  out.power_peak_w = phase.power_peak_w();
  out.velocity_mean = phase.velocity_mean();
  out.velocity_peak = phase.velocity_peak();
  out.force_error_rms = phase.force_error_rms();
  return out;
}

std::uint32_t quality_from_pb(const v1::Repetition& rep) {
  std::uint32_t quality = 0;
  for (const std::string& name : rep.quality()) {
    for (std::uint32_t flag = 1; flag <= measure::kQualityPelvicDrop; flag <<= 1) {
      if (quality_words(flag) == name) quality |= flag;
    }
  }
  return quality;
}

measure::RepRejection rejection_from_pb(const std::string& name) {
  using measure::RepRejection;
  for (const auto rejection : {RepRejection::kTooShort, RepRejection::kSlack,
                               RepRejection::kUnfinished, RepRejection::kLinkLost}) {
    if (word(rejection) == name) return rejection;
  }
  return RepRejection::kNone;
}

measure::MetricValue value_from_pb(const v1::MetricValue& value) {
  measure::MetricValue out;
  const measure::MetricDefinition* metric = measure::find_metric(value.key());
  if (metric != nullptr) out.id = metric->id;
  out.version = static_cast<std::uint16_t>(value.version());
  for (std::string name : value.flags()) {
    std::replace(name.begin(), name.end(), '-', '_');
    for (std::uint32_t flag = 1; flag <= measure::kValueNotMeasured; flag <<= 1) {
      if (record::value_flag_names(flag).front() == name) out.flags |= flag;
    }
  }
  out.value = value.value();
  out.uncertainty = value.uncertainty();
  return out;
}

measure::RepMetrics rep_from_pb(const v1::Repetition& rep) {
  measure::RepMetrics out;
  out.definition_version = rep.definition_version();
  out.index = rep.index();
  out.kind = rep.kind() == v1::REP_KIND_FULL      ? measure::RepKind::kFull
             : rep.kind() == v1::REP_KIND_PARTIAL ? measure::RepKind::kPartial
                                                  : measure::RepKind::kRejected;
  out.rejection = rejection_from_pb(rep.rejection());
  out.quality = quality_from_pb(rep);
  out.start_tick = rep.start_tick();
  out.peak_start_tick = rep.peak_start_tick();
  out.peak_end_tick = rep.peak_end_tick();
  out.end_tick = rep.end_tick();
  out.range = rep.range();
  out.hold_s = rep.hold_s();
  out.bottom_s = rep.bottom_s();
  out.time_under_tension_s = rep.time_under_tension_s();
  out.rendered_ratio = rep.rendered_ratio();
  out.tempo_error_percent = rep.tempo_error_percent();
  out.concentric = phase_from_pb(rep.concentric());
  out.eccentric = phase_from_pb(rep.eccentric());
  for (const v1::MetricValue& value : rep.metrics()) out.values.push_back(value_from_pb(value));
  return out;
}

record::SetGiven given_from_pb(const v1::SetGiven& given) {
  record::SetGiven out;
  out.detector_version = static_cast<std::uint16_t>(given.detector_version());
  for (const auto& [name, value] : given.detector()) {
    // A number of a newer detector: its version tells of it.
    static_cast<void>(record::set_tracker_value(out.tracker, name, value));
  }
  out.tempo = {given.tempo().concentric_s(), given.tempo().hold_s(), given.tempo().eccentric_s(),
               given.tempo().bottom_s()};
  out.range_target = given.range_target();
  out.hold_s = given.hold_s();
  out.force_max = given.force_max();
  out.velocity_max = given.velocity_max();
  out.force_before = given.force_before();
  out.changes_lost = given.changes_lost();
  for (const v1::SetChange& change : given.changes()) {
    if (change.kind() == v1::SET_CHANGE_KIND_UNSPECIFIED) continue;
    const int kind = change.kind() - 1;  // on the wire 0 is "unspecified"
    if (kind > static_cast<int>(record::GivenKind::kUnloaded)) continue;
    out.changes.push_back(
        {change.tick(), static_cast<record::GivenKind>(kind), change.parameter(), change.value()});
  }
  return out;
}

}  // namespace

record::SetRecord set_from_pb(const v1::Set& set) {
  record::SetRecord out;
  out.id = short_name(set.name());
  const std::size_t sets = set.name().find("/sets/");
  out.session_id = short_name(set.name().substr(0, sets));
  out.index = set.index();
  out.exercise_id = set.exercise();
  out.profile_id = set.profile().profile();
  for (const auto& [name, value] : set.profile().parameters()) {
    out.parameters.emplace_back(name, value);
  }
  out.side = side_from_pb(set.side());
  out.axis = static_cast<std::uint8_t>(set.axis());
  out.coordinate = set.coordinate() == v1::COORDINATE_LEVER ? hal::CoordinateKind::kLever
                                                            : hal::CoordinateKind::kCable;
  out.tempo = tempo_text(set.tempo());
  out.load_start = value_of(set.load_start());
  out.load_end = value_of(set.load_end());
  out.reps_target = set.reps_target();
  out.reps_counted = set.reps_counted();
  out.reps_partial = set.reps_partial();
  out.direction_changes = set.direction_changes();
  out.end = end_from_pb(set.end());
  out.start_unix_ns = unix_ns(set.start_time());
  out.end_unix_ns = unix_ns(set.end_time());
  out.start_tick = set.start_tick();
  out.end_tick = set.end_tick();
  out.samples = set.samples();
  out.samples_dropped = set.samples_dropped();
  out.fault = static_cast<std::uint16_t>(set.fault().code());
  for (const v1::Repetition& rep : set.repetitions()) out.reps.push_back(rep_from_pb(rep));
  for (const v1::MetricValue& value : set.metrics()) out.metrics.push_back(value_from_pb(value));
  if (set.has_given()) out.given = given_from_pb(set.given());
  return out;
}

record::GuidedRecord guided_from_pb(const v1::GuidedExercise& guided) {
  constexpr double kRadians = det::kPi / 180.0;
  record::GuidedRecord out;
  out.id = short_name(guided.name());
  out.session_id = short_name(guided.name().substr(0, guided.name().find("/guided/")));
  out.index = guided.index();
  out.exercise_id = guided.exercise();
  out.side = side_from_pb(guided.side());
  out.warm_up = guided.warm_up();
  out.reps_asked = guided.reps_asked();
  out.tempo = tempo_text(guided.tempo());
  out.hold_s = seconds_of(guided.hold());
  out.duration_s = seconds_of(guided.duration());
  for (const auto end :
       {record::GuidedEnd::kOpen, record::GuidedEnd::kConfirmed, record::GuidedEnd::kSkipped,
        record::GuidedEnd::kNotConfirmed, record::GuidedEnd::kStopped, record::GuidedEnd::kFault,
        record::GuidedEnd::kInterrupted}) {
    if (word(end) == word(guided.end())) out.end = end;
  }
  if (guided.confirmed_from() == v1::CONFIRMED_FROM_PANEL) out.from = record::ConfirmedFrom::kPanel;
  if (guided.confirmed_from() == v1::CONFIRMED_FROM_ORDER) out.from = record::ConfirmedFrom::kOrder;
  out.confirmed_by = guided.confirmed_by();
  out.reps_confirmed = guided.reps_confirmed();
  out.reason = guided.reason();
  out.start_unix_ns = unix_ns(guided.start_time());
  out.end_unix_ns = unix_ns(guided.end_time());
  out.start_tick = guided.start_tick();
  out.end_tick = guided.end_tick();
  if (guided.has_stance()) {
    const v1::Stance& stance = guided.stance();
    out.stance = measure::StanceResult{stance.measured(),
                                       stance.held(),
                                       stance.dropped(),
                                       stance.drop_deg() * kRadians,
                                       stance.mean_deg() * kRadians,
                                       stance.stood_s(),
                                       stance.until_drop_s()};
  }
  return out;
}

record::SessionRecord session_from_pb(const v1::Session& session) {
  record::SessionRecord out;
  out.id = short_name(session.name());
  out.program_id = short_name(session.program());
  out.client_id = session.client();
  out.start_unix_ns = unix_ns(session.start_time());
  out.end_unix_ns = unix_ns(session.end_time());
  return out;
}

std::vector<rt::SampleRecord> samples_from_pb(const v1::RecordedSamples& samples) {
  // On the wire 0 is "unspecified", so that these enums start one higher.
  const auto from_wire = [](std::uint32_t value) {
    return static_cast<std::uint8_t>(value > 0 ? value - 1 : 0);
  };
  std::vector<rt::SampleRecord> out(static_cast<std::size_t>(samples.tick_size()));
  for (int i = 0; i < samples.tick_size(); ++i) {
    rt::SampleRecord& sample = out[static_cast<std::size_t>(i)];
    sample.tick = samples.tick(i);
    sample.position = samples.position(i);
    sample.velocity = samples.velocity(i);
    sample.force_measured = samples.force_measured(i);
    sample.force_wish = samples.force_wish(i);
    sample.force_target = samples.force_target(i);
    sample.force_output = samples.force_output(i);
    sample.base_load = samples.base_load(i);
    sample.disturbance = samples.disturbance(i);
    sample.drive_age_ns = samples.drive_age_ns(i);
    sample.late_ns = samples.late_ns(i);
    sample.limits = samples.limits(i);
    sample.fault = static_cast<std::uint16_t>(samples.fault(i));
    sample.axis = static_cast<std::uint8_t>(samples.axis());
    sample.phase = from_wire(samples.phase(i));
    sample.load_state = from_wire(samples.load_state(i));
    sample.reaction = from_wire(samples.reaction(i));
    sample.missed = samples.missed(i);
    // An older daemon does not send these.
    if (i < samples.detector_size()) {
      sample.detector = static_cast<std::uint16_t>(samples.detector(i));
      sample.pelvis_tilt_urad = samples.pelvis_tilt_urad(i);
      sample.pelvis_seen = samples.pelvis_seen(i) ? 1 : 0;
      sample.pad_left_mnm = samples.pad_left_mnm(i);
      sample.pad_right_mnm = samples.pad_right_mnm(i);
    }
  }
  return out;
}

}  // namespace medius::client
