// medius-injections: profiles that misbehave in every known way, one after the other, in one loop
// that must outlive them all. Each is a plugin through the C ABI, as the host runs it.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "controller/base/random.hpp"
#include "controller/rt/host/plugin_watch.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "controller/station/plugin_instance.hpp"
#include "tests/rt/fake_machine.hpp"

namespace medius::rt::test {

// Visible outside this file, so that the compiler cannot conclude that nobody ever changes them.
std::atomic<int> injected_zero{0};
int descend(int depth);
std::atomic<int (*)(int)> further{&descend};
std::atomic<volatile int*> nowhere{nullptr};

[[gnu::noinline]] int descend(int depth) {
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return further.load()(depth + 1) + frame[0];
}

namespace {

using nlohmann::ordered_json;
using safety::FaultCode;
using Out = medius_step_out_t;

struct Kind {
  const char* name;
  FaultCode fault;
  int ticks;  // within which it must be found; 1: before anything of it is felt
  void (*commit)(Out& out, std::uint64_t call);
};

void hang(Out&, std::uint64_t) {
  while (injected_zero.load(std::memory_order_relaxed) == 0) {
  }
}
void overflow_stack(Out& out, std::uint64_t) {
  out.force = further.load()(1);
}
void write_behind(Out& out, std::uint64_t call) {
  // A field that a later version of the structure might have.
  auto* bytes = reinterpret_cast<unsigned char*>(&out);
  std::memset(bytes + sizeof out, 0x11, 8 + 8 * (call % 8));
}

// A wish that swings is found by its swings, after some of them.
constexpr int kOscillationTicks = 2000;
const std::array<Kind, 13> kKinds{{
    {"nan", FaultCode::kPluginNotFinite, 1,
     [](Out& out, std::uint64_t) { out.force = std::numeric_limits<double>::quiet_NaN(); }},
    {"infinite", FaultCode::kPluginNotFinite, 1,
     [](Out& out, std::uint64_t) { out.force = std::numeric_limits<double>::infinity(); }},
    {"huge", FaultCode::kPluginOutOfRange, 1, [](Out& out, std::uint64_t) { out.force = 1e30; }},
    {"negative", FaultCode::kPluginOutOfRange, 1,
     [](Out& out, std::uint64_t) { out.force = -50.0; }},
    {"oscillating", FaultCode::kPluginOscillates, kOscillationTicks,
     [](Out& out, std::uint64_t call) { out.force = call % 50 < 25 ? 0.0 : 80.0; }},
    {"hang", FaultCode::kPluginOverBudget, 1, hang},
    {"segmentation-fault", FaultCode::kPluginCrashed, 1,
     [](Out& out, std::uint64_t) { out.force = *nowhere.load(); }},
    {"write-to-nowhere", FaultCode::kPluginCrashed, 1,
     [](Out&, std::uint64_t) { *nowhere.load() = 1; }},
    {"division-by-zero", FaultCode::kPluginCrashed, 1,
     [](Out& out, std::uint64_t) { out.force = 1000 / injected_zero.load(); }},
    {"illegal-instruction", FaultCode::kPluginCrashed, 1,
     [](Out&, std::uint64_t) { __builtin_trap(); }},
    {"abort", FaultCode::kPluginCrashed, 1, [](Out&, std::uint64_t) { std::abort(); }},
    {"stack-overflow", FaultCode::kPluginCrashed, 1, overflow_stack},
    {"writes-behind-its-output", FaultCode::kPluginError, 1, write_behind},
}};

// ---- the plugin ---------------------------------------------------------------------------------
const Kind* g_crime = nullptr;  // null: an honest profile
std::uint64_t g_calls = 0;

void nothing(const medius_plugin_t*) {}
std::int32_t step(const medius_plugin_t*, const medius_step_in_t* in, medius_step_out_t* out) {
  ++g_calls;
  out->force = in->base_force;
  if (g_crime != nullptr) g_crime->commit(*out, g_calls);
  return MEDIUS_STEP_OK;
}
const void* no_extension(const medius_plugin_t*, const char*) {
  return nullptr;
}
medius_plugin_t make_plugin() {
  medius_plugin_t plugin{};
  plugin.deactivate = nothing;
  plugin.destroy = nothing;
  plugin.reset = nothing;
  plugin.step = step;
  plugin.get_extension = no_extension;
  return plugin;
}

std::int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

struct Result {
  std::map<std::string, std::uint64_t> by_kind;
  std::uint64_t injections = 0, same_tick = 0, latched = 0, sets = 0, ticks = 0;
  double largest_step_n = 0.0;                    // of the felt force, in the tick of the crime
  std::vector<double> hang_cpu_us, hang_wall_us;  // of the tick with the hang
  std::vector<double> crash_cpu_us;
  std::vector<std::string> problems;
};

class Injections {
 public:
  Injections(std::uint64_t seed, PluginWatch& watch)
      : random_(seed), bench_(fake_config(), &watch) {
    bench_.take_up();
  }

  void one(const Kind& kind) {
    station::PluginInstance profile(&plugin_, {}, {}, kTickPeriodS);
    g_crime = nullptr;
    bench_.send(CommandKind::kStartSet, kLoadN, 0.0, 0, &profile);
    bench_.send(CommandKind::kEngage);
    bench_.run(600 + static_cast<int>(random_.below(50)));
    if (bench_.status.axis[0].profile_latched_off || bench_.status.fault != FaultCode::kNone) {
      return problem(kind, "the loop was not ready for the next set");
    }
    ++result.sets;
    strike(kind);
    recover(kind);
    ++result.injections;
    ++result.by_kind[kind.name];
  }

