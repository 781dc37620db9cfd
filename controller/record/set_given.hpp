// What the loop was told about a set beside its samples: enough to run the detector, the metrics
// and the profile over the recording once more and get the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/measure/metrics.hpp"

namespace medius::record {

class ByteReader;
class ByteWriter;

enum class GivenKind : std::uint8_t {
  kParameter = 0,  // name, value: of the profile, in force from this tick on
  kLoadRequested,  // value: base load; an increase comes into force at the bottom
  kLoadApplied,    // value: base load that was reached
  kEngaged,        // the load comes in: at the start, or after a pause
  kUnloaded,       // the load goes out: at the end, or for a pause
};

struct GivenChange {
  std::uint64_t tick = 0;
  GivenKind kind = GivenKind::kParameter;
  std::string name;
  double value = 0.0;
};

// More than any trainer orders in a set; what comes later is not kept, and that is said.
inline constexpr std::size_t kGivenChangesMax = 1000;

struct SetGiven {
  // measure::kDetectorVersion of the loop; 0: recorded before this was kept.
  std::uint16_t detector_version = 0;
  measure::TrackerConfig tracker;
  measure::Tempo tempo;
  double range_target = 0.0;  // m | rad; 0: found by the detector
  double hold_s = 0.0;        // of a set of holds; 0: it has repetitions
  double force_max = 0.0;  // N | Nm, velocity_max m/s | rad/s: what the profile was activated with
  double velocity_max = 0.0;
  double force_before = 0.0;         // N | Nm: felt a tick before the first sample
  bool changes_lost = false;         // beyond kGivenChangesMax
  std::vector<GivenChange> changes;  // in the order of their ticks

  [[nodiscard]] bool known() const noexcept { return detector_version != 0; }
};

// The numbers of a tracker by name, in a fixed order: how they are stored and sent. set: false for
// a name that this program does not know.
[[nodiscard]] std::vector<std::pair<std::string_view, double>> tracker_values(
    const measure::TrackerConfig& config);
[[nodiscard]] bool set_tracker_value(measure::TrackerConfig& config, std::string_view name,
                                     double value);

// What the recorder measured the repetitions with.
[[nodiscard]] measure::MetricConfig metric_config(const SetGiven& given);

void put_given(ByteWriter& writer, const SetGiven& given);
// False: damaged.
[[nodiscard]] bool get_given(ByteReader& reader, SetGiven& given);

}  // namespace medius::record
