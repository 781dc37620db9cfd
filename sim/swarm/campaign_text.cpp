#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/swarm/campaign.hpp"

namespace medius::sim {
namespace {

// How much of what can be reached was, and what was not.
struct Reach {
  int rows = 0, rows_hit = 0;
  std::uint64_t least_hits = UINT64_MAX;  // of a row
  std::uint64_t raising_hits = 0;         // pooled
  std::vector<Cell> cells_missed;
  std::vector<Pair> pairs_missed;
};

Reach reach(const CampaignResult& result) {
  Reach reached;
  for (const FaultRow* row : drawn_rows()) {
    ++reached.rows;
    const auto found = result.rows.find(row->number);
    const std::uint64_t fired = found == result.rows.end() ? 0 : found->second.fired;
    reached.least_hits = std::min(reached.least_hits, fired);
    if (fired > 0) ++reached.rows_hit;
    if (row->raises_force) reached.raising_hits += fired;
  }
  for (const Cell& cell : reachable_cells()) {
    if (!result.cells.contains(cell)) reached.cells_missed.push_back(cell);
  }
  for (const Pair& pair : reachable_pairs()) {
    if (!result.pairs.contains(pair)) reached.pairs_missed.push_back(pair);
  }
  return reached;
}

double hit_percent(std::size_t missed, std::size_t all) {
  return 100.0 * static_cast<double>(all - missed) / static_cast<double>(all);
}

nlohmann::json rows_json(const CampaignResult& result) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& [number, row] : result.rows) {
    const FaultRow* data = find_fault(number);
    const Coverage coverage = coverage_of(row);
    rows.push_back({{"row", number},
                    {"name", data->name},
                    {"raises_force", data->raises_force},
                    {"fired", row.fired},
                    {"judged", row.judged},
                    {"in_time", row.in_time},
                    {"late", row.late},
                    {"otherwise", row.otherwise},
                    {"ended", row.ended},
                    {"detected_percent", coverage.percent()},
                    {"detected_lower95_percent", coverage.lower_percent()},
                    {"slowest_ms", row.slowest_ms},
                    {"budget_ms", data->budget_ms}});
  }
  return rows;
}

nlohmann::json cells_json(const CampaignResult& result) {
  nlohmann::json cells = nlohmann::json::array();
  for (const auto& [cell, count] : result.cells) {
    cells.push_back({cell.row, static_cast<int>(cell.phase), cell.seated, count});
  }
  return cells;
}

nlohmann::json pairs_json(const CampaignResult& result) {
  nlohmann::json pairs = nlohmann::json::array();
  for (const auto& [pair, count] : result.pairs) pairs.push_back({pair.first, pair.second, count});
  return pairs;
}

nlohmann::json ranges_json(const CampaignResult& result) {
  nlohmann::json ranges = nlohmann::json::array();
  for (const SeedRange& range : result.seed_ranges) {
    ranges.push_back({{"first", range.first},
                      {"last", range.last},
                      {"row", range.draw.row},
                      {"faults", range.draw.faults},
                      {"machine", range.draw.machine}});
  }
  return ranges;
}

nlohmann::json coverage_json(const CampaignResult& r) {
  const Reach reached = reach(r);
  const Coverage raising = pooled_coverage(r, true), other = pooled_coverage(r, false);
  nlohmann::json missed = nlohmann::json::array();
  for (const Cell& cell : reached.cells_missed) {
    missed.push_back({{"row", cell.row},
                      {"phase", to_string(cell.phase)},
                      {"machine", cell.seated ? "seated" : "cable"}});
  }
  nlohmann::json never = nlohmann::json::array();
  for (const auto& [name, count] : r.sometimes) {
    if (count == 0) never.push_back(name);
  }
  nlohmann::json unreachable = nlohmann::json::array();
  for (const UnreachablePair& pair : unreachable_pairs()) {
    unreachable.push_back(
        {{"rows", {pair.rows.first, pair.rows.second}}, {"because", pair.because}});
  }
  const std::size_t pairs = reachable_pairs().size();
  return {
      {"single_cells_percent", hit_percent(reached.cells_missed.size(), reachable_cells().size())},
      {"single_cells_total", reachable_cells().size()},
      {"single_cells_missed", missed},
      {"pair_cells_percent", hit_percent(reached.pairs_missed.size(), pairs)},
      {"pair_cells_total", pairs},
      {"pair_cells_unreachable", unreachable_pairs().size()},
      {"pairs_unreachable", unreachable},
      {"rows_hit", reached.rows_hit},
      {"rows_total", reached.rows},
      {"least_hits_of_a_row", reached.least_hits},
      {"raising_hits", reached.raising_hits},
      {"detected_raising_judged", raising.judged},
      {"detected_raising_percent", raising.percent()},
      {"detected_raising_lower95_percent", raising.lower_percent()},
      {"detected_other_judged", other.judged},
      {"detected_other_percent", other.percent()},
      {"detected_other_lower95_percent", other.lower_percent()},
      {"never", never}};
}

}  // namespace

