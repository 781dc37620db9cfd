// The CiA 402 / IEC 61800-7-201 state machine as pure tables: statusword -> state, and state x
// request
// -> controlword. Every drive speaks it, only the registers behind it differ.
#pragma once

#include <cstdint>

#include "hal/image/machine_image.hpp"

namespace medius::hal {

inline constexpr std::uint16_t kControlDisableVoltage = 0x0000;
inline constexpr std::uint16_t kControlQuickStop = 0x0002;
inline constexpr std::uint16_t kControlShutdown = 0x0006;
inline constexpr std::uint16_t kControlSwitchOn = 0x0007;
inline constexpr std::uint16_t kControlEnableOperation = 0x000F;
inline constexpr std::uint16_t kControlFaultReset = 0x0080;  // acts on its rising edge

inline constexpr std::uint16_t kStatusVoltageEnabled = 0x0010;
inline constexpr std::uint16_t kStatusWarning = 0x0080;
inline constexpr std::uint16_t kStatusRemote = 0x0200;
inline constexpr std::uint16_t kStatusTargetReached = 0x0400;
inline constexpr std::uint16_t kStatusInternalLimit = 0x0800;

inline constexpr std::int8_t kModeProfileTorque = 4;
inline constexpr std::int8_t kModeCyclicTorque = 10;
inline constexpr std::int8_t kModeProfileVelocity = 3;
inline constexpr std::int8_t kModeCyclicVelocity = 9;

[[nodiscard]] constexpr bool is_velocity_mode(std::int8_t mode) noexcept {
  return mode == kModeProfileVelocity || mode == kModeCyclicVelocity;
}

// [any] kUnknown for the bit patterns that the standard leaves undefined.
[[nodiscard]] constexpr DriveState cia402_state(std::uint16_t statusword) noexcept {
  switch (statusword & 0x4F) {
    case 0x00:
      return DriveState::kNotReadyToSwitchOn;
    case 0x40:
      return DriveState::kSwitchOnDisabled;
    case 0x0F:
      return DriveState::kFaultReactionActive;
    case 0x08:
      return DriveState::kFault;
    default:
      break;
  }
  switch (statusword & 0x6F) {
    case 0x21:
      return DriveState::kReadyToSwitchOn;
    case 0x23:
      return DriveState::kSwitchedOn;
    case 0x27:
      return DriveState::kOperationEnabled;
    case 0x07:
      return DriveState::kQuickStopActive;
    default:
      return DriveState::kUnknown;
  }
}

// [any] The state bits of a statusword; the inverse of cia402_state(), for simulated drives.
[[nodiscard]] constexpr std::uint16_t cia402_statusword(DriveState state) noexcept {
  switch (state) {
    case DriveState::kSwitchOnDisabled:
      return 0x0040;
    case DriveState::kReadyToSwitchOn:
      return 0x0021;
    case DriveState::kSwitchedOn:
      return 0x0023;
    case DriveState::kOperationEnabled:
      return 0x0027;
    case DriveState::kQuickStopActive:
      return 0x0007;
    case DriveState::kFaultReactionActive:
      return 0x000F;
    case DriveState::kFault:
      return 0x0008;
    case DriveState::kUnknown:
    case DriveState::kNotReadyToSwitchOn:
      return 0x0000;
  }
  return 0x0000;
}

// [any] What to send in a state to get towards a request, one transition at a time. Whatever is not
// named here gets "disable voltage": the safe answer in every state.
[[nodiscard]] constexpr std::uint16_t cia402_controlword(DriveState state,
                                                         DriveRequest request) noexcept {
  switch (request) {
    case DriveRequest::kEnable:
      switch (state) {
        case DriveState::kSwitchOnDisabled:
          return kControlShutdown;
        case DriveState::kReadyToSwitchOn:
          return kControlSwitchOn;
        case DriveState::kSwitchedOn:
        case DriveState::kOperationEnabled:
          return kControlEnableOperation;
        default:
          return kControlDisableVoltage;  // a fault stays until it is reset on purpose
      }
    case DriveRequest::kQuickStop:
      switch (state) {
        case DriveState::kOperationEnabled:
        case DriveState::kQuickStopActive:
          return kControlQuickStop;
        default:
          return kControlDisableVoltage;
      }
    case DriveRequest::kResetFault:
      return state == DriveState::kFault ? kControlFaultReset : kControlDisableVoltage;
    case DriveRequest::kDisable:
      return kControlDisableVoltage;
  }
  return kControlDisableVoltage;
}

// Makes the rising edges of a fault reset: bit 7 low, then high, each for as long as the drive
// needs to see it. A reset that is asked for again and again gives an edge every two levels.
struct FaultResetPulse {
  std::uint32_t cycles = 0;  // since the request began

  // [bus] `controlword` as the table gives it; returns what goes out in this bus cycle.
  constexpr std::uint16_t shape(std::uint16_t controlword, std::uint32_t level_cycles) noexcept {
    if (controlword != kControlFaultReset) {
      cycles = 0;
      return controlword;
    }
    const std::uint32_t level = level_cycles == 0 ? 1 : level_cycles;
    const bool high = (cycles / level) % 2 == 1;
    cycles = (cycles + 1) % (2 * level);
    return high ? kControlFaultReset : kControlDisableVoltage;
  }
};

[[nodiscard]] constexpr const char* to_string(DriveState state) noexcept {
  switch (state) {
    case DriveState::kNotReadyToSwitchOn:
      return "not ready to switch on";
    case DriveState::kSwitchOnDisabled:
      return "switch on disabled";
    case DriveState::kReadyToSwitchOn:
      return "ready to switch on";
    case DriveState::kSwitchedOn:
      return "switched on";
    case DriveState::kOperationEnabled:
      return "operation enabled";
    case DriveState::kQuickStopActive:
      return "quick stop active";
    case DriveState::kFaultReactionActive:
      return "fault reaction active";
    case DriveState::kFault:
      return "fault";
    case DriveState::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace medius::hal
