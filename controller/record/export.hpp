// Records as text for trainers and for other programs. Pure functions over records and a stream:
// they know no store. UTF-8, '.' as decimal sign whatever the locale, numbers in their shortest
// form that reads back to the same bits, times as ISO 8601 UTC. A value that is not finite is an
// empty field in CSV and null in JSON.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

struct ExportError {
  std::string message;
};

// One row a repetition, the set's facts repeated in each; a set without repetitions has no row.
// Behind definition_version: a column a metric of the table that has none before, the standard
// uncertainty of every one, flags ("sparc:missing,too_short"), versions of the definitions
// ("range=1"), and the set's metrics as set_KEY. Columns are only ever added at the end. The header
// carries the units: N, m for a cable, Nm, rad for a lever. Sets of both kinds in one table are
// refused: a column has one unit.
[[nodiscard]] tl::expected<void, ExportError> write_reps_csv(std::ostream& out,
                                                             std::span<const SetRecord> sets);

// One row a sample; time_s counts from the set's start tick.
void write_samples_csv(std::ostream& out, const SetRecord& set,
                       std::span<const rt::SampleRecord> samples);

// One row an exercise without the machine: what was asked, what was confirmed, by whom and when,
// and for a single-leg stance what the pelvis-tilt sensor measured (empty without one).
void write_guided_csv(std::ostream& out, std::span<const GuidedRecord> guided);

// {
//   "format": "medius.session", "format_version": 1,
//   "session": {"id", "program_id", "client_id", "start", "end"},
//   "sets": [{"id", "index", "exercise_id", "profile_id", "parameters": {name: value},
//             "side": "none|left|right|both", "axis", "coordinate": "cable|lever",
//             "units": {"force", "position", "velocity", "impulse"},
//             "tempo", "load_start", "load_end", "reps_target", "reps_counted", "reps_partial",
//             "direction_changes", "end": "open|count|stopped|stood_still|fault|interrupted",
//             "fault_code", "start", "end_time", "start_tick", "end_tick", "samples",
//             "samples_dropped", "reps": [{"index", "kind": "full|partial|rejected",
//                       "rejection": "none|too_short|slack|unfinished|link_lost",
//                       "quality": ["range_short", "tempo_fast", "tempo_slow", "hold_short",
//                                   "momentum", "samples_missing", "provisional"],
//                       "definition_version", "start_tick", "peak_start_tick", "peak_end_tick",
//                       "end_tick", "range", "hold_s", "bottom_s", "time_under_tension_s",
//                       "rendered_ratio", "tempo_error_percent",
//                       "concentric": PHASE, "eccentric": PHASE, "metrics": METRICS}],
//             "metrics": METRICS}],
//   "symmetry": [{"exercise_id", "metric", "metrics": METRICS}],
//   "guided": [{"id", "index", "exercise_id", "side", "warm_up", "reps_asked", "tempo", "hold_s",
//               "duration_s", "end": "confirmed|skipped|not_confirmed|stopped|fault|interrupted",
//               "confirmed_from": "nobody|panel|order", "confirmed_by", "reps_confirmed", "reason",
//               "start", "end_time", "stance": null | {"measured", "held", "dropped", "drop_deg",
//               "mean_deg", "stood_s", "until_drop_s"}}]
// }
// Guided exercises were done without the machine: nothing in them was counted or measured but a
// stance, and they are no work.
// METRICS: {key: {"value", "uncertainty", "unit", "flags": [..], "version"}}, keys, units and
// definitions in measure/metric_table; value and uncertainty are null with the flag "missing".
// Empty for what was recorded before there were any. PHASE: {"duration_s", "force_mean_time",
// "force_mean_distance", "force_peak", "impulse", "work_j",
//         "power_mean_w", "power_peak_w", "velocity_mean", "velocity_peak", "force_error_rms"}
// Times are null while a session or set is open. Keys are only ever added.
void write_session_json(std::ostream& out, const SessionRecord& session,
                        std::span<const SetRecord> sets, std::span<const GuidedRecord> guided = {});

// The words used above.
[[nodiscard]] std::vector<std::string> value_flag_names(std::uint32_t flags);
[[nodiscard]] const char* metric_unit(const measure::MetricDefinition& metric,
                                      hal::CoordinateKind kind) noexcept;
[[nodiscard]] const char* to_string(Side side) noexcept;
[[nodiscard]] const char* to_string(SetEnd end) noexcept;
// "2024-05-01T12:34:56.123Z"; empty for 0 (open, unknown).
[[nodiscard]] std::string iso_time(std::int64_t unix_ns);

}  // namespace medius::record