  Result result;

 private:
  static constexpr double kLoadN = 30.0;
  static constexpr double kFeltStepMaxN = 4.0;  // the kernel lets a force fall by so much a tick

  void problem(const Kind& kind, const std::string& what) {
    result.problems.push_back(fmt::format("{}: {}", kind.name, what));
  }

  void strike(const Kind& kind) {
    const double before = bench_.status.axis[0].force_target;
    const std::int64_t cpu = now_ns(CLOCK_THREAD_CPUTIME_ID), wall = now_ns(CLOCK_MONOTONIC);
    g_crime = &kind;
    bench_.tick();
    const auto cpu_us = static_cast<double>(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e-3;
    const auto wall_us = static_cast<double>(now_ns(CLOCK_MONOTONIC) - wall) * 1e-3;
    if (kind.fault == FaultCode::kPluginOverBudget) {
      result.hang_cpu_us.push_back(cpu_us);
      result.hang_wall_us.push_back(wall_us);
    }
    if (kind.fault == FaultCode::kPluginCrashed) result.crash_cpu_us.push_back(cpu_us);
    const double step_n = absolute(bench_.status.axis[0].force_target - before);
    if (!(step_n <= kFeltStepMaxN)) problem(kind, fmt::format("felt force moved by {} N", step_n));
    result.largest_step_n = std::max(result.largest_step_n, step_n);
    int ticks = 1;
    while (bench_.status.fault == FaultCode::kNone && ticks < kind.ticks) {
      bench_.tick();
      ++ticks;
    }
    if (ticks == 1) ++result.same_tick;
    // Eight megabytes of stack take about as long as a call may: whichever is met first.
    const bool too_long =
        kind.commit == overflow_stack && bench_.status.fault == FaultCode::kPluginOverBudget;
    if (bench_.status.fault != kind.fault && !too_long) {
      problem(kind, fmt::format("answered with fault {}", static_cast<int>(bench_.status.fault)));
    }
  }

  // Unloads by itself, never calls that profile again, and takes the next set.
  void recover(const Kind& kind) {
    if (bench_.status.axis[0].profile_latched_off) ++result.latched;
    const std::uint64_t calls = g_calls;
    bench_.run(600);
    if (g_calls != calls) problem(kind, "a profile that is latched off was called again");
    if (!(absolute(bench_.word()) < 600.0)) problem(kind, "a word beyond the machine's bounds");
    if (bench_.status.axis[0].load_state != safety::LoadState::kTakeUp) {
      problem(kind, "not unloaded within 600 ticks");
    }
    bench_.send(CommandKind::kEndSet);
    bench_.machine.state.panel.reset_pressed = true;
    bench_.run(20);
    bench_.machine.state.panel.reset_pressed = false;
    bench_.run(20);
    result.ticks += 1300;
    bench_.events.clear();
  }

  Random random_;
  medius_plugin_t plugin_ = make_plugin();
  Bench bench_;
};

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

ordered_json times_of(const std::vector<double>& us) {
  return {{"p50_us", percentile(us, 0.5)},
          {"p99_us", percentile(us, 0.99)},
          {"max_us", percentile(us, 1.0)}};
}

int run(std::uint64_t count, std::uint64_t seed, bool quiet) {
  // The daemon's own figures, but a wall budget that a busy host does not exceed by itself.
  PluginWatchConfig config;
  config.wall_budget_ns = 2'000'000'000;
  PluginWatch watch(config);
  Result result;
  bool fifo = false;
  std::thread([&] {
    for (const SetupStep& step : set_up_thread({80, -1, 0})) fifo = fifo || step.granted;
    watch.attach_this_thread();
    Injections injections(seed, watch);
    for (std::uint64_t i = 0; i < count && injections.result.problems.size() < 10; ++i) {
      injections.one(kKinds[i % kKinds.size()]);
      if (!quiet && i % 64 == 0) fmt::print(stderr, "\rinjections {}/{}\033[K", i, count);
    }
    watch.detach_this_thread();
    result = std::move(injections.result);
  }).join();
  if (!quiet) fmt::print(stderr, "\r\033[K");
  const ordered_json json = {{"injections", result.injections},
                             {"by_kind", result.by_kind},
                             {"same_tick", result.same_tick},
                             {"latched", result.latched},
                             {"loop_ticks", result.ticks},
                             {"largest_felt_step_n", result.largest_step_n},
                             {"calls_ended_over_budget", watch.calls_over_budget()},
                             {"calls_ended_crashed", watch.calls_crashed()},
                             {"fifo", fifo},
                             {"hang_to_next_tick_cpu", times_of(result.hang_cpu_us)},
                             {"hang_to_next_tick_wall", times_of(result.hang_wall_us)},
                             {"crash_to_next_tick_cpu", times_of(result.crash_cpu_us)},
                             {"problems", result.problems}};
  fmt::print("{}\n", json.dump());
  const bool all = result.injections == count && result.latched == count;
  return all && result.problems.empty() ? 0 : 1;
}

}  // namespace
}  // namespace medius::rt::test

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  if (count == 0) {
    std::fputs("usage: medius-injections COUNT [SEED]\n", stderr);
    return 2;
  }
  return medius::rt::test::run(count, seed, isatty(STDERR_FILENO) == 0);
}
