// Fault codes and graded reactions. One enum value per class of the failure table, each with its
// reaction and its documented exit; the words that the loop, the station, the store and the API
// share.
#pragma once

#include <cstdint>

namespace medius::safety {

// Ordered by severity: a higher one overrides a lower one.
enum class Reaction : std::uint8_t {
  kNone = 0,
  kFreezeIncreases = 1,  // R1: only decreases are accepted; ends when the cause ends
  kSoftUnload = 2,       // R2: to slack tension in <= 500 ms, the set pauses
  kFastUnload = 3,       // R3: >= 20 N/ms to zero, then torque off
  kTorqueOff = 4,        // R4: zero torque at once and the safe-state output is starved
};

enum class FaultCode : std::uint16_t {
  kNone = 0,
  // Latched (all but kHandleReleased, kDeadManReleased, kLegOffPad and kCommandInvalid): force
  // returns only after a local reset edge at the operator panel.
  kDataStale = 100,        // drive or load-cell sample older than its unload age
  kLinkLost = 101,         // the bus thread has declared the link lost
  kDriveFault = 110,       // statusword fault bit
  kDriveNotEnabled = 111,  // the drive left "operation enabled" under load
  kDriveWatchdog = 112,    // the drive's own communication watchdog tripped
  kStoActive = 113,        // safe torque off opened externally
  kDriveMode = 114,        // mode display is not torque
  kSupplyVoltage = 115,    // the drive's bus voltage is out of its range
  kOverTemperature = 116,
  kDriveRunaway = 117,  // pulls although it was told not to
  kEstop = 120,         // emergency-stop chain open
  kRelayOpen = 121,     // safe-state relay open while held
  kPanelStop = 122,     // stop button
  kLoadCellSaturated = 130,
  kForceImplausible = 131,     // load cell against drive beyond modelled friction
  kNotFinite = 132,            // an input of the kernel was NaN or infinite
  kEncoderStuck = 133,         // repeats one position while the person moves
  kEncoderImplausible = 134,   // jumps further than anything moves, or counts the wrong way
  kLoadCellStuck = 135,        // repeats one value: an amplifier always has noise
  kLoadCellImplausible = 136,  // jumps that no cable can make
  kOverspeed = 140,            // inward speed beyond the trip limit
  kHandleReleased = 141,       // tension collapsed and the cable runs in: slack servo, set paused;
                               // stands until the handle is held again, not latched
  kDeadManReleased = 142,  // let go of while the machine pulled inward: stops and unloads; stands
                           // until slack tension is reached, not latched
  kPulledTooFar = 143,     // the load pulled a limb well behind where it was taken
  kLegOffPad = 144,    // linked arms: one pad carries nothing, so that the other leg has it all;
                       // stands until both pads are held again, not latched
  kTicksMissed = 150,  // consecutive missed periods
  kPluginError = 160,  // profile returned an error
  kPluginNotFinite = 161,
  kPluginOutOfRange = 162,
  kPluginOverBudget = 163,
  kPluginCrashed = 164,
  kPluginOscillates = 165,  // wishes that shake the person
  kLimitsCorrupt = 170,     // the two copies of the limits differ
  kCommandInvalid = 180,    // a command the loop refuses (never latched)
};

struct FaultInfo {
  FaultCode code;
  Reaction reaction;
  bool latched;           // needs the local reset edge
  const char* name;       // kebab-case, stable
  const char* next_step;  // what a person does about it
};

// [any] Never null: unknown codes map to a generic entry.
[[nodiscard]] const FaultInfo& fault_info(FaultCode code) noexcept;

}  // namespace medius::safety
