#include "sim/faults/faulty_image.hpp"

#include "sim/faults/intensity.hpp"

namespace medius::sim {
namespace {

double either_sign(Random& random) noexcept {
  return random.chance(0.5) ? 1.0 : -1.0;
}

constexpr double kRailN = 2000.0;
constexpr double kTornM = 0.065536;  // the high word of a position in micrometres
constexpr std::int64_t kRoundNs = 1'000'000;

// The way of a sample: late out of its sensor, bent, held back by the device, then by the link.
int place_on_the_way(Injector injector) noexcept {
  switch (injector) {
    case Injector::kSensorDelay:
    case Injector::kLinkSlow:
      return 0;
    case Injector::kStaleRegisters:
      return 2;
    case Injector::kLateFrames:
    case Injector::kLinkDown:
    case Injector::kLinkIntermittent:
    case Injector::kFrameGarbage:
    case Injector::kFrameForeign:
    case Injector::kFrameReordered:
    case Injector::kFrameTruncated:
      return 3;
    default:
      return 1;
  }
}

}  // namespace

bool FaultyImage::inject(const ActiveFault& fault) noexcept {
  if (count_ == slots_.size()) return false;
  std::size_t at = count_++;
  for (;
       at > 0 && place_on_the_way(slots_[at - 1].fault.injector) > place_on_the_way(fault.injector);
       --at) {
    slots_[at] = slots_[at - 1];
  }
  slots_[at] = Slot{};
  slots_[at].fault = fault;
  slots_[at].random = Random(fault.seed);
  return true;
}

void FaultyImage::heal() noexcept {
  count_ = 0;
}

bool FaultyImage::heal(Injector injector, std::uint8_t axis) noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const ActiveFault& fault = slots_[i].fault;
    if (fault.injector == injector && fault.axis == axis) continue;
    if (kept != i) slots_[kept] = slots_[i];
    ++kept;
  }
  const bool was_there = kept != count_;
  count_ = kept;
  return was_there;
}

void FaultyImage::read(const Tick& tick, hal::MachineInput& input) noexcept {
  machine_.read(tick, input);
  history_[reads_ % kHistory] = input;
  ++reads_;
  for (std::size_t i = 0; i < count_; ++i) {
    bend(slots_[i], tick, input);
    ++slots_[i].ticks;
  }
  last_input_ = input;
}

void FaultyImage::bend(Slot& slot, const Tick& tick, hal::MachineInput& input) noexcept {
  hal::AxisInput& axis = input.axis[slot.fault.axis];
  if (slot.ticks == 0) {
    slot.held = axis;
    slot.held_word = slot.followed_word = written_.axis[slot.fault.axis].force;
  }
  if (slot.fault.injector >= Injector::kEncoderOff) {
    hold_samples(slot, axis);
    bend_on_demand(slot, axis);
    bend_link_on_demand(slot, input);
    return;
  }
  bend_encoder(slot, axis.drive);
  if (slot.fault.pad >= 0 && slot.fault.pad < hal::kPads) {
    const auto pad = static_cast<std::size_t>(slot.fault.pad);
    bend_load_cell(slot, slot.held.pad[pad], axis.pad[pad]);
    axis.load_cell = hal::both_pads(axis.pad);
  } else {
    bend_load_cell(slot, slot.held.load_cell, axis.load_cell);
  }
  bend_drive(slot, axis.drive);
  bend_link(slot, tick, input);
}

void FaultyImage::bend_encoder(Slot& slot, hal::DriveInput& drive) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kEncoderStuck:
      drive.position = slot.held.drive.position;
      drive.velocity = 0.0;
      break;
    case Injector::kEncoderSpike:
      if (slot.random.chance(between(0.1, 0.5, intensity))) {
        drive.position += either_sign(slot.random) * slot.random.uniform(0.02, 1.0);
      }
      break;
    case Injector::kEncoderJump:
      drive.position += between(0.02, 0.5, intensity);
      break;
    case Injector::kEncoderSign:
      drive.position = -drive.position;
      drive.velocity = -drive.velocity;
      break;
    case Injector::kLostCounts:
      drive.position -= between(0.05, 0.6, intensity);
      ++drive.freshness.epoch;
      break;
    case Injector::kTornValue:
      // Singly: each is a lost sample.
      if (slot.ticks % 100 == 50) drive.position += kTornM;
      break;
    default:
      break;
  }
}

