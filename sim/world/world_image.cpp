#include "sim/world/world_image.hpp"

#include "hal/modbus/cia402.hpp"

namespace medius::sim {
namespace {

constexpr double kDriveWatchdogS = 0.05;  // <= 50 ms at full force

}  // namespace

void WorldImage::read(const Tick& tick, hal::MachineInput& input) noexcept {
  const hal::Freshness fresh{tick.nominal_ns, ++sequence_, 1, true};
  for (std::size_t i = 0; i < machine_.axis_count(); ++i) {
    input.axis[i].drive = machine_.drive(i);
    input.axis[i].drive.freshness = fresh;
    input.axis[i].load_cell = machine_.load_cell(i);
    input.axis[i].load_cell.freshness = fresh;
    if (!machine_.linked()) continue;
    for (std::size_t pad = 0; pad < input.axis[i].pad.size(); ++pad) {
      input.axis[i].pad[pad] = machine_.pad_cell(pad);
      input.axis[i].pad[pad].freshness = fresh;
    }
    input.axis[i].load_cell = hal::both_pads(input.axis[i].pad);
  }
  input.panel = machine_.panel();
  input.panel.freshness = fresh;
  input.safety = machine_.safety();
  input.safety.freshness = fresh;
  input.pelvis = machine_.pelvis();
  if (machine_.pelvis_samples() > 0) input.pelvis.freshness = fresh;
}

void WorldImage::write(const Tick&, const hal::MachineOutput& output) noexcept {
  for (std::size_t i = 0; i < machine_.axis_count(); ++i) {
    const hal::AxisOutput& axis = output.axis[i];
    DriveCommand command;
    command.controlword = hal::cia402_controlword(machine_.drive(i).state, axis.request);
    command.mode =
        axis.mode == hal::DriveMode::kVelocity ? hal::kModeCyclicVelocity : hal::kModeCyclicTorque;
    command.force_n = axis.force;
    command.force_limit_n = axis.force_limit;
    command.velocity_mps = axis.velocity;
    command.brake_limit_n = axis.brake_limit;
    command.speed_limit_mps = axis.speed_limit;
    command.watchdog_s = kDriveWatchdogS;
    machine_.write_drive(command, i);
  }
  machine_.write_relay(output.hold_relay);
}

}  // namespace medius::sim
