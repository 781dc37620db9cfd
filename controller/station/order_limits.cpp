#include "controller/station/order_limits.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "controller/record/export.hpp"

namespace medius::station {
namespace {

constexpr const char* kEccentricRatio = "eccentric_ratio";

Refusal refusal(RefusalCode code, std::string message) {
  return {code, std::move(message)};
}

const char* force_unit(hal::CoordinateKind kind) {
  return kind == hal::CoordinateKind::kCable ? "N" : "Nm";
}

bool is_whole(double x) {
  return std::floor(x) == x;
}

Check check_sides_and_counts(const ProgramBlock& block) {
  if (block.sides.empty()) {
    return refusal(RefusalCode::kInvalid, "the prescription names no side; name left or right");
  }
  for (const record::Side side : block.sides) {
    if (side == record::Side::kNone) {
      return refusal(RefusalCode::kInvalid, "a side is not named; name left, right or both");
    }
  }
  if (block.reps < 1 || block.reps > 200) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("reps is {}, it must be within 1 and 200", block.reps));
  }
  if (block.sets < 1 || block.sets > 20) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("sets is {}, it must be within 1 and 20", block.sets));
  }
  return std::nullopt;
}

Check check_times(const ProgramBlock& block) {
  const measure::Tempo& tempo = block.tempo;
  for (const double s : {tempo.concentric_s, tempo.hold_s, tempo.eccentric_s, tempo.bottom_s}) {
    if (!(s >= 0.0 && s <= 60.0)) {
      return refusal(RefusalCode::kInvalid,
                     fmt::format("a tempo of {} s a phase cannot be paced; use 0 to 60 s", s));
    }
  }
  if (!(block.rest_s >= 0.0 && block.rest_s <= 1800.0)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("rest is {} s, it must be within 0 and 1800 s", block.rest_s));
  }
  if (!(block.range_target >= 0.0 && block.range_target <= 2.0)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("range_target is {}, it must be within 0 (from the person) and 2",
                               block.range_target));
  }
  return std::nullopt;
}

// Without the machine there is no load, and nothing of the machine to check.
Check check_guided(const ProgramBlock& block) {
  if (!(block.hold_s >= 0.0 && block.hold_s <= kGuidedHoldMaxS)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("hold is {} s, of an exercise without the machine it must be within "
                               "0 and {:.0f} s",
                               block.hold_s, kGuidedHoldMaxS));
  }
  if (!(block.duration_s >= 0.0 && block.duration_s <= kGuidedDurationMaxS)) {
    return refusal(RefusalCode::kInvalid, fmt::format("duration is {} s, it must be within 0 and "
                                                      "{:.0f} s",
                                                      block.duration_s, kGuidedDurationMaxS));
  }
  return std::nullopt;
}

// A test of how hard somebody pulls at a handle that stands still needs one that does.
Check check_hold(const MachineConfig& machine, const ProfileInfo& profile,
                 const ProgramBlock& block) {
  if (!(block.hold_s > 0.0)) return std::nullopt;
  if (!(block.hold_s >= kHoldMinS && block.hold_s <= kHoldMaxS)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("hold is {} s, it must be within {:.0f} and {:.0f} s", block.hold_s,
                               kHoldMinS, kHoldMaxS));
  }
  if (!profile.commands_motion) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("profile '{}' does not hold the handle still, but the block has "
                               "holds; choose isometric",
                               profile.id));
  }
  for (const AxisMachineConfig& axis : machine.axes) {
    if (axis.engine.coordinate != block.coordinate || axis.engine.drive_velocity_mode) continue;
    const double give = 100.0 * rt::servo_compliance(axis.engine.control.reflected_mass);
    const bool cable = block.coordinate == hal::CoordinateKind::kCable;
    return refusal(
        RefusalCode::kInvalid,
        fmt::format("axis '{}' has a drive without a velocity mode: its handle gives way by {:.0f} "
                    "{} for 100 {}, which is no hold; use another machine or set "
                    "drive_velocity_mode",
                    axis.name, 1e3 * give, cable ? "mm" : "mrad", cable ? "N" : "Nm"));
  }
  return std::nullopt;
}

