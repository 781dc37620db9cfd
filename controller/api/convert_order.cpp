#include <algorithm>
#include <cmath>

#include "controller/api/convert.hpp"

namespace medius::api {
namespace {

// Shape only: nobody prescribes more than this, whatever the machine.
constexpr std::uint32_t kMaxReps = 500;
constexpr double kMaxPhaseS = 60.0;
constexpr std::int64_t kMaxRestS = 3600;
constexpr std::int64_t kMaxHoldS = 120;
constexpr std::int64_t kMaxDurationS = 600;
constexpr int kMaxParameters = 32;
constexpr std::int64_t kDefaultTimeToLiveNs = 2'000'000'000;
constexpr std::int64_t kMaxTimeToLiveNs = 60'000'000'000;

bool is_printable_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < ' ') || c == 127; });
}

Shape<double> seconds(const char* field, double value, double max) {
  if (!(value >= 0.0 && value <= max)) {
    return tl::unexpected(std::string(field) + " is " + std::to_string(value) +
                          ", possible are 0 (not prescribed) to " + std::to_string(max) +
                          " s; choose a value in between");
  }
  return value;
}

Shape<record::Side> side_from_pb(int side) {
  switch (side) {
    case v1::SIDE_LEFT:
      return record::Side::kLeft;
    case v1::SIDE_RIGHT:
      return record::Side::kRight;
    case v1::SIDE_BOTH:
      return record::Side::kBoth;
    default:
      return tl::unexpected("prescription.sides holds the value " + std::to_string(side) +
                            "; possible are SIDE_LEFT, SIDE_RIGHT and SIDE_BOTH");
  }
}

Shape<measure::Tempo> tempo_from_pb(const v1::Tempo& tempo) {
  measure::Tempo out{tempo.concentric_s(), tempo.hold_s(), tempo.eccentric_s(), tempo.bottom_s()};
  for (const auto& [field, value] : {std::pair{"prescription.tempo.concentric_s", out.concentric_s},
                                     std::pair{"prescription.tempo.hold_s", out.hold_s},
                                     std::pair{"prescription.tempo.eccentric_s", out.eccentric_s},
                                     std::pair{"prescription.tempo.bottom_s", out.bottom_s}}) {
    if (const auto ok = seconds(field, value, kMaxPhaseS); !ok) return tl::unexpected(ok.error());
  }
  return out;
}

Shape<double> duration_from_pb(const char* field, const google::protobuf::Duration& duration,
                               std::int64_t max_s) {
  if (duration.seconds() < 0 || duration.seconds() > max_s || duration.nanos() < 0 ||
      duration.nanos() > 999'999'999) {
    return tl::unexpected(std::string(field) + " is " + std::to_string(duration.seconds()) + " s " +
                          std::to_string(duration.nanos()) + " ns, possible are 0 to " +
                          std::to_string(max_s) + " s");
  }
  return static_cast<double>(duration.seconds()) + 1e-9 * static_cast<double>(duration.nanos());
}

// Without the machine: no load, no profile, no range of a handle.
Shape<station::ProgramBlock> guided_from_pb(const v1::Prescription& prescription,
                                            station::ProgramBlock block) {
  if (prescription.has_load() || prescription.has_profile() || prescription.range_target() != 0.0) {
    return tl::unexpected(
        std::string("prescription.guided is set: without the machine there is no load, profile or "
                    "range_target; leave them out"));
  }
  const auto duration =
      duration_from_pb("prescription.duration", prescription.duration(), kMaxDurationS);
  if (!duration) return tl::unexpected(duration.error());
  const auto cue = reason_from_pb(prescription.cue());
  if (!cue) return tl::unexpected("prescription.cue: " + cue.error());
  block.guided = true;
  block.duration_s = *duration;
  block.cue = *cue;
  return block;
}

Shape<station::ProfileChoice> choice_from_pb(const v1::ProfileChoice& choice) {
  std::string id = choice.profile();
  if (id.starts_with("profiles/")) id.erase(0, 9);
  const auto name = name_from_pb("prescription.profile.profile", id);
  if (!name) return tl::unexpected(name.error());
  if (name->empty()) {
    return tl::unexpected(
        std::string("prescription.profile.profile is empty; ListProfiles names what there is"));
  }
  station::ProfileChoice out;
  out.id = *name;
  if (choice.parameters_size() > kMaxParameters) {
    return tl::unexpected("prescription.profile.parameters has " +
                          std::to_string(choice.parameters_size()) + " entries, at most " +
                          std::to_string(kMaxParameters) + " are taken; leave the defaults out");
  }
  for (const auto& [parameter, value] : choice.parameters()) {
    if (!std::isfinite(value)) {
      return tl::unexpected("prescription.profile.parameters: " + parameter +
                            " is not a finite number; give a value within its range");
    }
    out.parameters[parameter] = value;
  }
  return out;
}

}  // namespace

