// `medius hal scan|monitor|poke|identify`: what a person needs between a box with a drive and a
// first pull. None of them talks to a daemon.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "client/commands.hpp"
#include "client/terminal.hpp"
#include "client/text.hpp"
#include "controller/access/certificate.hpp"
#include "hal/commission/identify.hpp"
#include "hal/commission/machine_edit.hpp"
#include "hal/commission/monitor.hpp"
#include "hal/commission/poke.hpp"
#include "hal/commission/scan.hpp"

namespace medius::client {
namespace {

using Clock = std::chrono::steady_clock;

hal::MachineSource source_of(const HalMachineOptions& options) {
  return {options.file, options.devices, options.links};
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

// A line on standard error that is redrawn; whole lines, and fewer, where it is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : quiet_(quiet), redraw_(stderr_is_terminal()) {}
  ~ProgressLine() {
    if (redraw_ && shown_) fmt::print(stderr, "\r\x1b[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `what` is said again only when it changes where it cannot be redrawn.
  void show(const std::string& what, double share, bool every_change) {
    if (quiet_) return;
    if (redraw_) {
      fmt::print(stderr, "\r\x1b[K{:3.0f} %  {}", 100.0 * share, what);
      shown_ = true;
    } else if (every_change && what != last_) {
      fmt::print(stderr, "{:3.0f} %  {}\n", 100.0 * share, what);
    }
    last_ = what;
    std::fflush(stderr);
  }

 private:
  const bool quiet_;
  const bool redraw_;
  bool shown_ = false;
  std::string last_;
};

void say_warnings(const std::vector<std::string>& warnings, bool quiet) {
  if (quiet) return;
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
}

}  // namespace

int hal_scan(const CommonOptions& common, const HalScanOptions& options) {
  const InterruptFlag interrupts;
  hal::ScanOptions scan;
  scan.targets = options.targets;
  scan.units = options.units;
  scan.bauds = options.bauds;
  scan.parities = options.parities;
  scan.timeout_ms = options.timeout_ms;
  scan.connect_timeout_ms = options.connect_timeout_ms;
  scan.devices = options.devices;
  tl::expected<hal::ScanResult, std::string> found = [&] {
    ProgressLine progress(common.quiet);
    return hal::scan(scan, [&](const std::string& what, double share) {
      progress.show(what, share, false);
      return InterruptFlag::count() == 0;
    });
  }();
  if (!found) {
    fmt::print(stderr, "medius: {}\n", found.error());
    return kExitUsage;
  }
  fmt::print("{}", common.json ? hal::scan_json(*found) : hal::scan_text(*found));
  if (InterruptFlag::count() > 0) return kExitInterrupted;
  for (const hal::FoundLink& link : found->links) {
    if (!link.units.empty()) return kExitOk;
  }
  return kExitFailed;
}

int hal_monitor(const CommonOptions& common, const HalMonitorOptions& options) {
  const InterruptFlag interrupts;
  const auto monitor = hal::Monitor::start(source_of(options.machine));
  if (!monitor) {
    fmt::print(stderr, "medius: {}\n", monitor.error());
    return kExitRefused;
  }
  say_warnings((*monitor)->warnings(), common.quiet);
  const bool live = !common.json && stdout_is_terminal();
  std::unique_ptr<LiveScreen> screen;
  if (live) screen = std::make_unique<LiveScreen>();
  constexpr auto kRedraw = std::chrono::milliseconds(200);
  const auto period =
      live ? kRedraw : std::chrono::milliseconds(static_cast<int>(1e3 * options.interval_s));
  const auto end =
      Clock::now() + std::chrono::milliseconds(static_cast<int>(1e3 * options.seconds));
  hal::MonitorSnapshot snapshot;
  for (bool last = false; !last;) {
    auto next = Clock::now() + period;
    if (options.seconds > 0.0 && end < next) next = end;
    while (Clock::now() < next && InterruptFlag::count() == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    last = InterruptFlag::count() > 0 || (options.seconds > 0.0 && Clock::now() >= end);
    snapshot = (*monitor)->snapshot();
    if (common.json) {
      fmt::print("{}", hal::monitor_json(snapshot));
      std::fflush(stdout);
      continue;
    }
    std::vector<std::string> lines = hal::monitor_lines(snapshot);
    if (screen) {
      const Screen size = screen_of_stdout(common.color);
      if (lines.size() > size.rows) lines.resize(size.rows);
      for (std::string& line : lines) line = clip(line, size.columns);
      screen->draw(lines);
    } else {
      fmt::print("--- {:.1f} s\n{}\n", snapshot.seconds, fmt::join(lines, "\n"));
      std::fflush(stdout);
    }
  }
  for (const hal::MonitoredLink& link : snapshot.links) {
    if (!link.up) return kExitFailed;
  }
  return kExitOk;
}

int hal_poke(const CommonOptions& common, const HalPokeOptions& options) {
  hal::PokeOptions poke;
  poke.source = source_of(options.machine);
  poke.device = options.device;
  poke.values = options.values;
  poke.unloaded = options.unloaded;
  poke.wears_memory = options.wears_memory;
  const auto done = hal::poke(poke);
  if (!done) {
    fmt::print(stderr, "medius: {}: {}\n", done.error().failed ? "failed" : "refused",
               done.error().message);
    return done.error().failed ? kExitFailed : kExitRefused;
  }
  fmt::print("{}", common.json ? hal::poke_json(*done) : hal::poke_text(*done));
  for (const hal::PokedValue& value : *done) {
    if (value.readable && !value.kept) return kExitFailed;
  }
  return kExitOk;
}

namespace {

// A person types "yes"; a script may do so only for a simulated machine.
bool confirmed(const HalIdentifyOptions& options, bool simulated, const std::string& question) {
  fmt::print(stderr, "{}", question);
  if (options.yes && simulated) {
    fmt::print(stderr, "Confirmed with --yes (simulated machine).\n");
    return true;
  }
  if (options.yes) {
    fmt::print(stderr, "\n--yes is for simulated machines; this one is real: a person confirms.\n");
  }
  if (::isatty(STDIN_FILENO) != 1) {
    fmt::print(stderr, "\nStandard input is no terminal, so nobody can confirm.\n");
    return false;
  }
  fmt::print(stderr, "Type yes to begin: ");
  std::fflush(stderr);
  std::string answer;
  return std::getline(std::cin, answer) && answer == "yes";
}

int write_results(const hal::IdentifyResult& result, const HalIdentifyOptions& options) {
  const bool signs_agree =
      result.torque_sign == hal::SignTest::kAgrees && result.cell_sign != hal::SignTest::kReversed;
  if (!result.fitted || !signs_agree) {
    fmt::print(stderr, "{} was left as it is: correct what is marked with ! first\n",
               options.machine.file);
    return kExitFailed;
  }
  auto edits = hal::edits_of(result, options.machine.file, access::day_of(std::time(nullptr)));
  if (!edits) {
    fmt::print(stderr, "medius: {}\n", edits.error());
    return kExitFailed;
  }
  const auto old = hal::read_text(options.machine.file);
  const auto text = old ? hal::edited(*old, result.axis, *edits) : old;
  if (!text) {
    fmt::print(stderr, "medius: {}\n", text.error());
    return kExitFailed;
  }
  for (const hal::KeyEdit& edit : *edits) {
    fmt::print(stderr, "{} [axis.{}] {}: {} -> {}\n", options.dry_run ? "would write" : "writing",
               edit.table, edit.key, edit.before.empty() ? "(none)" : edit.before, edit.value);
  }
  if (options.dry_run) return kExitOk;
  const auto backup = hal::replace_machine_file(source_of(options.machine), *text);
  if (!backup) {
    fmt::print(stderr, "medius: {}\n", backup.error());
    return kExitFailed;
  }
  fmt::print(stderr, "{} is written, the old one is {}; run `medius hal check {}` again\n",
             options.machine.file, *backup, options.machine.file);
  return kExitOk;
}

}  // namespace

int hal_identify(const CommonOptions& common, const HalIdentifyOptions& options) {
  const InterruptFlag interrupts;
  hal::IdentifyOptions identify;
  identify.source = source_of(options.machine);
  identify.axis = options.axis;
  identify.seconds = options.seconds;
  identify.pull = !options.no_pull;
  // Only a file that says so of itself is a simulated machine.
  const auto machine = hal::load_machine(identify.source, hal::modbus::PlanUse::kCheck);
  const bool simulated = machine && machine->options.simulated;
  tl::expected<hal::IdentifyResult, hal::IdentifyStop> result = [&] {
    ProgressLine progress(common.quiet);
    return hal::identify(identify, {[&](const std::string& question) {
                                      return confirmed(options, simulated, question);
                                    },
                                    [&](const std::string& what, double share) {
                                      progress.show(what, share, true);
                                      return InterruptFlag::count() == 0;
                                    }});
  }();
  if (!result) {
    fmt::print(stderr, "medius: {}: {}\n", result.error().refused ? "refused" : "ended",
               result.error().message);
    if (InterruptFlag::count() > 0) return kExitInterrupted;
    return result.error().refused ? kExitRefused : kExitFault;
  }
  say_warnings(result->warnings, common.quiet);
  fmt::print("{}", common.json ? hal::identify_json(*result) : hal::identify_text(*result));
  std::fflush(stdout);
  if (!options.plot.empty()) {
    if (const auto plotted = hal::write_text(options.plot, hal::identify_svg(*result)); !plotted) {
      fmt::print(stderr, "medius: {}\n", plotted.error());
      return kExitFailed;
    }
  }
  return write_results(*result, options);
}

}  // namespace medius::client
