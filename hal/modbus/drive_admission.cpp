// What a drive must prove when the link comes up: who it is, and that it keeps watchdog and limits.
#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/device_session.hpp"
#include "hal/modbus/force_rules.hpp"

namespace medius::hal::modbus {
namespace {

constexpr double kRatedTolerance = 0.01;
// Half the numbers away from those in use: whatever answers what is written at connect echoes none
// that the loop's commands soon carry.
constexpr unsigned kAdmissionSequenceStep = 0x8000;

}  // namespace

Admission DriveSession::admit(Connection& connection) {
  state_ = DriveState::kUnknown;
  reset_pulse_ = {};
  words_ = {};
  image_ = {};
  heartbeat_seen_ = false;
  transition_since_ns_ = 0;
  trouble_.clear();
  force_cap_ = plan_.force_cap;
  rated_ = plan_.rated_force;
  ReadImage config{};
  Admission admission;
  admission.outcome = read_config(connection, plan_, config);
  if (admission.outcome != Outcome::kOk) return admission;
  admission.refusal = check_identity(config);
  if (!admission.refusal.empty()) return admission;
  admission = run_init(connection, plan_, rated_);
  if (admission.outcome != Outcome::kOk || !admission.refusal.empty()) return admission;
  for (const ForceReduction& each : plan_.reductions) {
    admission.warnings.push_back(fmt::format("{}: {}; its force limit is reduced to {:.0f} {}",
                                             plan_.name, each.why, each.limit,
                                             force_unit(plan_.coordinate)));
  }

  LinkCounters ignored;
  RoundInput round;
  round.sequence = static_cast<std::uint16_t>(last_sequence_ + kAdmissionSequenceStep);
  round.output.axis[static_cast<std::size_t>(plan_.axis)].force_limit = plan_.force_limit;
  encode(round, image_.out, ignored);
  admission.outcome = write_all(connection, plan_, image_.out);
  if (admission.outcome != Outcome::kOk) return admission;
  last_sequence_ = round.sequence;
  admission.outcome = read_config(connection, plan_, config);
  if (admission.outcome != Outcome::kOk) return admission;
  take_limits(config);
  admission.refusal = check_limits(config, admission);
  return admission;
}

std::string DriveSession::check_identity(const ReadImage& config) {
  const DeviceDescriptor& d = plan_.descriptor;
  if (d.map_version != 0) {
    const auto version = get_raw(d.field(Field::kMapVersion), config.data());
    if (version != d.map_version) {
      return fmt::format(
          "{}: register map version is {}, {} describes {}; use the descriptor of this "
          "firmware",
          plan_.name, version, d.path, d.map_version);
    }
  }
  if (d.field(Field::kCoordinate).present) {
    const auto kind = get_raw(d.field(Field::kCoordinate), config.data());
    if (kind != static_cast<std::int64_t>(plan_.coordinate)) {
      return fmt::format(
          "{}: the device moves in coordinate kind {} (0 cable, 1 lever), the axis is {}; "
          "check which machine this is",
          plan_.name, kind, static_cast<int>(plan_.coordinate));
    }
  }
  if (!d.field(Field::kRatedForce).present) return {};
  rated_ = get_value(d.field(Field::kRatedForce), config.data(), 0.0);
  if (!(absolute(rated_ - plan_.rated_force) <= kRatedTolerance * plan_.rated_force)) {
    return fmt::format(
        "{}: the drive is rated {:.1f} {}, the machine file says {:.1f}; torque words are "
        "fractions of it, so correct the machine file or the drive",
        plan_.name, rated_, force_unit(plan_.coordinate), plan_.rated_force);
  }
  return {};
}

void DriveSession::reduce(Admission& admission, const std::string& why) {
  force_cap_ = at_most(force_cap_, reduced_force(plan_.coordinate));
  admission.warnings.push_back(fmt::format("{}: {}; its force limit is reduced to {:.0f} {}",
                                           plan_.name, why, force_cap_,
                                           force_unit(plan_.coordinate)));
}

// Limits that cannot be read are those that were written at connect, or none.
void DriveSession::take_limits(const ReadImage& config) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto in_force = [&](LimitHeld held, Field field, double at_connect) {
    if (held == LimitHeld::kRegister) return get_value(d.field(field), config.data(), rated_);
    return at_connect;
  };
  force_limit_in_force_ = in_force(d.torque_limit, Field::kForceLimitInForce, plan_.force_cap);
  speed_limit_in_force_ = in_force(d.speed_limit, Field::kSpeedLimitInForce,
                                   d.speed_limit == LimitHeld::kInit ? plan_.speed_limit : 0.0);
}

std::string DriveSession::check_limits(const ReadImage& config, Admission& admission) {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto count_of = [&](Field field) {
    const RegisterSpec& spec = d.field(field);
    return absolute(spec.of_rated() ? spec.scale * rated_ : spec.scale);
  };
  if (d.torque_limit == LimitHeld::kRegister &&
      !(force_limit_in_force_ <= force_cap_ + count_of(Field::kForceLimitInForce))) {
    return fmt::format(
        "{}: the drive keeps a torque limit of {:.1f} {} where {:.1f} was asked for; "
        "refused for force; check that the limit can be written",
        plan_.name, force_limit_in_force_, force_unit(plan_.coordinate), force_cap_);
  }
  std::string refusal = check_watchdog(config, admission);
  if (!refusal.empty()) return refusal;
  if (d.speed_limit == LimitHeld::kRegister &&
      (speed_limit_in_force_ <= 0.0 ||
       speed_limit_in_force_ > plan_.speed_limit + count_of(Field::kSpeedLimitInForce))) {
    reduce(admission, "the drive holds no speed limit of its own");
    speed_limit_in_force_ = 0.0;
  }
  return {};
}

std::string DriveSession::check_watchdog(const ReadImage& config, Admission& admission) {
  const DeviceDescriptor& d = plan_.descriptor;
  const bool readable = d.field(Field::kWatchdogInForce).present;
  const double held_s =
      readable ? get_value(d.field(Field::kWatchdogInForce), config.data(), rated_)
               : clamped(plan_.watchdog_s, d.watchdog_min_ms * 1e-3, d.watchdog_max_ms * 1e-3);
  const double watchdog_s = d.watchdog == WatchdogCounts::kNone ? 0.0 : held_s;
  if (watchdog_s <= 0.0 || watchdog_s > kWatchdogReducedS) {
    if (!relay_stands_in_) {
      return fmt::format(
          "{}: the drive has no communication watchdog within {:.0f} ms (it says {:.0f} ms) "
          "and no safe-state relay stands in; refused for force; set the watchdog",
          plan_.name, kWatchdogReducedS * 1e3, watchdog_s * 1e3);
    }
    admission.warnings.push_back(
        fmt::format("{}: no communication watchdog; the safe-state relay stands in", plan_.name));
  } else if (readable && watchdog_s > kWatchdogFullForceS + 0.5e-3) {
    reduce(admission,
           fmt::format("its watchdog takes {:.0f} ms, full force needs {:.0f} ms or less",
                       watchdog_s * 1e3, kWatchdogFullForceS * 1e3));
  }
  return {};
}

}  // namespace medius::hal::modbus
