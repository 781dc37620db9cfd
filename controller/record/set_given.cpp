#include "controller/record/set_given.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "controller/record/bytes.hpp"

namespace medius::record {
namespace {

using Config = measure::TrackerConfig;

// Larger counts are a damaged row.
constexpr std::uint32_t kTrackerValuesMax = 256;
constexpr std::uint32_t kChangesMax = 1u << 16;

constexpr std::array<std::pair<std::string_view, double Config::*>, 20> kNumbers{{
    {"reversal", &Config::reversal},
    {"latch_velocity", &Config::latch_velocity},
    {"settle_fraction", &Config::settle_fraction},
    {"moving_velocity", &Config::moving_velocity},
    {"zigzag_floor", &Config::zigzag_floor},
    {"zigzag_fraction", &Config::zigzag_fraction},
    {"full_fraction", &Config::full_fraction},
    {"partial_fraction", &Config::partial_fraction},
    {"rise_floor", &Config::rise_floor},
    {"validate_floor", &Config::validate_floor},
    {"merge_fraction", &Config::merge_fraction},
    {"close_zone_fraction", &Config::close_zone_fraction},
    {"close_return_fraction", &Config::close_return_fraction},
    {"hold_zone_fraction", &Config::hold_zone_fraction},
    {"slack_force", &Config::slack_force},
    {"slack_fraction", &Config::slack_fraction},
    {"stroke_floor", &Config::stroke_floor},
    {"stroke_fraction", &Config::stroke_fraction},
    {"range_adapt", &Config::range_adapt},
    {"range_adapt_floor", &Config::range_adapt_floor},
}};

constexpr std::array<std::pair<std::string_view, int Config::*>, 7> kTicks{{
    {"dwell_ticks", &Config::dwell_ticks},
    {"close_confirm_ticks", &Config::close_confirm_ticks},
    {"slack_confirm_ticks", &Config::slack_confirm_ticks},
    {"hold_confirm_ticks", &Config::hold_confirm_ticks},
    {"rest_confirm_ticks", &Config::rest_confirm_ticks},
    {"pause_ticks", &Config::pause_ticks},
    {"gap_ticks", &Config::gap_ticks},
}};

// As a struct of the same members would be laid out: whoever adds one adds its name here.
struct AllMembers {
  std::array<double, 2> before;
  int dwell;
  std::array<double, 11> counter;
  int close;
  std::array<double, 3> slack;
  std::array<int, 4> confirm;
  std::array<double, 2> stroke;
  int gap;
  std::array<double, 2> range;
};
static_assert(sizeof(Config) == sizeof(AllMembers), "a number of the tracker has no name");

}  // namespace

std::vector<std::pair<std::string_view, double>> tracker_values(const Config& config) {
  std::vector<std::pair<std::string_view, double>> out;
  for (const auto& [name, member] : kNumbers) out.emplace_back(name, config.*member);
  for (const auto& [name, member] : kTicks) out.emplace_back(name, config.*member);
  return out;
}

bool set_tracker_value(Config& config, std::string_view name, double value) {
  for (const auto& [known, member] : kNumbers) {
    if (known != name) continue;
    config.*member = value;
    return true;
  }
  for (const auto& [known, member] : kTicks) {
    if (known != name || !(std::abs(value) < 1e9)) continue;
    config.*member = static_cast<int>(value);
    return true;
  }
  return false;
}

measure::MetricConfig metric_config(const SetGiven& given) {
  measure::MetricConfig config;
  config.tempo = given.tempo;
  config.range_reference = given.range_target;
  config.tracker = given.tracker;
  return config;
}

void put_given(ByteWriter& writer, const SetGiven& given) {
  writer.put(given.detector_version);
  if (!given.known()) return;
  const auto tracker = tracker_values(given.tracker);
  writer.put(static_cast<std::uint32_t>(tracker.size()));
  for (const auto& [name, value] : tracker) writer.put(name).put(value);
  writer.put(given.tempo.concentric_s)
      .put(given.tempo.hold_s)
      .put(given.tempo.eccentric_s)
      .put(given.tempo.bottom_s)
      .put(given.range_target)
      .put(given.hold_s)
      .put(given.force_max)
      .put(given.velocity_max)
      .put(given.force_before)
      .put(static_cast<std::uint8_t>(given.changes_lost));
  writer.put(static_cast<std::uint32_t>(given.changes.size()));
  for (const GivenChange& change : given.changes) {
    writer.put(change.tick)
        .put(static_cast<std::uint8_t>(change.kind))
        .put(change.name)
        .put(change.value);
  }
}

bool get_given(ByteReader& reader, SetGiven& given) {
  given.detector_version = reader.get<std::uint16_t>();
  if (!given.known()) return reader.ok();
  const auto values = reader.get<std::uint32_t>();
  if (values > kTrackerValuesMax) return false;
  for (std::uint32_t i = 0; i < values && reader.ok(); ++i) {
    const std::string name = reader.get_text();
    const double value = reader.get_double();
    // A number that this version has no use for any more: the detector's version tells of it.
    static_cast<void>(set_tracker_value(given.tracker, name, value));
  }
  for (double* field : {&given.tempo.concentric_s, &given.tempo.hold_s, &given.tempo.eccentric_s,
                        &given.tempo.bottom_s, &given.range_target, &given.hold_s, &given.force_max,
                        &given.velocity_max, &given.force_before}) {
    *field = reader.get_double();
  }
  given.changes_lost = reader.get<std::uint8_t>() != 0;
  const auto changes = reader.get<std::uint32_t>();
  if (changes > kChangesMax) return false;
  bool known = true;
  for (std::uint32_t i = 0; i < changes && reader.ok(); ++i) {
    GivenChange& change = given.changes.emplace_back();
    change.tick = reader.get<std::uint64_t>();
    known = read_enum(reader, GivenKind::kUnloaded, change.kind) && known;
    change.name = reader.get_text();
    change.value = reader.get_double();
  }
  return known && reader.ok();
}

}  // namespace medius::record
