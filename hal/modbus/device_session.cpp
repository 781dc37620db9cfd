#include "hal/modbus/device_session.hpp"

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal::modbus {
namespace {

// up to this force the controller alone holds a released handle, without the
// drive's own speed limit or a short watchdog.
constexpr double kReducedForceCable = 200.0;
// The same share of the lever's largest moment (250 Nm against 600 N).
constexpr double kReducedForceLever = 83.0;
constexpr double kWatchdogFullForceS = 0.050;  // of force while nobody commands
constexpr double kWatchdogReducedS = 0.200;
constexpr double kRatedTolerance = 0.01;

constexpr std::int64_t kNsPerMs = 1'000'000;

bool counts_up(LinkCounters& counters, Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kOk:
      return true;
    case Outcome::kException:
      ++counters.exceptions;
      break;
    case Outcome::kTimeout:
      ++counters.timeouts;
      break;
    case Outcome::kProtocol:
      ++counters.protocol_errors;
      break;
    case Outcome::kClosed:
      ++counters.connection_errors;
      break;
  }
  return false;
}

const char* unit_of(CoordinateKind kind) noexcept {
  return kind == CoordinateKind::kCable ? "N" : "Nm";
}

struct Stamped {
  Outcome outcome = Outcome::kClosed;
  std::int64_t stamp_ns = 0;
};

// One round of a device: write and read, or read only, by the transaction it has.
Stamped transact(Connection& connection, const DevicePlan& plan, const RoundInput& round,
                 std::span<const std::uint16_t> out, std::span<std::uint16_t> in,
                 ExchangeStats& stats) {
  const DeviceDescriptor& d = plan.descriptor;
  const std::int64_t started_ns = monotonic_ns();
  Outcome outcome;
  if (!round.send || d.transaction == Transaction::kFc3) {
    outcome = connection.read(plan.unit_id, d.read.address, in);
  } else if (d.transaction == Transaction::kFc23) {
    outcome = connection.write_and_read(plan.unit_id, d.write.address, out, d.read.address, in);
  } else {
    outcome = connection.write(plan.unit_id, d.write.address, out);
    if (outcome == Outcome::kOk) outcome = connection.read(plan.unit_id, d.read.address, in);
  }
  stats.rtt_ns = monotonic_ns() - started_ns;
  ++stats.counters.transactions;
  static_cast<void>(counts_up(stats.counters, outcome));
  return {outcome, round.stamp_ns != 0 ? round.stamp_ns : started_ns + stats.rtt_ns / 2};
}

Exchange failed(Outcome outcome) noexcept {
  return outcome == Outcome::kException ? Exchange::kNotAccepted : Exchange::kLinkFailed;
}

Freshness renewed(const Freshness& last, std::int64_t stamp_ns, std::uint32_t epoch) noexcept {
  return {stamp_ns, last.sequence + 1, epoch, true};
}

}  // namespace

Admission DriveSession::admit(Connection& connection) {
  const DeviceDescriptor& d = plan_.descriptor;
  Admission admission;
  state_ = DriveState::kUnknown;
  reset_pulse_ = {};
  sequence_sent_ = heartbeat_seen_ = false;
  transition_since_ns_ = 0;
  trouble_.clear();
  force_cap_ = plan_.force_limit;
  if (d.config.words == 0 || !d.field(Field::kRatedForce).present ||
      !d.field(Field::kForceLimitInForce).present || !d.field(Field::kForceLimit).present) {
    admission.refusal = fmt::format(
        "{}: {} describes no torque limit that can be written and read back; without one the drive "
        "is "
        "refused for force; add torque_limit, torque_limit_in_force and rated_force",
        plan_.name, d.path);
    return admission;
  }
  ReadBlock config{};
  const std::span<std::uint16_t> words(config.data(), d.config.words);
  admission.outcome = connection.read(plan_.unit_id, d.config.address, words);
  if (admission.outcome != Outcome::kOk) return admission;
  admission.refusal = check_identity(config);
  if (!admission.refusal.empty()) return admission;

  LinkCounters ignored;
  WriteBlock block{};
  RoundInput round;
  round.output.axis[static_cast<std::size_t>(plan_.axis)].force_limit = plan_.force_limit;
  encode(round, block, ignored);
  admission.outcome = connection.write(plan_.unit_id, d.write.address,
                                       std::span<const std::uint16_t>(block.data(), d.write.words));
  if (admission.outcome != Outcome::kOk) return admission;
  admission.outcome = connection.read(plan_.unit_id, d.config.address, words);
  if (admission.outcome != Outcome::kOk) return admission;
  admission.refusal = check_limits(config, admission);
  return admission;
}

