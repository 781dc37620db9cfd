// The people who train and their plans, as plain values and as bytes. A client is a pseudonym: who
// stands behind it is written down elsewhere. A plan is a program carried out by one client over
// weeks, with what progression has left of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/record/set_record.hpp"

namespace medius::record {

enum class Sex : std::uint8_t { kNotSaid = 0, kFemale, kMale, kOther };

// What nobody but a therapist raises: the base load of an exercise, of one arm on a lever machine.
struct LoadCap {
  std::string exercise_id;  // empty: every exercise of this kind of machine
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  double load = 0.0;  // N | Nm

  friend bool operator==(const LoadCap&, const LoadCap&) = default;
};

struct ClientRecord {
  std::string id;              // pseudonym, see is_pseudonym()
  std::uint64_t revision = 0;  // raised by every change
  std::string goal;            // a goal preset: "strength"; empty: not said
  std::string notes;
  std::uint16_t birth_year = 0;  // 0 here and below: not said
  Sex sex = Sex::kNotSaid;
  double body_mass_kg = 0.0;
  double height_m = 0.0;
  double leg_length_m = 0.0;
  Side affected_side = Side::kNone;
  bool in_therapy =
      false;  // changes of a plan are proposed to a therapist, never applied by itself
  std::vector<LoadCap> caps;
  std::int64_t create_unix_ns = 0;
  std::int64_t update_unix_ns = 0;
};

// What a plan remembers of an exercise.
struct PlanExercise {
  std::string exercise_id;
  double load = 0.0;  // working load, N | Nm an arm
  std::uint32_t reps = 0;
  std::uint32_t surplus_days = 0;  // in a row, with two extra repetitions in the last set
  std::uint32_t short_days = 0;    // in a row, with repetitions missing
  double range_reference[4] = {};  // by side: mean of the first day, m | rad
  std::optional<double> asymmetry_reference;  // percent, of the first day
  // Waits for a therapist's word.
  struct Proposal {
    double load = 0.0;
    std::uint32_t reps = 0;
    std::string reason;
  };
  std::optional<Proposal> proposal;
};

// A session of one of the plan's tests.
struct PlanTest {
  std::string program_id;
  std::string session_id;
  std::uint32_t days_done = 0;
  std::int64_t start_unix_ns = 0;
};

// A set from before the plan, told by somebody, never measured here.
struct EarlierSet {
  std::int64_t day_unix_ns = 0;
  std::string exercise_id;
  Side side = Side::kNone;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  double load = 0.0;
  std::uint32_t reps = 0;
};

struct PlanRecord {
  std::string id;  // 16 hex digits
  std::string client_id;
  std::string program_id;
  std::uint64_t revision = 0;
  std::uint32_t weeks = 0;
  std::uint32_t days_per_week = 0;
  bool strength = true;  // days need 48 h between them
  std::vector<std::uint32_t> test_weeks;
  std::uint32_t days_done = 0;
  std::int64_t last_start_unix_ns = 0;  // of the last strength day; 0 = none yet
  std::string session_id;               // under way; empty: none
  std::vector<PlanExercise> exercises;
  std::vector<PlanTest> tests;
  std::vector<EarlierSet> earlier;
  std::int64_t create_unix_ns = 0;
  std::int64_t update_unix_ns = 0;
};

// One working set, as far as progression looks at it.
struct PlanSet {
  Side side = Side::kNone;
  double load = 0.0;
  std::uint32_t reps_asked = 0, reps_full = 0, reps_partial = 0;
  double range = 0.0;            // mean of the full repetitions, m | rad
  double tempo_off_share = 0.0;  // of the repetitions
  double momentum_share = 0.0;
};

enum class PlanChange : std::uint8_t { kHold = 0, kMoreReps, kMoreLoad, kLessLoad };

// What a day meant for the next one of an exercise.
struct PlanDecision {
  std::string exercise_id;
  PlanChange change = PlanChange::kHold;
  double load_before = 0.0, load = 0.0;
  std::uint32_t reps_before = 0, reps = 0;
  bool refused = false;    // would have risen, but quality fell or a cap holds
  bool applied = true;     // false: proposed to a therapist
  bool capped = false;     // a therapist's cap had a say
  std::string decided_by;  // of a proposal that somebody decided, or a change by hand
  std::string reason;      // a sentence with numbers
  std::vector<PlanSet> sets;
  // Right against left of the lifting work, percent, with what a change must exceed to count.
  std::optional<double> asymmetry_percent;
  double asymmetry_error_percent = 0.0;
};

// A day of a plan that is over, or (with no session) what somebody decided between days.
struct PlanDayRecord {
  std::string plan_id;
  std::uint32_t ordinal = 0;    // from 1, in the order they were written
  std::uint32_t days_done = 0;  // before it
  std::string session_id;
  std::int64_t unix_ns = 0;
  bool counted = false;  // the plan went on by a day
  std::vector<std::string> notes;
  std::vector<PlanDecision> decisions;
};

inline constexpr std::size_t kPseudonymMax = 32;
inline constexpr std::size_t kNotesMax = 2000;
inline constexpr std::size_t kCapsMax = 32;
inline constexpr std::size_t kEarlierSetsMax = 500;
inline constexpr std::size_t kPlanTestsMax = 200;

// 1 to 32 of a-z, 0-9, '-' and '_', a letter or digit first: so short that no name, birthday or
// insurance number belongs in it.
[[nodiscard]] bool is_pseudonym(std::string_view id);

[[nodiscard]] std::string encode_client(const ClientRecord& client);
[[nodiscard]] std::optional<ClientRecord> decode_client(std::string_view bytes);
[[nodiscard]] std::string encode_plan(const PlanRecord& plan);
[[nodiscard]] std::optional<PlanRecord> decode_plan(std::string_view bytes);
[[nodiscard]] std::string encode_plan_day(const PlanDayRecord& day);
[[nodiscard]] std::optional<PlanDayRecord> decode_plan_day(std::string_view bytes);

[[nodiscard]] const char* to_string(PlanChange change) noexcept;

}  // namespace medius::record
