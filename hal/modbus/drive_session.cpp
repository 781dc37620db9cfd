#include <algorithm>

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/device_session.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal::modbus {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// In every how many exchanges the controlword goes out.
int word_every(const DeviceDescriptor& d) noexcept {
  const std::uint16_t index = d.field(Field::kControlword).index;
  for (const Window& window : d.write.windows) {
    if (index >= window.first && index < window.first + window.words) return window.every;
  }
  return 1;
}

}  // namespace

void DriveSession::put(Field field, double value, WriteImage& block,
                       LinkCounters& counters) const noexcept {
  const RegisterSpec& spec = plan_.descriptor.field(field);
  if (!spec.present) return;
  const RawValue raw = to_raw(spec, value, rated_);
  if (raw.refused) ++counters.conversions_refused;
  put_raw(spec, raw.raw, block.data());
}

void DriveSession::encode(const RoundInput& round, WriteImage& block,
                          LinkCounters& counters) noexcept {
  const AxisOutput& axis = round.output.axis[static_cast<std::size_t>(plan_.axis)];
  const DeviceDescriptor& d = plan_.descriptor;
  const std::uint16_t word = controlword(axis.request);
  const bool pulls =
      state_ == DriveState::kOperationEnabled && axis.request == DriveRequest::kEnable;
  put_raw(d.field(Field::kSequence), round.sequence, block.data());
  put_raw(d.field(Field::kControlword), word, block.data());
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

std::uint16_t DriveSession::controlword(DriveRequest request) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  // A word that is not sent in every exchange must last until its turn comes.
  const int every = word_every(d);
  const auto cycles = [&](int milliseconds) {
    return static_cast<std::uint32_t>(std::max(milliseconds * plan_.rate_hz / 1000, every));
  };
  if (d.enable.kind == EnableKind::kWords) {
    return words_.next(d.enable, state_, request,
                       {cycles(d.enable.word_ms), cycles(d.reset_level_ms)});
  }
  return reset_pulse_.shape(cia402_controlword(state_, request), cycles(d.reset_level_ms));
}

Exchange DriveSession::exchange(Connection& connection, const RoundInput& round, AxisInput& input,
                                ExchangeStats& stats) {
  // A watchdog that any telegram feeds would take our reading for a loop that lives.
  if (!round.send && plan_.descriptor.watchdog == WatchdogCounts::kAnyTelegram) {
    return Exchange::kAccepted;
  }
  if (round.send) encode(round, image_.out, stats.counters);
  const Stamped done = transact(connection, plan_, round, image_, stats);
  if (done.outcome != Outcome::kOk) return failed(connection, done.outcome);
  if (proves_nothing(plan_.descriptor, round)) return Exchange::kAccepted;
  if (!is_answer(round, image_.in, done.stamp_ns, stats.counters)) return Exchange::kNotAccepted;
  if (!decode(image_.in, input)) {
    ++stats.counters.protocol_errors;
    return Exchange::kNotAccepted;
  }
  input.drive.freshness = renewed(input.drive.freshness, done.stamp_ns, round.epoch);
  if (plan_.descriptor.field(Field::kLoadCell).present) {
    Freshness& cell = cell_of(plan_, input).freshness;
    cell = renewed(cell, done.stamp_ns, round.epoch);
  }
  ++stats.counters.rounds;
  watch_transition(round.output.axis[static_cast<std::size_t>(plan_.axis)].request, done.stamp_ns);
  return Exchange::kAccepted;
}

// libmodbus checks neither unit nor content of a reply: the echo tells an answer to this request
// from a late or a foreign one, the device's clock a live device from one that repeats itself.
bool DriveSession::is_answer(const RoundInput& round, const ReadImage& block, std::int64_t now_ns,
                             LinkCounters& counters) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  if (round.send) last_sequence_ = round.sequence;
  if (d.has_sequence_echo &&
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

// False when a value is not a number: then nothing of the sample is taken.
bool DriveSession::decode(const ReadImage& block, AxisInput& input) noexcept {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto value = [&](Field field) { return get_value(d.field(field), block.data(), rated_); };
  const auto raw = [&](Field field) { return get_raw(d.field(field), block.data()); };
  for (const Field field :
       {Field::kPosition, Field::kVelocity, Field::kActualForce, Field::kLoadCell}) {
    if (!is_finite(value(field))) return false;
  }
  DriveInput& drive = input.drive;
  drive.position = value(Field::kPosition);
  drive.velocity = value(Field::kVelocity);
  drive.force = value(Field::kActualForce);
  drive.force_limit = at_most(force_limit_in_force_, force_cap_);
  drive.speed_limit = speed_limit_in_force_;
  drive.temperature_c = value(Field::kTemperature);
  drive.bus_voltage_v = value(Field::kBusVoltage);
  drive.statusword = static_cast<std::uint16_t>(raw(Field::kStatusword));
  drive.state = state_ = drive_state(d.enable, drive.statusword);
  drive.error_code = static_cast<std::uint16_t>(raw(Field::kErrorCode));
  drive.mode_display = static_cast<std::int8_t>(
      d.field(Field::kModeDisplay).present ? raw(Field::kModeDisplay) : d.mode);
  mode_shown_ = drive.mode_display;
  drive.sto_active =
      get_bit(d.bit(Bit::kStoA), block.data()) || get_bit(d.bit(Bit::kStoB), block.data());
  drive.watchdog_tripped = get_bit(d.bit(Bit::kWatchdogTripped), block.data());
  if (d.field(Field::kLoadCell).present) {
    LoadCellInput& cell = cell_of(plan_, input);
    cell.force = value(Field::kLoadCell);
    cell.saturated = get_bit(d.bit(Bit::kLoadCellSaturated), block.data());
  }
  return true;
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
  if (plan_.descriptor.config.words == 0) return Exchange::kAccepted;
  ReadImage config{};
  const Outcome outcome = read_config(connection, plan_, config);
  stats.counters.transactions += plan_.descriptor.slow.size();
  if (!counts_up(stats.counters, outcome)) return failed(connection, outcome);
  take_limits(config);
  return Exchange::kAccepted;
}

void DriveSession::farewell(Connection& connection) {
  LinkCounters ignored;
  RoundInput round;
  round.sequence = static_cast<std::uint16_t>(last_sequence_ + 1);
  encode(round, image_.out, ignored);
  static_cast<void>(write_all(connection, plan_, image_.out));
}

}  // namespace medius::hal::modbus
