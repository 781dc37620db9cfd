#include "controller/rt/engine.hpp"

#include <span>

#include "controller/rt/engine_impl.hpp"
#include "controller/safety/limits.hpp"

namespace medius::rt {
namespace {

// Of two equally severe ones the latched one: a released handle must not hide the stop button.
void keep_worse(safety::SuperviseOutput& worst, const safety::SuperviseOutput& other) noexcept {
  const bool equal = other.reaction == worst.reaction && other.reaction != safety::Reaction::kNone;
  const bool latches =
      equal && safety::fault_info(other.fault).latched && !safety::fault_info(worst.fault).latched;
  if (other.reaction > worst.reaction || latches) worst = other;
}

}  // namespace

void Engine::cycle(const Tick& tick) noexcept {
  impl_->cycle(tick);
}

Engine::Outcome Engine::outcome() const noexcept {
  const Impl& impl = *impl_;
  return {impl.loop.reaction, impl.output.hold_relay,
          impl.input.panel.reset_pressed && impl.loop.panel_fresh};
}

void Engine::Impl::cycle(const Tick& tick) noexcept {
  const std::span<AxisLoop> active(axes.data(), static_cast<std::size_t>(axis_count));
  loop.tick = tick;
  loop.machine = &input;
  missed_total += tick.missed;
  image.read(tick, input);
  const std::int64_t panel_ns = hal::age_ns(tick, input.panel.freshness);
  loop.panel_fresh = safety::within(panel_ns, panel_age_ns);

  for (AxisLoop& axis : active) axis.sense(loop);
  drain_commands();

  safety::SuperviseOutput worst = carried;
  for (AxisLoop& axis : active) keep_worse(worst, axis.supervise(loop));
  for (AxisLoop& axis : active) {
    axis.estimate(loop);
    axis.track(loop);
    keep_worse(worst, axis.wish(loop));
  }
  settle_reaction(worst);
  for (AxisLoop& axis : active) axis.react(loop);

  carried = {};
  for (AxisLoop& axis : active) keep_worse(carried, axis.limit_felt(loop));
  // What stage 1 found acts on every axis' torque in this very tick; it is latched in the next.
  const safety::Reaction settled = loop.reaction;
  if (carried.reaction > loop.reaction) loop.reaction = carried.reaction;
  put_out();
  loop.reaction = settled;
  for (AxisLoop& axis : active) axis.finish(loop);
  publish();
}

void Engine::Impl::drain_commands() noexcept {
  Command command;
  for (int i = 0; i < kMaxCommandsPerTick && channels.commands.pop(command); ++i) {
    last_command_id = command.command_id;
    if (command.axis < axis_count) {
      axes[command.axis].take(command, loop);
      continue;
    }
    Event event;
    event.kind = EventKind::kCommandRefused;
    event.axis = command.axis;
    event.tick = loop.tick.index;
    event.command_id = command.command_id;
    event.fault = safety::FaultCode::kCommandInvalid;
    event.profile = command.profile;
    outbox.push(event);
  }
}

void Engine::Impl::settle_reaction(const safety::SuperviseOutput& worst) noexcept {
  const safety::Reaction before = loop.reaction;
  const safety::FaultCode fault_before = loop.fault;
  loop.reaction = safety::update_latch(latch, worst, input.panel.reset_pressed, loop.panel_fresh);
  loop.fault = latch.code != safety::FaultCode::kNone ? latch.code : worst.fault;
  if (loop.reaction == before && loop.fault == fault_before) return;
  Event event;
  event.tick = loop.tick.index;
  event.reaction = loop.reaction;
  if (before >= safety::Reaction::kSoftUnload && loop.reaction < safety::Reaction::kSoftUnload) {
    event.kind = EventKind::kFaultCleared;
    event.fault = fault_before;
    outbox.push(event);
  }
  // A freeze of increases comes and goes with late data; Status shows it.
  if (loop.reaction < safety::Reaction::kSoftUnload) return;
  event.kind = EventKind::kFault;
  event.fault = loop.fault;
  outbox.push(event);
}

void Engine::Impl::put_out() noexcept {
  for (int i = 0; i < axis_count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    keep_worse(carried, axes[at].command_torque(loop, output.axis[at]));
  }
  output.hold_relay = loop.reaction < safety::Reaction::kTorqueOff;
  output.tick = loop.tick.index;
  image.write(loop.tick, output);
}

void Engine::Impl::publish() noexcept {
  Status status;
  status.tick = loop.tick.index;
  status.nominal_ns = loop.tick.nominal_ns;
  status.late_ns = loop.tick.late_ns;
  status.missed_total = missed_total;
  status.last_command_id = last_command_id;
  status.reaction = loop.reaction;
  status.fault = loop.fault;
  status.axis_count = static_cast<std::uint8_t>(axis_count);
  status.estop_released = input.safety.estop_released;
  status.relay_closed = input.safety.relay_closed;
  status.key_on = input.panel.key_on;
  status.dead_man_held = input.panel.dead_man_held;
  status.stop_pressed = input.panel.stop_pressed;
  status.reset_pressed = input.panel.reset_pressed;
  status.link_fresh = axis_count > 0;
  for (int i = 0; i < axis_count; ++i) {
    const AxisLoop& axis = axes[static_cast<std::size_t>(i)];
    axis.fill(status.axis[static_cast<std::size_t>(i)]);
    status.link_fresh = status.link_fresh && axis.fresh();
    SampleRecord sample;
    axis.fill(loop, sample);
    if (!channels.samples.push(sample)) ++samples_dropped;
  }
  status.events_dropped = outbox.dropped();
  status.samples_dropped = samples_dropped;
  channels.status.store(status);
}

}  // namespace medius::rt