Shape<std::string> name_from_pb(const char* field, const std::string& name) {
  if (name.size() > kMaxName || has_control_character(name)) {
    return tl::unexpected(std::string(field) + " has " + std::to_string(name.size()) +
                          " bytes, at most " + std::to_string(kMaxName) +
                          " without control characters are taken; shorten it");
  }
  return name;
}

Shape<std::string> id_from_pb(const char* collection, const std::string& name) {
  const std::string prefix = std::string(collection) + "/";
  const std::string id = name.starts_with(prefix) ? name.substr(prefix.size()) : std::string();
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (id.empty() || id.size() > kMaxName || !plain) {
    return tl::unexpected("'" + name.substr(0, kMaxName) + "' is not a resource name; write " +
                          prefix + "{id} with letters, digits, '-', '_' and '.'");
  }
  return id;
}

Shape<SetName> set_name_from_pb(const std::string& name) {
  const std::size_t middle = name.find("/sets/");
  const auto session =
      id_from_pb("sessions", middle == std::string::npos ? std::string() : name.substr(0, middle));
  const auto set =
      id_from_pb("sets", middle == std::string::npos ? std::string() : name.substr(middle + 1));
  if (!session || !set) {
    return tl::unexpected("'" + name.substr(0, 2 * kMaxName) +
                          "' is not the name of a set; write sessions/{session}/sets/{set}");
  }
  return SetName{*session, *set};
}

Shape<std::uint32_t> bounded(const char* field, std::uint32_t value, std::uint32_t min,
                             std::uint32_t max, std::uint32_t when_zero) {
  if (value == 0) return when_zero;
  if (value < min || value > max) {
    return tl::unexpected(std::string(field) + " is " + std::to_string(value) + ", possible are " +
                          std::to_string(min) + " to " + std::to_string(max) + ", or 0 for " +
                          std::to_string(when_zero));
  }
  return value;
}

Shape<station::OrderHeader> header_from_pb(const v1::OrderHeader& header) {
  const std::string& id = header.request_id();
  if (id.empty() || id.size() > kMaxName || !is_printable_ascii(id)) {
    return tl::unexpected(
        "header.request_id has " + std::to_string(id.size()) +
        " characters, 1 to 64 printable ones are needed; choose a new one for each "
        "intent, for example a UUID");
  }
  if (header.client_name().size() > kMaxName || !is_printable_ascii(header.client_name())) {
    return tl::unexpected("header.client_name has " + std::to_string(header.client_name().size()) +
                          " characters, at most 64 printable ones are taken; shorten it");
  }
  station::OrderHeader out;
  out.request_id = id;
  out.client_name = header.client_name();
  if (header.has_expected_version()) out.expected_version = header.expected_version();
  if (header.has_lease_epoch()) out.lease_epoch = header.lease_epoch();
  return out;
}

Shape<std::int64_t> time_to_live_ns(const v1::OrderHeader& header) {
  if (!header.has_time_to_live()) return kDefaultTimeToLiveNs;
  const auto& ttl = header.time_to_live();
  const bool sane = ttl.seconds() >= 0 && ttl.seconds() <= 60 && ttl.nanos() >= 0;
  const std::int64_t ns = sane ? ttl.seconds() * 1'000'000'000 + ttl.nanos() : 0;
  if (ns <= 0 || ns > kMaxTimeToLiveNs) {
    return tl::unexpected("header.time_to_live is " + std::to_string(ttl.seconds()) + " s " +
                          std::to_string(ttl.nanos()) +
                          " ns, more than 0 and at most 60 s are possible; leave it out for 2 s");
  }
  return ns;
}

Shape<std::int64_t> lease_duration_ns(bool given, const google::protobuf::Duration& duration) {
  if (!given) return station::kLeaseDefaultNs;
  const bool sane = duration.seconds() >= 0 && duration.seconds() <= 3600 &&
                    duration.nanos() >= 0 && duration.nanos() <= 999'999'999;
  if (!sane) {
    return tl::unexpected("duration is " + std::to_string(duration.seconds()) + " s " +
                          std::to_string(duration.nanos()) +
                          " ns, 2 to 60 s are possible; leave it out for 15 s");
  }
  return duration.seconds() * 1'000'000'000 + duration.nanos();
}

