// medius-durability: power cuts, failing calls and flipped bits under the real store, counted.
// What needs a real daemon is run.py's.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/durability/campaigns.hpp"

namespace {

using nlohmann::ordered_json;
using namespace medius::durability;

constexpr std::size_t kProblemsShown = 10;

struct Options {
  std::uint64_t cuts = 0, flips = 0, seed = 1;
  bool failures = false, json = false, quiet = false;
};

Progress progress_line(const Options& options, const char* what, std::uint64_t of) {
  if (options.quiet || isatty(STDERR_FILENO) == 0) return [](std::uint64_t) {};
  return [what, of](std::uint64_t done) {
    if (done % 32 == 0)
      fmt::print(stderr, "\r{} {}{}\033[K", what, done, of ? fmt::format("/{}", of) : "");
  };
}

ordered_json problems_of(const std::vector<std::string>& problems) {
  ordered_json list = ordered_json::array();
  for (std::size_t i = 0; i < problems.size() && i < kProblemsShown; ++i)
    list.push_back(problems[i]);
  return list;
}

ordered_json run_cuts(const Options& options) {
  const CutResult r =
      cut_power(options.cuts, options.seed, progress_line(options, "cuts", options.cuts));
  return {{"cuts", r.cuts},
          {"places", r.places},
          {"while_opening", r.cut_while_opening},
          {"acknowledged", r.acknowledged},
          {"partial", r.partial},
          {"lost_or_altered", r.problems.size()},
          {"problems", problems_of(r.problems)}};
}

ordered_json run_failures(const Options& options) {
  const FailureResult r = fail_calls(options.seed, progress_line(options, "failures", 0));
  return {{"failures", r.failures},
          {"by_kind", r.by_kind},
          {"acknowledged", r.acknowledged},
          {"lost_or_altered", r.problems.size()},
          {"problems", problems_of(r.problems)}};
}

ordered_json run_flips(const Options& options) {
  const FlipResult r =
      flip_bits(options.flips, options.seed, progress_line(options, "flips", options.flips));
  ordered_json files = ordered_json::object();
  for (const auto& [name, place] : r.by_file) {
    files[name] = {{"flips", place.flips},
                   {"noticed", place.noticed},
                   {"beyond_in_bookkeeping", place.bookkeeping},
                   {"beyond_in_empty_space", place.empty}};
  }
  return {{"flips", r.flips},
          {"noticed", r.noticed},
          {"by_file", files},
          {"lost_or_altered", r.problems.size()},
          {"problems", problems_of(r.problems)}};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Cuts the power, fails calls and flips bits under the store.\nExit 0: nothing acknowledged "
      "was lost or altered, every flip was noticed."};
  app.add_option("--cuts", options.cuts, "power cuts, at every change of the disk in turn");
  app.add_option("--flips", options.flips, "flipped bits in bytes that carry something");
  app.add_flag("--failures", options.failures,
               "every n-th call of every kind fails, once and for good");
  app.add_option("--seed", options.seed, "seed (default 1)");
  app.add_flag("--json", options.json, "one line of JSON");
  app.add_flag("--quiet", options.quiet, "no progress line");
  CLI11_PARSE(app, argc, argv);
  ordered_json result = {{"seed", options.seed}};
  std::size_t problems = 0;
  const auto add = [&](const char* name, ordered_json part) {
    problems += part["lost_or_altered"].get<std::size_t>();
    result[name] = std::move(part);
  };
  if (options.cuts > 0) add("cuts", run_cuts(options));
  if (options.failures) add("failures", run_failures(options));
  if (options.flips > 0) add("flips", run_flips(options));
  if (!options.quiet && isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
  fmt::print("{}\n", result.dump(options.json ? -1 : 2));
  return problems == 0 ? 0 : 1;
}
