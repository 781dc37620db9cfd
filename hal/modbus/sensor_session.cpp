// Panel, I/O, load cell, pelvis: devices without a drive's state machine.
#include "controller/base/clamp.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/device_session.hpp"

namespace medius::hal::modbus {
namespace {

void decode_panel(const DeviceDescriptor& d, const std::uint16_t* in, PanelInput& panel) noexcept {
  panel.reset_pressed = get_bit(d.bit(Bit::kReset), in);
  panel.key_on = get_bit(d.bit(Bit::kKey), in);
  panel.dead_man_held = get_bit(d.bit(Bit::kDeadMan), in);
  panel.stop_pressed = get_bit(d.bit(Bit::kStop), in);
}

void decode_safety(const DeviceDescriptor& d, const std::uint16_t* in,
                   SafetyInput& safety) noexcept {
  safety.estop_released = get_bit(d.bit(Bit::kEstopClosed), in);
  safety.relay_closed = get_bit(d.bit(Bit::kRelayClosed), in);
}

}  // namespace

Admission PanelSession::admit(Connection& connection) {
  image_ = {};
  return run_init(connection, plan_, 0.0);
}

Exchange PanelSession::exchange(Connection& connection, const RoundInput& round,
                                MachineInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  if (round.send) {
    put_raw(d.field(Field::kRelayHold), round.output.hold_relay ? 1 : 0, image_.out.data());
    put_raw(d.field(Field::kRelayCount), ++count_, image_.out.data());
  }
  const Stamped done = transact(connection, plan_, round, image_, stats);
  if (done.outcome != Outcome::kOk) return failed(connection, done.outcome);
  // An old answer may show a reset that was pressed long ago.
  if (proves_nothing(d, round)) return Exchange::kAccepted;
  if (d.has_sequence_echo && get_raw(d.field(Field::kRelayCountEcho), image_.in.data()) != count_) {
    ++stats.counters.echo_mismatches;
    return Exchange::kNotAccepted;
  }
  decode_panel(d, image_.in.data(), input.panel);
  decode_safety(d, image_.in.data(), input.safety);
  input.panel.freshness = renewed(input.panel.freshness, done.stamp_ns, round.epoch);
  input.safety.freshness = renewed(input.safety.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

void PanelSession::farewell(Connection& connection) {
  const DeviceDescriptor& d = plan_.descriptor;
  put_raw(d.field(Field::kRelayHold), 0, image_.out.data());
  put_raw(d.field(Field::kRelayCount), ++count_, image_.out.data());
  static_cast<void>(write_all(connection, plan_, image_.out));
}

Admission IoSession::admit(Connection& connection) {
  image_ = {};
  return run_init(connection, plan_, 0.0);
}

Exchange IoSession::exchange(Connection& connection, const RoundInput& round, MachineInput& input,
                             ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  if (round.send) {
    put_raw(d.field(Field::kRelayHold), round.output.hold_relay ? 1 : 0, image_.out.data());
  }
  const Stamped done = transact(connection, plan_, round, image_, stats);
  if (done.outcome != Outcome::kOk) return failed(connection, done.outcome);
  if (gives_panel(d)) {
    decode_panel(d, image_.in.data(), input.panel);
    input.panel.freshness = renewed(input.panel.freshness, done.stamp_ns, round.epoch);
  }
  if (gives_safety(d)) {
    decode_safety(d, image_.in.data(), input.safety);
    input.safety.freshness = renewed(input.safety.freshness, done.stamp_ns, round.epoch);
  }
  return Exchange::kAccepted;
}

Admission LoadCellSession::admit(Connection& connection) {
  image_ = {};
  seen_ = false;
  return run_init(connection, plan_, 0.0);
}

Exchange LoadCellSession::exchange(Connection& connection, const RoundInput& round,
                                   LoadCellInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  const Stamped done = transact(connection, plan_, round, image_, stats);
  if (done.outcome != Outcome::kOk) return failed(connection, done.outcome);
  if (d.field(Field::kSampleCount).present) {
    // An amplifier that has stopped sampling goes on answering; two rounds may also meet one
    // sample.
    const std::int64_t count = get_raw(d.field(Field::kSampleCount), image_.in.data());
    if (seen_ && count == count_) return Exchange::kAccepted;
    seen_ = true;
    count_ = count;
  }
  const double force = get_value(d.field(Field::kLoadCell), image_.in.data(), 0.0);
  if (!is_finite(force)) {
    ++stats.counters.protocol_errors;
    return Exchange::kNotAccepted;
  }
  input.force = force;
  input.saturated = get_bit(d.bit(Bit::kLoadCellSaturated), image_.in.data());
  input.freshness = renewed(input.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

Admission PelvisSession::admit(Connection& connection) {
  image_ = {};
  return run_init(connection, plan_, 0.0);
}

Exchange PelvisSession::exchange(Connection& connection, const RoundInput& round,
                                 PelvisInput& input, ExchangeStats& stats) {
  const DeviceDescriptor& d = plan_.descriptor;
  const Stamped done = transact(connection, plan_, round, image_, stats);
  if (done.outcome != Outcome::kOk) return failed(connection, done.outcome);
  // A sensor that has stopped sampling goes on answering.
  const std::int64_t count = get_raw(d.field(Field::kSampleCount), image_.in.data());
  if (seen_ && count == count_) return Exchange::kAccepted;
  seen_ = true;
  count_ = count;
  input.tilt_rad = get_value(d.field(Field::kTilt), image_.in.data(), 0.0);
  input.freshness = renewed(input.freshness, done.stamp_ns, round.epoch);
  return Exchange::kAccepted;
}

}  // namespace medius::hal::modbus
