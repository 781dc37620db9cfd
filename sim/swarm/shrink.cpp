#include "sim/swarm/shrink.hpp"

#include <functional>

namespace medius::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const Scenario& scenario, const RunFiles& files, int runs_max)
      : files_(files), runs_max_(runs_max) {
    best_.scenario = scenario;
    kind_ = kind_of(scenario);
  }

  Shrunk run() {
    if (kind_.empty()) return best_;
    drop_faults();
    simplify([](Scenario& s) { s.raise_after_reps = 0; });
    simplify([](Scenario& s) {
      s.profile = "constant-tension";
      s.eccentric_ratio = 1.0;
    });
    simplify([](Scenario& s) { s.sway_m = 0.0; });
    simplify([](Scenario& s) { s.tempo_cv = 0.0; });
    simplify([](Scenario& s) {
      s.out_s = 2.0;
      s.hold_s = 1.0;
      s.back_s = 3.0;
    });
    simplify([](Scenario& s) { s.range_rad = 0.5; });
    simplify([](Scenario& s) { s.load_n = 60.0; });
    // Of fewer the person would not do the three that must be counted afterwards.
    while (best_.scenario.reps > 3 && simplify([](Scenario& s) { --s.reps; })) {
    }
    for (std::size_t i = 0; i < best_.scenario.faults.size(); ++i) {
      simplify([i](Scenario& s) { s.faults[i].after_reps = 0; });
      simplify([i](Scenario& s) { s.faults[i].delay_s = 0.0; });
      simplify([i](Scenario& s) { s.faults[i].intensity = 0.5; });
    }
    return best_;
  }

 private:
  std::string kind_of(const Scenario& scenario) {
    ++best_.runs;
    const auto verdict = run_scenario(scenario, files_);
    if (!verdict) return "";
    what_ = !verdict->violations.empty() ? verdict->violations.front().what : verdict->nuisance;
    if (best_.what.empty()) best_.what = what_;
    return trouble(*verdict);
  }
  bool simplify(const std::function<void(Scenario&)>& change) {
    if (best_.runs >= runs_max_) return false;
    Scenario candidate = best_.scenario;
    change(candidate);
    if (kind_of(candidate) != kind_) return false;
    best_.scenario = candidate;
    best_.what = what_;
    return true;
  }
  void drop_faults() {
    for (std::size_t i = best_.scenario.faults.size(); i-- > 0;) {
      simplify(
          [i](Scenario& s) { s.faults.erase(s.faults.begin() + static_cast<std::ptrdiff_t>(i)); });
    }
  }

  const RunFiles& files_;
  int runs_max_;
  std::string kind_, what_;
  Shrunk best_;
};

}  // namespace

std::string trouble(const Verdict& verdict) {
  if (!verdict.violations.empty()) {
    const std::string& what = verdict.violations.front().what;
    return what.substr(0, what.find(' '));
  }
  return verdict.nuisance.empty() ? "" : "nuisance";
}

Shrunk shrink(const Scenario& scenario, const RunFiles& files, int runs_max) {
  return Shrinker(scenario, files, runs_max).run();
}

}  // namespace medius::sim
