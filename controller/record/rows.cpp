#include "controller/record/rows.hpp"

#include <charconv>

#include "controller/base/crc32c.hpp"
#include "controller/base/tick.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/record/bytes.hpp"

namespace medius::record {
namespace {

// 2: the plan, at the end of the row.
constexpr std::uint16_t kSessionVersion = 2;
// At the end of the row, 2: metrics with flags, uncertainty and version; 3: what the loop was told.
constexpr std::uint16_t kSetVersion = 3;
// 2: metrics with flags, uncertainty and version, at the end of the row.
constexpr std::uint16_t kRepVersion = 2;
constexpr std::uint16_t kRecomputedVersion = 1;

// A profile has at most this many parameters; a larger count is a damaged row.
constexpr std::uint32_t kMaxParameters = 1024;
// The table has some fifty metrics; a larger count is a damaged row.
constexpr std::uint32_t kMaxValues = 1024;
constexpr std::uint32_t kMaxReps = 1u << 16;

void put_phase(ByteWriter& writer, const measure::PhaseMetrics& phase) {
  writer.put(phase.duration_s)
      .put(phase.force_mean_time)
      .put(phase.force_mean_distance)
      .put(phase.force_peak)
      .put(phase.impulse)
      .put(phase.work_j)
      .put(phase.power_mean_w)
      .put(phase.power_peak_w)
      .put(phase.velocity_mean)
      .put(phase.velocity_peak)
      .put(phase.force_error_rms);
}

measure::PhaseMetrics get_phase(ByteReader& reader) {
  measure::PhaseMetrics phase;
  for (double* field :
       {&phase.duration_s, &phase.force_mean_time, &phase.force_mean_distance, &phase.force_peak,
        &phase.impulse, &phase.work_j, &phase.power_mean_w, &phase.power_peak_w,
        &phase.velocity_mean, &phase.velocity_peak, &phase.force_error_rms}) {
    *field = reader.get_double();
  }
  return phase;
}

void put_values(ByteWriter& writer, const std::vector<measure::MetricValue>& values) {
  writer.put(static_cast<std::uint32_t>(values.size()));
  for (const measure::MetricValue& value : values) {
    writer.put(static_cast<std::uint16_t>(value.id))
        .put(value.version)
        .put(value.flags)
        .put(value.value)
        .put(value.uncertainty);
  }
}

bool get_values(ByteReader& reader, std::vector<measure::MetricValue>& values) {
  const auto count = reader.get<std::uint32_t>();
  if (count > kMaxValues) return false;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    measure::MetricValue& value = values.emplace_back();
    value.id = static_cast<measure::MetricId>(reader.get<std::uint16_t>());
    value.version = reader.get<std::uint16_t>();
    value.flags = reader.get<std::uint32_t>();
    value.value = reader.get_double();
    value.uncertainty = reader.get_double();
  }
  return reader.ok();
}

}  // namespace

std::string encode_session(const SessionRecord& session) {
  ByteWriter writer;
  writer.put(kSessionVersion)
      .put(session.id)
      .put(session.program_id)
      .put(session.client_id)
      .put(session.start_unix_ns)
      .put(session.end_unix_ns)
      .put(session.plan_id);
  return writer.take();
}

std::optional<SessionRecord> decode_session(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.get<std::uint16_t>();
  if (version < 1 || version > kSessionVersion) return std::nullopt;
  SessionRecord session;
  session.id = reader.get_text();
  session.program_id = reader.get_text();
  session.client_id = reader.get_text();
  session.start_unix_ns = reader.get<std::int64_t>();
  session.end_unix_ns = reader.get<std::int64_t>();
  if (version >= 2) session.plan_id = reader.get_text();
  if (!reader.ok_and_empty()) return std::nullopt;
  return session;
}

