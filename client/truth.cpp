#include "client/truth.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "client/wording.hpp"
#include "sim/checkers/force_truth.hpp"

namespace medius::client {
namespace {

constexpr std::int64_t kWrap = 65536;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

bool number(std::string_view text, double& value) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size();
}

// Columns are found by their names; others may stand between them.
using Heads = std::array<std::string_view, 4>;
constexpr Heads kCableHeads{"cmd_seq", "ring_m", "ring_mps", "cuff_n"};
constexpr Heads kLeftHeads{"cmd_seq", "left_rad", "left_radps", "left_nm"};
constexpr Heads kBothHeads{"cmd_seq", "both_rad", "both_radps", "both_nm"};  // linked arms
constexpr Heads kRightHeads{"cmd_seq", "right_rad", "right_radps", "right_nm"};

tl::expected<std::vector<TruthRow>, std::string> load_rows(const std::string& path,
                                                           const Heads& names,
                                                           double metres_per_unit) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return tl::unexpected("truth samples " + path + " could not be read; give medius-sim --truth");
  }
  std::array<std::size_t, 4> column{};
  const auto heads = split(line);
  for (std::size_t i = 0; i < names.size(); ++i) {
    while (column[i] < heads.size() && heads[column[i]] != names[i]) ++column[i];
    if (column[i] == heads.size()) {
      return tl::unexpected("truth samples " + path + " have no column '" + std::string(names[i]) +
                            "'; use the medius-sim of the same build");
    }
  }
  std::vector<TruthRow> rows;
  while (std::getline(file, line)) {
    const auto fields = split(line);
    std::array<double, 4> values{};
    bool whole = fields.size() == heads.size();
    for (std::size_t i = 0; whole && i < column.size(); ++i) {
      whole = number(fields[column[i]], values[i]);
    }
    if (!whole) break;  // the simulator is still writing its last line
    rows.push_back({static_cast<std::uint16_t>(values[0]), metres_per_unit * values[1],
                    metres_per_unit * values[2], values[3]});
  }
  return rows;
}

// Command sequence of each row counted on beyond 16 bits.
std::vector<std::int64_t> unwrapped(const std::vector<TruthRow>& rows) {
  std::vector<std::int64_t> out;
  out.reserve(rows.size());
  std::int64_t at = 0;
  for (const TruthRow& row : rows) {
    const auto step =
        static_cast<std::uint16_t>(row.command_sequence - static_cast<std::uint16_t>(at));
    // Half a wrap backwards is a controller that started anew, or a late row: never a jump ahead.
    at += step < kWrap / 2 ? step : static_cast<std::int64_t>(step) - kWrap;
    out.push_back(at);
  }
  return out;
}

struct Alignment {
  std::vector<JoinedRow> rows;
  double square = 0.0;
};

Alignment align(const std::vector<TruthRow>& rows, const std::vector<std::int64_t>& ticks,
                std::int64_t shift, const v1::RecordedSamples& samples) {
  Alignment out;
  const auto first = static_cast<std::int64_t>(samples.tick(0));
  const auto last = static_cast<std::int64_t>(samples.tick(samples.tick_size() - 1));
  int at = 0;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const std::int64_t tick = ticks[i] + shift;
    if (tick < first || tick > last) continue;
    if (static_cast<std::int64_t>(samples.tick(at)) > tick) at = 0;  // the controller started anew
    while (static_cast<std::int64_t>(samples.tick(at)) < tick) ++at;
    if (static_cast<std::int64_t>(samples.tick(at)) != tick) continue;
    const JoinedRow row{rows[i], samples.force_target(at), samples.force_measured(at)};
    const double error = row.truth.cuff_tension_n - row.measured_n;
    out.square += error * error;
    out.rows.push_back(row);
  }
  return out;
}

// The person does the sets of one session in its order.
const TruthSet* truth_set(const Truth& truth, const record::SetRecord& set) {
  for (const TruthSet& found : truth.sets) {
    if (found.number == static_cast<int>(set.index) && found.side == word(set.side)) return &found;
  }
  return nullptr;
}

}  // namespace

