// How much dead time force control bears: the loop's own observer and control law on the plant,
// without the kernel, so that no clamp and no detector hides a growing swing.
//
// The cuff end is clamped through the cuff's stiffness and kicked by 60 N. Unstable: in the last
// half second of six the tension deviates by more than 4 N and by more than 0.7 of what it did just
// after the kick. The controller's constants stay while the plant changes.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace medius::bench {

// A force controller on the bench. The product has the first four fields; the others are what it
// must not have, for the negative controls.
struct BenchController {
  std::string name;
  double kp = 0.0, kd_s = 0.0;
  bool observer = true;
  double friction_share = 0.0;  // of a static friction model, fed forward
  double integral_per_s = 0.0;  // of the force error
  double inertia_share = 0.0;   // of the mass, compensated by the estimated acceleration
};

struct ClampCase {
  BenchController controller;
  double dead_time_s = 0.0015;
  double attachment_npm = 10e3;
  double friction = 1.0;    // x the plant's
  double mass_ratio = 1.0;  // controller's over what moves between encoder and load cell
};

struct ClampResult {
  bool stable = false;
  bool detected = false;  // the product's oscillation detector saw it
  double kicked_n = 0.0, left_n = 0.0;
};

[[nodiscard]] ClampResult run_clamp(const ClampCase& what);

// Largest stable dead time, s; 0 = none of the grid.
[[nodiscard]] double largest_dead_time_s(const ClampCase& what);

// The sweep and the negative controls of the clamp, with progress on standard error.
[[nodiscard]] nlohmann::ordered_json sweep_stability(bool quick);
void print_stability(const nlohmann::ordered_json& sweep);

}  // namespace medius::bench