std::string encode_set(const SetRecord& set, const SetSeal& seal) {
  ByteWriter writer;
  writer.put(kSetVersion)
      .put(set.id)
      .put(set.session_id)
      .put(set.index)
      .put(set.exercise_id)
      .put(set.profile_id)
      .put(static_cast<std::uint32_t>(set.parameters.size()));
  for (const auto& [name, value] : set.parameters) writer.put(name).put(value);
  writer.put(static_cast<std::uint8_t>(set.side))
      .put(set.axis)
      .put(static_cast<std::uint8_t>(set.coordinate))
      .put(set.tempo)
      .put(set.load_start)
      .put(set.load_end)
      .put(set.reps_target)
      .put(set.reps_counted)
      .put(set.reps_partial)
      .put(set.direction_changes)
      .put(static_cast<std::uint8_t>(set.end))
      .put(set.start_unix_ns)
      .put(set.end_unix_ns)
      .put(set.start_tick)
      .put(set.end_tick)
      .put(set.samples)
      .put(set.samples_dropped)
      .put(set.fault);
  writer.put(seal.reps).put(seal.reps_digest).put(seal.blocks).put(seal.blocks_digest);
  put_values(writer, set.metrics);
  put_given(writer, set.given);
  return writer.take();
}

std::optional<SetRow> decode_set(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.get<std::uint16_t>();
  if (version < 1 || version > kSetVersion) return std::nullopt;
  SetRow row;
  SetRecord& set = row.set;
  set.id = reader.get_text();
  set.session_id = reader.get_text();
  set.index = reader.get<std::uint32_t>();
  set.exercise_id = reader.get_text();
  set.profile_id = reader.get_text();
  const auto parameters = reader.get<std::uint32_t>();
  if (parameters > kMaxParameters) return std::nullopt;
  for (std::uint32_t i = 0; i < parameters; ++i) {
    std::string name = reader.get_text();
    const double value = reader.get_double();
    set.parameters.emplace_back(std::move(name), value);
  }
  bool known = read_enum(reader, Side::kBoth, set.side);
  set.axis = reader.get<std::uint8_t>();
  known = read_enum(reader, hal::CoordinateKind::kLever, set.coordinate) && known;
  set.tempo = reader.get_text();
  set.load_start = reader.get_double();
  set.load_end = reader.get_double();
  set.reps_target = reader.get<std::uint32_t>();
  set.reps_counted = reader.get<std::uint32_t>();
  set.reps_partial = reader.get<std::uint32_t>();
  set.direction_changes = reader.get<std::uint32_t>();
  known = read_enum(reader, SetEnd::kInterrupted, set.end) && known;
  set.start_unix_ns = reader.get<std::int64_t>();
  set.end_unix_ns = reader.get<std::int64_t>();
  set.start_tick = reader.get<std::uint64_t>();
  set.end_tick = reader.get<std::uint64_t>();
  set.samples = reader.get<std::uint64_t>();
  set.samples_dropped = reader.get<std::uint64_t>();
  set.fault = reader.get<std::uint16_t>();
  row.seal.reps = reader.get<std::uint32_t>();
  row.seal.reps_digest = reader.get<std::uint64_t>();
  row.seal.blocks = reader.get<std::uint32_t>();
  row.seal.blocks_digest = reader.get<std::uint64_t>();
  if (version >= 2 && !get_values(reader, set.metrics)) return std::nullopt;
  if (version >= 3 && !get_given(reader, set.given)) return std::nullopt;
  if (!known || !reader.ok_and_empty()) return std::nullopt;
  return row;
}

std::string encode_rep(const measure::RepMetrics& rep) {
  ByteWriter writer;
  writer.put(kRepVersion)
      .put(static_cast<std::int32_t>(rep.definition_version))
      .put(rep.index)
      .put(static_cast<std::uint8_t>(rep.kind))
      .put(static_cast<std::uint8_t>(rep.rejection))
      .put(rep.quality)
      .put(rep.start_tick)
      .put(rep.peak_start_tick)
      .put(rep.peak_end_tick)
      .put(rep.end_tick)
      .put(rep.range)
      .put(rep.hold_s)
      .put(rep.bottom_s)
      .put(rep.time_under_tension_s)
      .put(rep.rendered_ratio)
      .put(rep.tempo_error_percent);
  put_phase(writer, rep.concentric);
  put_phase(writer, rep.eccentric);
  put_values(writer, rep.values);
  return writer.take();
}

