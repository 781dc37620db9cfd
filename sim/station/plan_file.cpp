#include "sim/station/plan_file.hpp"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace medius::sim {
namespace {

constexpr double kLeastBottomS = 0.4;  // nobody turns round at once
constexpr int kMostSets = 1000;        // of a plan: days of work, and little memory

bool parse_tempo(const std::string& text, measure::Tempo& tempo) {
  int used = 0;
  return std::sscanf(text.c_str(), "%lf-%lf-%lf-%lf%n", &tempo.concentric_s, &tempo.hold_s,
                     &tempo.eccentric_s, &tempo.bottom_s, &used) == 4 &&
         used == static_cast<int>(text.size());
}

// `key = 8`, or `key = [5, 8]`: the lower end.
int first_count(toml::node_view<const toml::node> value, int fallback) {
  return value.is_array() ? value[0].value_or(fallback) : value.value_or(fallback);
}

}  // namespace

tl::expected<std::vector<PlannedSet>, std::string> load_plan(const std::string& path,
                                                             SimulatedMachine machine) {
  const bool seated = machine != SimulatedMachine::kCable;
  // A program says the load of one arm; the axis of linked arms has it of both.
  const double arms = machine == SimulatedMachine::kSeatedLinked ? 2.0 : 1.0;
  const char* const load_key = seated ? "load_nm" : "load_n";
  if (!std::filesystem::is_regular_file(path)) {
    return tl::make_unexpected(path + ": no such program; give the path of a programs/*.toml");
  }
  std::vector<PlannedSet> plan;
  try {
    const toml::table program = toml::parse_file(path);
    const toml::array* const blocks = program["block"].as_array();
    for (std::size_t i = 0; blocks != nullptr && i < blocks->size(); ++i) {
      const toml::table* const block = (*blocks)[i].as_table();
      // Guided exercises and those of the other machine are not done on this station.
      if (block == nullptr || !block->contains(load_key)) continue;
      PlannedSet set;
      set.load_n =
          arms * (*block)[load_key].value_or(set.load_n) * (*block)["load_share"].value_or(1.0);
      set.intent.reps = first_count((*block)["reps"], set.intent.reps);
      set.exercise = exercise_named((*block)["exercise"].value_or(std::string()));
      const std::string tempo = (*block)["tempo"].value_or(std::string("2-1-3-0"));
      if (!parse_tempo(tempo, set.intent.tempo)) {
        return tl::make_unexpected(fmt::format(
            "{}: block {}: tempo '{}' is not four numbers of seconds; write e.g. \"2-1-3-0\"", path,
            i + 1, tempo));
      }
      if (set.intent.tempo.bottom_s > kLeastBottomS)
        set.intent.bottom_s = set.intent.tempo.bottom_s;
      const int rounds = first_count((*block)["sets"], 1);
      const toml::array* const sides = (*block)["sides"].as_array();
      if (rounds > kMostSets || plan.size() > kMostSets) {
        return tl::make_unexpected(fmt::format("{}: block {}: {} sets, at most {}; correct 'sets'",
                                               path, i + 1, rounds, kMostSets));
      }
      for (int round = 0; round < rounds; ++round) {
        for (std::size_t s = 0; sides != nullptr && s < sides->size(); ++s) {
          const std::string side = (*sides)[s].value_or(std::string());
          set.side = side == "both" ? 3 : side == "right" ? 2 : 1;
          plan.push_back(set);
        }
      }
    }
  } catch (const toml::parse_error& error) {
    return tl::make_unexpected(fmt::format("{}:{}: {}; correct the line", path,
                                           error.source().begin.line, error.description()));
  }
  if (plan.empty()) {
    return tl::make_unexpected(fmt::format(
        "{}: no block with sides and {}, nothing for a person to do; choose a program of the {} "
        "or another --machine",
        path, load_key, seated ? "seated machine" : "cable station"));
  }
  return plan;
}

std::vector<PlannedSet> default_plan(SimulatedMachine machine) {
  if (machine != SimulatedMachine::kCable) {
    PlannedSet both;
    both.side = 3;
    both.load_n = machine == SimulatedMachine::kSeatedLinked ? 60.0 : 30.0;
    return {both};
  }
  PlannedSet left, right;
  left.side = 1;
  right.side = 2;
  return {left, right};
}

}  // namespace medius::sim
