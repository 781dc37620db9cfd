// Records as binary files of other people's formats. Pure functions over records and a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/export.hpp"

namespace medius::record {

// A FIT activity (strength training): each closed set and each confirmed exercise without the
// machine as a `set` message with its times, repetitions, exercise and, on a cable, the mass that
// weighs as much as the load (kg = N / 9.80665, in steps of 1/16 kg as FIT has it); rests between
// them; lap, session, activity. Load in N or Nm, side and partial repetitions stand beside as
// developer fields, exactly. FIT's times are whole seconds, its durations milliseconds.
[[nodiscard]] tl::expected<void, ExportError> write_session_fit(
    std::ostream& out, const SessionRecord& session, std::span<const SetRecord> sets,
    std::span<const GuidedRecord> guided);

// Recorded samples as an MCAP file (mcap.dev, version 0): protobuf messages medius.export.Sample
// whose schema is in the file, one topic a side, log time = UTC of the tick, chunks of about a
// second with message indexes, statistics and CRCs; the set's facts as metadata "medius.set". Give
// the sets in the order of their time; call finish() at the end.
class McapWriter {
 public:
  explicit McapWriter(std::ostream& out);
  void add_set(const SetRecord& set, std::span<const rt::SampleRecord> samples);
  void finish();

 private:
  struct ChunkIndex {
    std::uint64_t start_ns = 0, end_ns = 0, offset = 0, length = 0, index_length = 0, size = 0;
    std::vector<std::pair<std::uint16_t, std::uint64_t>> message_indexes;
  };
  struct MetadataIndex {
    std::uint64_t offset = 0, length = 0;
  };
  struct Channel {
    std::string topic;
    std::string record;  // as it was written
    std::uint64_t messages = 0;
  };

  void put(std::string_view bytes);
  void record(std::uint8_t opcode, std::string_view content);
  std::uint16_t channel_of(const SetRecord& set);
  void add_chunk(std::uint16_t channel, const SetRecord& set,
                 std::span<const rt::SampleRecord* const> rows);

  std::ostream& out_;
  std::uint64_t written_ = 0;
  std::uint32_t crc_ = 0;  // of the section under way
  std::vector<Channel> channels_;
  std::vector<ChunkIndex> chunks_;
  std::vector<MetadataIndex> metadata_;
  std::uint64_t messages_ = 0;
};

}  // namespace medius::record