std::string DriveSession::check_identity(const ReadBlock& config) {
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
  rated_ = get_value(d.field(Field::kRatedForce), config.data(), 0.0);
  if (!(absolute(rated_ - plan_.rated_force) <= kRatedTolerance * plan_.rated_force)) {
    return fmt::format(
        "{}: the drive is rated {:.1f} {}, the machine file says {:.1f}; torque words are "
        "fractions of it, so correct the machine file or the drive",
        plan_.name, rated_, unit_of(plan_.coordinate), plan_.rated_force);
  }
  return {};
}

void DriveSession::reduce(Admission& admission, const std::string& why) {
  const double reduced =
      plan_.coordinate == CoordinateKind::kCable ? kReducedForceCable : kReducedForceLever;
  force_cap_ = at_most(force_cap_, reduced);
  admission.warnings.push_back(fmt::format("{}: {}; its force limit is reduced to {:.0f} {}",
                                           plan_.name, why, force_cap_, unit_of(plan_.coordinate)));
}

std::string DriveSession::check_limits(const ReadBlock& config, Admission& admission) {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto in_force = [&](Field field) {
    return get_value(d.field(field), config.data(), rated_);
  };
  const auto count_of = [&](Field field) {
    const RegisterSpec& spec = d.field(field);
    return absolute(spec.of_rated ? spec.scale * rated_ : spec.scale);
  };
  force_limit_in_force_ = in_force(Field::kForceLimitInForce);
  speed_limit_in_force_ = in_force(Field::kSpeedLimitInForce);
  if (!(force_limit_in_force_ <= plan_.force_limit + count_of(Field::kForceLimitInForce))) {
    return fmt::format(
        "{}: the drive keeps a torque limit of {:.1f} {} where {:.1f} was asked for; "
        "refused for force; check that the limit can be written",
        plan_.name, force_limit_in_force_, unit_of(plan_.coordinate), plan_.force_limit);
  }
  const double watchdog_s =
      d.watchdog == WatchdogCounts::kNone ? 0.0 : in_force(Field::kWatchdogInForce);
  if (watchdog_s <= 0.0 || watchdog_s > kWatchdogReducedS) {
    if (!relay_stands_in_) {
      return fmt::format(
          "{}: the drive has no communication watchdog within {:.0f} ms (it says {:.0f} ms) "
          "and no safe-state relay stands in; refused for force; set the watchdog",
          plan_.name, kWatchdogReducedS * 1e3, watchdog_s * 1e3);
    }
    admission.warnings.push_back(
        fmt::format("{}: no communication watchdog; the safe-state relay stands in", plan_.name));
  } else if (watchdog_s > kWatchdogFullForceS + 0.5e-3) {
    reduce(admission,
           fmt::format("its watchdog takes {:.0f} ms, full force needs {:.0f} ms or less",
                       watchdog_s * 1e3, kWatchdogFullForceS * 1e3));
  }
  if (!d.field(Field::kSpeedLimit).present || speed_limit_in_force_ <= 0.0 ||
      speed_limit_in_force_ > plan_.speed_limit + count_of(Field::kSpeedLimitInForce)) {
    reduce(admission, "the drive holds no speed limit of its own");
    speed_limit_in_force_ = 0.0;
  }
  return {};
}

