#include "controller/station/pace.hpp"

#include <array>

#include "controller/base/clamp.hpp"

namespace medius::station {
namespace {

struct Step {
  PacePhase phase;
  double seconds;
};
using Repetition = std::array<Step, 4>;

// A hold of the block takes the place of the tempo's.
Repetition repetition_of(const ProgramBlock& block) noexcept {
  const measure::Tempo& tempo = block.tempo;
  const double hold_s = block.hold_s > 0.0 ? block.hold_s : tempo.hold_s;
  return {Step{PacePhase::kLift, tempo.concentric_s}, Step{PacePhase::kHold, hold_s},
          Step{PacePhase::kLower, tempo.eccentric_s}, Step{PacePhase::kPause, tempo.bottom_s}};
}

Pace in_repetition(const Repetition& steps, double elapsed_s) noexcept {
  Pace pace;
  for (const Step& step : steps) {
    pace.phase = step.phase;
    pace.phase_s = step.seconds;
    pace.phase_elapsed_s = elapsed_s;
    if (elapsed_s < step.seconds) break;
    elapsed_s -= step.seconds;
  }
  return pace;
}

}  // namespace

const char* to_string(PacePhase phase) noexcept {
  constexpr std::array<const char*, 8> kWords{"get ready", "lift", "hold",        "lower",
                                              "pause",     "move", "at own pace", "over"};
  const auto index = static_cast<std::size_t>(phase);
  return index < kWords.size() ? kWords[index] : "unknown";
}

Pace pace_at(const ProgramBlock& block, double elapsed_s) noexcept {
  const Repetition steps = repetition_of(block);
  double rep_s = 0.0;
  for (const Step& step : steps) rep_s += step.seconds;
  const bool timed = block.duration_s > 0.0;
  if (timed) rep_s = block.duration_s / static_cast<double>(block.reps > 0 ? block.reps : 1);
  const double work_s = timed ? block.duration_s : rep_s * static_cast<double>(block.reps);
  const double done_s = elapsed_s - kGetReadyS;
  Pace pace;
  if (done_s < 0.0) {
    pace.phase_elapsed_s = elapsed_s;
    pace.phase_s = kGetReadyS;
  } else if (!(work_s > 0.0)) {
    pace.phase = PacePhase::kFree;
    pace.phase_elapsed_s = done_s;
  } else if (done_s >= work_s) {
    pace.phase = PacePhase::kOver;
    pace.phase_elapsed_s = done_s - work_s;
  } else {
    const auto before = static_cast<std::uint32_t>(done_s / rep_s);
    const double in_rep_s = done_s - static_cast<double>(before) * rep_s;
    if (timed) {
      pace.phase = PacePhase::kMove;
      pace.phase_elapsed_s = in_rep_s;
      pace.phase_s = rep_s;
    } else {
      pace = in_repetition(steps, in_rep_s);
    }
    pace.repetition = before + 1;
  }
  pace.total_s = kGetReadyS + work_s;
  pace.remaining_s = at_least(pace.total_s - elapsed_s, 0.0);
  return pace;
}

}  // namespace medius::station
