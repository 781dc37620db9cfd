// What many runs come to: counts, coverage of cells and pairs, and sums over campaigns.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/station/station.hpp"
#include "sim/swarm/campaign.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kFailuresKept = 100;
constexpr double kDoubt = 0.05;  // of a one-sided bound

constexpr std::array<const char*, 8> kRefusals = {
    "invalid",    "not-found", "wrong-state", "version-conflict",
    "over-limit", "expired",   "busy",        "unavailable"};
constexpr std::array<const char*, 5> kReactions = {"none", "freeze-increases", "soft-unload",
                                                   "fast-unload", "torque-off"};
constexpr std::array<const char*, 4> kStorage = {"call failed", "acknowledgement withheld",
                                                 "set kept over a power cut", "set interrupted"};
// What orders of a trainer can meet here: the others belong to programs and to the network.
constexpr std::uint32_t kRefusalsWanted = 0b11101;
// A set that is alone in its session has no rest after it.
constexpr std::uint32_t kStatesWanted = 0b10111111;

template <typename Name>
void add_seen(std::map<std::string, std::uint64_t>& sometimes, std::uint32_t wanted,
              std::uint32_t seen, Name name) {
  for (unsigned bit = 0; bit < 8; ++bit) {
    const bool was = (seen >> bit & 1u) != 0;
    if (was || (wanted >> bit & 1u) != 0) sometimes[name(bit)] += was ? 1 : 0;
  }
}

void add_sometimes(CampaignResult& result, const Verdict& verdict) {
  auto& sometimes = result.sometimes;
  add_seen(sometimes, kStatesWanted, verdict.states, [](unsigned bit) {
    return std::string("state ") + to_string(static_cast<station::StationState>(bit));
  });
  add_seen(sometimes, 0b11111, verdict.reactions,
           [](unsigned bit) { return std::string("reaction ") + kReactions[bit]; });
  add_seen(sometimes, kRefusalsWanted, verdict.refusals,
           [](unsigned bit) { return std::string("refusal ") + kRefusals[bit]; });
  add_seen(sometimes, 0b1111, verdict.storage,
           [](unsigned bit) { return std::string("disk ") + kStorage[bit]; });
  for (const EventOutcome& event : verdict.events) {
    if (!event.as.empty()) ++sometimes["noticed " + event.as];
  }
}

bool has_detector(const FaultRow& row, const EventOutcome& event) {
  return row.expected.front() != safety::FaultCode::kNone && event.load_n >= row.least_load_n;
}

// What was wrong with how it was noticed; empty: nothing, or nobody can say.
std::string judge(RowResult& row, const FaultRow& data, const EventOutcome& event) {
  if (!event.noticed && !event.superseded && event.exposed_ms < data.budget_ms) {
    ++row.ended;
    return "";
  }
  ++row.judged;
  if (!event.noticed) {
    row.otherwise += event.superseded ? 1 : 0;
    return fmt::format("row {} {}", event.row,
                       event.superseded ? "noticed as " + event.as : "not noticed");
  }
  row.slowest_ms = std::max(row.slowest_ms, event.took_ms);
  // The slack servo has taken the force away; the word waits for the hand, and a slack cable tells
  // nothing of its cell.
  const bool by_servo = event.servo_ms >= 0.0 && event.servo_ms <= data.budget_ms &&
                        event.pulled_ms <= data.budget_ms;
  if (event.took_ms <= data.budget_ms || by_servo) {
    ++row.in_time;
    return "";
  }
  ++row.late;
  return fmt::format("row {} noticed as {} after {:.0f} ms, budget {:.0f} ms", event.row, event.as,
                     event.took_ms, data.budget_ms);
}

Pair as_reachable(int a, int b) {
  const Pair one{a, b}, other{b, a};
  const auto& pairs = reachable_pairs();
  return std::find(pairs.begin(), pairs.end(), other) != pairs.end() ? other : one;
}