void DriveSession::put(Field field, double value, WriteBlock& block,
                       LinkCounters& counters) const noexcept {
  const RegisterSpec& spec = plan_.descriptor.field(field);
  if (!spec.present) return;
  const RawValue raw = to_raw(spec, value, rated_);
  if (raw.refused) ++counters.conversions_refused;
  put_raw(spec, raw.raw, block.data());
}

void DriveSession::encode(const RoundInput& round, WriteBlock& block,
                          LinkCounters& counters) noexcept {
  const AxisOutput& axis = round.output.axis[static_cast<std::size_t>(plan_.axis)];
  const DeviceDescriptor& d = plan_.descriptor;
  const auto level_cycles = static_cast<std::uint32_t>(d.reset_level_ms / plan_.every_rounds);
  const std::uint16_t controlword =
      reset_pulse_.shape(cia402_controlword(state_, axis.request), level_cycles);
  const bool pulls =
      state_ == DriveState::kOperationEnabled && axis.request == DriveRequest::kEnable;
  put_raw(d.field(Field::kSequence), round.sequence, block.data());
  put_raw(d.field(Field::kControlword), controlword, block.data());
  const bool by_speed = axis.mode == DriveMode::kVelocity && d.velocity_mode != 0;
  put_raw(d.field(Field::kMode), by_speed ? d.velocity_mode : d.mode, block.data());
  put(Field::kTargetForce, pulls ? clamped(axis.force, -force_cap_, force_cap_) : 0.0, block,
      counters);
  // A set point counts only once the drive shows the mode that it is for.
  const bool moves = pulls && by_speed && mode_shown_ == d.velocity_mode;
  put(Field::kTargetVelocity,
      moves ? clamped(axis.velocity, -plan_.speed_limit, plan_.speed_limit) : 0.0, block, counters);
  put(Field::kBrakeLimit, by_speed ? clamped(axis.brake_limit, 0.0, force_cap_) : 0.0, block,
      counters);
  put(Field::kForceLimit, clamped(axis.force_limit, 0.0, force_cap_), block, counters);
  // Zero would mean "none" to the drive: whatever is not a speed gives the machine file's limit.
  const bool has_speed = is_finite(axis.speed_limit) && axis.speed_limit > 0.0;
  put(Field::kSpeedLimit,
      has_speed ? at_most(axis.speed_limit, plan_.speed_limit) : plan_.speed_limit, block,
      counters);
  put(Field::kWatchdog,
      clamped(plan_.watchdog_s, d.watchdog_min_ms * 1e-3, d.watchdog_max_ms * 1e-3), block,
      counters);
}

Exchange DriveSession::exchange(Connection& connection, const RoundInput& round, AxisInput& input,
                                ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  WriteBlock out{};
  ReadBlock in{};
  if (round.send) encode(round, out, stats.counters);
  const Stamped done =
      transact(connection, plan_, round, std::span<const std::uint16_t>(out.data(), d.write.words),
               std::span<std::uint16_t>(in.data(), d.read.words), stats);
  if (done.outcome != Outcome::kOk) return failed(done.outcome);
  if (!is_answer(round, in, done.stamp_ns, stats.counters)) return Exchange::kNotAccepted;
  decode(in, input);
  input.drive.freshness = renewed(input.drive.freshness, done.stamp_ns, round.epoch);
  input.load_cell.freshness = renewed(input.load_cell.freshness, done.stamp_ns, round.epoch);
  ++stats.counters.rounds;
  watch_transition(round.output.axis[static_cast<std::size_t>(plan_.axis)].request, done.stamp_ns);
  return Exchange::kAccepted;
}

