// Repetitions as the plant's noise-free motion has them, for judging a counter.
//
// Speed is the mean over 111 ms around the moment, one period of a 9 Hz tremor. A stroke is motion
// beyond 0.02 m/s from crossing to crossing; a pause of up to 0.1 s belongs to it, and what travels
// less than 12 mm or a tenth of the person's range is settling. A stroke that turns back before
// half of the rise is a bounce of the repetition it interrupts: within 12 mm of the peak it belongs
// to the hold, above it to the way up, below it to the way back; so does one of less than a quarter
// of the range before the way back has come to 60 %. A repetition is a rise of at least
// a quarter of the person's range and the way back over at least 60 % of it. Its range counts from
// where the ring last stood; of the first from where it ends, when that is 12 to 45 mm higher:
// before it the stance under the load is found.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace medius::sim {

struct RepTruth {
  std::size_t start = 0;       // samples: it goes out
  std::size_t peak_start = 0;  // ... has arrived
  std::size_t peak_end = 0;    // ... comes back
  std::size_t end = 0;         // ... is down
  double range_m = 0.0;
};

// `position_m`: one sample a millisecond. `range_m`: the person's own range.
[[nodiscard]] std::vector<RepTruth> find_reps(std::span<const double> position_m, double range_m);

}  // namespace medius::sim