void add_events(CampaignResult& result, const Scenario& scenario, const Verdict& verdict) {
  for (std::size_t i = 0; i < verdict.events.size(); ++i) {
    const EventOutcome& event = verdict.events[i];
    const FaultRow& data = *find_fault(event.row);
    if (data.strikes(event.phase, scenario.seated)) {
      ++result.cells[{event.row, event.phase, scenario.seated}];
    }
    RowResult& row = result.rows[event.row];
    ++row.fired;
    for (std::size_t before = 0; before < i && event.in_action; ++before) {
      ++result.pairs[as_reachable(verdict.events[before].row, event.row)];
    }
    // Beside other faults nobody can say which of them was noticed.
    if (verdict.events.size() != 1 || !has_detector(data, event)) continue;
    const std::string what = judge(row, data, event);
    if (!what.empty() && result.unseen.size() < kFailuresKept) {
      result.unseen.push_back({scenario, what});
    }
  }
}

void add_seed(CampaignResult& result, std::uint64_t seed) {
  if (result.seed_ranges.empty()) result.seed_ranges.push_back({seed, seed, result.draw});
  SeedRange& range = result.seed_ranges.front();
  range.first = std::min(range.first, seed);
  range.last = std::max(range.last, seed);
}

// Chance of at most `misses` misses in `n` when each is one with the chance `q`.
double at_most_misses(std::uint64_t misses, std::uint64_t n, double q) {
  const double miss_log = det::log(q), hit_log = det::log(1.0 - q);
  double sum = 0.0, ways_log = 0.0;
  for (std::uint64_t i = 0; i <= misses; ++i) {
    const auto k = static_cast<double>(i);
    const auto left = static_cast<double>(n - i);
    sum += det::exp(ways_log + k * miss_log + left * hit_log);
    ways_log += det::log(left) - det::log(k + 1.0);
    if (i + 1 > n) break;
  }
  return sum;
}

bool overlap(const SeedRange& a, const SeedRange& b) {
  const bool same_draw = a.draw.row == b.draw.row && a.draw.faults == b.draw.faults &&
                         a.draw.machine == b.draw.machine;
  return same_draw && a.first <= b.last && b.first <= a.last;
}

}  // namespace

double Coverage::percent() const {
  return judged > 0 ? 100.0 * static_cast<double>(in_time) / static_cast<double>(judged) : 0.0;
}

double Coverage::lower_percent() const {
  if (judged == 0 || in_time == 0) return 0.0;
  // The highest share of misses at which so few of them would still be no surprise.
  double low = 0.0, high = 1.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    if (at_most_misses(judged - in_time, judged, middle) > kDoubt) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return 100.0 * (1.0 - high);
}

Coverage coverage_of(const RowResult& row) {
  return {row.judged, row.in_time};
}

Coverage pooled_coverage(const CampaignResult& result, bool raising) {
  Coverage pooled;
  for (const auto& [number, row] : result.rows) {
    if (find_fault(number)->raises_force != raising) continue;
    pooled.judged += row.judged;
    pooled.in_time += row.in_time;
  }
  return pooled;
}

void add_run(CampaignResult& result, const Scenario& scenario, const Verdict& verdict) {
  ++result.seeds;
  add_seed(result, scenario.seed);
  result.simulated_s += verdict.simulated_s;
  result.true_reps += static_cast<std::uint64_t>(verdict.true_reps);
  result.phantom_reps += static_cast<std::uint64_t>(verdict.phantom_reps);
  if (scenario.faults.empty()) {
    ++result.fault_free_seeds;
    result.fault_free_s += verdict.simulated_s;
  }
  if (!verdict.nuisance.empty()) ++result.nuisance_stops;
  result.violations += verdict.violations.size();
  std::uint64_t mixed = verdict.trace_hash ^ scenario.seed;
  result.trace_hash += splitmix64(mixed);  // a sum, because workers finish as they like
  add_sometimes(result, verdict);
  add_events(result, scenario, verdict);
  if (verdict.ok() || result.failures.size() >= kFailuresKept) return;
  std::string what = verdict.nuisance.empty() ? "" : "nuisance: " + verdict.nuisance;
  for (const Violation& violation : verdict.violations) {
    what += (what.empty() ? "" : "; ") + violation.what + " (tick " +
            std::to_string(violation.tick) + ")";
  }
  result.failures.push_back({scenario, what});
}

