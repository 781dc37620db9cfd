#include "controller/record/export_words.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <utility>

#include "controller/record/export.hpp"

namespace medius::record {
namespace {

constexpr std::array<std::pair<measure::QualityFlag, const char*>, 8> kQualityNames{{
    {measure::kQualityRangeShort, "range_short"},
    {measure::kQualityTempoFast, "tempo_fast"},
    {measure::kQualityTempoSlow, "tempo_slow"},
    {measure::kQualityHoldShort, "hold_short"},
    {measure::kQualityMomentum, "momentum"},
    {measure::kQualitySamplesMissing, "samples_missing"},
    {measure::kQualityProvisional, "provisional"},
    {measure::kQualityPelvicDrop, "pelvic_drop"},
}};

constexpr std::array<std::pair<measure::ValueFlag, const char*>, 10> kValueFlagNames{{
    {measure::kValueMissing, "missing"},
    {measure::kValueSamplesMissing, "samples_missing"},
    {measure::kValueTooShort, "too_short"},
    {measure::kValueTooLong, "too_long"},
    {measure::kValueUncalibrated, "uncalibrated"},
    {measure::kValueOutOfRange, "out_of_range"},
    {measure::kValueLowerBound, "lower_bound"},
    {measure::kValueUncertain, "uncertain"},
    {measure::kValueWithinChange, "within_change"},
    {measure::kValueNotMeasured, "not_measured"},
}};

}  // namespace

Units units_of(hal::CoordinateKind kind) {
  if (kind == hal::CoordinateKind::kLever) return {"Nm", "rad", "rad/s", "Nm s", "Nm/s"};
  return {"N", "m", "m/s", "N s", "N/s"};
}

const char* unit_of(measure::MetricUnit unit, const Units& units) {
  switch (unit) {
    case measure::MetricUnit::kOne:
      return "1";
    case measure::MetricUnit::kPercent:
      return "%";
    case measure::MetricUnit::kSecond:
      return "s";
    case measure::MetricUnit::kForce:
      return units.force;
    case measure::MetricUnit::kForceRate:
      return units.force_rate;
    case measure::MetricUnit::kImpulse:
      return units.impulse;
    case measure::MetricUnit::kJoule:
      return "J";
    case measure::MetricUnit::kWatt:
      return "W";
    case measure::MetricUnit::kPosition:
      return units.position;
    case measure::MetricUnit::kDegree:
      return "deg";
    case measure::MetricUnit::kVelocity:
      return units.velocity;
  }
  return "";
}

const char* to_string(measure::RepKind kind) {
  constexpr std::array<const char*, 3> kNames{"full", "partial", "rejected"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_string(measure::RepRejection rejection) {
  constexpr std::array<const char*, 5> kNames{"none", "too_short", "slack", "unfinished",
                                              "link_lost"};
  return kNames[static_cast<std::size_t>(rejection)];
}

std::vector<std::string> quality_names(std::uint32_t quality) {
  std::vector<std::string> names;
  for (const auto& [flag, name] : kQualityNames) {
    if ((quality & flag) != 0) names.emplace_back(name);
  }
  return names;
}

double plain(const measure::MetricValue* value) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return value == nullptr || (value->flags & measure::kValueMissing) != 0 ? kNone : value->value;
}

double uncertainty(const measure::MetricValue* value) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return value == nullptr || (value->flags & measure::kValueMissing) != 0 ? kNone
                                                                          : value->uncertainty;
}

std::vector<std::string> value_flag_names(std::uint32_t flags) {
  std::vector<std::string> names;
  for (const auto& [flag, name] : kValueFlagNames) {
    if ((flags & flag) != 0) names.emplace_back(name);
  }
  return names;
}

const char* metric_unit(const measure::MetricDefinition& metric,
                        hal::CoordinateKind kind) noexcept {
  return unit_of(metric.unit, units_of(kind));
}

const char* to_string(Side side) noexcept {
  constexpr std::array<const char*, 4> kNames{"none", "left", "right", "both"};
  const auto index = static_cast<std::size_t>(side);
  return index < kNames.size() ? kNames[index] : "unknown";
}

const char* to_string(SetEnd end) noexcept {
  constexpr std::array<const char*, 6> kNames{"open",        "count", "stopped",
                                              "stood_still", "fault", "interrupted"};
  const auto index = static_cast<std::size_t>(end);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string iso_time(std::int64_t unix_ns) {
  if (unix_ns == 0) return {};
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time(
      floor<milliseconds>(std::chrono::nanoseconds(unix_ns)));
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

}  // namespace medius::record
