// Enabling a drive that does not follow the CiA 402 controlword: fixed words, one after the other,
// and a table from status values to states.
#pragma once

#include "hal/modbus/cia402.hpp"
#include "hal/modbus/descriptor.hpp"

namespace medius::hal::modbus {

// [any] kUnknown for a status that the table does not name.
[[nodiscard]] inline DriveState drive_state(const EnableSpec& enable,
                                            std::uint16_t status) noexcept {
  if (enable.states.empty()) return cia402_state(status);
  for (const StateCode& code : enable.states) {
    if ((status & code.mask) == code.value) return code.state;
  }
  return DriveState::kUnknown;
}

// How long things stay on the bus, in exchanges.
struct WordPace {
  std::uint32_t word_cycles = 1;   // each word of the enable sequence but the last
  std::uint32_t level_cycles = 1;  // each level of a fault reset
};

// Where in its sequence a drive is.
struct EnableWords {
  std::uint32_t cycles = 0;  // since the request began
  DriveRequest last = DriveRequest::kDisable;

  // [bus] What goes out in this exchange.
  [[nodiscard]] std::uint16_t next(const EnableSpec& enable, DriveState state, DriveRequest request,
                                   const WordPace& pace) noexcept {
    if (request != last) cycles = 0;
    last = request;
    const std::uint32_t now = cycles;
    if (cycles < UINT32_MAX) ++cycles;
    switch (request) {
      case DriveRequest::kEnable: {
        if (state == DriveState::kFault || state == DriveState::kFaultReactionActive) {
          cycles = 0;  // a fault stays until it is reset on purpose
          return enable.off;
        }
        const std::size_t step = now / (pace.word_cycles == 0 ? 1 : pace.word_cycles);
        return enable.on[step < enable.on.size() ? step : enable.on.size() - 1];
      }
      case DriveRequest::kQuickStop:
        return enable.quick_stop;
      case DriveRequest::kResetFault: {
        if (state != DriveState::kFault) return enable.off;
        const std::uint32_t level = now / (pace.level_cycles == 0 ? 1 : pace.level_cycles);
        return level % 2 == 1 ? enable.reset_high : enable.reset_low;
      }
      case DriveRequest::kDisable:
        break;
    }
    return enable.off;
  }
};

}  // namespace medius::hal::modbus
