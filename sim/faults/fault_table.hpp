// The failure table as data: every way of failing that Medius answers for, how it is injected, who
// must notice, how fast, and what it may never cause. The page FAULTS.md is printed from it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "controller/safety/faults.hpp"

namespace medius::sim {

// What the simulated world can do to itself. kNone: the row is shown by the test it names.
enum class Injector : std::uint8_t {
  kNone = 0,
  // signals, between machine and loop
  kEncoderStuck,
  kEncoderSpike,
  kEncoderJump,
  kEncoderSign,
  kLoadCellStuck,
  kLoadCellDrift,
  kLoadCellSpike,
  kLoadCellRail,
  kLoadCellSign,
  kLoadCellScale,
  kSensorDelay,
  kTornValue,
  kLostCounts,
  kLoadCellForeign,
  // link
  kLinkDown,
  kLateFrames,
  kStaleRegisters,
  // drive
  kDriveFault,
  kStoOpen,
  kSupplySag,
  kSupplyHigh,
  kDriveGain,
  kDriveRunaway,
  kDriveMode,
  kDriveHot,
  // mechanics and person
  kRelease,
  kJam,
  kCableCut,
  kHooked,
  kWeak,
  kWalksIn,
  kSlack,
  kStopsLifting,
  // computer
  kPause,
  kOverrun,
  kStarve,
  kKill,
  kSlowProcessor,
  kWallJump,
  kWallEpoch,
  // profile
  kWishNan,
  kWishHuge,
  kWishShakes,
  kProfileHangs,
  kProfileCrashes,
  // trainer
  kAbsurdLoad,
  kOrderFlood,
  kStaleOrder,
  kDuplicateOrder,
  kWrongAxis,
  kLoadRaise,
  kStopStorm,
  kTwoTrainers,
  kTrainerLost,
  kReplayedOrder,
  // storage
  kStoreStall,
  kDiskFull,
  kDiskFails,
  kPowerLost,
  // what a hand asks for on demand, beyond the rows of the failure table
  kEncoderOff,
  kEncoderScale,
  kEncoderSlow,
  kEncoderDelay,
  kEncoderIntermittent,
  kLoadCellOff,
  kLoadCellOffset,
  kLoadCellSlow,
  kLoadCellDelay,
  kLoadCellIntermittent,
  kDriveOff,
  kDriveGarbage,
  kDriveOffset,
  kDriveSign,
  kDriveSlow,
  kDriveDelay,
  kDriveIntermittent,
  kDriveReboot,
  kSecondMaster,
  kEstop,
  kLinkSlow,
  kLinkIntermittent,
  kFrameGarbage,
  kFrameForeign,
  kFrameDuplicate,
  kFrameReordered,
  kFrameTruncated,
};

// Where in a session a fault strikes.
enum class FaultPhase : std::uint8_t {
  kIdle = 0,
  kArming,
  kTakeUp,
  kConcentric,
  kEccentric,
  kTurnAround,
  kRest,
  kUnloading,
};
inline constexpr int kFaultPhases = 8;
using PhaseMask = std::uint8_t;
[[nodiscard]] constexpr PhaseMask mask(FaultPhase phase) noexcept {
  return static_cast<PhaseMask>(1u << static_cast<unsigned>(phase));
}

// The machines that a fault can happen to.
using MachineMask = std::uint8_t;
inline constexpr MachineMask kCableMachine = 1, kSeatedMachine = 2, kEveryMachine = 3;

struct FaultRow {
  int number = 0;
  const char* name = "";
  const char* injection = "";
  Injector injector = Injector::kNone;
  bool raises_force = false;  // on its own it would pull harder than was ordered
  // Who must notice: one of these; all kNone: nobody needs to, the invariants hold all the same.
  // For kStarve, kKill and kPowerLost it is the guard, and these are what the loop says once it
  // runs again.
  std::array<safety::FaultCode, 4> expected{};
  double budget_ms = 0.0;          // from the moment it acts to the reaction
  const char* budget_reason = "";  // what takes the time
  PhaseMask phases = 0;            // where it can strike and must be noticed
  const char* reaction = "";
  const char* shown_by = "";  // for kNone: the test, or why nothing can show it
  double least_load_n = 0.0;  // a lighter load hides it; it must then be harmless, not noticed
  MachineMask machines = kEveryMachine;
  [[nodiscard]] bool strikes(FaultPhase phase, bool seated) const noexcept {
    return (phases & mask(phase)) != 0 &&
           (machines & (seated ? kSeatedMachine : kCableMachine)) != 0;
  }
};

// [any] All rows in order of their numbers.
[[nodiscard]] std::span<const FaultRow> fault_table() noexcept;
// Of the table or of fault_menu.hpp; null when there is none.
[[nodiscard]] const FaultRow* find_fault(int number) noexcept;
[[nodiscard]] const char* to_string(FaultPhase phase) noexcept;

// The table as a page in Markdown.
[[nodiscard]] std::string fault_page();

}  // namespace medius::sim