Shape<LoadValue> load_from_pb(const v1::Load& load) {
  LoadValue out;
  switch (load.value_case()) {
    case v1::Load::kLoadN:
      out = {load.load_n(), hal::CoordinateKind::kCable};
      break;
    case v1::Load::kLoadNm:
      out = {load.load_nm(), hal::CoordinateKind::kLever};
      break;
    case v1::Load::VALUE_NOT_SET:
      return tl::unexpected(
          std::string("load is not set; give load_n for a cable or load_nm for a lever arm"));
  }
  if (!(std::isfinite(out.value) && out.value >= 0.0)) {
    return tl::unexpected("load is " + std::to_string(out.value) +
                          ", a finite number of at least 0 is needed; give the load in N or Nm");
  }
  return out;
}

Shape<std::string> guided_id_from_pb(const std::string& name) {
  const std::size_t middle = name.find("/guided/");
  std::string id = middle == std::string::npos ? name : name.substr(middle + 8);
  return name_from_pb("guided", id);
}

Shape<std::string> reason_from_pb(const std::string& reason) {
  constexpr std::size_t kMaxReason = 200;
  if (reason.size() > kMaxReason || has_control_character(reason)) {
    return tl::unexpected("reason has " + std::to_string(reason.size()) + " bytes, at most " +
                          std::to_string(kMaxReason) +
                          " without control characters are taken; shorten it");
  }
  return reason;
}

Shape<std::uint8_t> axis_from_pb(std::uint32_t axis) {
  if (axis >= static_cast<std::uint32_t>(hal::kMaxAxes)) {
    return tl::unexpected("axis is " + std::to_string(axis) + ", possible are 0 to " +
                          std::to_string(hal::kMaxAxes - 1) + "; a cable station has axis 0 only");
  }
  return static_cast<std::uint8_t>(axis);
}

Shape<station::ProgramBlock> prescription_from_pb(const v1::Prescription& prescription) {
  station::ProgramBlock block;
  const auto exercise = name_from_pb("prescription.exercise", prescription.exercise());
  if (!exercise) return tl::unexpected(exercise.error());
  block.exercise_id = *exercise;
  if (prescription.sides().empty() || prescription.sides_size() > 2) {
    return tl::unexpected("prescription.sides has " + std::to_string(prescription.sides_size()) +
                          " entries, 1 or 2 are possible; say which side trains");
  }
  for (const int value : prescription.sides()) {
    const auto side = side_from_pb(value);
    if (!side) return tl::unexpected(side.error());
    block.sides.push_back(*side);
  }
  if (prescription.reps() < 1 || prescription.reps() > kMaxReps) {
    return tl::unexpected("prescription.reps is " + std::to_string(prescription.reps()) +
                          ", possible are 1 to " + std::to_string(kMaxReps));
  }
  block.reps = prescription.reps();
  block.sets = std::max(1u, prescription.sets());
  const auto tempo = tempo_from_pb(prescription.tempo());
  if (!tempo) return tl::unexpected(tempo.error());
  block.tempo = *tempo;
  const auto rest = duration_from_pb("prescription.rest", prescription.rest(), kMaxRestS);
  if (!rest) return tl::unexpected(rest.error());
  block.rest_s = *rest;
  const auto hold = duration_from_pb("prescription.hold", prescription.hold(), kMaxHoldS);
  if (!hold) return tl::unexpected(hold.error());
  block.hold_s = *hold;
  block.warm_up = prescription.warm_up();
  if (prescription.guided()) return guided_from_pb(prescription, std::move(block));
  if (prescription.has_duration()) {
    return tl::unexpected(
        std::string("prescription.duration belongs to a guided exercise; leave it out"));
  }
  const auto load = load_from_pb(prescription.load());
  if (!load) return tl::unexpected("prescription." + load.error());
  block.load = load->value;
  block.coordinate = load->coordinate;
  if (!(prescription.range_target() >= 0.0 && prescription.range_target() <= 10.0)) {
    return tl::unexpected("prescription.range_target is " +
                          std::to_string(prescription.range_target()) +
                          ", possible are 0 (from the person) to 10 m or rad");
  }
  block.range_target = prescription.range_target();
  const auto choice = choice_from_pb(prescription.profile());
  if (!choice) return tl::unexpected(choice.error());
  block.profile = *choice;
  return block;
}

}  // namespace medius::api
