// What an order may ask for: pure checks against the machine file, the profile and the set under
// way.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "controller/station/machine_config.hpp"
#include "controller/station/plugin_host.hpp"
#include "controller/station/program.hpp"
#include "controller/station/station.hpp"

namespace medius::station {

// Users are capped here unless a therapist raises it (the law itself allows 2.0).
inline constexpr double kUserEccentricRatioMax = 1.5;
// Seconds of a pull at a handle that stands still: shorter is a knock, longer nobody pulls with all
// their strength.
inline constexpr double kHoldMinS = 1.0, kHoldMaxS = 30.0;
// Without the machine: of each repetition, and of a whole set.
inline constexpr double kGuidedHoldMaxS = 120.0, kGuidedDurationMaxS = 600.0;
inline constexpr std::size_t kMaxTextLength = 64;  // ids that clients choose

// Nothing = fine.
using Check = std::optional<Refusal>;

// Empty when the id is 1..64 printable ASCII characters.
[[nodiscard]] Check check_request_id(const std::string& request_id);

// Which axis trains a side: the axis of the coordinate kind; of two lever arms the first is left.
[[nodiscard]] std::optional<std::size_t> axis_for(const MachineConfig& machine,
                                                  hal::CoordinateKind kind, record::Side side);
// All axes that train a side: both lever arms for both legs, else one. Empty: the machine cannot.
[[nodiscard]] std::vector<std::size_t> axes_for(const MachineConfig& machine,
                                                hal::CoordinateKind kind, record::Side side);

struct LoadCheck {
  double load = 0.0;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  double eccentric_ratio = 1.0;  // largest felt force over base load
};
// Finite, not negative, in the axis' unit, within user_force_max also on the way back.
[[nodiscard]] Check check_load(const AxisMachineConfig& axis, const LoadCheck& check);

// Loads that differ by less are the same load: ramps add up rounding, and the loop calls a load
// applied when it is this near to what was ordered.
inline constexpr double kLoadRounding = 1e-6;  // N | Nm

// An increase by more than load_step_max over the load in force.
[[nodiscard]] Check check_load_step(const AxisMachineConfig& axis, double in_force, double load);

[[nodiscard]] const ParameterInfo* find_parameter(const ProfileInfo& profile,
                                                  const std::string& name);
[[nodiscard]] Check check_parameter(const ProfileInfo& profile, const ParameterInfo& parameter,
                                    double value,
                                    ParameterAuthority authority = ParameterAuthority::kUser);
// The profile's largest felt force over base load: its eccentric_ratio, 1 when it has none.
[[nodiscard]] double eccentric_ratio(const ProfileInfo& profile, const ProfileChoice& choice);

// A whole prescription on this machine: sides, counts, tempo, load, profile and its parameters.
[[nodiscard]] Check check_block(const MachineConfig& machine, const PluginHost& plugins,
                                const ProgramBlock& block);

}  // namespace medius::station