namespace {

void add_rows(CampaignResult& result, const nlohmann::json& json) {
  for (const nlohmann::json& j : json.at("rows")) {
    RowResult& row = result.rows[j.at("row")];
    row.fired += j.at("fired").get<std::uint64_t>();
    row.judged += j.at("judged").get<std::uint64_t>();
    row.in_time += j.at("in_time").get<std::uint64_t>();
    row.late += j.at("late").get<std::uint64_t>();
    row.otherwise += j.at("otherwise").get<std::uint64_t>();
    row.ended += j.at("ended").get<std::uint64_t>();
    row.slowest_ms = std::max(row.slowest_ms, j.at("slowest_ms").get<double>());
  }
  for (const nlohmann::json& j : json.at("cells")) {
    const Cell cell{j.at(0), static_cast<FaultPhase>(j.at(1).get<int>()), j.at(2)};
    result.cells[cell] += j.at(3).get<std::uint64_t>();
  }
  for (const nlohmann::json& j : json.at("pairs")) {
    result.pairs[{j.at(0), j.at(1)}] += j.at(2).get<std::uint64_t>();
  }
  for (const auto& [name, count] : json.at("sometimes").items()) {
    result.sometimes[name] += count.get<std::uint64_t>();
  }
}

void add_figures(CampaignResult& result, const nlohmann::json& json) {
  result.seeds += json.at("seeds").get<std::uint64_t>();
  result.fault_free_seeds += json.at("fault_free_seeds").get<std::uint64_t>();
  result.simulated_s += 3600.0 * json.at("hours").get<double>();
  result.fault_free_s += 3600.0 * json.at("fault_free_hours").get<double>();
  result.wall_s += json.at("wall_s").get<double>();
  result.processor_s += json.at("processor_s").get<double>();
  result.violations += json.at("violations").get<std::uint64_t>();
  result.nuisance_stops += json.at("nuisance_stops").get<std::uint64_t>();
  result.phantom_reps += json.at("phantom_reps").get<std::uint64_t>();
  result.true_reps += json.at("true_reps").get<std::uint64_t>();
  std::uint64_t hash = 0;
  for (const char digit : json.at("trace_hash").get<std::string>()) {
    hash = hash * 16 + static_cast<std::uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  result.trace_hash += hash;
}

}  // namespace

tl::expected<void, std::string> add_json(CampaignResult& result, const nlohmann::json& json) {
  try {
    for (const nlohmann::json& j : json.at("seed_ranges")) {
      const SeedRange range{
          j.at("first"), j.at("last"), {j.at("row"), j.at("faults"), j.at("machine")}};
      for (const SeedRange& known : result.seed_ranges) {
        if (overlap(range, known)) {
          return tl::make_unexpected(fmt::format(
              "seeds {} to {} were run by another file too ({} to {}); leave one of them out",
              range.first, range.last, known.first, known.last));
        }
      }
      result.seed_ranges.push_back(range);
    }
    add_figures(result, json);
    add_rows(result, json);
    for (const nlohmann::json& j : json.value("unseen", nlohmann::json::array())) {
      const auto scenario = from_json(j.at("scenario"));
      if (!scenario) return tl::make_unexpected(scenario.error());
      if (result.unseen.size() < kFailuresKept) {
        result.unseen.push_back({*scenario, j.at("what")});
      }
    }
    for (const nlohmann::json& j : json.at("failures")) {
      const auto scenario = from_json(j.at("scenario"));
      if (!scenario) return tl::make_unexpected(scenario.error());
      if (result.failures.size() < kFailuresKept) {
        result.failures.push_back({*scenario, j.at("what")});
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return tl::make_unexpected(std::string("it is not what --json prints: ") + error.what());
  }
  return {};
}

}  // namespace medius::sim
