#include "controller/measure/metric_table.hpp"

#include <array>

#include "controller/base/clamp.hpp"

namespace medius::measure {
namespace {

constexpr std::array<MetricDefinition, 75> kDefinitions{{
    {MetricId::kRange, "range", MetricUnit::kPosition, MetricScope::kRepetition, kRangeVersion,
     "Travel of the cuff ring or pad from the valley before to the peak.",
     "quantisation of the position at both ends"},
    {MetricId::kRangeHip, "range_hip", MetricUnit::kDegree, MetricScope::kRepetition, kRangeVersion,
     "Travel as an angle of the hip: of the lever itself, or of the leg by the "
     "calibrated triangle of hip, pulley and cuff.",
     "that of the range; calibration of the geometry is not in it"},
    {MetricId::kHold, "hold", MetricUnit::kSecond, MetricScope::kRepetition, kTimingVersion,
     "Time at the peak between the end of the concentric and the start of the "
     "eccentric phase.",
     "window: half a tick at either end"},
    {MetricId::kBottom, "bottom", MetricUnit::kSecond, MetricScope::kRepetition, kTimingVersion,
     "Time from the end of the repetition before to the start of this one; missing for "
     "the first.",
     "window: half a tick at either end"},
    {MetricId::kTimeUnderTension, "time_under_tension", MetricUnit::kSecond,
     MetricScope::kRepetition, kTimingVersion,
     "Time from start to end of the repetition with the measured force above half the "
     "target.",
     "window: half a tick at every crossing of half the target"},
    {MetricId::kRenderedRatio, "rendered_ratio", MetricUnit::kOne, MetricScope::kRepetition,
     kForceVersion,
     "Mean measured force of the eccentric over that of the concentric phase, each in "
     "the middle 80 % of its time.",
     "noise of the load cell over the samples of both"},
    {MetricId::kTempoError, "tempo_error", MetricUnit::kPercent, MetricScope::kRepetition,
     kTimingVersion,
     "Mean over the prescribed phases of |actual - prescribed| / prescribed duration.",
     "window: half a tick at either end of every phase"},
    {MetricId::kVelocityPropulsive, "velocity_propulsive", MetricUnit::kVelocity,
     MetricScope::kRepetition, kVelocityVersion,
     "Mean speed from the start of the concentric phase to the last tick at which the "
     "measured force is at least 0.98 of the static load, which is the target less "
     "programmed inertia times acceleration: braking lets a programmed mass carry "
     "itself and ends the part.",
     "quantisation of the position at both ends; half a tick at either end"},
    {MetricId::kEccentricControl, "eccentric_control", MetricUnit::kPercent,
     MetricScope::kRepetition, kControlVersion,
     "Standard deviation over mean of the speed in the middle 80 % of the time of the "
     "eccentric phase.",
     "noise of the speed in the deviation"},
    {MetricId::kPelvicDrop, "pelvic_drop", MetricUnit::kDegree, MetricScope::kRepetition,
     kPelvisVersion,
     "Largest 0.1 s mean of the tilt of the pelvis in the repetition, over its mean in "
     "the first 0.1 s; positive is down on the side that does not stand.",
     "noise of the tilt over both means"},
    {MetricId::kDuration, "concentric_duration", MetricUnit::kSecond, MetricScope::kRepetition,
     kTimingVersion,
     "Time of the concentric phase between the crossings of the moving speed (0.02 "
     "m/s) that bound it.",
     "window: half a tick at either end"},
    {MetricId::kForceMeanTime, "concentric_force_mean_time", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion, "Impulse of the concentric phase over its duration.",
     "noise of the load cell over the samples; window: one tick of the departure of "
     "the end forces from the mean"},
    {MetricId::kForceMeanDistance, "concentric_force_mean_distance", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion, "Work of the concentric phase over its net travel.",
     "that of the work; quantisation of the position at both ends"},
    {MetricId::kForcePeak, "concentric_force_peak", MetricUnit::kForce, MetricScope::kRepetition,
     kForceVersion, "Largest measured force of the concentric phase.",
     "noise of one sample of the load cell"},
    {MetricId::kImpulse, "concentric_impulse", MetricUnit::kImpulse, MetricScope::kRepetition,
     kForceVersion,
     "Trapezoidal integral of the measured force over the time of the concentric "
     "phase.",
     "noise of the load cell over the samples; window: half a tick at either end"},
    {MetricId::kWork, "concentric_work", MetricUnit::kJoule, MetricScope::kRepetition,
     kEnergyVersion,
     "Magnitude of the trapezoidal integral of the measured force over the position in "
     "the concentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {MetricId::kPowerMean, "concentric_power_mean", MetricUnit::kWatt, MetricScope::kRepetition,
     kEnergyVersion, "Work of the concentric phase over its duration.",
     "those of work and duration"},
    {MetricId::kPowerPeak, "concentric_power_peak", MetricUnit::kWatt, MetricScope::kRepetition,
     kEnergyVersion,
     "Largest product of force and speed in the concentric phase after a first-order "
     "low-pass of 20 Hz.",
     "noise of force and speed behind the low-pass"},
    {MetricId::kVelocityMean, "concentric_velocity_mean", MetricUnit::kVelocity,
     MetricScope::kRepetition, kVelocityVersion,
     "Net travel of the concentric phase over its duration.",
     "quantisation of the position at both ends; that of the duration"},
    {MetricId::kVelocityPeak, "concentric_velocity_peak", MetricUnit::kVelocity,
     MetricScope::kRepetition, kVelocityVersion,
     "Largest speed in the direction of the concentric phase.", "noise of one sample of the speed"},
    {MetricId::kForceErrorRms, "concentric_force_error_rms", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion,
     "Root mean square of measured minus target force in the middle 80 % of the time "
     "of the concentric phase.",
     "noise of the load cell over the samples"},
    {MetricId::kSparc, "concentric_sparc", MetricUnit::kOne, MetricScope::kRepetition,
     kSmoothnessVersion,
     "Spectral arc length of the speed of the concentric phase: spectrum over its "
     "value at 0 Hz, zero-padded to 2^(ceil(log2 n) + 4) ticks, arc up to the last "
     "frequency at or below 10 Hz where it reaches 0.05 (Balasubramanian et al. 2015).",
     "noise of the speed in the spectrum; half a frequency step at the end of the arc"},
    {MetricId::kLdlj, "concentric_ldlj", MetricUnit::kOne, MetricScope::kRepetition,
     kSmoothnessVersion,
     "-ln(duration^3 / peak speed^2 x integral of the squared second derivative of the "
     "speed) over the concentric phase, the derivative from parabolas fitted over 101 "
     "ticks (velocity-based log dimensionless jerk).",
     "noise of the speed in the second derivative"},
    {eccentric(MetricId::kDuration), "eccentric_duration", MetricUnit::kSecond,
     MetricScope::kRepetition, kTimingVersion,
     "Time of the eccentric phase between the crossings of the moving speed (0.02 m/s) "
     "that bound it.",
     "window: half a tick at either end"},
    {eccentric(MetricId::kForceMeanTime), "eccentric_force_mean_time", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion, "Impulse of the eccentric phase over its duration.",
     "noise of the load cell over the samples; window: one tick of the departure of "
     "the end forces from the mean"},
    {eccentric(MetricId::kForceMeanDistance), "eccentric_force_mean_distance", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion, "Work of the eccentric phase over its net travel.",
     "that of the work; quantisation of the position at both ends"},
    {eccentric(MetricId::kForcePeak), "eccentric_force_peak", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion, "Largest measured force of the eccentric phase.",
     "noise of one sample of the load cell"},
    {eccentric(MetricId::kImpulse), "eccentric_impulse", MetricUnit::kImpulse,
     MetricScope::kRepetition, kForceVersion,
     "Trapezoidal integral of the measured force over the time of the eccentric phase.",
     "noise of the load cell over the samples; window: half a tick at either end"},
    {eccentric(MetricId::kWork), "eccentric_work", MetricUnit::kJoule, MetricScope::kRepetition,
     kEnergyVersion,
     "Magnitude of the trapezoidal integral of the measured force over the position in "
     "the eccentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {eccentric(MetricId::kPowerMean), "eccentric_power_mean", MetricUnit::kWatt,
     MetricScope::kRepetition, kEnergyVersion, "Work of the eccentric phase over its duration.",
     "those of work and duration"},
    {eccentric(MetricId::kPowerPeak), "eccentric_power_peak", MetricUnit::kWatt,
     MetricScope::kRepetition, kEnergyVersion,
     "Largest product of force and speed in the eccentric phase after a first-order "
     "low-pass of 20 Hz.",
     "noise of force and speed behind the low-pass"},
    {eccentric(MetricId::kVelocityMean), "eccentric_velocity_mean", MetricUnit::kVelocity,
     MetricScope::kRepetition, kVelocityVersion,
     "Net travel of the eccentric phase over its duration.",
     "quantisation of the position at both ends; that of the duration"},
    {eccentric(MetricId::kVelocityPeak), "eccentric_velocity_peak", MetricUnit::kVelocity,
     MetricScope::kRepetition, kVelocityVersion,
     "Largest speed in the direction of the eccentric phase.", "noise of one sample of the speed"},
    {eccentric(MetricId::kForceErrorRms), "eccentric_force_error_rms", MetricUnit::kForce,
     MetricScope::kRepetition, kForceVersion,
     "Root mean square of measured minus target force in the middle 80 % of the time "
     "of the eccentric phase.",
     "noise of the load cell over the samples"},
    {eccentric(MetricId::kSparc), "eccentric_sparc", MetricUnit::kOne, MetricScope::kRepetition,
     kSmoothnessVersion,
     "Spectral arc length of the speed of the eccentric phase: spectrum over its value "
     "at 0 Hz, zero-padded to 2^(ceil(log2 n) + 4) ticks, arc up to the last frequency "
     "at or below 10 Hz where it reaches 0.05 (Balasubramanian et al. 2015).",
     "noise of the speed in the spectrum; half a frequency step at the end of the arc"},
    {eccentric(MetricId::kLdlj), "eccentric_ldlj", MetricUnit::kOne, MetricScope::kRepetition,
     kSmoothnessVersion,
     "-ln(duration^3 / peak speed^2 x integral of the squared second derivative of the "
     "speed) over the eccentric phase, the derivative from parabolas fitted over 101 "
     "ticks (velocity-based log dimensionless jerk).",
     "noise of the speed in the second derivative"},
    {MetricId::kSetVelocityBest, "velocity_best", MetricUnit::kVelocity, MetricScope::kSet,
     kSetVersion, "Largest mean concentric speed of a full repetition of the set.",
     "that of the repetition"},
    {MetricId::kSetVelocityLoss, "velocity_loss", MetricUnit::kPercent, MetricScope::kSet,
     kSetVersion, "100 (best - last) / best of the mean concentric speeds of the full repetitions.",
     "those of the best and the last repetition"},
    {MetricId::kSetForceConcentric, "force_concentric_mean", MetricUnit::kForce, MetricScope::kSet,
     kSetVersion, "Mean over the full repetitions of the concentric time-mean force.",
     "scatter of the repetitions"},
    {MetricId::kSetForceEccentric, "force_eccentric_mean", MetricUnit::kForce, MetricScope::kSet,
     kSetVersion, "Mean over the full repetitions of the eccentric time-mean force.",
     "scatter of the repetitions"},
    {MetricId::kSetRenderedRatio, "rendered_ratio_mean", MetricUnit::kOne, MetricScope::kSet,
     kSetVersion, "Mean over the full repetitions of the rendered ratio.",
     "scatter of the repetitions"},
    {MetricId::kSetRange, "range_mean", MetricUnit::kPosition, MetricScope::kSet, kSetVersion,
     "Mean over the full repetitions of the range.", "scatter of the repetitions"},
    {MetricId::kSetVelocity, "velocity_mean", MetricUnit::kVelocity, MetricScope::kSet, kSetVersion,
     "Mean over the full repetitions of the mean concentric speed.", "scatter of the repetitions"},
    {MetricId::kSetWork, "work_total", MetricUnit::kJoule, MetricScope::kSet, kSetVersion,
     "Sum over full and partial repetitions of concentric and eccentric work.",
     "those of the repetitions, in squares"},
    {MetricId::kSetTimeUnderTension, "time_under_tension_total", MetricUnit::kSecond,
     MetricScope::kSet, kSetVersion,
     "Sum over full and partial repetitions of the time under tension.",
     "those of the repetitions, in squares"},
    {MetricId::kSetTempoError, "tempo_error_mean", MetricUnit::kPercent, MetricScope::kSet,
     kSetVersion, "Mean over the full repetitions of the tempo error.",
     "scatter of the repetitions"},
    {MetricId::kOneRmEpley, "one_rm_epley", MetricUnit::kForce, MetricScope::kSet, kStrengthVersion,
     "One-repetition maximum F (1 + n/30) (Epley 1985), F the mean concentric "
     "distance-mean force of the n full repetitions, 1 to 10.",
     "scatter of the repetitions; the formula's own error is not in it"},
    {MetricId::kOneRmBrzycki, "one_rm_brzycki", MetricUnit::kForce, MetricScope::kSet,
     kStrengthVersion,
     "One-repetition maximum 36 F / (37 - n) (Brzycki 1993), F and n as for Epley.",
     "scatter of the repetitions; the formula's own error is not in it"},
    {MetricId::kOneRmLombardi, "one_rm_lombardi", MetricUnit::kForce, MetricScope::kSet,
     kStrengthVersion, "One-repetition maximum F n^0.10 (Lombardi 1989), F and n as for Epley.",
     "scatter of the repetitions; the formula's own error is not in it"},
    {MetricId::kIsometricPeak, "isometric_peak", MetricUnit::kForce, MetricScope::kSet,
     kIsometricVersion, "Largest force above the baseline over the efforts of the test.",
     "noise of one sample of the load cell"},
    {MetricId::kIsometricMean, "isometric_mean", MetricUnit::kForce, MetricScope::kSet,
     kIsometricVersion,
     "Mean over the efforts of the mean force above the baseline in the middle 80 % of "
     "the time of each.",
     "scatter of the efforts, or noise of the load cell for a single one"},
    {MetricId::kIsometricRfd100, "isometric_rfd_100", MetricUnit::kForceRate, MetricScope::kSet,
     kIsometricVersion,
     "Best rise of force from 0 to 100 ms after the onset, over 0.1 s; the onset is "
     "where force, on its way above baseline + max(3 standard deviations, 8), was last "
     "at or below baseline + max(1 standard deviation, 0.25).",
     "noise of two samples of the load cell; one tick of the onset"},
    {MetricId::kIsometricRfd200, "isometric_rfd_200", MetricUnit::kForceRate, MetricScope::kSet,
     kIsometricVersion,
     "Best rise of force from 0 to 200 ms after the onset, over 0.2 s; onset as for "
     "100 ms.",
     "noise of two samples of the load cell; one tick of the onset"},
    {MetricId::kIsometricVariation, "isometric_variation", MetricUnit::kPercent, MetricScope::kSet,
     kIsometricVersion, "Coefficient of variation (n - 1) of the peaks of the efforts.",
     "number of efforts: value / sqrt(2 (n - 1))"},
    {MetricId::kLeftForceMean, "concentric_left_force_mean", MetricUnit::kForce, MetricScope::kPads,
     kPadVersion, "Mean over time of the torque at the left pad in the concentric phase.",
     "noise of the load cell over the samples"},
    {MetricId::kLeftForcePeak, "concentric_left_force_peak", MetricUnit::kForce, MetricScope::kPads,
     kPadVersion, "Largest torque at the left pad in the concentric phase.",
     "noise of one sample of the load cell"},
    {MetricId::kLeftWork, "concentric_left_work", MetricUnit::kJoule, MetricScope::kPads,
     kPadVersion,
     "Magnitude of the trapezoidal integral of the torque at the left pad over the angle in the "
     "concentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {MetricId::kRightForceMean, "concentric_right_force_mean", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion,
     "Mean over time of the torque at the right pad in the concentric phase.",
     "noise of the load cell over the samples"},
    {MetricId::kRightForcePeak, "concentric_right_force_peak", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion, "Largest torque at the right pad in the concentric phase.",
     "noise of one sample of the load cell"},
    {MetricId::kRightWork, "concentric_right_work", MetricUnit::kJoule, MetricScope::kPads,
     kPadVersion,
     "Magnitude of the trapezoidal integral of the torque at the right pad over the angle in the "
     "concentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {MetricId::kPadSymmetry, "concentric_pad_symmetry", MetricUnit::kPercent, MetricScope::kPads,
     kPadVersion,
     "200 (right - left) / (right + left) of the works at the pads in the concentric phase.",
     "those of both works; offset and gain of the cells are not in it"},
    {eccentric(MetricId::kLeftForceMean), "eccentric_left_force_mean", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion,
     "Mean over time of the torque at the left pad in the eccentric phase.",
     "noise of the load cell over the samples"},
    {eccentric(MetricId::kLeftForcePeak), "eccentric_left_force_peak", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion, "Largest torque at the left pad in the eccentric phase.",
     "noise of one sample of the load cell"},
    {eccentric(MetricId::kLeftWork), "eccentric_left_work", MetricUnit::kJoule, MetricScope::kPads,
     kPadVersion,
     "Magnitude of the trapezoidal integral of the torque at the left pad over the angle in the "
     "eccentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {eccentric(MetricId::kRightForceMean), "eccentric_right_force_mean", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion,
     "Mean over time of the torque at the right pad in the eccentric phase.",
     "noise of the load cell over the samples"},
    {eccentric(MetricId::kRightForcePeak), "eccentric_right_force_peak", MetricUnit::kForce,
     MetricScope::kPads, kPadVersion, "Largest torque at the right pad in the eccentric phase.",
     "noise of one sample of the load cell"},
    {eccentric(MetricId::kRightWork), "eccentric_right_work", MetricUnit::kJoule,
     MetricScope::kPads, kPadVersion,
     "Magnitude of the trapezoidal integral of the torque at the right pad over the angle in the "
     "eccentric phase.",
     "noise of the load cell over the steps; quantisation of the position at both ends"},
    {eccentric(MetricId::kPadSymmetry), "eccentric_pad_symmetry", MetricUnit::kPercent,
     MetricScope::kPads, kPadVersion,
     "200 (right - left) / (right + left) of the works at the pads in the eccentric phase.",
     "those of both works; offset and gain of the cells are not in it"},
    {MetricId::kSetLeftForce, "set_left_force", MetricUnit::kForce, MetricScope::kPadsSet,
     kPadVersion, "Mean of the concentric force means at the left pad over the full repetitions.",
     "scatter of the repetitions"},
    {MetricId::kSetRightForce, "set_right_force", MetricUnit::kForce, MetricScope::kPadsSet,
     kPadVersion, "Mean of the concentric force means at the right pad over the full repetitions.",
     "scatter of the repetitions"},
    {MetricId::kSetLeftWork, "set_left_work", MetricUnit::kJoule, MetricScope::kPadsSet,
     kPadVersion,
     "Sum of the concentric and eccentric work at the left pad over the counted repetitions.",
     "those of the works"},
    {MetricId::kSetRightWork, "set_right_work", MetricUnit::kJoule, MetricScope::kPadsSet,
     kPadVersion,
     "Sum of the concentric and eccentric work at the right pad over the counted repetitions.",
     "those of the works"},
    {MetricId::kSymmetryIndex, "symmetry_index", MetricUnit::kPercent, MetricScope::kSides,
     kSymmetryVersion,
     "200 (right - left) / (right + left) of the means of a metric over the full "
     "repetitions of each side.",
     "scatter of the repetitions of both sides"},
    {MetricId::kLimbSymmetryIndex, "limb_symmetry_index", MetricUnit::kPercent, MetricScope::kSides,
     kSymmetryVersion, "100 weaker / stronger side, means as for the symmetry index.",
     "scatter of the repetitions of both sides"},
    {MetricId::kMinimalDetectableChange, "minimal_detectable_change", MetricUnit::kPercent,
     MetricScope::kSides, kSymmetryVersion,
     "Change of the symmetry index between two sessions that its scatter alone exceeds "
     "in 5 % of cases: 1.96 x sqrt(2) x its uncertainty.",
     "none: it is one itself"},
}};

}  // namespace

std::span<const MetricDefinition> metric_definitions() noexcept {
  return kDefinitions;
}

const MetricDefinition* find_metric(MetricId id) noexcept {
  for (const MetricDefinition& definition : kDefinitions) {
    if (definition.id == id) return &definition;
  }
  return nullptr;
}

const MetricDefinition* find_metric(std::string_view key) noexcept {
  for (const MetricDefinition& definition : kDefinitions) {
    if (key == definition.key) return &definition;
  }
  return nullptr;
}

const MetricValue* find_value(std::span<const MetricValue> values, MetricId id) noexcept {
  for (const MetricValue& value : values) {
    if (value.id == id) return &value;
  }
  return nullptr;
}

MetricValue make_value(MetricId id, double value, double uncertainty,
                       std::uint32_t flags) noexcept {
  if (!is_finite(value) || !is_finite(uncertainty)) return missing_value(id, flags);
  const MetricDefinition* const definition = find_metric(id);
  if (uncertainty > 0.1 * absolute(value)) flags |= kValueUncertain;
  const std::uint16_t version = definition != nullptr ? definition->version : std::uint16_t{0};
  return {id, version, flags, value, uncertainty};
}

MetricValue missing_value(MetricId id, std::uint32_t why) noexcept {
  MetricValue value = make_value(id, 0.0, 0.0, why | kValueMissing);
  value.flags &= ~static_cast<std::uint32_t>(kValueUncertain);
  return value;
}

}  // namespace medius::measure
