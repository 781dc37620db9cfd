#include "controller/record/guided_record.hpp"

#include <array>

#include "controller/record/bytes.hpp"

namespace medius::record {
namespace {

constexpr std::uint16_t kGuidedVersion = 1;

void put_stance(ByteWriter& writer, const measure::StanceResult& stance) {
  writer.put(static_cast<std::uint8_t>(stance.measured))
      .put(static_cast<std::uint8_t>(stance.held))
      .put(static_cast<std::uint8_t>(stance.dropped))
      .put(stance.drop_rad)
      .put(stance.mean_rad)
      .put(stance.stood_s)
      .put(stance.until_drop_s);
}

measure::StanceResult get_stance(ByteReader& reader) {
  measure::StanceResult stance;
  stance.measured = reader.get<std::uint8_t>() != 0;
  stance.held = reader.get<std::uint8_t>() != 0;
  stance.dropped = reader.get<std::uint8_t>() != 0;
  stance.drop_rad = reader.get_double();
  stance.mean_rad = reader.get_double();
  stance.stood_s = reader.get_double();
  stance.until_drop_s = reader.get_double();
  return stance;
}

}  // namespace

std::string encode_guided(const GuidedRecord& guided) {
  ByteWriter writer;
  writer.put(kGuidedVersion)
      .put(guided.id)
      .put(guided.session_id)
      .put(guided.index)
      .put(guided.exercise_id)
      .put(static_cast<std::uint8_t>(guided.side))
      .put(static_cast<std::uint8_t>(guided.warm_up))
      .put(guided.reps_asked)
      .put(guided.tempo)
      .put(guided.hold_s)
      .put(guided.duration_s)
      .put(static_cast<std::uint8_t>(guided.end))
      .put(static_cast<std::uint8_t>(guided.from))
      .put(guided.confirmed_by)
      .put(guided.reps_confirmed)
      .put(guided.reason)
      .put(guided.start_unix_ns)
      .put(guided.end_unix_ns)
      .put(guided.start_tick)
      .put(guided.end_tick)
      .put(static_cast<std::uint8_t>(guided.stance.has_value()));
  if (guided.stance) put_stance(writer, *guided.stance);
  return writer.take();
}

std::optional<GuidedRecord> decode_guided(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.get<std::uint16_t>() != kGuidedVersion) return std::nullopt;
  GuidedRecord guided;
  guided.id = reader.get_text();
  guided.session_id = reader.get_text();
  guided.index = reader.get<std::uint32_t>();
  guided.exercise_id = reader.get_text();
  const auto side = reader.get<std::uint8_t>();
  guided.warm_up = reader.get<std::uint8_t>() != 0;
  guided.reps_asked = reader.get<std::uint32_t>();
  guided.tempo = reader.get_text();
  guided.hold_s = reader.get_double();
  guided.duration_s = reader.get_double();
  const auto end = reader.get<std::uint8_t>();
  const auto from = reader.get<std::uint8_t>();
  guided.confirmed_by = reader.get_text();
  guided.reps_confirmed = reader.get<std::uint32_t>();
  guided.reason = reader.get_text();
  guided.start_unix_ns = reader.get<std::int64_t>();
  guided.end_unix_ns = reader.get<std::int64_t>();
  guided.start_tick = reader.get<std::uint64_t>();
  guided.end_tick = reader.get<std::uint64_t>();
  if (reader.get<std::uint8_t>() != 0) guided.stance = get_stance(reader);
  const bool known = side <= static_cast<std::uint8_t>(Side::kBoth) &&
                     end <= static_cast<std::uint8_t>(GuidedEnd::kInterrupted) &&
                     from <= static_cast<std::uint8_t>(ConfirmedFrom::kOrder);
  if (!known || !reader.ok_and_empty()) return std::nullopt;
  guided.side = static_cast<Side>(side);
  guided.end = static_cast<GuidedEnd>(end);
  guided.from = static_cast<ConfirmedFrom>(from);
  return guided;
}

const char* to_string(GuidedEnd end) noexcept {
  constexpr std::array<const char*, 7> kNames{"open",    "confirmed", "skipped",    "not_confirmed",
                                              "stopped", "fault",     "interrupted"};
  const auto index = static_cast<std::size_t>(end);
  return index < kNames.size() ? kNames[index] : "unknown";
}

const char* to_string(ConfirmedFrom from) noexcept {
  constexpr std::array<const char*, 3> kNames{"nobody", "panel", "order"};
  const auto index = static_cast<std::size_t>(from);
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace medius::record
