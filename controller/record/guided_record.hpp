// What is kept of an exercise done without the machine: what was asked, and what a person said was
// done. No sensor counts it, so that it never holds a repetition, a load or work of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/measure/pelvis.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

enum class GuidedEnd : std::uint8_t {
  kOpen = 0,      // under way; never stored
  kConfirmed,     // somebody said that it was done
  kSkipped,       // left out on purpose; `reason` says why
  kNotConfirmed,  // paced, and nobody said anything
  kStopped,
  kFault,
  kInterrupted,  // the controller ended before it
};

enum class ConfirmedFrom : std::uint8_t {
  kNobody = 0,
  kPanel,  // the reset button of the operator panel
  kOrder,  // a trainer's or the person's own client
};

struct GuidedRecord {
  std::string id;
  std::string session_id;
  std::uint32_t index = 0;  // its place in the session, counted together with the sets
  std::string exercise_id;
  Side side = Side::kNone;
  bool warm_up = false;
  // What was asked.
  std::uint32_t reps_asked = 0;
  std::string tempo;        // "2-1-3-0", seconds; 0 = not prescribed
  double hold_s = 0.0;      // of each repetition; 0 = none
  double duration_s = 0.0;  // of the whole set; 0 = as long as its repetitions take
  // What was said.
  GuidedEnd end = GuidedEnd::kOpen;
  ConfirmedFrom from = ConfirmedFrom::kNobody;
  std::string confirmed_by;          // the client's name, or "operator panel"
  std::uint32_t reps_confirmed = 0;  // as told, not as counted; 0 unless confirmed
  std::string reason;                // why it was skipped or ended
  std::int64_t start_unix_ns = 0;
  std::int64_t end_unix_ns = 0;  // when it was confirmed, skipped or ended
  std::uint64_t start_tick = 0;
  std::uint64_t end_tick = 0;
  // Only of a single-leg stance in front of a pelvis-tilt sensor: what the sensor measured.
  std::optional<measure::StanceResult> stance;
};

[[nodiscard]] std::string encode_guided(const GuidedRecord& guided);
[[nodiscard]] std::optional<GuidedRecord> decode_guided(std::string_view bytes);

// "open", "confirmed", "skipped", "not_confirmed", "stopped", "fault", "interrupted".
[[nodiscard]] const char* to_string(GuidedEnd end) noexcept;
[[nodiscard]] const char* to_string(ConfirmedFrom from) noexcept;  // "nobody", "panel", "order"

}  // namespace medius::record
