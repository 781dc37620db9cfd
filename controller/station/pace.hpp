// The pace of an exercise without the machine: what the screen tells a person to do at a moment.
// Nothing here sees the person.
#pragma once

#include <cstdint>

#include "controller/station/program.hpp"

namespace medius::station {

enum class PacePhase : std::uint8_t {
  kGetReady = 0,
  kLift,
  kHold,
  kLower,
  kPause,
  kMove,  // a repetition without a prescribed tempo, within a prescribed time
  kFree,  // no time is prescribed: at the person's own pace
  kOver,  // all of it has been paced; a confirmation is waited for
};
[[nodiscard]] const char* to_string(PacePhase phase) noexcept;  // "get ready", "lift", ...

struct Pace {
  PacePhase phase = PacePhase::kGetReady;
  std::uint32_t repetition = 0;  // where the pace is, from 1; 0 before the first and after the last
  double phase_elapsed_s = 0.0;
  double phase_s = 0.0;  // prescribed; 0 = open
  double total_s =
      0.0;  // from the start to kOver; the time to get ready alone when nothing is paced
  double remaining_s = 0.0;
};

// To take the place and the band, or to stand up straight.
inline constexpr double kGetReadyS = 5.0;

// [any] After `elapsed_s` of a set of the block on one side.
[[nodiscard]] Pace pace_at(const ProgramBlock& block, double elapsed_s) noexcept;

}  // namespace medius::station
