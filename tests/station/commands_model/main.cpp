// medius-commands-model: random interleavings of orders against the reference model.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "tests/station/commands_model/campaign.hpp"

namespace {

using namespace medius::station::model;

constexpr const char* kHelp =
    "usage: medius-commands-model [--interleavings N] [--from N] [--seed N] [--plant DEFECT]\n"
    "                             [--json] [--quiet]\n"
    "       medius-commands-model --only N [--before N] [--seed N] [--plant DEFECT]\n"
    "Sends what two trainers and an onlooker order, late, twice, in another order and never, to "
    "the\n"
    "station's own code on simulated time and compares every answer with a reference model.\n"
    "Every 10,000 interleavings are a new station's, and begin anew: --from N runs from the first\n"
    "of N's station up to --interleavings. --only N runs up to N and tells what happened in it "
    "and\n"
    "in the --before N interleavings before it.\n"
    "Defects that the model must notice: ttl version lease ids old-ids roles.\n"
    "Exit codes: 0 station and model agree, 1 they do not, 2 wrong use.\n";

bool number(const char* text, std::uint64_t& out) {
  const auto [stop, error] = std::from_chars(text, text + std::strlen(text), out);
  return error == std::errc{} && *stop == '\0';
}

bool plant_of(const std::string& word, Plant& out) {
  constexpr std::pair<const char*, Plant> kPlants[] = {
      {"ttl", Plant::kNoTimeToLive}, {"version", Plant::kNoVersion}, {"lease", Plant::kNoLease},
      {"ids", Plant::kNoIds},        {"old-ids", Plant::kNoOldIds},  {"roles", Plant::kNoRoles}};
  for (const auto& [name, plant] : kPlants) {
    if (word != name) continue;
    out = plant;
    return true;
  }
  return false;
}

void print(const CampaignResult& r, bool json, std::uint64_t seed) {
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"seed", seed},
      {"interleavings", r.interleavings},
      {"messages", r.messages},
      {"repeated", r.repeated},
      {"reordered", r.reordered},
      {"lost_on_the_way", r.lost},
      {"simulated_s", r.simulated_ms / 1000},
      {"came_again_when_forgotten", r.forgotten},
      {"sessions", r.sessions},
      {"times_frozen", r.times_frozen},
      {"leases_run_out", r.leases_run_out},
      {"increases_taken_back", r.increases_taken_back},
      {"applied_stale", r.stale},
      {"applied_twice", r.duplicate},
      {"applied_conflicting", r.conflicting},
      {"applied_unauthorised", r.unauthorised},
      {"applied_wrongly_otherwise", r.other},
      {"refused_wrongly", r.refused_wrongly},
      {"wrong_refusals", r.wrong_refusals},
      {"loop_disagrees", r.loop_disagrees},
      {"freeze_disagrees", r.freeze_disagrees},
      {"lease_disagrees", r.lease_disagrees},
      {"not_answered_once", r.answers_missing}};
  const char* line = json ? "\"{}\": {}, " : "{:28} {}\n";
  if (json) fmt::print("{{");
  for (const auto& [key, value] : rows) fmt::print(fmt::runtime(line), key, value);
  if (json) fmt::print("\"expected\": {{");
  for (std::size_t i = 0; i < r.expected.size(); ++i) {
    const char* word = to_string(static_cast<Verdict>(i));
    if (json) {
      fmt::print("{}\"{}\": {}", i == 0 ? "" : ", ", word, r.expected[i]);
    } else {
      fmt::print("  expected {:18} {}\n", word, r.expected[i]);
    }
  }
  if (json) {
    fmt::print("}}, \"hash\": \"{:016x}\", \"disagreements\": {}}}\n", r.hash, r.disagreements());
  } else {
    fmt::print("hash                         {:016x}\n", r.hash);
  }
  for (const std::string& story : r.stories) fmt::print(stderr, "{}", story);
  if (!r.first_wrong.empty()) fmt::print(stderr, "first: {}\n", r.first_wrong);
}

}  // namespace

int main(int argc, char** argv) {
  CampaignConfig config;
  bool json = false, quiet = false;
  std::uint64_t before = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--json") {
      json = true;
    } else if (word == "--quiet") {
      quiet = true;
    } else if (word == "--interleavings" && more && number(argv[i + 1], config.interleavings)) {
      ++i;
    } else if (word == "--from" && more && number(argv[i + 1], config.first)) {
      ++i;
    } else if (word == "--only" && more && number(argv[i + 1], config.tell_to)) {
      ++i;
    } else if (word == "--before" && more && number(argv[i + 1], before)) {
      ++i;
    } else if (word == "--seed" && more && number(argv[i + 1], config.seed)) {
      ++i;
    } else if (word == "--plant" && more && plant_of(argv[i + 1], config.plant)) {
      ++i;
    } else {
      std::fputs(kHelp, word == "--help" ? stdout : stderr);
      return word == "--help" ? 0 : 2;
    }
  }
  if (config.tell_to != UINT64_MAX) {
    config.first = config.tell_to;
    config.interleavings = config.tell_to + 1;
    config.tell_from = config.tell_to - std::min(config.tell_to, before);
    quiet = true;
  }
  if (!quiet) {
    config.progress = [total = config.interleavings](std::uint64_t done) {
      if (done % 10'000 == 0) fmt::print(stderr, "\r{} of {} interleavings", done, total);
      if (done == total) fmt::print(stderr, "\n");
    };
  }
  const CampaignResult result = run_campaign(config);
  print(result, json, config.seed);
  return result.disagreements() == 0 ? 0 : 1;
}
