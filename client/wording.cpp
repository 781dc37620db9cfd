#include "client/wording.hpp"

#include <array>
#include <utility>

#include "controller/record/export.hpp"

namespace medius::client {

std::string word(v1::StationState state) {
  switch (state) {
    case v1::STATION_STATE_IDLE:
      return "idle";
    case v1::STATION_STATE_ARMING:
      return "arming";
    case v1::STATION_STATE_PRETENSION:
      return "pretension";
    case v1::STATION_STATE_READY:
      return "ready";
    case v1::STATION_STATE_WORKING:
      return "working";
    case v1::STATION_STATE_UNLOADING:
      return "unloading";
    case v1::STATION_STATE_RESTING:
      return "resting";
    case v1::STATION_STATE_FAULT:
      return "fault";
    case v1::STATION_STATE_GUIDED:
      return "without the machine";
    default:
      return "unknown";
  }
}

std::string word(v1::Phase phase) {
  switch (phase) {
    case v1::PHASE_REST:
      return "rest";
    case v1::PHASE_CONCENTRIC:
      return "concentric";
    case v1::PHASE_HOLD:
      return "hold";
    case v1::PHASE_ECCENTRIC:
      return "eccentric";
    case v1::PHASE_BOTTOM:
      return "bottom";
    case v1::PHASE_SLACK:
      return "slack";
    default:
      return "unknown";
  }
}

std::string word(v1::PacePhase phase) {
  switch (phase) {
    case v1::PACE_PHASE_GET_READY:
      return "get ready";
    case v1::PACE_PHASE_LIFT:
      return "lift";
    case v1::PACE_PHASE_HOLD:
      return "hold";
    case v1::PACE_PHASE_LOWER:
      return "lower";
    case v1::PACE_PHASE_PAUSE:
      return "pause";
    case v1::PACE_PHASE_MOVE:
      return "move";
    case v1::PACE_PHASE_FREE:
      return "at your own pace";
    case v1::PACE_PHASE_OVER:
      return "time is over";
    default:
      return "unknown";
  }
}

std::string word(v1::GuidedEnd end) {
  switch (end) {
    case v1::GUIDED_END_OPEN:
      return word(record::GuidedEnd::kOpen);
    case v1::GUIDED_END_CONFIRMED:
      return word(record::GuidedEnd::kConfirmed);
    case v1::GUIDED_END_SKIPPED:
      return word(record::GuidedEnd::kSkipped);
    case v1::GUIDED_END_NOT_CONFIRMED:
      return word(record::GuidedEnd::kNotConfirmed);
    case v1::GUIDED_END_STOPPED:
      return word(record::GuidedEnd::kStopped);
    case v1::GUIDED_END_FAULT:
      return word(record::GuidedEnd::kFault);
    case v1::GUIDED_END_INTERRUPTED:
      return word(record::GuidedEnd::kInterrupted);
    default:
      return "unknown";
  }
}

std::string word(v1::Side side) {
  switch (side) {
    case v1::SIDE_LEFT:
      return "left";
    case v1::SIDE_RIGHT:
      return "right";
    case v1::SIDE_BOTH:
      return "both";
    default:
      return "no side";
  }
}

std::string word(v1::SetEnd end) {
  switch (end) {
    case v1::SET_END_OPEN:
      return "under way";
    case v1::SET_END_COUNT:
      return "all repetitions";
    case v1::SET_END_STOPPED:
      return "stopped";
    case v1::SET_END_STOOD_STILL:
      return "stood still";
    case v1::SET_END_FAULT:
      return "fault";
    case v1::SET_END_INTERRUPTED:
      return "interrupted";
    default:
      return "unknown";
  }
}

std::string word(v1::Effect effect) {
  switch (effect) {
    case v1::EFFECT_APPLIED:
      return "in force";
    case v1::EFFECT_RAMPING:
      return "ramping";
    case v1::EFFECT_AT_BOTTOM:
      return "takes effect at the bottom of the repetition";
    case v1::EFFECT_SCHEDULED:
      return "scheduled";
    default:
      return "taken";
  }
}

std::string word(record::Side side) {
  return record::to_string(side);
}

std::string word(record::GuidedEnd end) {
  switch (end) {
    case record::GuidedEnd::kOpen:
      return "under way";
    case record::GuidedEnd::kConfirmed:
      return "confirmed";
    case record::GuidedEnd::kSkipped:
      return "skipped";
    case record::GuidedEnd::kNotConfirmed:
      return "not confirmed";
    case record::GuidedEnd::kStopped:
      return "stopped";
    case record::GuidedEnd::kFault:
      return "fault";
    case record::GuidedEnd::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string word(record::SetEnd end) {
  switch (end) {
    case record::SetEnd::kOpen:
      return "under way";
    case record::SetEnd::kCount:
      return "all repetitions";
    case record::SetEnd::kStopped:
      return "stopped";
    case record::SetEnd::kStoodStill:
      return "stood still";
    case record::SetEnd::kFault:
      return "fault";
    case record::SetEnd::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string word(measure::RepKind kind) {
  switch (kind) {
    case measure::RepKind::kFull:
      return "full";
    case measure::RepKind::kPartial:
      return "partial";
    case measure::RepKind::kRejected:
      return "rejected";
  }
  return "unknown";
}

std::string word(measure::RepRejection rejection) {
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
  return "unknown";
}

std::string quality_words(std::uint32_t quality) {
  constexpr std::array<std::pair<std::uint32_t, const char*>, 8> kNames{{
      {measure::kQualityRangeShort, "range-short"},
      {measure::kQualityTempoFast, "tempo-fast"},
      {measure::kQualityTempoSlow, "tempo-slow"},
      {measure::kQualityHoldShort, "hold-short"},
      {measure::kQualityMomentum, "momentum"},
      {measure::kQualitySamplesMissing, "samples-missing"},
      {measure::kQualityProvisional, "provisional"},
      {measure::kQualityPelvicDrop, "pelvic-drop"},
  }};
  std::string out;
  for (const auto& [flag, name] : kNames) {
    if ((quality & flag) == 0) continue;
    if (!out.empty()) out += ' ';
    out += name;
  }
  return out;
}

Units units_of(v1::Coordinate coordinate) {
  return units_of(coordinate == v1::COORDINATE_LEVER ? hal::CoordinateKind::kLever
                                                     : hal::CoordinateKind::kCable);
}

Units units_of(hal::CoordinateKind coordinate) {
  constexpr double kDegreesPerRadian = 57.29577951308232;
  if (coordinate == hal::CoordinateKind::kLever) return {"Nm", "rad", "deg", kDegreesPerRadian};
  return {"N", "m", "mm", 1000.0};
}

std::string short_name(const std::string& resource) {
  const std::size_t slash = resource.rfind('/');
  return slash == std::string::npos ? resource : resource.substr(slash + 1);
}

}  // namespace medius::client