Check check_linked_side(const AxisMachineConfig& axis, record::Side side) {
  const bool one = side == record::Side::kLeft || side == record::Side::kRight;
  if (!axis.engine.linked_arms || !one) return std::nullopt;
  return refusal(RefusalCode::kInvalid,
                 fmt::format("side is {}, but linked arms move both legs; order both sides",
                             record::to_string(side)));
}

}  // namespace

Check check_request_id(const std::string& request_id) {
  const bool printable =
      std::all_of(request_id.begin(), request_id.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!request_id.empty() && request_id.size() <= kMaxTextLength && printable) return std::nullopt;
  return refusal(RefusalCode::kInvalid,
                 fmt::format("request_id has {} characters; send 1 to {} printable ones without "
                             "spaces, new for each intent",
                             request_id.size(), kMaxTextLength));
}

std::optional<std::size_t> axis_for(const MachineConfig& machine, hal::CoordinateKind kind,
                                    record::Side side) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < machine.axes.size(); ++i) {
    if (machine.axes[i].engine.coordinate != kind) continue;
    found = i;
    if (kind == hal::CoordinateKind::kCable || side != record::Side::kRight) break;
  }
  return found;
}

std::vector<std::size_t> axes_for(const MachineConfig& machine, hal::CoordinateKind kind,
                                  record::Side side) {
  std::vector<std::size_t> axes;
  if (kind == hal::CoordinateKind::kLever && side == record::Side::kBoth) {
    for (std::size_t i = 0; i < machine.axes.size(); ++i) {
      if (machine.axes[i].engine.coordinate == kind) axes.push_back(i);
    }
  } else if (const auto axis = axis_for(machine, kind, side)) {
    axes.push_back(*axis);
  }
  return axes;
}

Check check_load(const AxisMachineConfig& axis, const LoadCheck& check) {
  const hal::CoordinateKind kind = axis.engine.coordinate;
  const char* unit = force_unit(kind);
  if (check.coordinate != kind) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("the load is in {}, but axis '{}' takes {}; send it in {}",
                               force_unit(check.coordinate), axis.name, unit, unit));
  }
  if (!is_finite(check.load) || !(check.load >= 0.0)) {
    return refusal(
        RefusalCode::kInvalid,
        fmt::format("a load of {} {} is not possible; send a finite load of 0 {} or more",
                    check.load, unit, unit));
  }
  if (!(axis.user_force_max > 0.0)) {
    return refusal(RefusalCode::kOverLimit,
                   fmt::format("axis '{}' has no user_force_max, which means 0 {}; set it in the "
                               "machine file",
                               axis.name, unit));
  }
  if (check.load > axis.user_force_max) {
    return refusal(
        RefusalCode::kOverLimit,
        fmt::format("a load of {} {} is over user_force_max of axis '{}', {} {}; lower it",
                    check.load, unit, axis.name, axis.user_force_max, unit));
  }
  const double felt = check.load * check.eccentric_ratio;
  if (!(felt <= axis.user_force_max)) {
    return refusal(
        RefusalCode::kOverLimit,
        fmt::format("a load of {} {} times eccentric ratio {} is {:.1f} {}, over user_force_max of "
                    "axis '{}', {} {}; lower the load to {:.1f} {} or the ratio",
                    check.load, unit, check.eccentric_ratio, felt, unit, axis.name,
                    axis.user_force_max, unit, axis.user_force_max / check.eccentric_ratio, unit));
  }
  return std::nullopt;
}

Check check_load_step(const AxisMachineConfig& axis, double in_force, double load) {
  const double step = load - in_force;
  if (step <= axis.load_step_max + kLoadRounding) return std::nullopt;
  const char* unit = force_unit(axis.engine.coordinate);
  return refusal(RefusalCode::kOverLimit,
                 fmt::format("a load of {} {} is {:.1f} {} above the load in force, {:.1f} {}; "
                             "load_step_max is {} {}: raise it to {:.1f} {} first",
                             load, unit, step, unit, in_force, unit, axis.load_step_max, unit,
                             in_force + axis.load_step_max, unit));
}