nlohmann::json campaign_json(const CampaignResult& r) {
  nlohmann::json failures = nlohmann::json::array();
  for (const Failure& failure : r.failures) {
    failures.push_back({{"what", failure.what}, {"scenario", to_json(failure.scenario)}});
  }
  nlohmann::json unseen = nlohmann::json::array();
  for (const Unseen& fault : r.unseen) {
    unseen.push_back({{"what", fault.what}, {"scenario", to_json(fault.scenario)}});
  }
  const double hours = r.simulated_s / 3600.0, fault_free_hours = r.fault_free_s / 3600.0;
  const auto over = [](double part, double whole) { return whole > 0.0 ? part / whole : 0.0; };
  nlohmann::json json = {
      {"hours", hours},
      {"fault_free_hours", fault_free_hours},
      {"seeds", r.seeds},
      {"fault_free_seeds", r.fault_free_seeds},
      {"violations", r.violations},
      {"phantom_reps", r.phantom_reps},
      {"true_reps", r.true_reps},
      {"nuisance_stops", r.nuisance_stops},
      {"nuisance_stops_per_1000h",
       over(1000.0 * static_cast<double>(r.nuisance_stops), fault_free_hours)},
      // A core that others use too is not all ours: per second of processor time.
      {"realtime_factor_per_core", over(r.simulated_s, r.processor_s)},
      {"workers", r.workers},
      {"wall_s", r.wall_s},
      {"processor_s", r.processor_s},
      {"trace_hash", fmt::format("{:016x}", r.trace_hash)},
      {"seed_ranges", ranges_json(r)},
      {"sometimes", r.sometimes},
      {"rows", rows_json(r)},
      {"cells", cells_json(r)},
      {"pairs", pairs_json(r)},
      {"failures", failures},
      {"unseen", unseen}};
  json.update(coverage_json(r));
  return json;
}

namespace {

std::string rows_text(const CampaignResult& r) {
  std::string text = fmt::format(
      "{:>3} {:<40} {:>6} {:>6} {:>6} {:>7} {:>4} {:>5} {:>9} {:>9} {:>9}\n", "row", "fault",
      "fired", "ended", "judged", "in time", "late", "other", "at least", "slowest", "budget");
  for (const auto& [number, row] : r.rows) {
    const FaultRow* data = find_fault(number);
    text += fmt::format("{:>3} {:<40} {:>6} {:>6} {:>6} {:>7} {:>4} {:>5}", number, data->name,
                        row.fired, row.ended, row.judged, row.in_time, row.late, row.otherwise);
    if (row.judged > 0) {
      text += fmt::format(" {:>7.1f} % {:>6.0f} ms {:>6.0f} ms{}", coverage_of(row).lower_percent(),
                          row.slowest_ms, data->budget_ms,
                          row.judged > row.in_time + row.late + row.otherwise ? "  UNNOTICED" : "");
    }
    text += "\n";
  }
  return text;
}

std::string missed_text(const nlohmann::json& j) {
  constexpr std::size_t kNamed = 12;  // all of them are in the JSON
  std::string text;
  const nlohmann::json& cells = j["single_cells_missed"];
  for (std::size_t i = 0; i < cells.size() && i < kNamed; ++i) {
    const nlohmann::json& cell = cells[i];
    text += fmt::format("{}{} {} {}", text.empty() ? "cells not hit: row " : ", ",
                        cell["row"].get<int>(), cell["phase"].get<std::string>(),
                        cell["machine"].get<std::string>());
  }
  if (cells.size() > kNamed) text += fmt::format(" and {} more", cells.size() - kNamed);
  if (!text.empty()) text += "\n";
  for (const nlohmann::json& name : j["never"]) text += "never: " + name.get<std::string>() + "\n";
  return text;
}

}  // namespace

std::string campaign_text(const CampaignResult& r) {
  const auto j = campaign_json(r);
  const auto number = [&](const char* key) { return j[key].get<double>(); };
  std::string text = rows_text(r);
  text += fmt::format(
      "\n{:.2f} simulated hours ({:.2f} without faults), {} scenarios, {:.0f} x real time a core, "
      "{} processes\n"
      "violations {}, phantom repetitions {} of {}, nuisance stops {}\n"
      "cells {:.1f} % of {}, pairs {:.1f} % of {} ({} more cannot be), rows {} of {}, each at "
      "least "
      "{} times, those that raise force {} times\n"
      "noticed in time: raising force {:.2f} % of {} (95 %: >= {:.2f} %), others {:.2f} % of {} "
      "(>= "
      "{:.2f} %)\n",
      number("hours"), number("fault_free_hours"), r.seeds, number("realtime_factor_per_core"),
      r.workers, r.violations, r.phantom_reps, r.true_reps, r.nuisance_stops,
      number("single_cells_percent"), number("single_cells_total"), number("pair_cells_percent"),
      number("pair_cells_total"), number("pair_cells_unreachable"), number("rows_hit"),
      number("rows_total"), number("least_hits_of_a_row"), number("raising_hits"),
      number("detected_raising_percent"), number("detected_raising_judged"),
      number("detected_raising_lower95_percent"), number("detected_other_percent"),
      number("detected_other_judged"), number("detected_other_lower95_percent"));
  text += missed_text(j);
  for (const Unseen& fault : r.unseen) {
    text += fmt::format("\n{}\n  {}\n", describe(fault.scenario), fault.what);
  }
  for (const Failure& failure : r.failures) {
    text += fmt::format("\n{}\n  {}\n", describe(failure.scenario), failure.what);
  }
  return text;
}

}  // namespace medius::sim
