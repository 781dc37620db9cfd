// medius-guard: watches the tick heartbeat of mediusd and starves the safe-state output on any
// doubt. Small on purpose: it shares nothing with the daemon but two pages of memory.
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/rt/host/process_setup.hpp"
#include "hal/guard/guard.hpp"
#include "hal/guard/safe_output.hpp"
#include "hal/guard/shared_page.hpp"

namespace medius::guard {
namespace {

// Half a period: with the window of 4.5 ms the pump stops within 5 ms of the last tick.
constexpr std::int64_t kLookNs = 500'000;
// A look for a new daemon costs system calls.
constexpr std::uint64_t kRefreshLooks = 20;
constexpr int kPriority = 95;  // above the loop (80) and what watches over its profiles (82)

volatile std::sig_atomic_t g_end = 0;
void on_end(int) {
  g_end = 1;
}

struct Options {
  std::string machine;
  GuardFile file;
  std::string output, device, name;
  bool status = false;
  bool json = false;
};

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

const char* to_string(Phase phase) noexcept {
  return phase == Phase::kWatching ? "watching" : phase == Phase::kLatched ? "latched" : "waiting";
}

void print(const Report& report, bool json, const char* output) {
  if (json) {
    const nlohmann::ordered_json line = {
        {"state", to_string(report.phase)},
        {"asserting", report.asserting},
        {"reason", medius::guard::to_string(report.doubt)},
        {"latched_for", medius::guard::to_string(report.latched_for)},
        {"starves", report.starves},
        {"looks", report.looks},
        {"epoch", report.epoch},
        {"index", report.index},
        {"clock_ns", report.clock_ns},
        {"pid", report.pid},
        {"output", output}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print("medius-guard: {}, {}{}\n", to_string(report.phase),
               report.asserting ? "held" : "starved: ",
               report.asserting ? "" : medius::guard::to_string(report.doubt));
  }
  std::fflush(stdout);
}

class Watch {
 public:
  Watch(const Options& options, OwnPage<Report> page, std::unique_ptr<SafeOutput> output,
        SimulatedRelay* relay)
      : options_(options),
        page_(std::move(page)),
        output_(std::move(output)),
        relay_(relay),
        heartbeat_(heartbeat_name(options.file.name)) {
    report_.pid = ::getpid();
  }

  void run() {
    std::int64_t next_ns = monotonic_ns();
    while (g_end == 0) {
      if (state_.phase != Phase::kWatching && report_.looks % kRefreshLooks == 0) {
        heartbeat_.refresh();
      }
      bool due = true;
      if (relay_ != nullptr) {
        constexpr int kSilenceMs = 100;
        due = relay_->wait_tick(kSilenceMs);
      } else {
        next_ns += kLookNs;
        const std::int64_t now_ns = monotonic_ns();
        if (next_ns < now_ns) next_ns = now_ns;  // no burst of looks after a stall
        const timespec until{next_ns / 1'000'000'000, next_ns % 1'000'000'000};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
      }
      // The plant's time stands still: nothing can be late in it.
      if (due) look();
      ++report_.looks;
      page_.get()->content.store(report_);
    }
    output_->starve();
  }

 private:
  [[nodiscard]] std::int64_t clock_ns() noexcept {
    return relay_ != nullptr ? relay_->clock_ns() : monotonic_ns();
  }

  void look() {
    GuardInput input;
    input.before_ns = clock_ns();
    input.readable = heartbeat_.read(input.beat);
    input.after_ns = clock_ns();
    bool hold = medius::guard::look(GuardConfig{}, state_, input);
    if (hold && !output_->pump()) {
      give_up(state_, Doubt::kOutput);
      hold = false;
    }
    if (!hold) output_->starve();
    if (relay_ != nullptr) relay_->answer();
    tell(hold);
  }

  void tell(bool hold) {
    const bool changed = report_.phase != state_.phase || report_.doubt != state_.doubt;
    report_.epoch = state_.epoch;
    report_.index = state_.index;
    report_.starves = state_.starves;
    report_.clock_ns = state_.clock_ns;
    report_.phase = state_.phase;
    report_.doubt = state_.doubt;
    report_.latched_for = state_.latched_for;
    report_.asserting = hold;
    // A write to a terminal may wait: only while nothing is held, or on the way to it.
    if (changed) print(report_, options_.json, guard::to_string(options_.file.output));
  }

  const Options& options_;
  OwnPage<Report> page_;
  std::unique_ptr<SafeOutput> output_;
  SimulatedRelay* relay_;
  ForeignPage<Beat> heartbeat_;
  GuardState state_;
  Report report_;
};

// The name lives as long as the process, however that ends.
bool only_one(const std::string& name) {
  const int file = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string word = "medius-guard." + name;
  std::memcpy(address.sun_path + 1, word.data(), word.size());  // abstract: no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + word.size());
  return ::bind(file, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

int complain(const std::string& what) {
  fmt::print(stderr, "medius-guard: {}\n", what);
  return 1;
}

int show_status(const Options& options) {
  ForeignPage<Report> page(report_name(options.file.name));
  page.refresh();
  Report report;
  if (!page.read(report)) {
    return complain("no guard named '" + options.file.name + "' runs for this user; start it");
  }
  print(report, options.json, guard::to_string(options.file.output));
  return 0;
}

// Command line over machine file.
tl::expected<void, std::string> settle(Options& options) {
  if (!options.machine.empty()) {
    auto loaded = load_guard_file(options.machine);
    if (!loaded) return tl::make_unexpected(loaded.error());
    options.file = *loaded;
  }
  if (!options.name.empty()) options.file.name = options.name;
  if (!valid_name(options.file.name)) {
    return tl::make_unexpected("name '" + options.file.name +
                               "': give --name, or a machine file with [guard] name; letters, "
                               "digits, '-' and '_'");
  }
  if (!options.output.empty()) {
    const auto kind = parse_output_kind(options.output);
    if (!kind) return tl::make_unexpected(kind.error());
    options.file.output = *kind;
  }
  if (!options.device.empty()) options.file.device = options.device;
  if (options.status) return {};
  return check_output(options.file);
}

// Everything is locked and scheduled before the first look.
bool become_realtime(bool simulated) {
  if (simulated) {
    rt::set_up_thread({0, -1, 0});
    return true;  // the plant waits for its guard
  }
  auto steps = rt::set_up_process({});
  for (auto& step : rt::set_up_thread({kPriority, -1, 64 * 1024})) steps.push_back(step);
  for (const rt::SetupStep& step : steps) {
    if (step.needed && !step.granted) {
      complain("a real machine is not held without " + step.name + ": " + step.detail);
      return false;
    }
  }
  return true;
}

int guard_until_signal(Options& options) {
  if (!only_one(options.file.name)) {
    return complain("another guard named '" + options.file.name + "' runs; stop it first");
  }
  SimulatedRelay* relay = nullptr;
  std::unique_ptr<SafeOutput> output;
  if (options.file.output == OutputKind::kSimulated) {
    auto opened = open_simulated_relay(options.file.device);
    if (!opened) return complain(opened.error());
    relay = opened->get();
    output = std::move(*opened);
  } else {
    auto opened = open_output(options.file);
    if (!opened) return complain(opened.error());
    output = std::move(*opened);
  }
  auto page = OwnPage<Report>::create(report_name(options.file.name));
  if (!page) return complain(page.error());
  if (!become_realtime(options.file.simulated)) return 1;
  fmt::print("medius-guard: guarding '{}', output {} {}\n", options.file.name,
             guard::to_string(options.file.output), options.file.device);
  std::fflush(stdout);
  Watch(options, std::move(*page), std::move(output), relay).run();
  return 0;
}

}  // namespace
}  // namespace medius::guard

int main(int argc, char** argv) {
  using namespace medius::guard;
  Options options;
  CLI::App app("medius-guard: holds the safe-state output only while mediusd's loop beats in time",
               "medius-guard");
  app.set_version_flag("--version", "medius-guard " MEDIUS_VERSION);
  app.footer(
      "Starts starved. Holds when a daemon beats, wants torque, and a local reset was seen since "
      "both\nstarted. A doubt latches until the daemon is started anew and a local reset is seen. "
      "Exit codes:\n0 ended by a signal; 1 could not start, or --status without a guard; 2 wrong "
      "use.");
  app.add_option("--machine", options.machine, "machine file with a [guard] table");
  app.add_option("--name", options.name, "in place of [guard] name");
  app.add_option("--output", options.output, "gpio, serial, simulated or none");
  app.add_option("--device", options.device,
                 "serial line, gpio chip, or ADDRESS:PORT of medius-sim's relay");
  app.add_flag("--status", options.status, "print what a running guard says of itself and end");
  app.add_flag("--json", options.json, "print states as JSON, one a line");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "medius-guard: " << error.what() << "; medius-guard --help lists the options\n";
    return 2;
  }
  if (const auto ok = settle(options); !ok) return complain(ok.error());
  if (options.status) return show_status(options);
  struct sigaction action {};
  action.sa_handler = &on_end;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
  return guard_until_signal(options);
}
