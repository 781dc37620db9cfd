// medius-swarm: tries to make the simulated machine hurt somebody.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "sim/swarm/campaign.hpp"
#include "sim/swarm/shrink.hpp"
#include "sim/world/freed_memory.hpp"

namespace {

using namespace medius::sim;

constexpr int kExitBroken = 1, kExitUsage = 2;

struct Options {
  CampaignOptions campaign;
  std::string replay, out, trace;
  std::vector<std::string> sum;
  std::string machine = "both";
  bool json = false, table = false, no_faults = false, quiet = false;
};

int complain(const std::string& sentence) {
  fmt::print(stderr, "medius-swarm: {}\n", sentence);
  return kExitUsage;
}

// A bar that tells how far and how bad, on a terminal only.
class Progress {
 public:
  Progress(const CampaignOptions& options, bool wanted)
      : options_(options), wanted_(wanted && isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }
  void show(std::uint64_t seeds, double hours, std::size_t failures) {
    const auto now = std::chrono::steady_clock::now();
    if (!wanted_ || now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    drawn_ = true;
    const double share = options_.seeds > 0
                             ? static_cast<double>(seeds) / static_cast<double>(options_.seeds)
                             : hours / options_.hours;
    constexpr int kWidth = 40;
    const int filled = std::min(kWidth, static_cast<int>(share * kWidth));
    fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {:5.1f} h  {} scenarios  {} broken ", "", filled, "",
               kWidth - filled, hours, seeds, failures);
    std::fflush(stderr);
  }

