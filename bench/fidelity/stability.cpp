#include "bench/fidelity/stability.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace medius::bench {
namespace {

constexpr double kDeadTimesMs[] = {0.5, 1.0, 1.5, 2.0,  2.5,  3.0,  4.0,
                                   5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0};
constexpr double kAttachmentsNpm[] = {2e3, 10e3, 30e3, 100e3};
constexpr double kFrictions[] = {0.15, 0.5, 1.0, 2.0};
constexpr double kMassRatios[] = {1.0, 1.3};
constexpr double kLowFriction = 0.15;

const BenchController kC0{.name = "C0"};
const BenchController kD8{.name = "D8", .kp = 0.08, .kd_s = 0.0005};
const BenchController kD25{.name = "D25", .kp = 0.25, .kd_s = 0.00125};
const BenchController kFrictionFed{.name = "friction feed-forward 70 %", .friction_share = 0.7};
const BenchController kForcePid{.name = "force PID",
                                .kp = 1.5,
                                .kd_s = 0.010,
                                .observer = false,
                                .friction_share = 0.7,
                                .integral_per_s = 15.0};
const BenchController kInertia{
    .name = "inertia compensation 50 %", .friction_share = 0.7, .inertia_share = 0.5};

// Dead time to which a controller must not swing, ms. A mass rounded up by 30 % costs margin where
// friction is low and the attachment stiff: the observer then cancels more than there is, and
// 100 kN/m reaches the frequency where that matters; so that corner has limits of its own.
struct Limit {
  const BenchController* controller;
  double ms;
  double corner_ms;  // mass x 1.3, friction x 0.15, 100 kN/m
};
const Limit kLimits[] = {{&kC0, 10.0, 5.0}, {&kD8, 4.0, 2.5}, {&kD25, 2.0, 1.5}};

nlohmann::ordered_json sweep_row(const Limit& limit, double friction, double attachment_npm,
                                 double mass_ratio) {
  const ClampCase what{*limit.controller, 0.0, attachment_npm, friction, mass_ratio};
  const double largest_ms = 1e3 * largest_dead_time_s(what);
  const bool corner = mass_ratio > 1.0 && friction == kLowFriction && attachment_npm >= 100e3;
  const double wanted_ms = corner ? limit.corner_ms : limit.ms;
  return {{"controller", limit.controller->name},
          {"friction", friction},
          {"attachment_kn_per_m", attachment_npm / 1e3},
          {"mass_ratio", mass_ratio},
          {"stable_to_ms", largest_ms},
          {"wanted_ms", wanted_ms},
          {"reached", largest_ms >= wanted_ms}};
}

// What is known to break must break here too, or the sweep could not see it.
nlohmann::ordered_json negative(const char* must, bool fails, const ClampResult& result) {
  return {{"control", must},
          {"fails_as_it_should", fails},
          {"kicked_n", result.kicked_n},
          {"left_n", result.left_n}};
}

nlohmann::ordered_json negative_controls() {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  // The worst of the attachments stands for each.
  const auto worst = [](const BenchController& controller, double dead_time_s, double friction,
                        double mass_ratio) {
    ClampResult found;
    found.stable = true;
    for (const double attachment_npm : kAttachmentsNpm) {
      const ClampResult one =
          run_clamp({controller, dead_time_s, attachment_npm, friction, mass_ratio});
      if (found.stable && (!one.stable || one.left_n > found.left_n)) found = one;
    }
    return found;
  };
  const ClampResult light = worst(kC0, 0.0015, kLowFriction, 0.5);
  out.push_back(
      negative("mass estimate x 0.5 with low friction is unstable", !light.stable, light));
  const ClampResult fed = worst(kFrictionFed, 0.0015, kLowFriction, 1.0);
  out.push_back(
      negative("friction feed-forward 70 % with friction x 0.15: the oscillation detector fires",
               fed.detected, fed));
  const ClampResult pid = worst(kForcePid, 0.0015, kLowFriction, 1.0);
  out.push_back(
      negative("force PID 1.5/15/10 ms with friction x 0.15 is unstable", !pid.stable, pid));
  const ClampResult inertia = run_clamp({kInertia, 0.0015, 100e3, 1.0, 1.0});
  out.push_back(
      negative("inertia compensation 50 % at 100 kN/m is unstable", !inertia.stable, inertia));
  return out;
}

}  // namespace

double largest_dead_time_s(const ClampCase& what) {
  double largest_ms = 0.0;
  for (const double ms : kDeadTimesMs) {
    ClampCase at = what;
    at.dead_time_s = 1e-3 * ms;
    if (!run_clamp(at).stable) break;
    largest_ms = ms;
  }
  return 1e-3 * largest_ms;
}

nlohmann::ordered_json sweep_stability(bool quick) {
  nlohmann::ordered_json out;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  int missed = 0;
  for (const Limit& limit : kLimits) {
    for (const double friction : kFrictions) {
      for (const double mass_ratio : kMassRatios) {
        if (quick && (friction != kLowFriction || limit.controller == &kC0)) continue;
        for (const double attachment_npm : kAttachmentsNpm) {
          rows.push_back(sweep_row(limit, friction, attachment_npm, mass_ratio));
          if (!rows.back()["reached"].get<bool>()) ++missed;
        }
        std::fprintf(stderr, "stability: %s, friction x %.2f, mass x %.1f\n",
                     limit.controller->name.c_str(), friction, mass_ratio);
      }
    }
  }
  out["rows_missed"] = missed;
  out["negative_controls"] = negative_controls();
  out["rows"] = std::move(rows);
  return out;
}

void print_stability(const nlohmann::ordered_json& sweep) {
  std::printf(
      "\nStable to a dead time of ... ms (clamped cuff, kick of 60 N); wanted in brackets\n");
  std::printf("%-6s %9s %6s   2 kN/m      10 kN/m     30 kN/m     100 kN/m\n", "", "friction",
              "mass");
  std::string last;
  for (const auto& row : sweep["rows"]) {
    char head[64];
    std::snprintf(head, sizeof head, "%-6s  x %5.2f  x %.1f",
                  row["controller"].get<std::string>().c_str(), row["friction"].get<double>(),
                  row["mass_ratio"].get<double>());
    if (head != last) std::printf("%s%s  ", last.empty() ? "" : "\n", head);
    last = head;
    std::printf("%5.1f (%4.1f)%s", row["stable_to_ms"].get<double>(),
                row["wanted_ms"].get<double>(), row["reached"].get<bool>() ? " " : "!");
  }
  std::printf("\n\nNegative controls\n");
  for (const auto& row : sweep["negative_controls"]) {
    std::printf("  %-4s %s\n", row["fails_as_it_should"].get<bool>() ? "yes" : "NO",
                row["control"].get<std::string>().c_str());
  }
}

}  // namespace medius::bench