const ParameterInfo* find_parameter(const ProfileInfo& profile, const std::string& name) {
  for (const ParameterInfo& parameter : profile.parameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

Check check_parameter(const ProfileInfo& profile, const ParameterInfo& parameter, double value,
                      ParameterAuthority authority) {
  if (!is_finite(value)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("{} of profile '{}' must be finite", parameter.name, profile.id));
  }
  if (!(value >= parameter.min && value <= parameter.max)) {
    return refusal(
        RefusalCode::kOverLimit,
        fmt::format("{} of profile '{}' is {}, it must be within {} and {} ({})", parameter.name,
                    profile.id, value, parameter.min, parameter.max, parameter.unit));
  }
  if (value > parameter.user_max && authority != ParameterAuthority::kTherapist) {
    return refusal(RefusalCode::kOverLimit,
                   fmt::format("{} of profile '{}' is {}, at most {} without a therapist; lower it",
                               parameter.name, profile.id, value, parameter.user_max));
  }
  if ((parameter.flags & MEDIUS_PARAM_STEPPED) != 0 && !is_whole(value)) {
    return refusal(RefusalCode::kInvalid,
                   fmt::format("{} of profile '{}' is {}, it must be a whole number",
                               parameter.name, profile.id, value));
  }
  return std::nullopt;
}

double eccentric_ratio(const ProfileInfo& profile, const ProfileChoice& choice) {
  const ParameterInfo* parameter = find_parameter(profile, kEccentricRatio);
  if (parameter == nullptr) return 1.0;
  const auto chosen = choice.parameters.find(kEccentricRatio);
  const double ratio =
      chosen == choice.parameters.end() ? parameter->default_value : chosen->second;
  return at_least(ratio, 1.0);
}

Check check_block(const MachineConfig& machine, const PluginHost& plugins,
                  const ProgramBlock& block) {
  if (Check wrong = check_sides_and_counts(block)) return wrong;
  if (Check wrong = check_times(block)) return wrong;
  if (block.guided) return check_guided(block);
  const auto profile = plugins.profiles().find(block.profile.id);
  if (profile == plugins.profiles().end()) {
    std::string known;
    for (const auto& [id, info] : plugins.profiles()) known += (known.empty() ? "" : ", ") + id;
    return refusal(RefusalCode::kNotFound,
                   fmt::format("profile '{}' is not loaded; choose one of: {}", block.profile.id,
                               known.empty() ? "none" : known));
  }
  if ((profile->second.coordinates & (1u << static_cast<unsigned>(block.coordinate))) == 0) {
    return refusal(
        RefusalCode::kInvalid,
        fmt::format("profile '{}' does not run on a {} axis; choose another profile",
                    block.profile.id,
                    block.coordinate == hal::CoordinateKind::kCable ? "cable" : "lever"));
  }
  if (Check wrong = check_hold(machine, profile->second, block)) return wrong;
  for (const auto& [name, value] : block.profile.parameters) {
    const ParameterInfo* parameter = find_parameter(profile->second, name);
    if (parameter == nullptr) {
      return refusal(RefusalCode::kNotFound,
                     fmt::format("profile '{}' has no parameter '{}'; 'medius profiles' lists them",
                                 block.profile.id, name));
    }
    if (Check wrong = check_parameter(profile->second, *parameter, value)) return wrong;
  }
  for (const record::Side side : block.sides) {
    const auto axes = axes_for(machine, block.coordinate, side);
    if (axes.empty()) {
      const bool cable = block.coordinate == hal::CoordinateKind::kCable;
      return refusal(
          RefusalCode::kInvalid,
          fmt::format(
              "exercise '{}': a load of {:g} {} needs a {} axis, which {} does not have; give "
              "the load as {}, or choose an exercise for this machine",
              block.exercise_id, block.load, cable ? "N" : "Nm", cable ? "cable" : "lever",
              machine.name, cable ? "load_nm" : "load_n"));
    }
    if (Check wrong = check_linked_side(machine.axes[axes.front()], side)) return wrong;
    const LoadCheck load{block.load, block.coordinate,
                         eccentric_ratio(profile->second, block.profile)};
    for (const std::size_t axis : axes) {
      if (Check wrong = check_load(machine.axes[axis], load)) return wrong;
    }
  }
  return std::nullopt;
}

}  // namespace medius::station
