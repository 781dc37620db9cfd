#include "hal/commission/identify.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "controller/rt/host/process_setup.hpp"
#include "hal/commission/device_reader.hpp"
#include "hal/commission/identify_session.hpp"
#include "hal/commission/link_users.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal {
namespace {

using modbus::DeviceKind;
using modbus::DevicePlan;
using modbus::LinkPlan;
using modbus::LinkStatus;
using Stop = tl::unexpected<IdentifyStop>;

constexpr int kFifoPriority = 80;  // as the controller's loop
// A speed register whose scale is right differs from the position's by its lag only.
constexpr double kVelocityRatioLow = 0.8, kVelocityRatioHigh = 1.25;
constexpr double kCellSeen = 0.15;  // of the pull: below, the handle was not held
constexpr double kZeroWorthSaying = 2.0;
constexpr double kResidualWorthSaying = 2.0;  // N

tl::unexpected<IdentifyStop> refused(std::string message) {
  return Stop({std::move(message), true});
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

Estimate mean_of(const std::vector<double>& values) {
  Estimate out;
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return out;
  for (const double each : values) out.value += each / n;
  for (const double each : values) out.sigma += (each - out.value) * (each - out.value) / n;
  out.sigma = std::sqrt(out.sigma);
  return out;
}

const DevicePlan* drive_of(const modbus::BusPlan& plan, int axis) {
  for (const LinkPlan& link : plan.links) {
    for (const DevicePlan& device : link.devices) {
      if (device.axis == axis && device.descriptor.kind == DeviceKind::kDrive) return &device;
    }
  }
  return nullptr;
}

tl::expected<std::size_t, std::string> axis_index(const MachinePlan& machine,
                                                  const std::string& wanted,
                                                  const std::string& file) {
  const auto& names = machine.options.axis_names;
  if (wanted.empty() && names.size() == 1) return std::size_t{0};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == wanted) return i;
  }
  return tl::make_unexpected(
      fmt::format("{}: {}; give one of its axes with --axis: {}", file,
                  wanted.empty() ? "has more than one axis" : "has no axis '" + wanted + "'",
                  fmt::join(names, ", ")));
}

std::string question(const IdentifyResult& result, const IdentifyOptions& options) {
  const char* const f = result.lever ? "Nm" : "N";
  const char* const v = result.lever ? "rad/s" : "m/s";
  const char* const x = result.lever ? "rad" : "m";
  std::string text = fmt::format(
      "The motor of axis '{}' will move by itself: at most {:g} {} and {:g} {}, from here {:g} {} "
      "outward and {:g} {} inward, for about {:.0f} s.\n",
      result.axis, result.limits.force, f, result.limits.speed, v, result.limits.travel_out, x,
      result.limits.travel_in, x, options.seconds + 25.0);
  text +=
      result.lever
          ? "Nobody sits in the machine. The arm is at its inner end with free way outward"
          : "Nobody is in the cuff and nobody's hand is on the cable. The cuff hangs on a fixed "
            "hook, the cable is just taut, and half a metre of slack may come out of the drum";
  text += options.pull ? (result.lever ? ", and stands against something firm inward.\n" : ".\n")
                       : ".\n";
  text += "Somebody has a hand on the e-stop. ";
  return text;
}

