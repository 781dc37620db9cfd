#include "hal/modbus/exchange.hpp"

#include <fmt/format.h>

#include "hal/modbus/codec.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal::modbus {
namespace {

void use_pauses(Connection& connection, const DevicePlan& plan) noexcept {
  connection.set_pauses({plan.silence_us, plan.descriptor.turnaround_max_us});
}

std::span<std::uint16_t> part(ReadImage& image, const Window& window) {
  return std::span<std::uint16_t>(image).subspan(window.first, window.words);
}
std::span<const std::uint16_t> part(const WriteImage& image, const Window& window) {
  return std::span<const std::uint16_t>(image).subspan(window.first, window.words);
}

Outcome write_window(Connection& connection, const DevicePlan& plan, const Window& window,
                     const WriteImage& out) {
  if (window.function == FunctionCode::kWriteRegister) {
    return connection.write_one(plan.unit_id, window.address, out[window.first]);
  }
  return connection.write(plan.unit_id, window.address, part(out, window));
}

Outcome make_transfer(Connection& connection, const DevicePlan& plan, const Transfer& transfer,
                      const WriteImage& out, ReadImage& in, bool send) {
  const DeviceDescriptor& d = plan.descriptor;
  if (transfer.write < 0 || (!send && transfer.read >= 0)) {
    return read_window(connection, plan, d.read.windows[static_cast<std::size_t>(transfer.read)],
                       in);
  }
  const Window& write = d.write.windows[static_cast<std::size_t>(transfer.write)];
  if (transfer.read < 0) return write_window(connection, plan, write, out);
  const Window& read = d.read.windows[static_cast<std::size_t>(transfer.read)];
  return connection.write_and_read(plan.unit_id, write.address, part(out, write), read.address,
                                   part(in, read));
}

double wanted(const DevicePlan& plan, const InitStep& step) noexcept {
  switch (step.value_from) {
    case InitStep::Value::kTorqueLimit:
      return plan.force_cap;
    case InitStep::Value::kSpeedLimit:
      return plan.speed_limit;
    default:
      return plan.watchdog_s;
  }
}

Outcome write_step(Connection& connection, const DevicePlan& plan, const InitStep& step,
                   std::int64_t raw) {
  std::array<std::uint16_t, 2> words{};
  put_raw(step.spec, raw, words.data());
  if (step.function == FunctionCode::kWriteRegister) {
    return connection.write_one(plan.unit_id, step.spec.address, words[0]);
  }
  return connection.write(plan.unit_id, step.spec.address,
                          std::span<const std::uint16_t>(words.data(), step.spec.words));
}

Outcome read_step(Connection& connection, const DevicePlan& plan, const InitStep& step,
                  std::int64_t& raw) {
  std::array<std::uint16_t, 2> words{};
  const Outcome outcome = connection.read(plan.unit_id, step.spec.address,
                                          std::span<std::uint16_t>(words.data(), step.spec.words));
  raw = get_raw(step.spec, words.data());
  return outcome;
}

}  // namespace

Outcome read_window(Connection& connection, const DevicePlan& plan, const Window& window,
                    ReadImage& in) {
  use_pauses(connection, plan);
  switch (window.function) {
    case FunctionCode::kReadCoils:
    case FunctionCode::kReadDiscreteInputs:
      return connection.read_bits(plan.unit_id, window.function, window.address, window.bits,
                                  part(in, window));
    case FunctionCode::kReadInputRegisters:
      return connection.read_inputs(plan.unit_id, window.address, part(in, window));
    default:
      return connection.read(plan.unit_id, window.address, part(in, window));
  }
}

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

Stamped transact(Connection& connection, const DevicePlan& plan, const RoundInput& round,
                 DeviceImage& image, ExchangeStats& stats) {
  const std::int64_t started_ns = monotonic_ns();
  Stamped done{Outcome::kOk, 0};
  use_pauses(connection, plan);
  for (const Transfer& transfer : plan.descriptor.cyclic) {
    if (!transfer.due(image.exchanges)) continue;
    if (!round.send && transfer.read < 0) continue;
    const std::int64_t before_ns = monotonic_ns();
    done.outcome = make_transfer(connection, plan, transfer, image.out, image.in, round.send);
    ++stats.counters.transactions;
    if (!counts_up(stats.counters, done.outcome)) break;
    if (transfer.read >= 0 && done.stamp_ns == 0) {
      done.stamp_ns = before_ns + (monotonic_ns() - before_ns) / 2;
    }
  }
  ++image.exchanges;
  stats.rtt_ns = monotonic_ns() - started_ns;
  if (round.stamp_ns != 0) done.stamp_ns = round.stamp_ns;
  return done;
}

Outcome write_all(Connection& connection, const DevicePlan& plan, const WriteImage& out) {
  ReadImage ignored{};
  use_pauses(connection, plan);
  Outcome outcome = Outcome::kOk;
  for (const Transfer& transfer : plan.descriptor.cyclic) {
    if (transfer.write < 0 || outcome != Outcome::kOk) continue;
    const Window& window = plan.descriptor.write.windows[static_cast<std::size_t>(transfer.write)];
    // Where the same address means other memory when it is written, only FC23 is known to reach it.
    outcome = plan.descriptor.separate_areas && transfer.read >= 0
                  ? make_transfer(connection, plan, transfer, out, ignored, true)
                  : write_window(connection, plan, window, out);
  }
  return outcome;
}

Outcome read_config(Connection& connection, const DevicePlan& plan, ReadImage& in) {
  use_pauses(connection, plan);
  for (const Window& window : plan.descriptor.config.windows) {
    const Outcome outcome = read_window(connection, plan, window, in);
    if (outcome != Outcome::kOk) return outcome;
  }
  return Outcome::kOk;
}

Exchange failed(const Connection& connection, Outcome outcome) noexcept {
  if (outcome == Outcome::kException) return Exchange::kNotAccepted;
  // The pause after an error has put a serial line in order; other units on it go on.
  const bool in_order = connection.is_serial() && outcome != Outcome::kClosed;
  return in_order ? Exchange::kNotAccepted : Exchange::kLinkFailed;
}

Freshness renewed(const Freshness& last, std::int64_t stamp_ns, std::uint32_t epoch) noexcept {
  return {stamp_ns, last.sequence + 1, epoch, true};
}

Admission run_init(Connection& connection, const DevicePlan& plan, double rated) {
  Admission admission;
  use_pauses(connection, plan);
  for (const InitStep& step : plan.descriptor.init) {
    const bool constant = step.value_from == InitStep::Value::kConstant;
    const auto raw = constant ? static_cast<std::int64_t>(step.value)
                              : to_raw(step.spec, wanted(plan, step), rated).raw;
    const auto expected = constant ? static_cast<std::int64_t>(step.expect) : raw;
    std::int64_t kept = 0;
    if (step.persistent) {
      admission.outcome = read_step(connection, plan, step, kept);
      if (admission.outcome != Outcome::kOk) return admission;
      if (kept == expected) continue;
    }
    admission.outcome = write_step(connection, plan, step, raw);
    if (admission.outcome != Outcome::kOk) return admission;
    if (!step.read_back) continue;
    admission.outcome = read_step(connection, plan, step, kept);
    if (admission.outcome != Outcome::kOk) return admission;
    if (kept != expected) {
      admission.refusal = fmt::format(
          "{}: '{}' (address {}) is {} after {} was written, must be {}; refused; check that this "
          "register can be written now and that {} describes this device",
          plan.name, step.name, step.spec.address, kept, raw, expected, plan.descriptor.path);
      return admission;
    }
  }
  return admission;
}

}  // namespace medius::hal::modbus