// libmodbus checks neither unit nor content of a reply: the echo tells an answer to this request
// from a late or a foreign one, the device's clock a live device from one that repeats itself.
bool DriveSession::is_answer(const RoundInput& round, const ReadBlock& block, std::int64_t now_ns,
                             LinkCounters& counters) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  if (round.send) {
    last_sequence_ = round.sequence;
    sequence_sent_ = true;
  }
  if (d.has_sequence_echo && sequence_sent_ &&
      get_raw(d.field(Field::kSequenceEcho), block.data()) != last_sequence_) {
    ++counters.echo_mismatches;
    return false;
  }
  if (d.heartbeat_change_ms == 0) return true;
  const std::int64_t heartbeat = get_raw(d.field(Field::kDeviceTime), block.data());
  if (!heartbeat_seen_ || heartbeat != heartbeat_) {
    heartbeat_seen_ = true;
    heartbeat_ = heartbeat;
    heartbeat_changed_ns_ = now_ns;
    return true;
  }
  if (now_ns - heartbeat_changed_ns_ <= d.heartbeat_change_ms * kNsPerMs) return true;
  ++counters.frozen_samples;
  return false;
}

void DriveSession::decode(const ReadBlock& block, AxisInput& input) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto value = [&](Field field) { return get_value(d.field(field), block.data(), rated_); };
  DriveInput& drive = input.drive;
  drive.position = value(Field::kPosition);
  drive.velocity = value(Field::kVelocity);
  drive.force = value(Field::kActualForce);
  drive.force_limit = at_most(force_limit_in_force_, force_cap_);
  drive.speed_limit = speed_limit_in_force_;
  drive.temperature_c = value(Field::kTemperature);
  drive.bus_voltage_v = value(Field::kBusVoltage);
  drive.statusword = static_cast<std::uint16_t>(get_raw(d.field(Field::kStatusword), block.data()));
  drive.state = state_ = cia402_state(drive.statusword);
  drive.error_code = static_cast<std::uint16_t>(get_raw(d.field(Field::kErrorCode), block.data()));
  drive.mode_display =
      static_cast<std::int8_t>(get_raw(d.field(Field::kModeDisplay), block.data()));
  mode_shown_ = drive.mode_display;
  drive.sto_active =
      get_bit(d.bit(Bit::kStoA), block.data()) || get_bit(d.bit(Bit::kStoB), block.data());
  drive.watchdog_tripped = get_bit(d.bit(Bit::kWatchdogTripped), block.data());
  input.load_cell.force = value(Field::kLoadCell);
  input.load_cell.saturated = get_bit(d.bit(Bit::kLoadCellSaturated), block.data());
}

void DriveSession::watch_transition(DriveRequest request, std::int64_t now_ns) {
  if (request != DriveRequest::kEnable || state_ == DriveState::kOperationEnabled) {
    transition_since_ns_ = 0;
    if (!trouble_.empty()) trouble_.clear();
    return;
  }
  if (transition_since_ns_ == 0 || state_ != transition_from_) {
    transition_since_ns_ = now_ns;
    transition_from_ = state_;
    return;
  }
  if (!trouble_.empty() ||
      now_ns - transition_since_ns_ < plan_.descriptor.step_timeout_ms * kNsPerMs) {
    return;
  }
  trouble_ = fmt::format(
      "{}: stays in '{}' for more than {} ms though it was told to enable; check safe "
      "torque off, relay and e-stop chain",
      plan_.name, to_string(state_), plan_.descriptor.step_timeout_ms);
}

Exchange DriveSession::read_limits(Connection& connection, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  ReadBlock config{};
  const Outcome outcome = connection.read(plan_.unit_id, d.config.address,
                                          std::span<std::uint16_t>(config.data(), d.config.words));
  ++stats.counters.transactions;
  if (!counts_up(stats.counters, outcome)) return failed(outcome);
  force_limit_in_force_ = get_value(d.field(Field::kForceLimitInForce), config.data(), rated_);
  speed_limit_in_force_ = get_value(d.field(Field::kSpeedLimitInForce), config.data(), rated_);
  return Exchange::kAccepted;
}

