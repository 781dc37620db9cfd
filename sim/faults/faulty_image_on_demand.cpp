// What a hand asks for on demand, see fault_menu.hpp.
#include "sim/faults/faulty_image.hpp"
#include "sim/faults/intensity.hpp"

namespace medius::sim {
namespace {

constexpr std::int64_t kFlickerTicks = 60;
constexpr std::int64_t kMissedOrderTicks = 200;
constexpr std::int64_t kRebootTicks = 300;
constexpr std::int64_t kForeignWriteTicks = 20;
constexpr double kTickS = 1e-3;
constexpr hal::DriveState kAnyState[] = {hal::DriveState::kNotReadyToSwitchOn,
                                         hal::DriveState::kSwitchOnDisabled,
                                         hal::DriveState::kReadyToSwitchOn,
                                         hal::DriveState::kSwitchedOn,
                                         hal::DriveState::kOperationEnabled,
                                         hal::DriveState::kQuickStopActive,
                                         hal::DriveState::kFault};

bool flickers(std::int64_t ticks, double intensity) noexcept {
  return static_cast<double>(ticks % kFlickerTicks) < between(3.0, 40.0, intensity);
}

bool every(std::int64_t ticks, double period_ticks) noexcept {
  return ticks % static_cast<std::int64_t>(period_ticks) == 0;
}

}  // namespace

const hal::AxisInput& FaultyImage::past(const Slot& slot, double mild_ms,
                                        double severe_ms) const noexcept {
  auto delay = static_cast<std::uint64_t>(between(mild_ms, severe_ms, slot.fault.intensity));
  if (delay > reads_ - 1) delay = reads_ - 1;
  return history_[(reads_ - 1 - delay) % kHistory].axis[slot.fault.axis];
}

// What is shown until the next sample is taken.
void FaultyImage::hold_samples(Slot& slot, hal::AxisInput& axis) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kEncoderSlow:
      if (every(slot.ticks, between(30.0, 200.0, intensity))) slot.held = axis;
      break;
    case Injector::kLoadCellSlow:
      if (every(slot.ticks, between(50.0, 300.0, intensity))) slot.held = axis;
      break;
    case Injector::kEncoderIntermittent:
      if (!flickers(slot.ticks, intensity)) slot.held = axis;
      break;
    default:
      break;
  }
}

void FaultyImage::bend_on_demand(Slot& slot, hal::AxisInput& axis) noexcept {
  const double intensity = slot.fault.intensity;
  hal::DriveInput& drive = axis.drive;
  switch (slot.fault.injector) {
    case Injector::kEncoderOff:
      drive.position = drive.velocity = 0.0;
      break;
    case Injector::kEncoderScale:
      drive.position *= between(1.2, 3.0, intensity);
      drive.velocity *= between(1.2, 3.0, intensity);
      break;
    case Injector::kEncoderSlow:
    case Injector::kEncoderIntermittent:
      drive.position = slot.held.drive.position;
      drive.velocity = slot.held.drive.velocity;
      break;
    case Injector::kEncoderDelay:
      drive.position = past(slot, 5.0, 40.0).drive.position;
      drive.velocity = past(slot, 5.0, 40.0).drive.velocity;
      break;
    case Injector::kLoadCellOff:
      axis.load_cell.force = 0.0;
      break;
    case Injector::kLoadCellOffset:
      axis.load_cell.force -= between(20.0, 120.0, intensity);
      break;
    case Injector::kLoadCellSlow:
      axis.load_cell.force = slot.held.load_cell.force;
      break;
    case Injector::kLoadCellDelay:
      axis.load_cell.force = past(slot, 5.0, 40.0).load_cell.force;
      break;
    case Injector::kLoadCellIntermittent:
      if (flickers(slot.ticks, intensity)) axis.load_cell.force = 0.0;
      break;
    default:
      bend_state_on_demand(slot, drive);
      break;
  }
}

void FaultyImage::bend_state_on_demand(Slot& slot, hal::DriveInput& drive) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kDriveOff:
      drive.state = hal::DriveState::kSwitchOnDisabled;
      drive.force = 0.0;
      break;
    case Injector::kDriveGarbage:
      if (!slot.random.chance(between(0.1, 0.5, intensity))) break;
      drive.state = kAnyState[slot.random.below(std::size(kAnyState))];
      drive.error_code = static_cast<std::uint16_t>(slot.random.below(65536));
      drive.mode_display = static_cast<std::int8_t>(slot.random.below(11));
      break;
    case Injector::kDriveReboot:
      drive.force = 0.0;
      drive.state = slot.ticks < kRebootTicks ? hal::DriveState::kNotReadyToSwitchOn
                                              : hal::DriveState::kSwitchOnDisabled;
      drive.mode_display = intensity < 0.5 ? 1 : 3;  // profile position, profile velocity
      break;
    default:
      break;
  }
}

void FaultyImage::bend_link_on_demand(Slot& slot, hal::MachineInput& input) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kLinkSlow:
      input.axis[slot.fault.axis] = past(slot, 5.0, 15.0);
      break;
    case Injector::kLinkIntermittent:
      if (in_silent_burst(slot.ticks, intensity)) input = last_input_;
      break;
    case Injector::kFrameGarbage:
    case Injector::kFrameForeign:
    case Injector::kFrameReordered:
    case Injector::kFrameTruncated:
      // Without frames what is left of it is a sample that is missing.
      if (slot.random.chance(frame_share(intensity))) input = last_input_;
      break;
    default:
      break;
  }
}

bool FaultyImage::bend_order(Slot& slot, hal::AxisOutput& axis) noexcept {
  const double intensity = slot.fault.intensity;
  switch (slot.fault.injector) {
    case Injector::kDriveOff:
    case Injector::kDriveReboot:
      axis.request = hal::DriveRequest::kDisable;
      return true;
    case Injector::kDriveOffset:
      axis.force += between(20.0, 80.0, intensity);
      return true;
    case Injector::kDriveSign:
      axis.force = -axis.force;
      return true;
    case Injector::kDriveSlow:
      slot.followed_word +=
          (axis.force - slot.followed_word) * kTickS / between(0.05, 0.3, intensity);
      axis.force = slot.followed_word;
      return true;
    case Injector::kDriveDelay: {
      auto delay = static_cast<std::uint64_t>(between(5.0, 40.0, intensity));
      if (delay > writes_ - 1) delay = writes_ - 1;
      axis = orders_[(writes_ - 1 - delay) % kHistory].axis[slot.fault.axis];
      return true;
    }
    case Injector::kDriveIntermittent:
      return static_cast<double>(slot.ticks % kMissedOrderTicks) >= between(10.0, 80.0, intensity);
    case Injector::kSecondMaster:
      if (slot.ticks % kForeignWriteTicks == 0) {
        axis.request = hal::DriveRequest::kDisable;
        axis.force = 0.0;
      }
      return true;
    case Injector::kLinkIntermittent:
      return !in_silent_burst(slot.ticks, intensity);
    default:
      return true;
  }
}

}  // namespace medius::sim
