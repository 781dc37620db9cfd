// A recorded set once more: through the detector, and through a profile. Pure but for the profile's
// own code.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/set_record.hpp"
#include "controller/station/plugin_host.hpp"

namespace medius::client {

struct ReplayConfig {
  measure::TrackerConfig tracker;
  double force_max = 0.0;     // N | Nm that a profile may wish
  double velocity_max = 3.0;  // m/s | rad/s
};

// What the detector says of the recorded motion, beside what it said in the loop.
struct DetectorReplay {
  std::vector<measure::RepBoundary> reps;
  std::uint32_t direction_changes = 0;
  std::size_t same_reps = 0;             // same kind, every boundary within one tick
  std::uint64_t boundary_ticks_max = 0;  // largest difference, of repetitions of the same kind
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
  DetectorReplay detector;
  WishReplay wish;
};

// `samples` of one axis in tick order. `profile` is called once a sample under load, with what the
// recording holds: position and velocity as recorded, the load in force, the repetitions and the
// range as the detector finds them; the acceleration is the difference of the recorded velocity.
[[nodiscard]] Replay replay_set(const record::SetRecord& set,
                                std::span<const rt::SampleRecord> samples,
                                const ReplayConfig& config, rt::ProfileInstance& profile);

}  // namespace medius::client