void DriveSession::farewell(Connection& connection) {
  WriteBlock block{};
  LinkCounters ignored;
  RoundInput round;
  round.sequence = static_cast<std::uint16_t>(last_sequence_ + 1);
  encode(round, block, ignored);
  static_cast<void>(
      connection.write(plan_.unit_id, plan_.descriptor.write.address,
                       std::span<const std::uint16_t>(block.data(), plan_.descriptor.write.words)));
}

Exchange PanelSession::exchange(Connection& connection, const RoundInput& round,
                                MachineInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  std::array<std::uint16_t, kMaxWriteWords> out{};
  std::array<std::uint16_t, kMaxReadWords> in{};
  if (round.send) {
    put_raw(d.field(Field::kRelayHold), round.output.hold_relay ? 1 : 0, out.data());
    put_raw(d.field(Field::kRelayCount), ++count_, out.data());
  }
  const Stamped done =
      transact(connection, plan_, round, std::span<const std::uint16_t>(out.data(), d.write.words),
               std::span<std::uint16_t>(in.data(), d.read.words), stats);
  if (done.outcome != Outcome::kOk) return failed(done.outcome);
  if (round.send && d.has_sequence_echo &&
      get_raw(d.field(Field::kRelayCountEcho), in.data()) != count_) {
    ++stats.counters.echo_mismatches;
    return Exchange::kNotAccepted;
  }
  input.panel.reset_pressed = get_bit(d.bit(Bit::kReset), in.data());
  input.panel.key_on = get_bit(d.bit(Bit::kKey), in.data());
  input.panel.dead_man_held = get_bit(d.bit(Bit::kDeadMan), in.data());
  input.panel.stop_pressed = get_bit(d.bit(Bit::kStop), in.data());
  input.safety.estop_released = get_bit(d.bit(Bit::kEstopClosed), in.data());
  input.safety.relay_closed = get_bit(d.bit(Bit::kRelayClosed), in.data());
  input.panel.freshness = renewed(input.panel.freshness, done.stamp_ns, round.epoch);
  input.safety.freshness = renewed(input.safety.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

Exchange PelvisSession::exchange(Connection& connection, const RoundInput& round,
                                 PelvisInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  std::array<std::uint16_t, kMaxReadWords> in{};
  const Stamped done = transact(connection, plan_, round, {},
                                std::span<std::uint16_t>(in.data(), d.read.words), stats);
  if (done.outcome != Outcome::kOk) return failed(done.outcome);
  // A sensor that has stopped sampling goes on answering.
  const std::int64_t count = get_raw(d.field(Field::kSampleCount), in.data());
  if (seen_ && count == count_) return Exchange::kAccepted;
  seen_ = true;
  count_ = count;
  input.tilt_rad = get_value(d.field(Field::kTilt), in.data(), 0.0);
  input.freshness = renewed(input.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

Exchange LoadCellSession::exchange(Connection& connection, const RoundInput& round,
                                   LoadCellInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  std::array<std::uint16_t, kMaxReadWords> in{};
  const Stamped done = transact(connection, plan_, round, {},
                                std::span<std::uint16_t>(in.data(), d.read.words), stats);
  if (done.outcome != Outcome::kOk) return failed(done.outcome);
  // An amplifier that has stopped sampling goes on answering; two rounds may also meet one sample.
  const std::int64_t count = get_raw(d.field(Field::kSampleCount), in.data());
  if (seen_ && count == count_) return Exchange::kAccepted;
  seen_ = true;
  count_ = count;
  input.force = get_value(d.field(Field::kLoadCell), in.data(), 0.0);
  input.saturated = get_bit(d.bit(Bit::kLoadCellSaturated), in.data());
  input.freshness = renewed(input.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

void PanelSession::farewell(Connection& connection) {
  const DeviceDescriptor& d = plan_.descriptor;
  std::array<std::uint16_t, kMaxWriteWords> out{};
  put_raw(d.field(Field::kRelayCount), ++count_, out.data());
  static_cast<void>(connection.write(plan_.unit_id, d.write.address,
                                     std::span<const std::uint16_t>(out.data(), d.write.words)));
}

}  // namespace medius::hal::modbus
