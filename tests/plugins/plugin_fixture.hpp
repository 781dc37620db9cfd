// A profile in the hands of a test: loaded by the host, stepped tick by tick.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "controller/station/plugin_host.hpp"

namespace medius::test {

inline medius_activation_t activation(double force_max = 600.0, double velocity_max = 0.8) {
  medius_activation_t result{};
  result.size = sizeof(result);
  result.coordinate = MEDIUS_COORDINATE_CABLE;
  result.dt_s = 1e-3;
  result.force_max = force_max;
  result.velocity_max = velocity_max;
  return result;
}

inline medius_activation_t lever() {
  auto result = activation(250.0, 4.0);
  result.coordinate = MEDIUS_COORDINATE_LEVER;
  return result;
}

inline medius_step_in_t input(medius_phase_t phase, double velocity, double base_force) {
  medius_step_in_t in{};
  in.size = sizeof(in);
  in.phase = phase;
  in.dt_s = 1e-3;
  in.velocity = velocity;
  in.base_force = base_force;
  return in;
}

inline std::unique_ptr<rt::ProfileInstance> make(
    station::PluginHost& host, const std::string& id,
    const std::map<std::string, double>& parameters = {},
    const medius_activation_t& with = activation()) {
  auto made = host.create(id, parameters, with);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return made ? std::move(*made) : nullptr;
}

// `seconds` in one phase at one speed; returns the last force.
inline double run(rt::ProfileInstance& profile, const medius_step_in_t& in, double seconds) {
  rt::ProfileOutput out;
  for (int i = 0; i < static_cast<int>(seconds * 1000.0 + 0.5); ++i) out = profile.step(in);
  EXPECT_TRUE(out.ok);
  return out.force;
}

}  // namespace medius::test
