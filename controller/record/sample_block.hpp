// A block of samples as bytes: at most one second, columnar, each column delta coded and
// byte-shuffled, the whole deflated. Self-describing: the header names every column, so that a
// later release can add columns and still read old blocks (unknown columns are skipped, absent ones
// stay zero). Bit exact for every field, NaN payloads included.
//
//   "MSB1"  u16 version  u16 columns  u64 set id  u32 block index  u32 samples  u64 first tick
//   per column: u8 length, name, u8 width in bytes, u8 coding (0 plain, 1 delta, 2 xor)
//   u32 raw size  u32 deflated size  deflated bytes  u32 CRC-32C of all before
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/exchange_types.hpp"

namespace medius::record {

// One second at 1 kHz; a block holds at most this many ticks (of each axis).
inline constexpr std::uint64_t kMaxBlockTicks = 1000;
// Two axes of one second. A larger count in a header is damage, not data.
inline constexpr std::uint32_t kMaxBlockSamples = 2 * kMaxBlockTicks;

struct SampleBlockKey {
  std::uint64_t set_id = 0;
  std::uint32_t index = 0;
};

// 1..kMaxBlockSamples samples.
[[nodiscard]] std::string encode_sample_block(const SampleBlockKey& key,
                                              std::span<const rt::SampleRecord> samples);
// The error says what is wrong with the bytes.
[[nodiscard]] tl::expected<std::vector<rt::SampleRecord>, std::string> decode_sample_block(
    const SampleBlockKey& key, std::string_view bytes);

// The CRC a block carries in its last four bytes; 0 if it is shorter.
[[nodiscard]] std::uint32_t block_crc(std::string_view bytes);

}  // namespace medius::record
