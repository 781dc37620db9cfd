// MCAP files, written as mcap.dev/spec describes them: opcode, length, content; all little-endian.
#include <algorithm>
#include <limits>
#include <ostream>

#include <zlib.h>

#include "controller/record/bytes.hpp"
#include "controller/record/export_binary.hpp"
#include "controller/record/rows.hpp"

namespace medius::record {
namespace {

constexpr std::string_view kMagic = "\x89MCAP0\r\n";
constexpr std::uint16_t kSchemaId = 1;
// About a second at 1 kHz: what a reader has to take in at once.
constexpr std::size_t kRowsPerChunk = 1000;
constexpr const char* kSchemaName = "medius.export.Sample";

enum Opcode : std::uint8_t {
  kHeader = 0x01,
  kFooter = 0x02,
  kSchema = 0x03,
  kChannel = 0x04,
  kMessage = 0x05,
  kChunk = 0x06,
  kMessageIndex = 0x07,
  kChunkIndex = 0x08,
  kStatistics = 0x0B,
  kMetadata = 0x0C,
  kMetadataIndex = 0x0D,
  kSummaryOffset = 0x0E,
  kDataEnd = 0x0F,
};

std::uint32_t crc_of(std::uint32_t before, std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(before, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// ---- protobuf's wire format, as far as it is needed
// ----------------------------------------------
void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out += static_cast<char>(static_cast<std::uint8_t>(value));
}

void put_bytes(std::string& out, std::uint32_t number, std::string_view bytes) {
  put_varint(out, number << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

void put_integer(std::string& out, std::uint32_t number, std::uint64_t value) {
  if (value == 0) return;
  put_varint(out, number << 3);
  put_varint(out, value);
}

void put_double(std::string& out, std::uint32_t number, double value) {
  put_varint(out, number << 3 | 1);
  out += ByteWriter().put(value).bytes();
}

// FieldDescriptorProto.Type
constexpr std::uint8_t kTypeDouble = 1, kTypeInt64 = 3, kTypeUint64 = 4, kTypeUint32 = 13;

struct SampleField {
  std::uint32_t number;
  const char* name;
  std::uint8_t type;
};

// Position, velocity and force in the units of the axis: m, m/s, N or rad, rad/s, Nm; the metadata
// of the set names them.
constexpr SampleField kFields[] = {
    {1, "tick", kTypeUint64},         {2, "position", kTypeDouble},
    {3, "velocity", kTypeDouble},     {4, "force_measured", kTypeDouble},
    {5, "force_wish", kTypeDouble},   {6, "force_target", kTypeDouble},
    {7, "force_output", kTypeDouble}, {8, "base_load", kTypeDouble},
    {9, "disturbance", kTypeDouble},  {10, "phase", kTypeUint32},
    {11, "load_state", kTypeUint32},  {12, "reaction", kTypeUint32},
    {13, "limits", kTypeUint32},      {14, "fault", kTypeUint32},
    {15, "drive_age_ns", kTypeInt64}, {16, "late_ns", kTypeInt64},
    {17, "missed", kTypeUint32},
};

// A FileDescriptorSet with the one message, as protoc would write it.
std::string schema_bytes() {
  std::string message;
  put_bytes(message, 1, "Sample");
  for (const SampleField& one : kFields) {
    std::string field;
    put_bytes(field, 1, one.name);
    put_integer(field, 3, one.number);
    put_integer(field, 4, 1);  // LABEL_OPTIONAL
    put_integer(field, 5, one.type);
    put_bytes(message, 2, field);
  }
  std::string file;
  put_bytes(file, 1, "medius/export/sample.proto");
  put_bytes(file, 2, "medius.export");
  put_bytes(file, 4, message);
  put_bytes(file, 12, "proto3");
  std::string set;
  put_bytes(set, 1, file);
  return set;
}

std::string sample_bytes(const rt::SampleRecord& sample) {
  std::string out;
  put_integer(out, 1, sample.tick);
  const double values[] = {sample.position,   sample.velocity,     sample.force_measured,
                           sample.force_wish, sample.force_target, sample.force_output,
                           sample.base_load,  sample.disturbance};
  std::uint32_t number = 2;
  for (const double value : values) put_double(out, number++, value);
  put_integer(out, 10, sample.phase);
  put_integer(out, 11, sample.load_state);
  put_integer(out, 12, sample.reaction);
  put_integer(out, 13, sample.limits);
  put_integer(out, 14, sample.fault);
  put_integer(out, 15, static_cast<std::uint64_t>(sample.drive_age_ns));
  put_integer(out, 16, static_cast<std::uint64_t>(sample.late_ns));
  put_integer(out, 17, sample.missed);
  return out;
}

// ---- MCAP
// ----------------------------------------------------------------------------------------
std::string map_bytes(const std::vector<std::pair<std::string, std::string>>& entries) {
  ByteWriter out;
  for (const auto& [key, value] : entries)
    out.put(std::string_view(key)).put(std::string_view(value));
  return ByteWriter().put(std::string_view(out.bytes())).take();
}

std::string record_bytes(std::uint8_t opcode, std::string_view content) {
  return ByteWriter()
      .put(opcode)
      .put(static_cast<std::uint64_t>(content.size()))
      .raw(content)
      .take();
}

std::string schema_record() {
  return ByteWriter()
      .put(kSchemaId)
      .put(std::string_view(kSchemaName))
      .put(std::string_view("protobuf"))
      .put(std::string_view(schema_bytes()))
      .take();
}

std::vector<std::pair<std::string, std::string>> facts_of(const SetRecord& set) {
  const bool lever = set.coordinate == hal::CoordinateKind::kLever;
  return {{"session", set.session_id},
          {"set", set.id},
          {"index", std::to_string(set.index)},
          {"exercise", set.exercise_id},
          {"profile", set.profile_id},
          {"side", to_string(set.side)},
          {"axis", std::to_string(set.axis)},
          {"position_unit", lever ? "rad" : "m"},
          {"velocity_unit", lever ? "rad/s" : "m/s"},
          {"force_unit", lever ? "Nm" : "N"},
          {"start_tick", std::to_string(set.start_tick)},
          {"start", iso_time(set.start_unix_ns)},
          {"samples_dropped", std::to_string(set.samples_dropped)}};
}

}  // namespace

McapWriter::McapWriter(std::ostream& out) : out_(out) {
  put(kMagic);
  record(kHeader, ByteWriter().put(std::string_view("")).put(std::string_view("medius")).bytes());
  record(kSchema, schema_record());
}

void McapWriter::put(std::string_view bytes) {
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  written_ += bytes.size();
  crc_ = crc_of(crc_, bytes);
}

void McapWriter::record(std::uint8_t opcode, std::string_view content) {
  put(record_bytes(opcode, content));
}

std::uint16_t McapWriter::channel_of(const SetRecord& set) {
  const std::string topic =
      "/medius/" + std::string(to_string(set.side)) + "/axis" + std::to_string(set.axis);
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i].topic == topic) return static_cast<std::uint16_t>(i + 1);
  }
  const auto id = static_cast<std::uint16_t>(channels_.size() + 1);
  std::string content = ByteWriter()
                            .put(id)
                            .put(kSchemaId)
                            .put(std::string_view(topic))
                            .put(std::string_view("protobuf"))
                            .raw(map_bytes({}))
                            .take();
  record(kChannel, content);
  channels_.push_back({topic, std::move(content), 0});
  return id;
}

void McapWriter::add_set(const SetRecord& set, std::span<const rt::SampleRecord> samples) {
  const std::uint64_t at = written_;
  record(kMetadata,
         ByteWriter().put(std::string_view("medius.set")).raw(map_bytes(facts_of(set))).bytes());
  metadata_.push_back({at, written_ - at});
  const std::uint16_t channel = channel_of(set);
  std::vector<const rt::SampleRecord*> rows;
  for (const rt::SampleRecord& sample : samples) {
    if (sample.axis == set.axis) rows.push_back(&sample);
  }
  for (std::size_t first = 0; first < rows.size(); first += kRowsPerChunk) {
    add_chunk(channel, set,
              std::span(rows).subspan(first, std::min(kRowsPerChunk, rows.size() - first)));
  }
}

void McapWriter::add_chunk(std::uint16_t channel, const SetRecord& set,
                           std::span<const rt::SampleRecord* const> rows) {
  std::string records;
  ByteWriter index;
  std::uint64_t start_ns = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t end_ns = 0;
  for (const rt::SampleRecord* row : rows) {
    const auto time_ns = static_cast<std::uint64_t>(unix_ns_at(set, row->tick));
    start_ns = std::min(start_ns, time_ns);
    end_ns = std::max(end_ns, time_ns);
    index.put(time_ns).put(static_cast<std::uint64_t>(records.size()));
    Channel& own = channels_[channel - 1];
    records += record_bytes(kMessage, ByteWriter()
                                          .put(channel)
                                          .put(static_cast<std::uint32_t>(++own.messages))
                                          .put(time_ns)
                                          .put(time_ns)
                                          .raw(sample_bytes(*row))
                                          .bytes());
    ++messages_;
  }
  ChunkIndex entry;
  entry.start_ns = start_ns;
  entry.end_ns = end_ns;
  entry.offset = written_;
  entry.size = records.size();
  record(kChunk, ByteWriter()
                     .put(start_ns)
                     .put(end_ns)
                     .put(static_cast<std::uint64_t>(records.size()))
                     .put(crc_of(0, records))
                     .put(std::string_view(""))  // not compressed
                     .put(static_cast<std::uint64_t>(records.size()))
                     .raw(records)
                     .bytes());
  entry.length = written_ - entry.offset;
  const std::uint64_t index_at = written_;
  entry.message_indexes.emplace_back(channel, index_at);
  record(kMessageIndex, ByteWriter().put(channel).put(std::string_view(index.bytes())).bytes());
  entry.index_length = written_ - index_at;
  chunks_.push_back(std::move(entry));
}

void McapWriter::finish() {
  record(kDataEnd, ByteWriter().put(crc_).bytes());
  const std::uint64_t summary_start = written_;
  crc_ = 0;
  std::string offsets;
  const auto group = [this, &offsets](std::uint8_t opcode,
                                      const std::vector<std::string>& contents) {
    if (contents.empty()) return;
    const std::uint64_t start = written_;
    for (const std::string& content : contents) record(opcode, content);
    offsets += record_bytes(kSummaryOffset,
                            ByteWriter().put(opcode).put(start).put(written_ - start).bytes());
  };
  group(kSchema, {schema_record()});
  std::vector<std::string> channels, chunks, metadata;
  ByteWriter counts;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    channels.push_back(channels_[i].record);
    counts.put(static_cast<std::uint16_t>(i + 1)).put(channels_[i].messages);
  }
  std::uint64_t start_ns = chunks_.empty() ? 0 : std::numeric_limits<std::uint64_t>::max();
  std::uint64_t end_ns = 0;
  for (const ChunkIndex& chunk : chunks_) {
    ByteWriter indexes;
    for (const auto& [channel, offset] : chunk.message_indexes) indexes.put(channel).put(offset);
    chunks.push_back(ByteWriter()
                         .put(chunk.start_ns)
                         .put(chunk.end_ns)
                         .put(chunk.offset)
                         .put(chunk.length)
                         .put(std::string_view(indexes.bytes()))
                         .put(chunk.index_length)
                         .put(std::string_view(""))
                         .put(chunk.size)
                         .put(chunk.size)
                         .take());
    start_ns = std::min(start_ns, chunk.start_ns);
    end_ns = std::max(end_ns, chunk.end_ns);
  }
  for (const MetadataIndex& one : metadata_) {
    metadata.push_back(
        ByteWriter().put(one.offset).put(one.length).put(std::string_view("medius.set")).take());
  }
  group(kChannel, channels);
  group(kStatistics, {ByteWriter()
                          .put(messages_)
                          .put(std::uint16_t{1})
                          .put(static_cast<std::uint32_t>(channels_.size()))
                          .put(std::uint32_t{0})
                          .put(static_cast<std::uint32_t>(metadata_.size()))
                          .put(static_cast<std::uint32_t>(chunks_.size()))
                          .put(start_ns)
                          .put(end_ns)
                          .put(std::string_view(counts.bytes()))
                          .take()});
  group(kChunkIndex, chunks);
  group(kMetadataIndex, metadata);
  const std::uint64_t offsets_start = written_;
  put(offsets);
  // The CRC of the summary covers the footer up to itself.
  const std::string places = ByteWriter().put(summary_start).put(offsets_start).take();
  const std::string head = ByteWriter()
                               .put(static_cast<std::uint8_t>(kFooter))
                               .put(std::uint64_t{20})
                               .raw(places)
                               .take();
  put(head);
  put(ByteWriter().put(crc_).take());
  put(kMagic);
}

}  // namespace medius::record