void look_at_signs(const SessionRecord& record, IdentifyResult& result) {
  const ExcitationResult& seen = record.excitation;
  const char* const f = result.lever ? "Nm" : "N";
  result.breakaway_force = seen.breakaway_force;
  if (!seen.moved) {
    result.findings.push_back(fmt::format(
        "nothing moved with {:g} {} outward: a brake that holds, more friction than that, or no "
        "torque at all; look at statusword and torque_actual with `medius hal monitor`",
        result.limits.force, f));
  } else {
    result.torque_sign = seen.moved_outward ? SignTest::kAgrees : SignTest::kReversed;
  }
  if (result.torque_sign == SignTest::kReversed) {
    result.findings.push_back(
        "an outward force moved it inward: torque and position have opposite signs; change the "
        "sign of travel_per_rev_m (or of the descriptor's scale of position and velocity) if the "
        "motor pays out backwards, or that of target_torque and torque_actual");
  }
  if (record.velocity_squares > 0.0) {
    result.velocity_ratio = record.velocity_product / record.velocity_squares;
    result.velocity_sign = result.velocity_ratio > 0.0 ? SignTest::kAgrees : SignTest::kReversed;
    if (result.velocity_ratio < kVelocityRatioLow || result.velocity_ratio > kVelocityRatioHigh) {
      result.findings.push_back(fmt::format(
          "the drive's speed is {:.2f} of what its position does, must be 1: correct the scale of "
          "'velocity' (or of 'position') in the descriptor",
          result.velocity_ratio));
    }
  }
}

void look_at_cell(const SessionRecord& record, const IdentifyOptions& options,
                  IdentifyResult& result) {
  const char* const f = result.lever ? "Nm" : "N";
  result.cell_zero = mean_of(record.rest_cell);
  if (std::abs(result.cell_zero.value) > kZeroWorthSaying) {
    result.findings.push_back(
        fmt::format("the load cell says {:.2f} {} without load; tare its amplifier",
                    result.cell_zero.value, f));
  }
  if (!options.pull) return;
  result.pull_force = record.excitation.pull_force;
  result.pull_tension = record.excitation.pull_tension;
  if (!record.excitation.pulled) {
    result.findings.push_back(
        "the pull found nothing to hold against, so the load cell's sign is not tested; hook the "
        "cuff onto something fixed with the cable just taut, and repeat");
    return;
  }
  if (result.pull_tension > kCellSeen * result.pull_force) {
    result.cell_sign = SignTest::kAgrees;
  } else if (result.pull_tension < -kCellSeen * result.pull_force) {
    result.cell_sign = SignTest::kReversed;
    result.findings.push_back(fmt::format(
        "the motor pulled with {:.1f} {} and the load cell went to {:.1f} {}: its sign is wrong; "
        "swap its signal wires or change the sign of force_per_count",
        result.pull_force, f, result.pull_tension, f));
  } else {
    result.findings.push_back(fmt::format(
        "the motor pulled with {:.1f} {} and the load cell hardly moved ({:.1f} {}): it is not in "
        "the force path, or its scale is wrong; hang a known weight on it",
        result.pull_force, f, result.pull_tension, f));
  }
}

void fit_motion(const SessionRecord& record, IdentifyResult& result) {
  FitOptions options;
  if (result.lever) options.speed_min *= 2.5;  // the same at a pad 0.4 m out
  // A window holds a dozen samples of a slow bus.
  options.window_s = std::max(options.window_s, 12.0 * result.cycle_ms * 1e-3);
  const auto fit = fit_model(record.motion, record.commands, options);
  if (!fit) {
    if (result.torque_sign == SignTest::kAgrees) {
      result.findings.push_back(
          "the record does not tell mass and friction apart; repeat with more --seconds");
    }
    return;
  }
  result.fit = *fit;
  result.fitted = fit->mass.value > 0.0;
  const double residual_most = result.lever ? 0.4 * kResidualWorthSaying : kResidualWorthSaying;
  if (fit->residual_rms > residual_most) {
    result.findings.push_back(fmt::format(
        "the model leaves {:.1f} {} unexplained: something rubs unevenly, or the cable does not "
        "run free; look at the plot",
        fit->residual_rms, result.lever ? "Nm" : "N"));
  }
}

void look_at_links(const std::vector<LinkStatus>& links, const MachinePlan& machine,
                   IdentifyResult& result) {
  result.warnings = machine.bus.warnings;
  for (const LinkStatus& link : links) {
    for (const std::string& each : link.warnings) result.warnings.push_back(each);
  }
}