tl::expected<Truth, std::string> load_truth(const std::string& path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("sets")) {
    return tl::unexpected(
        "truth file " + path +
        " could not be read as JSON with 'sets'; give the one of medius-sim --truth");
  }
  Truth truth;
  try {
    for (const auto& entry : json.at("sets")) {
      truth.sets.push_back({entry.at("side").get<std::string>(), entry.at("reps").get<int>(),
                            entry.at("direction_changes").get<int>(),
                            entry.at("range_m").get<std::vector<double>>(),
                            entry.at("number").get<int>()});
    }
    // The simulator may have run in another directory: the samples lie beside the JSON.
    const auto name = std::filesystem::path(json.at("samples").get<std::string>()).filename();
    const std::string samples = std::filesystem::path(path).parent_path() / name;
    const auto machine = json.at("machine").get<std::string>();
    const bool seated = machine == "seated";
    const Heads& heads = machine == "seated-linked" ? kBothHeads
                         : seated                   ? kLeftHeads
                                                    : kCableHeads;
    truth.metres_per_unit = json.at("metres_per_unit").get<double>();
    auto rows = load_rows(samples, heads, truth.metres_per_unit);
    if (!rows) return tl::unexpected(rows.error());
    truth.rows = std::move(*rows);
    if (!seated) return truth;
    rows = load_rows(samples, kRightHeads, truth.metres_per_unit);
    if (!rows) return tl::unexpected(rows.error());
    truth.right_rows = std::move(*rows);
  } catch (const nlohmann::json::exception& error) {
    return tl::unexpected("truth file " + path + ": " + error.what() +
                          "; use the medius-sim of the same build");
  }
  return truth;
}

std::vector<JoinedRow> join(const std::vector<TruthRow>& rows, const v1::RecordedSamples& samples) {
  if (samples.tick().empty() || rows.empty()) return {};
  const std::vector<std::int64_t> ticks = unwrapped(rows);
  const auto [low, high] = std::minmax_element(ticks.begin(), ticks.end());
  const auto first = static_cast<std::int64_t>(samples.tick(0));
  const auto last = static_cast<std::int64_t>(samples.tick(samples.tick_size() - 1));
  const auto floor_div = [](std::int64_t a) {
    return a >= 0 ? a / kWrap : -((-a + kWrap - 1) / kWrap);
  };
  Alignment best;
  double best_mean = 0.0;
  for (std::int64_t wrap = floor_div(first - *high); wrap <= floor_div(last - *low); ++wrap) {
    Alignment candidate = align(rows, ticks, wrap * kWrap, samples);
    // A sliver of overlap fits anything.
    if (candidate.rows.size() * 2 < static_cast<std::size_t>(samples.tick_size())) continue;
    const double mean = candidate.square / static_cast<double>(candidate.rows.size());
    if (best.rows.empty() || mean < best_mean) {
      best = std::move(candidate);
      best_mean = mean;
    }
  }
  return std::move(best.rows);
}

SetTruthFigures judge_set(const Truth& truth, const record::SetRecord& set,
                          const v1::RecordedSamples& samples) {
  SetTruthFigures figures;
  if (const TruthSet* known = truth_set(truth, set); known != nullptr) {
    figures.reps = known->reps;
    figures.direction_changes = known->direction_changes;
    if (!known->range_m.empty()) {
      double sum = 0.0;
      for (const double range : known->range_m) sum += range;
      figures.range_mean = sum / static_cast<double>(known->range_m.size()) / truth.metres_per_unit;
    }
  }
  std::vector<sim::ForceTruthSample> felt;
  const bool right = !truth.right_rows.empty() && set.axis > 0;
  for (const JoinedRow& row : join(right ? truth.right_rows : truth.rows, samples)) {
    felt.push_back({row.truth.ring_position_m, row.truth.ring_velocity_mps,
                    row.truth.cuff_tension_n, row.target_n});
  }
  if (felt.empty()) return figures;
  const sim::ForceTruth verdict = sim::judge_force(felt);
  if (verdict.concentric_mean_n > 0.0) {
    figures.rendered_ratio = verdict.rendered_ratio;
    figures.rms_error_percent = verdict.rms_percent;
  }
  return figures;
}

}  // namespace medius::client
