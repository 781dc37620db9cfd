// The one table of metrics: number, name, unit, definition, source of the uncertainty, version of
// the definition. What is stored, exported and recomputed is looked up here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace medius::measure {

// One version a family. Raised whenever a definition of the family changes its meaning, so that
// stored values of different versions are never compared unawares.
inline constexpr std::uint16_t kTimingVersion = 1;
inline constexpr std::uint16_t kForceVersion = 1;
inline constexpr std::uint16_t kEnergyVersion = 1;
inline constexpr std::uint16_t kVelocityVersion = 1;
inline constexpr std::uint16_t kRangeVersion = 1;
inline constexpr std::uint16_t kSmoothnessVersion = 1;
inline constexpr std::uint16_t kControlVersion = 1;
inline constexpr std::uint16_t kSetVersion = 1;
inline constexpr std::uint16_t kStrengthVersion = 1;
inline constexpr std::uint16_t kSymmetryVersion = 1;
inline constexpr std::uint16_t kIsometricVersion = 1;
inline constexpr std::uint16_t kPelvisVersion = 1;
inline constexpr std::uint16_t kPadVersion = 1;

// Stored with every value: never reused, only added to.
enum class MetricId : std::uint16_t {
  kNone = 0,
  // of a repetition
  kRange = 1,
  kRangeHip = 2,
  kHold = 3,
  kBottom = 4,
  kTimeUnderTension = 5,
  kRenderedRatio = 6,
  kTempoError = 7,
  kVelocityPropulsive = 8,
  kEccentricControl = 9,
  kPelvicDrop = 10,
  // of the concentric phase; of the eccentric: + kEccentricOffset
  kDuration = 20,
  kForceMeanTime = 21,
  kForceMeanDistance = 22,
  kForcePeak = 23,
  kImpulse = 24,
  kWork = 25,
  kPowerMean = 26,
  kPowerPeak = 27,
  kVelocityMean = 28,
  kVelocityPeak = 29,
  kForceErrorRms = 30,
  kSparc = 31,
  kLdlj = 32,
  // of the pads of linked arms in the concentric phase; of the eccentric: + kEccentricOffset
  kLeftForceMean = 60,
  kLeftForcePeak = 61,
  kLeftWork = 62,
  kRightForceMean = 63,
  kRightForcePeak = 64,
  kRightWork = 65,
  kPadSymmetry = 66,
  // of a set
  kSetVelocityBest = 100,
  kSetVelocityLoss = 101,
  kSetForceConcentric = 102,
  kSetForceEccentric = 103,
  kSetRenderedRatio = 104,
  kSetRange = 105,
  kSetVelocity = 106,
  kSetWork = 107,
  kSetTimeUnderTension = 108,
  kSetTempoError = 109,
  kOneRmEpley = 110,
  kOneRmBrzycki = 111,
  kOneRmLombardi = 112,
  // ... on linked arms
  kSetLeftForce = 113,
  kSetRightForce = 114,
  kSetLeftWork = 115,
  kSetRightWork = 116,
  // of left against right
  kSymmetryIndex = 130,
  kLimbSymmetryIndex = 131,
  kMinimalDetectableChange = 132,
  // of an isometric test
  kIsometricPeak = 150,
  kIsometricMean = 151,
  kIsometricRfd100 = 152,
  kIsometricRfd200 = 153,
  kIsometricVariation = 154,
};
inline constexpr std::uint16_t kEccentricOffset = 20;

enum class MetricUnit : std::uint8_t {
  kOne,
  kPercent,
  kSecond,
  kForce,      // N | Nm
  kForceRate,  // N/s | Nm/s
  kImpulse,    // N s | Nm s
  kJoule,
  kWatt,
  kPosition,  // m | rad
  kDegree,
  kVelocity,  // m/s | rad/s
};

// kPads, kPadsSet: of a repetition and of a set, there only where the arms are linked.
enum class MetricScope : std::uint8_t { kRepetition, kSet, kSides, kPads, kPadsSet };

struct MetricDefinition {
  MetricId id;
  const char* key;  // snake_case; stable
  MetricUnit unit;
  MetricScope scope;
  std::uint16_t version;
  const char* definition;   // one sentence
  const char* uncertainty;  // what the standard uncertainty is made of
};

enum ValueFlag : std::uint32_t {
  kValueMissing = 1u << 0,         // cannot be said; value and uncertainty are 0
  kValueSamplesMissing = 1u << 1,  // computed across missing ticks
  kValueTooShort = 1u << 2,        // missing because there are too few samples
  kValueTooLong = 1u << 3,         // missing because the phase is no single movement any more
  kValueUncalibrated = 1u << 4,    // missing because the geometry is not known
  kValueOutOfRange = 1u << 5,      // missing because the formula does not hold there
  kValueLowerBound = 1u << 6,      // the true value is at least this
  kValueUncertain = 1u << 7,       // standard uncertainty above a tenth of the value
  kValueWithinChange = 1u << 8,    // not told apart from no difference
  kValueNotMeasured = 1u << 9,     // missing because the machine has no sensor for it
};

// Value with its standard uncertainty (k = 1, random part only: an error of the load cell's or the
// drive's calibration comes on top). Always finite.
struct MetricValue {
  MetricId id = MetricId::kNone;
  std::uint16_t version = 0;
  std::uint32_t flags = 0;
  double value = 0.0;
  double uncertainty = 0.0;
};

// [any] In the order of exports.
[[nodiscard]] std::span<const MetricDefinition> metric_definitions() noexcept;
// [any] Null for an unknown number or name.
[[nodiscard]] const MetricDefinition* find_metric(MetricId id) noexcept;
[[nodiscard]] const MetricDefinition* find_metric(std::string_view key) noexcept;
// [any] Null when `values` has none of that number.
[[nodiscard]] const MetricValue* find_value(std::span<const MetricValue> values,
                                            MetricId id) noexcept;

// [any] The value under today's version; one that is not finite becomes missing. Sets
// kValueUncertain.
[[nodiscard]] MetricValue make_value(MetricId id, double value, double uncertainty,
                                     std::uint32_t flags = 0) noexcept;
// [any] No value, and why.
[[nodiscard]] MetricValue missing_value(MetricId id, std::uint32_t why = 0) noexcept;

[[nodiscard]] constexpr MetricId eccentric(MetricId concentric) noexcept {
  return static_cast<MetricId>(static_cast<std::uint16_t>(concentric) + kEccentricOffset);
}

}  // namespace medius::measure