void FaultyImage::bend_load_cell(Slot& slot, const hal::LoadCellInput& held,
                                 hal::LoadCellInput& cell) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kLoadCellStuck:
      cell.force = held.force;
      break;
    case Injector::kLoadCellDrift:
      cell.force -= between(20.0, 100.0, intensity) * static_cast<double>(slot.ticks) * 1e-3;
      break;
    case Injector::kLoadCellSpike:
      if (slot.random.chance(between(0.1, 0.5, intensity))) {
        cell.force += either_sign(slot.random) * slot.random.uniform(450.0, 1500.0);
      }
      break;
    case Injector::kLoadCellRail:
      cell.force = intensity < 0.5 ? -kRailN : kRailN;
      cell.saturated = true;
      break;
    case Injector::kLoadCellSign:
      cell.force = -cell.force;
      break;
    case Injector::kLoadCellScale:
      cell.force *= between(0.4, 0.1, intensity);
      break;
    case Injector::kLoadCellForeign:
      cell.force *= between(1.5, 2.5, intensity);
      break;
    default:
      break;
  }
}

void FaultyImage::bend_drive(Slot& slot, hal::DriveInput& drive) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kDriveFault:
      drive.state = hal::DriveState::kFault;
      drive.error_code = 0x2310;
      break;
    case Injector::kStoOpen:
      drive.sto_active = true;
      break;
    case Injector::kSupplySag:
      drive.bus_voltage_v = between(230.0, 50.0, intensity);
      break;
    case Injector::kSupplyHigh:
      drive.bus_voltage_v = between(405.0, 450.0, intensity);
      break;
    case Injector::kDriveHot:
      drive.temperature_c += between(60.0, 100.0, intensity);
      break;
    case Injector::kDriveMode:
      drive.mode_display = intensity < 0.5 ? 1 : 3;  // profile position, profile velocity
      break;
    default:
      break;
  }
}

void FaultyImage::bend_link(Slot& slot, const Tick& tick, hal::MachineInput& input) noexcept {
  const double intensity = slot.fault.intensity;
  hal::AxisInput& axis = input.axis[slot.fault.axis];
  switch (slot.fault.injector) {
    case Injector::kSensorDelay: {
      const auto delay = static_cast<std::uint64_t>(between(22.0, 60.0, intensity));
      if (reads_ > delay) axis = history_[(reads_ - 1 - delay) % kHistory].axis[slot.fault.axis];
      break;
    }
    case Injector::kLinkDown:
      input = last_input_;
      break;
    case Injector::kLateFrames:
      if (in_late_burst(slot.ticks, intensity)) input = last_input_;
      break;
    case Injector::kStaleRegisters:
      // The device answers but repeats its data: fresh stamps on old values.
      axis.drive.position = slot.held.drive.position;
      axis.drive.velocity = slot.held.drive.velocity;
      axis.drive.force = slot.held.drive.force;
      axis.load_cell.force = slot.held.load_cell.force;
      axis.drive.freshness.stamp_ns = tick.nominal_ns - kRoundNs;
      break;
    default:
      break;
  }
}

void FaultyImage::write(const Tick& tick, const hal::MachineOutput& output) noexcept {
  written_ = output;
  orders_[writes_ % kHistory] = output;
  ++writes_;
  hal::MachineOutput passed = output;
  for (std::size_t i = 0; i < count_; ++i) {
    Slot& slot = slots_[i];
    hal::AxisOutput& axis = passed.axis[slot.fault.axis];
    if (slot.fault.injector >= Injector::kEncoderOff && !bend_order(slot, axis)) return;
    switch (slot.fault.injector) {
      case Injector::kDriveGain:
        axis.force *= between(1.6, 3.0, slot.fault.intensity);
        break;
      case Injector::kDriveRunaway:  // whatever is ordered, it pulls on
        axis.force = slot.held_word;
        axis.request = hal::DriveRequest::kEnable;
        break;
      case Injector::kLinkDown:
        return;  // nothing arrives; the drive's own watchdog is the last to act
      case Injector::kLateFrames:
        if (in_late_burst(slot.ticks, slot.fault.intensity)) return;
        break;
      default:
        break;
    }
  }
  made_ = passed;
  machine_.write(tick, passed);
}

}  // namespace medius::sim