 private:
  const CampaignOptions& options_;
  bool wanted_, drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

bool write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return static_cast<bool>(file);
}

nlohmann::json verdict_json(const Scenario& scenario, const Verdict& verdict) {
  nlohmann::json events = nlohmann::json::array(), violations = nlohmann::json::array();
  for (const EventOutcome& event : verdict.events) {
    const FaultRow& row = *find_fault(event.row);
    nlohmann::json expected = nlohmann::json::object();
    for (const medius::safety::FaultCode code : row.expected) {
      if (code != medius::safety::FaultCode::kNone) {
        expected[medius::safety::fault_info(code).name] = static_cast<int>(code);
      }
    }
    events.push_back({{"row", event.row},
                      {"name", row.name},
                      {"expected", expected},
                      {"budget_ms", row.budget_ms},
                      {"reaction", event.reaction},
                      {"phase", to_string(event.phase)},
                      {"noticed", event.noticed},
                      {"as", event.as},
                      {"took_ms", event.took_ms}});
  }
  for (const Violation& violation : verdict.violations) {
    violations.push_back({{"tick", violation.tick}, {"what", violation.what}});
  }
  return {{"scenario", to_json(scenario)},
          {"ok", verdict.ok()},
          {"violations", violations},
          {"nuisance", verdict.nuisance},
          {"events", events},
          {"simulated_s", verdict.simulated_s},
          {"true_reps", verdict.true_reps},
          {"counted_reps", verdict.counted_reps},
          {"trace_hash", fmt::format("{:016x}", verdict.trace_hash)}};
}

int replay(const Options& options) {
  std::ifstream file(options.replay);
  if (!file) return complain("cannot read '" + options.replay + "'");
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (json.is_discarded()) return complain("'" + options.replay + "' is no JSON");
  const auto scenario = from_json(json.contains("scenario") ? json["scenario"] : json);
  if (!scenario) return complain("'" + options.replay + "': " + scenario.error());
  RunFiles files = options.campaign.files;
  std::ofstream trace;
  if (!options.trace.empty()) {
    trace.open(options.trace);
    if (!trace) return complain("cannot write '" + options.trace + "'");
    files.trace = &trace;
  }
  const auto verdict = run_scenario(*scenario, files);
  if (!verdict) return complain(verdict.error());
  if (options.json) {
    fmt::print("{}\n", verdict_json(*scenario, *verdict).dump(2));
  } else {
    fmt::print("{}\n", describe(*scenario));
    for (const EventOutcome& event : verdict->events) {
      fmt::print("  row {} struck in {}: {}\n", event.row, to_string(event.phase),
                 event.noticed      ? fmt::format("{} after {:.0f} ms", event.as, event.took_ms)
                 : event.as.empty() ? std::string("nobody unloaded the machine")
                                    : event.as + " came first");
    }
    for (const Violation& violation : verdict->violations) {
      fmt::print("  {:.3f} s  {}\n", static_cast<double>(violation.tick) * 1e-3, violation.what);
    }
    if (!verdict->nuisance.empty()) fmt::print("  nuisance: {}\n", verdict->nuisance);
    fmt::print("{}, trace {:016x}\n", verdict->ok() ? "nothing broke" : "BROKEN",
               verdict->trace_hash);
  }
  return verdict->ok() ? 0 : kExitBroken;
}

// Writes a minimal scenario a kind of trouble into the folder.
void keep_failures(const Options& options, const CampaignResult& result) {
  std::filesystem::create_directories(options.out);
  std::map<std::string, int> kinds;
  for (const Failure& failure : result.failures) {
    const std::string kind = failure.what.substr(0, failure.what.find_first_of(" :"));
    if (++kinds[kind] > 3) continue;
    const Shrunk small = shrink(failure.scenario, options.campaign.files);
    const std::string name = fmt::format("{}-seed-{}.json", kind, failure.scenario.seed);
    const nlohmann::json json = {{"what", small.what}, {"scenario", to_json(small.scenario)}};
    if (write_file(std::filesystem::path(options.out) / name, json.dump(2) + "\n")) {
      fmt::print(stderr, "{}/{}: {} ({} runs)\n", options.out, name, describe(small.scenario),
                 small.runs);
    }
  }
}

int report(const Options& options, const CampaignResult& result) {
  if (options.json) {
    fmt::print("{}\n", campaign_json(result).dump(2));
  } else {
    fmt::print("{}", campaign_text(result));
  }
  const bool well = result.violations == 0 && result.nuisance_stops == 0 && result.unseen.empty();
  return well ? 0 : kExitBroken;
}

int sum(const Options& options) {
  CampaignResult result;
  for (const std::string& name : options.sum) {
    std::ifstream file(name);
    if (!file) return complain("cannot read '" + name + "'");
    const auto json = nlohmann::json::parse(file, nullptr, false);
    if (json.is_discarded()) return complain("'" + name + "' is no JSON");
    const auto added = add_json(result, json);
    if (!added) return complain("'" + name + "': " + added.error());
  }
  return report(options, result);
}

int campaign(Options& options) {
  CampaignOptions& c = options.campaign;
  if (options.machine == "cable") c.draw.machine = 1;
  if (options.machine == "seated") c.draw.machine = 2;
  c.draw.faults = !options.no_faults;
  if (c.draw.row > 0) {
    const FaultRow* row = find_fault(c.draw.row);
    if (row == nullptr || row->injector == Injector::kNone) {
      return complain(fmt::format("row {} cannot be injected{}{}; --table lists them all",
                                  c.draw.row, row != nullptr ? ", it is shown by " : "",
                                  row != nullptr ? row->shown_by : ""));
    }
  }
  if (c.seeds == 0 && c.hours <= 0.0) c.hours = 0.2;
  CampaignResult result;
  {
    Progress progress(c, !options.quiet);
    c.progress = [&](auto... figures) { progress.show(figures...); };
    result = run_campaign(c);
  }
  if (!result.error.empty()) return complain(result.error);
  if (!options.out.empty() && !result.failures.empty()) keep_failures(options, result);
  return report(options, result);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CampaignOptions& c = options.campaign;
  c.files = {MEDIUS_SOURCE_DIR "/hal", MEDIUS_SOURCE_DIR "/programs", MEDIUS_PLUGIN_DIR};
  CLI::App app{
      "Runs random scenarios with faults on the whole of Medius on simulated time and judges them "
      "by "
      "what went out on the wire and by the plant's truth. Exit code 1: something broke, or a "
      "fault "
      "was not noticed in time."};
  app.add_option("--hours", c.hours, "Simulate about so many hours (default 0.2)");
  app.add_option("--seeds", c.seeds, "Run so many scenarios instead");
  app.add_option("--seed", c.first_seed, "First seed; the others follow")->capture_default_str();
  app.add_option("--row", c.draw.row, "Only this row of the failure table, alone in each scenario");
  app.add_option("--machine", options.machine, "cable, seated or both")
      ->check(CLI::IsMember({"cable", "seated", "both"}))
      ->capture_default_str();
  app.add_flag("--no-faults", options.no_faults,
               "Only people and trainers: looks for nuisance stops");
  app.add_option("--workers", c.workers, "Processes; one a core when left out");
  app.add_option("--sum", options.sum,
                 "Add up campaigns: files with what --json printed, over different seeds");
  app.add_option("--replay", options.replay, "Run one scenario from its file");
  app.add_option("--trace", options.trace,
                 "With --replay: write a CSV of the run, a line every 10 ms");
  app.add_option("--out", options.out,
                 "Shrink what broke and write scenario files into this folder");
  app.add_flag("--json", options.json, "One JSON object on standard output");
  app.add_flag("--quiet", options.quiet, "No progress bar");
  app.add_flag("--table", options.table, "Print the failure table as Markdown");
  app.add_option("--hal", c.files.hal_directory, "Folder of machines and devices")
      ->capture_default_str();
  app.add_option("--programs", c.files.program_directory)->capture_default_str();
  app.add_option("--plugins", c.files.plugin_directory)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);  // a fault is no news here
  keep_freed_memory();                    // the workers inherit it
  if (options.table) {
    fmt::print("{}", fault_page());
    return 0;
  }
  if (!options.sum.empty()) return sum(options);
  return options.replay.empty() ? campaign(options) : replay(options);
}
