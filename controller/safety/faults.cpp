#include "controller/safety/faults.hpp"

namespace medius::safety {
namespace {

// The exits: a latched fault ends with a rising edge of the panel's reset while its cause is gone.
constexpr FaultInfo kTable[] = {
    {FaultCode::kNone, Reaction::kNone, false, "none", "nothing to do"},
    {FaultCode::kDataStale, Reaction::kFastUnload, true, "data-stale",
     "check the bus wiring and the load of the host, then press reset at the panel"},
    {FaultCode::kLinkLost, Reaction::kFastUnload, true, "link-lost",
     "check that the machine is on and its network cable is in, then press reset at the panel"},
    {FaultCode::kDriveFault, Reaction::kTorqueOff, true, "drive-fault",
     "look up the drive's error code, remove the cause, then press reset at the panel"},
    {FaultCode::kDriveNotEnabled, Reaction::kTorqueOff, true, "drive-not-enabled",
     "find out why the drive left operation enabled, then press reset at the panel"},
    {FaultCode::kDriveWatchdog, Reaction::kTorqueOff, true, "drive-watchdog",
     "the drive heard nothing in time: check the bus, then press reset at the panel"},
    {FaultCode::kStoActive, Reaction::kTorqueOff, true, "sto-active",
     "close the safe-torque-off circuit, then press reset at the panel"},
    {FaultCode::kDriveMode, Reaction::kTorqueOff, true, "drive-mode",
     "the drive is not in torque mode: check its set-up, then press reset at the panel"},
    {FaultCode::kSupplyVoltage, Reaction::kSoftUnload, true, "supply-voltage",
     "check the drive's supply and its braking resistor, then press reset at the panel"},
    {FaultCode::kOverTemperature, Reaction::kSoftUnload, true, "over-temperature",
     "let the drive cool down and check its fan, then press reset at the panel"},
    {FaultCode::kDriveRunaway, Reaction::kTorqueOff, true, "drive-runaway",
     "the drive pulled without an order: have it checked before it is used again"},
    {FaultCode::kEstop, Reaction::kTorqueOff, true, "estop",
     "release the emergency stop when it is safe, then press reset at the panel"},
    {FaultCode::kRelayOpen, Reaction::kTorqueOff, true, "relay-open",
     "check the safe-state relay and its supply, then press reset at the panel"},
    {FaultCode::kPanelStop, Reaction::kSoftUnload, true, "panel-stop",
     "release the stop button, then press reset at the panel"},
    {FaultCode::kLoadCellSaturated, Reaction::kFastUnload, true, "load-cell-saturated",
     "check the load cell and its cable, then press reset at the panel"},
    {FaultCode::kForceImplausible, Reaction::kFastUnload, true, "force-implausible",
     "load cell and drive disagree: check for a jam and the calibration, then press reset"},
    {FaultCode::kNotFinite, Reaction::kFastUnload, true, "not-finite",
     "a measured value was not a number: check the device file, then press reset at the panel"},
    {FaultCode::kEncoderStuck, Reaction::kSoftUnload, true, "encoder-stuck",
     "check the encoder, its cable and its coupling, then press reset at the panel"},
    {FaultCode::kEncoderImplausible, Reaction::kFastUnload, true, "encoder-implausible",
     "check the encoder's cable, shield and sign, then press reset at the panel"},
    {FaultCode::kLoadCellStuck, Reaction::kSoftUnload, true, "load-cell-stuck",
     "check the load cell's amplifier and its cable, then press reset at the panel"},
    {FaultCode::kLoadCellImplausible, Reaction::kSoftUnload, true, "load-cell-implausible",
     "check the load cell's cable and shield, then press reset at the panel"},
    {FaultCode::kOverspeed, Reaction::kFastUnload, true, "overspeed",
     "the cable ran in too fast: check handle and cable, then press reset at the panel"},
    {FaultCode::kHandleReleased, Reaction::kSoftUnload, false, "handle-released",
     "take the handle again; the set is paused at pretension and can be resumed"},
    {FaultCode::kDeadManReleased, Reaction::kSoftUnload, false, "dead-man-released",
     "hold the dead-man switch before the machine is to pull again; the set can be resumed"},
    {FaultCode::kPulledTooFar, Reaction::kSoftUnload, true, "pulled-too-far",
     "see to the person, let them take the start position again, then press reset at the panel"},
    {FaultCode::kLegOffPad, Reaction::kSoftUnload, false, "leg-off-pad",
     "take both pads again, or have the cell of the empty one checked; the set can be resumed"},
    {FaultCode::kTicksMissed, Reaction::kFastUnload, true, "ticks-missed",
     "the host stalled: close other programs on it, then press reset at the panel"},
    {FaultCode::kPluginError, Reaction::kSoftUnload, true, "plugin-error",
     "the profile gave up: choose another profile, then press reset at the panel"},
    {FaultCode::kPluginNotFinite, Reaction::kSoftUnload, true, "plugin-not-finite",
     "the profile returned no number: choose another profile, then press reset at the panel"},
    {FaultCode::kPluginOutOfRange, Reaction::kSoftUnload, true, "plugin-out-of-range",
     "the profile wished an impossible force: choose another profile, then press reset"},
    {FaultCode::kPluginOverBudget, Reaction::kSoftUnload, true, "plugin-over-budget",
     "the profile took too long: choose another profile, then press reset at the panel"},
    {FaultCode::kPluginCrashed, Reaction::kSoftUnload, true, "plugin-crashed",
     "the profile crashed: restart the controller before using a profile again"},
    {FaultCode::kPluginOscillates, Reaction::kSoftUnload, true, "plugin-oscillates",
     "the profile shook the person: choose another profile, then press reset at the panel"},
    {FaultCode::kLimitsCorrupt, Reaction::kTorqueOff, true, "limits-corrupt",
     "the limits in memory changed: restart the controller; if it happens again, test the memory"},
    {FaultCode::kCommandInvalid, Reaction::kNone, false, "command-invalid",
     "the order does not fit the machine's state: read the state and order again"},
};

// What an unknown code gets: nobody knows what is wrong, so no torque.
constexpr FaultInfo kUnknown = {FaultCode::kLimitsCorrupt, Reaction::kTorqueOff, true, "unknown",
                                "restart the controller and report the fault's number"};

}  // namespace

const FaultInfo& fault_info(FaultCode code) noexcept {
  for (const FaultInfo& info : kTable) {
    if (info.code == code) return info;
  }
  return kUnknown;
}

}  // namespace medius::safety
