// Metrics of one repetition from its samples. Not on the loop: used by the recorder, by
// recomputation and by the reports. The plain fields carry kDefinitionVersion; `values` has them
// all once more and others, each with flags, uncertainty and the version of its definition
// (metric_table.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "controller/measure/metric_table.hpp"
#include "controller/measure/phase.hpp"
#include "controller/measure/tracker.hpp"

namespace medius::measure {

// Raised whenever a definition of a plain field below changes.
inline constexpr int kDefinitionVersion = 1;

// One sample of the repetition under analysis; force at the load cell.
struct MetricSample {
  std::uint64_t tick = 0;
  double position = 0.0;         // m | rad, absolute
  double velocity = 0.0;         // m/s | rad/s
  double force_measured = 0.0;   // N | Nm
  double force_target = 0.0;     // N | Nm
  double pelvis_tilt_rad = 0.0;  // positive: down on the side that does not stand
  bool pelvis_seen = false;      // a sensor measured it
  // Linked arms: at each pad, Nm; both 0 where the axis has one cell.
  double pad_left = 0.0, pad_right = 0.0;
};

// Integrals are trapezoids over the ticks that are there; distance is travel of the position.
// "Middle 80 %" is by time: without the first and the last tenth of the phase.
struct PhaseMetrics {
  double duration_s = 0.0;
  double force_mean_time = 0.0;      // mean over time, N | Nm
  double force_mean_distance = 0.0;  // work / net travel, N | Nm
  double force_peak = 0.0;
  double impulse = 0.0;  // N s | Nm s
  double work_j = 0.0;   // magnitude of the integral of force over position
  double power_mean_w = 0.0;
  double power_peak_w = 0.0;     // largest force x speed after a 20 Hz first-order low-pass
  double velocity_mean = 0.0;    // net travel / duration, m/s | rad/s
  double velocity_peak = 0.0;    // in the direction of the phase
  double force_error_rms = 0.0;  // measured against target, steady part (middle 80 % of the phase)
};

enum QualityFlag : std::uint32_t {
  kQualityRangeShort = 1u << 0,  // below range_short_fraction of the reference
  kQualityTempoFast = 1u << 1,   // a prescribed phase shorter than the tolerance allows
  kQualityTempoSlow = 1u << 2,   // ... or longer
  kQualityHoldShort = 1u << 3,
  kQualityMomentum = 1u << 4,  // a burst of speed in the first quarter of the concentric
  kQualitySamplesMissing = 1u << 5,
  kQualityProvisional = 1u << 6,  // the range was not known when the repetition closed
  kQualityPelvicDrop = 1u << 7,   // the pelvis dropped by more than kPelvicDropMaxRad
};

// Prescribed seconds concentric-hold-eccentric-bottom; 0 = not prescribed.
struct Tempo {
  double concentric_s = 0.0;
  double hold_s = 0.0;
  double eccentric_s = 0.0;
  double bottom_s = 0.0;
};

struct RepMetrics {
  int definition_version = kDefinitionVersion;
  std::uint32_t index = 0;
  RepKind kind = RepKind::kFull;
  RepRejection rejection = RepRejection::kNone;
  std::uint32_t quality = 0;  // QualityFlag
  std::uint64_t start_tick = 0;
  std::uint64_t peak_start_tick = 0;
  std::uint64_t peak_end_tick = 0;
  std::uint64_t end_tick = 0;
  double range = 0.0;  // m | rad: peak - valley before
  double hold_s = 0.0;
  double bottom_s = 0.0;              // since the previous repetition's end; 0 for the first
  double time_under_tension_s = 0.0;  // concentric, hold and eccentric with force > half the target
  double rendered_ratio = 0.0;        // mean force ecc / con, middle 80 % of each
  double tempo_error_percent =
      0.0;  // mean |actual - prescribed| / prescribed over prescribed phases
  PhaseMetrics concentric;
  PhaseMetrics eccentric;
  // Every metric of a repetition, in the order of the table; empty when it was measured before
  // there was a table.
  std::vector<MetricValue> values;
};

// The frontal-plane triangle of a cable exercise: hip, pulley beside the other leg, cuff on a
// circle about the hip. length^2 = d^2 + h^2 + r^2 + 2 r (d sin angle - h cos angle).
struct HipGeometry {
  bool calibrated = false;
  double hip_above_pulley_m = 0.0;    // h
  double pulley_distance_m = 0.0;     // d, lateral
  double cuff_radius_m = 0.0;         // r, hip to cuff
  double position_at_vertical = 0.0;  // of the axis with the leg straight down
};

struct MetricConfig {
  double dt_s = 1e-3;
  Tempo tempo;
  double range_reference = 0.0;  // 0 = not known
  double range_short_fraction = 0.85;
  double tempo_tolerance = 0.35;  // of the prescribed seconds
  std::uint64_t previous_end_tick =
      0;  // end of the repetition before, for the bottom; 0 = the first
  // Speed in the first quarter over the mean: a minimum-jerk lift has 1.05, a swung one over 2.
  double momentum_ratio = 1.8;
  bool lever = false;               // positions are angles of the hip
  TrackerConfig tracker;            // of the axis: what is a full repetition of it
  double programmed_inertia = 0.0;  // kg | kg m^2 that the law adds; part of the target
  HipGeometry geometry;             // of a cable
};

// [any] `samples` covers [boundary.start_tick, boundary.end_tick] of one axis in tick order;
// missing ticks set kQualitySamplesMissing.
[[nodiscard]] RepMetrics analyze_rep(std::span<const MetricSample> samples,
                                     const RepBoundary& boundary, const MetricConfig& config);

// [any] Angle of the leg from the vertical at a position of a calibrated cable, rad; NaN where the
// triangle does not close.
[[nodiscard]] double hip_angle(const HipGeometry& geometry, double position) noexcept;

// [any] Judges repetitions that closed before the range was known, once it is:
// their kind becomes final and kQualityProvisional goes. `range` 0 takes the longest of `reps`
// instead; with fewer than three of them they stay provisional.
void resolve_provisional(std::span<RepMetrics> reps, double range, const TrackerConfig& config);

}  // namespace medius::measure
