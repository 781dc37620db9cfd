// A recorded set once more: through the detector and the metrics, and through a profile. Pure but
// for the profile's own code.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/replay.hpp"
#include "controller/record/set_record.hpp"
#include "controller/station/plugin_host.hpp"

namespace medius::client {

// Where the value of a profile's parameter came from.
enum class ParameterSource : std::uint8_t {
  kDefault = 0,  // of the profile
  kRecorded,     // with which the set began
  kOrdered,      // during the set
  kAsked,        // by whoever replays
};

struct ParameterUse {
  std::uint64_t tick = 0;  // from this one on; the set's first: from the start
  std::string name;
  double value = 0.0;
  ParameterSource source = ParameterSource::kDefault;
  std::string unused;    // why it is not used; empty: it is
  std::uint32_t id = 0;  // of the profile's parameter, when it is used
};

// NAME=NUMBER, or NAME=NUMBER@SECONDS from then on.
struct AskedParameter {
  std::string name;
  double value = 0.0;
  double from_s = 0.0;
};
[[nodiscard]] tl::expected<AskedParameter, std::string> parse_parameter(const std::string& text);

// Every parameter that the replay uses and from when, in the order of the ticks; what was ordered
// during the set and is not used, with the reason. Errors name parameter, value and range.
[[nodiscard]] tl::expected<std::vector<ParameterUse>, std::string> plan_parameters(
    const record::SetRecord& set, const std::string& profile, std::span<const AskedParameter> asked,
    const station::PluginHost& host);

struct ReplayConfig {
  measure::TrackerConfig tracker;  // of a set that did not keep its own
  double force_max = 0.0;          // N | Nm that a profile may wish
  double velocity_max = 3.0;       // m/s | rad/s
  std::vector<ParameterUse> parameters;
};

// What a profile wishes over the recorded motion.
struct WishReplay {
  std::vector<double> wish;   // a value a sample; not a number where none was asked
  std::size_t ticks = 0;      // asked
  std::size_t same_bits = 0;  // as the recording says
  double difference_rms = 0.0, difference_max = 0.0;
  struct Mean {
    double recorded_wish = 0.0, wish = 0.0, measured = 0.0;
    std::size_t ticks = 0;
  };
  std::map<measure::Phase, Mean> phases;
};

struct Replay {
  record::ReplayedSet detector;
  std::size_t same_reps = 0;             // every boundary the same tick
  std::uint64_t boundary_ticks_max = 0;  // largest difference
  std::vector<std::string> differences;  // empty: repetitions, metrics and counts the same bits
  std::vector<std::string> lacking;      // what the recording does not hold
  WishReplay wish;
};

// `samples` of one axis in tick order. `profile` is called once a sample, with what the recording
// holds: position and velocity as recorded, the load in force, the repetitions and the range as the
// detector finds them; the acceleration is the difference of the recorded velocity.
[[nodiscard]] Replay replay_set(const record::SetRecord& set,
                                std::span<const rt::SampleRecord> samples,
                                const ReplayConfig& config, rt::ProfileInstance& profile);

}  // namespace medius::client
