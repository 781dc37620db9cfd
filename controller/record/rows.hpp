// Rows as bytes: how sessions, sets and repetitions are written into the store, with a version that
// a later release raises when it adds fields. Bit exact for every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/record/set_record.hpp"

namespace medius::record {

// What a closed set vouches for beside its own row.
struct SetSeal {
  std::uint32_t reps = 0;
  std::uint64_t reps_digest = 0;    // over the CRCs of the repetition rows, in order
  std::uint32_t blocks = 0;         // of samples
  std::uint64_t blocks_digest = 0;  // over the CRCs of the sample blocks, in order
};

struct SetRow {
  SetRecord set;  // without repetitions
  SetSeal seal;
};

[[nodiscard]] std::string encode_session(const SessionRecord& session);
[[nodiscard]] std::optional<SessionRecord> decode_session(std::string_view bytes);
[[nodiscard]] std::string encode_set(const SetRecord& set, const SetSeal& seal);
[[nodiscard]] std::optional<SetRow> decode_set(std::string_view bytes);
[[nodiscard]] std::string encode_rep(const measure::RepMetrics& rep);
[[nodiscard]] std::optional<measure::RepMetrics> decode_rep(std::string_view bytes);

// What recomputation made of a set's repetitions and metrics; kept beside the rows of the set,
// which stay as they were sealed. Decoding fails, and leaves the set alone, unless it has as many
// repetitions.
[[nodiscard]] std::string encode_recomputed(const SetRecord& set);
[[nodiscard]] bool decode_recomputed(std::string_view bytes, SetRecord& set);

// CRC-32C of a row: the table's name and the key columns are in it too, so that a row which turned
// up under another key is noticed.
[[nodiscard]] std::uint32_t row_crc(std::string_view table, std::string_view key,
                                    std::uint64_t number, std::string_view payload);

// Chains `value` to what came before.
[[nodiscard]] std::uint64_t chained(std::uint64_t before, std::uint64_t value);

// UTC of a tick of the set, counted from its start. No set lasts a day: a tick further away is none
// of the set's, and gives the start.
[[nodiscard]] std::int64_t unix_ns_at(const SetRecord& set, std::uint64_t tick);

// 16 lower-case hexadecimal digits.
[[nodiscard]] bool is_id(std::string_view id);
[[nodiscard]] std::string id_text(std::uint64_t number);
[[nodiscard]] std::uint64_t id_number(std::string_view id);  // 0 unless is_id

}  // namespace medius::record