std::string why_links_are_down(const std::vector<LinkStatus>& links) {
  std::string text;
  for (const LinkStatus& link : links) {
    if (link.state == modbus::LinkState::kUp && link.message.empty()) continue;
    text += fmt::format("\n  {}: {}", link.name,
                        link.message.empty() ? to_string(link.state) : link.message);
  }
  return text;
}

// What the file and the links say before anything is connected; fills in what is known.
tl::expected<std::size_t, std::string> prepare(const IdentifyOptions& options,
                                               const MachinePlan& machine, IdentifyResult& result) {
  const auto axis = axis_index(machine, options.axis, options.source.file);
  if (!axis) return axis;
  result.axis = machine.options.axis_names[*axis];
  result.lever = machine.options.axis_coordinates[*axis] == CoordinateKind::kLever;
  result.limits = identify_limits(machine.options.axis_coordinates[*axis]);
  result.simulated = machine.options.simulated;
  for (const LinkPlan& link : machine.bus.links) {
    for (const std::string& user : users_of(link)) {
      return tl::make_unexpected(fmt::format("[[link]] '{}' ({}) is in use by {}; stop it first",
                                             link.name, link.address, user));
    }
  }
  return axis;
}

}  // namespace

tl::expected<IdentifyResult, IdentifyStop> identify(const IdentifyOptions& options,
                                                    const IdentifyCallbacks& callbacks) {
  const auto machine = load_machine(options.source, modbus::PlanUse::kRun);
  if (!machine) return refused(machine.error());
  IdentifyResult result;
  const auto axis = prepare(options, *machine, result);
  if (!axis) return refused(axis.error());
  const rt::SetupStep fifo = rt::probe_fifo(kFifoPriority);
  if (!result.simulated && !fifo.granted) {
    return refused(
        fmt::format("real-time scheduling: {}; a real machine is moved only with it", fifo.detail));
  }
  if (!callbacks.confirm(question(result, options))) {
    return refused("not confirmed; nothing was moved");
  }
  modbus::BusOptions bus_options = machine->options;
  bus_options.realtime_priority = fifo.granted ? kFifoPriority - 1 : 0;
  auto bus = modbus::MachineBus::create(options.source.file, bus_options);
  if (!bus) return refused(bus.error().message);
  const DevicePlan& drive = *drive_of(machine->bus, static_cast<int>(*axis));
  SessionOptions session;
  session.axis = *axis;
  session.excitation.coordinate = machine->options.axis_coordinates[*axis];
  session.excitation.limits = result.limits;
  session.excitation.seconds = options.seconds;
  session.excitation.pull = options.pull;
  const modbus::RegisterSpec& force = drive.descriptor.field(modbus::Field::kTargetForce);
  session.excitation.force_step =
      std::abs(force.scale) * (force.of_rated() ? drive.rated_force : 1.0);
  session.force_register = drive.descriptor.field(modbus::Field::kTargetForce);
  session.rated_force = drive.rated_force;
  session.lockstep = machine->options.lockstep;
  session.fifo_priority = fifo.granted ? kFifoPriority : 0;
  (*bus)->start();
  const SessionRecord record = run_session(**bus, session, callbacks.progress);
  const std::vector<LinkStatus> links = (*bus)->status();
  (*bus)->stop();
  if (!record.stopped.empty()) {
    return Stop({record.stopped + why_links_are_down(links), !record.moved_at_all});
  }
  look_at_links(links, *machine, result);
  result.record = record.ticks;
  result.speed_reached = record.speed_reached;
  result.force_reached = record.force_reached;
  result.cycle_ms = quantile(record.cycles_ms, 0.5);
  result.age_ms_p99 = quantile(record.ages_ms, 0.99);
  look_at_signs(record, result);
  look_at_cell(record, options, result);
  fit_motion(record, result);
  return result;
}

}  // namespace medius::hal