std::optional<measure::RepMetrics> decode_rep(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.get<std::uint16_t>();
  if (version < 1 || version > kRepVersion) return std::nullopt;
  measure::RepMetrics rep;
  rep.definition_version = reader.get<std::int32_t>();
  rep.index = reader.get<std::uint32_t>();
  bool known = read_enum(reader, measure::RepKind::kRejected, rep.kind);
  known = read_enum(reader, measure::RepRejection::kLinkLost, rep.rejection) && known;
  rep.quality = reader.get<std::uint32_t>();
  rep.start_tick = reader.get<std::uint64_t>();
  rep.peak_start_tick = reader.get<std::uint64_t>();
  rep.peak_end_tick = reader.get<std::uint64_t>();
  rep.end_tick = reader.get<std::uint64_t>();
  rep.range = reader.get_double();
  rep.hold_s = reader.get_double();
  rep.bottom_s = reader.get_double();
  rep.time_under_tension_s = reader.get_double();
  rep.rendered_ratio = reader.get_double();
  rep.tempo_error_percent = reader.get_double();
  rep.concentric = get_phase(reader);
  rep.eccentric = get_phase(reader);
  if (version >= 2 && !get_values(reader, rep.values)) return std::nullopt;
  if (!known || !reader.ok_and_empty()) return std::nullopt;
  return rep;
}

std::string encode_recomputed(const SetRecord& set) {
  ByteWriter writer;
  writer.put(kRecomputedVersion).put(static_cast<std::uint32_t>(set.reps.size()));
  for (const measure::RepMetrics& rep : set.reps) writer.put(encode_rep(rep));
  put_values(writer, set.metrics);
  return writer.take();
}

bool decode_recomputed(std::string_view bytes, SetRecord& set) {
  ByteReader reader(bytes);
  if (reader.get<std::uint16_t>() != kRecomputedVersion) return false;
  const auto count = reader.get<std::uint32_t>();
  if (count > kMaxReps || count != set.reps.size()) return false;
  std::vector<measure::RepMetrics> reps;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto rep = decode_rep(reader.get_text());
    if (!rep) return false;
    reps.push_back(std::move(*rep));
  }
  std::vector<measure::MetricValue> metrics;
  if (!get_values(reader, metrics) || !reader.ok_and_empty()) return false;
  set.reps = std::move(reps);
  set.metrics = std::move(metrics);
  return true;
}

std::uint32_t row_crc(std::string_view table, std::string_view key, std::uint64_t number,
                      std::string_view payload) {
  ByteWriter head;
  head.put(table).put(key).put(number);
  const std::uint32_t crc = crc32c(head.bytes().data(), head.bytes().size());
  return crc32c(payload.data(), payload.size(), crc);
}

std::uint64_t chained(std::uint64_t before, std::uint64_t value) {
  TraceHash hash;
  hash.add(before);
  hash.add(value);
  return hash.value();
}

std::int64_t unix_ns_at(const SetRecord& set, std::uint64_t tick) {
  constexpr std::uint64_t kDayTicks = 86'400'000;
  const std::uint64_t ticks = tick - set.start_tick;
  const bool near = ticks <= kDayTicks || -ticks <= kDayTicks;
  const std::uint64_t offset_ns = near ? ticks * std::uint64_t{kTickPeriodNs} : 0;
  // Unsigned: a damaged start must not make it undefined.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(set.start_unix_ns) + offset_ns);
}

bool is_id(std::string_view id) {
  if (id.size() != 16) return false;
  for (const char c : id) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

std::string id_text(std::uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = kDigits[(number >> (4 * i)) & 0xf];
  return text;
}

std::uint64_t id_number(std::string_view id) {
  std::uint64_t number = 0;
  if (is_id(id)) std::from_chars(id.data(), id.data() + id.size(), number, 16);
  return number;
}

}  // namespace medius::record
