#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/swarm/campaign.hpp"

namespace medius::sim {
namespace {

// Cells that can be reached: rows with an injector, their phases, both machines.
struct Coverage {
  int cells = 0, cells_hit = 0, pairs = 0, pairs_hit = 0, rows = 0, rows_hit = 0;
  std::uint64_t least_hits = 0;  // of a row
};

Coverage coverage(const CampaignResult& result) {
  Coverage c;
  c.least_hits = UINT64_MAX;
  std::vector<int> rows;
  for (const FaultRow& row : fault_table()) {
    if (row.injector == Injector::kNone) continue;
    rows.push_back(row.number);
    for (int phase = 0; phase < kFaultPhases; ++phase) {
      if ((row.phases & mask(static_cast<FaultPhase>(phase))) == 0) continue;
      for (const bool seated : {false, true}) {
        ++c.cells;
        if (result.cells.contains({row.number, static_cast<FaultPhase>(phase), seated})) {
          ++c.cells_hit;
        }
      }
    }
    const auto found = result.rows.find(row.number);
    const std::uint64_t fired = found == result.rows.end() ? 0 : found->second.fired;
    c.least_hits = std::min(c.least_hits, fired);
    if (fired > 0) ++c.rows_hit;
  }
  c.rows = static_cast<int>(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      ++c.pairs;
      if (result.pairs.contains({rows[i], rows[j]})) ++c.pairs_hit;
    }
  }
  return c;
}

double percent(double part, double whole) {
  return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

struct Diagnostic {
  std::uint64_t judged = 0, in_time = 0;
  // Lower 95 % bound: Wilson's interval.
  [[nodiscard]] double lower_percent() const {
    if (judged == 0) return 0.0;
    const double n = static_cast<double>(judged), p = static_cast<double>(in_time) / n, z = 1.645;
    const double centre = p + z * z / (2.0 * n);
    const double spread = z * std::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n));
    return 100.0 * (centre - spread) / (1.0 + z * z / n);
  }
};

Diagnostic diagnostic(const CampaignResult& result, bool raising) {
  Diagnostic d;
  for (const auto& [number, row] : result.rows) {
    if (find_fault(number)->raises_force != raising) continue;
    d.judged += row.judged;
    d.in_time += row.in_time;
  }
  return d;
}

}  // namespace

nlohmann::json campaign_json(const CampaignResult& r) {
  const Coverage c = coverage(r);
  const Diagnostic raising = diagnostic(r, true), other = diagnostic(r, false);
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& [number, row] : r.rows) {
    const FaultRow* data = find_fault(number);
    rows.push_back({{"row", number},
                    {"name", data->name},
                    {"raises_force", data->raises_force},
                    {"fired", row.fired},
                    {"judged", row.judged},
                    {"in_time", row.in_time},
                    {"late", row.late},
                    {"slowest_ms", row.slowest_ms},
                    {"budget_ms", data->budget_ms}});
  }
  nlohmann::json failures = nlohmann::json::array();
  for (const Failure& failure : r.failures) {
    failures.push_back({{"what", failure.what}, {"scenario", to_json(failure.scenario)}});
  }
  const double hours = r.simulated_s / 3600.0, fault_free_hours = r.fault_free_s / 3600.0;
  return {
      {"hours", hours},
      {"fault_free_hours", fault_free_hours},
      {"seeds", r.seeds},
      {"violations", r.violations},
      {"phantom_reps", r.phantom_reps},
      {"true_reps", r.true_reps},
      {"nuisance_stops", r.nuisance_stops},
      {"nuisance_stops_per_1000h",
       fault_free_hours > 0.0 ? 1000.0 * static_cast<double>(r.nuisance_stops) / fault_free_hours
                              : 0.0},
      {"single_cells_percent", percent(c.cells_hit, c.cells)},
      {"pair_cells_percent", percent(c.pairs_hit, c.pairs)},
      {"rows_hit", c.rows_hit},
      {"rows_total", c.rows},
      {"least_hits_of_a_row", c.least_hits},
      {"detected_raising_percent",
       percent(static_cast<double>(raising.in_time), static_cast<double>(raising.judged))},
      {"detected_raising_lower95_percent", raising.lower_percent()},
      {"detected_other_percent",
       percent(static_cast<double>(other.in_time), static_cast<double>(other.judged))},
      {"detected_other_lower95_percent", other.lower_percent()},
      {"realtime_factor_per_core",
       r.wall_s > 0.0 ? r.simulated_s / (r.wall_s * static_cast<double>(r.workers)) : 0.0},
      {"workers", r.workers},
      {"wall_s", r.wall_s},
      {"trace_hash", fmt::format("{:016x}", r.trace_hash)},
      {"sometimes", r.sometimes},
      {"rows", rows},
      {"failures", failures}};
}

std::string campaign_text(const CampaignResult& r) {
  const auto j = campaign_json(r);
  std::string text =
      fmt::format("{:>3} {:<38} {:>6} {:>7} {:>8} {:>5} {:>9} {:>9}\n", "row", "fault", "fired",
                  "judged", "in time", "late", "slowest", "budget");
  for (const auto& [number, row] : r.rows) {
    const FaultRow* data = find_fault(number);
    text += fmt::format("{:>3} {:<38} {:>6} {:>7} {:>8} {:>5} {:>6.0f} ms {:>6.0f} ms{}\n", number,
                        data->name, row.fired, row.judged, row.in_time, row.late, row.slowest_ms,
                        data->budget_ms, row.judged > row.in_time + row.late ? "  UNNOTICED" : "");
  }
  text += fmt::format(
      "\n{:.2f} simulated hours ({:.2f} without faults), {} scenarios, {:.0f} x real time a core "
      "on {} "
      "processes\nviolations {}, phantom repetitions {} of {}, nuisance stops {}\n"
      "cells {:.1f} %, pairs {:.1f} %, rows {} of {}; noticed in time: raising force {:.2f} % (95 "
      "%: "
      ">= {:.2f} %), others {:.2f} % (>= {:.2f} %)\n",
      r.simulated_s / 3600.0, r.fault_free_s / 3600.0, r.seeds,
      j["realtime_factor_per_core"].get<double>(), r.workers, r.violations, r.phantom_reps,
      r.true_reps, r.nuisance_stops, j["single_cells_percent"].get<double>(),
      j["pair_cells_percent"].get<double>(), j["rows_hit"].get<int>(), j["rows_total"].get<int>(),
      j["detected_raising_percent"].get<double>(),
      j["detected_raising_lower95_percent"].get<double>(),
      j["detected_other_percent"].get<double>(), j["detected_other_lower95_percent"].get<double>());
  for (const Failure& failure : r.failures) {
    text += fmt::format("\n{}\n  {}\n", describe(failure.scenario), failure.what);
  }
  return text;
}

}  // namespace medius::sim
