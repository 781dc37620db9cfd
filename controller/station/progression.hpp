// What a finished day means for the next one of the same exercise: more repetitions, more load, the
// same, or less; and why, in words with numbers. Pure: no clock, no store. The plan applies it; for
// somebody whose load is a therapist's decision it is only a proposal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/record/set_record.hpp"
#include "controller/station/program.hpp"

namespace medius::station {

// One working set, as far as progression looks at it.
struct SetFigures {
  record::Side side = record::Side::kNone;
  double load = 0.0;  // N | Nm at the end of the set
  std::uint32_t reps_asked = 0;
  std::uint32_t reps_full = 0;
  std::uint32_t reps_partial = 0;
  double range = 0.0;            // mean of the full repetitions, m | rad
  double tempo_off_share = 0.0;  // of the repetitions, too fast or too slow in some phase
  double momentum_share = 0.0;   // of the repetitions
  std::vector<double> work_j;    // lifting, of each full repetition
  bool ended_by_count = false;
};
[[nodiscard]] SetFigures figures_of(const record::SetRecord& set);

// All working sets of an exercise on one day, in order.
struct DayFigures {
  std::vector<SetFigures> sets;
  std::uint32_t sets_missing = 0;  // asked for, and not begun
};

// What the plan remembers of an exercise.
struct ExerciseState {
  double load = 0.0;  // working load, N | Nm
  std::uint32_t reps = 0;
  std::uint32_t surplus_days = 0;  // in a row, with two extra repetitions in the last set
  std::uint32_t short_days = 0;    // in a row, with repetitions missing
  double range_reference[4] = {};  // by side: mean of the first day
  std::optional<double> asymmetry_reference;  // percent, of the first day
  std::optional<double> load_cap;             // only a therapist sets it
  bool proposals_only = false;                // a therapist applies changes
};

struct ProgressionRules {
  Progression rule = Progression::kRepsFirst;
  std::uint32_t reps_min = 8, reps_max = 12;
  // +2 to 10 % once the load allows one or two repetitions more than asked (American College of
  // Sports Medicine 2009); the middle, in steps that a machine can set.
  double increase = 0.05, increase_min = 0.02, increase_max = 0.10;
  double decrease = 0.05;
  double load_step = 0.5;  // N | Nm
  // A repetition below 0.85 of the range is labelled short; a mean that lost a tenth is nearly
  // there, and three times what a set of ten scatters (4 % a repetition).
  double range_loss_max = 0.10;
  double partial_share_max = 0.10;
  double tempo_off_share_max = 0.34;
  double momentum_share_max = 0.20;
  // Points by which the difference of the sides may rise; below 15 % nothing is remarked on, the
  // ratio of the sides being poorly repeatable (ICC 0.11 to 0.64, Gerodimos 2015).
  double asymmetry_rise_max = 10.0, asymmetry_floor = 15.0;
};
[[nodiscard]] ProgressionRules rules_of(const ProgramBlock& block);

// Asked for in the last set beyond the goal where two-for-two is the rule.
inline constexpr std::uint32_t kExtraReps = 2;
inline constexpr std::uint32_t kSurplusDaysNeeded = 2;

enum class Change : std::uint8_t { kHold = 0, kMoreReps, kMoreLoad, kLessLoad };
[[nodiscard]] const char* to_string(Change change) noexcept;

struct Decision {
  Change change = Change::kHold;
  double load_before = 0.0, load = 0.0;  // now, and the next day
  std::uint32_t reps_before = 0, reps = 0;
  bool refused = false;  // would have risen, but quality fell
  bool applied = true;   // false: proposed to a therapist; load and repetitions stay
  bool capped = false;   // a therapist's limit stopped or shortened the increase
  std::string reason;    // a sentence with numbers
};

// [any] Nothing to complain of = nothing; else why the day's quality forbids an increase.
[[nodiscard]] std::optional<std::string> quality_fell(const ProgressionRules& rules,
                                                      const ExerciseState& state,
                                                      const DayFigures& day);
// [any] Percent, of the lifting work a repetition of left and right; nothing when a side is
// missing. Positive: the right side does more.
struct Asymmetry {
  double percent = 0.0;
  double minimal_detectable_change = 0.0;
};
[[nodiscard]] std::optional<Asymmetry> asymmetry_of(const DayFigures& day);

// [any] Decides and brings the state to the next day.
[[nodiscard]] Decision progress(const ProgressionRules& rules, ExerciseState& state,
                                const DayFigures& day);

// Two strength days on the same muscle need this long between them.
inline constexpr std::int64_t kRestBetweenDaysNs = 48LL * 3600 * 1'000'000'000;
// [any] A warning, or nothing. Start to start, UTC ns.
[[nodiscard]] std::optional<std::string> too_soon(std::int64_t last_start_ns,
                                                  std::int64_t next_start_ns);

}  // namespace medius::station
