// The CiA 402 tables, over every statusword there is.
#include "hal/modbus/cia402.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace medius::hal {
namespace {

constexpr DriveState kAllStates[] = {
    DriveState::kUnknown,         DriveState::kNotReadyToSwitchOn,  DriveState::kSwitchOnDisabled,
    DriveState::kReadyToSwitchOn, DriveState::kSwitchedOn,          DriveState::kOperationEnabled,
    DriveState::kQuickStopActive, DriveState::kFaultReactionActive, DriveState::kFault};
constexpr DriveRequest kAllRequests[] = {DriveRequest::kDisable, DriveRequest::kEnable,
                                         DriveRequest::kQuickStop, DriveRequest::kResetFault};

// The standard's table, written down a second time as bit patterns: x = any.
struct Pattern {
  DriveState state;
  const char* bits;  // b6 b5 b3 b2 b1 b0
};
constexpr Pattern kPatterns[] = {
    {DriveState::kNotReadyToSwitchOn, "0x0000"},  {DriveState::kSwitchOnDisabled, "1x0000"},
    {DriveState::kReadyToSwitchOn, "010001"},     {DriveState::kSwitchedOn, "010011"},
    {DriveState::kOperationEnabled, "010111"},    {DriveState::kQuickStopActive, "000111"},
    {DriveState::kFaultReactionActive, "0x1111"}, {DriveState::kFault, "0x1000"}};

bool matches(const char* bits, unsigned word) {
  constexpr int kPositions[] = {6, 5, 3, 2, 1, 0};
  for (int i = 0; i < 6; ++i) {
    if (bits[i] != 'x' && static_cast<unsigned>(bits[i] - '0') != ((word >> kPositions[i]) & 1u)) {
      return false;
    }
  }
  return true;
}

TEST(Cia402State, EveryStatuswordDecodesAsTheStandardSays) {
  for (unsigned word = 0; word <= 0xFFFF; ++word) {
    DriveState expected = DriveState::kUnknown;
    for (const Pattern& pattern : kPatterns) {
      if (matches(pattern.bits, word)) expected = pattern.state;
    }
    ASSERT_EQ(cia402_state(static_cast<std::uint16_t>(word)), expected) << "statusword " << word;
  }
}

TEST(Cia402State, EveryStateSurvivesItsOwnStatusword) {
  for (const DriveState state : kAllStates) {
    if (state == DriveState::kUnknown) continue;
    for (const int other : {0x0000, 0x0290, 0x0E90}) {
      const auto word = static_cast<std::uint16_t>(cia402_statusword(state) | other);
      EXPECT_EQ(cia402_state(word), state);
    }
  }
}

// A drive by the book: one transition for each controlword.
DriveState obey(DriveState state, std::uint16_t word, bool reset_edge) {
  const bool voltage = (word & 2) != 0, quick = (word & 4) == 0;
  if (state == DriveState::kFault) return reset_edge ? DriveState::kSwitchOnDisabled : state;
  if (!voltage) {
    return state == DriveState::kFaultReactionActive ? state : DriveState::kSwitchOnDisabled;
  }
  if (quick) {
    return state == DriveState::kOperationEnabled || state == DriveState::kQuickStopActive
               ? DriveState::kQuickStopActive
               : DriveState::kSwitchOnDisabled;
  }
  switch (state) {
    case DriveState::kSwitchOnDisabled:
      return (word & 0x0F) == 6 ? DriveState::kReadyToSwitchOn : state;
    case DriveState::kReadyToSwitchOn:
      return (word & 0x0F) == 7 ? DriveState::kSwitchedOn : state;
    case DriveState::kSwitchedOn:
      return (word & 0x0F) == 15 ? DriveState::kOperationEnabled : state;
    default:
      return state;
  }
}

TEST(Cia402Controlword, EnableReachesOperationFromEveryStateButFaults) {
  for (DriveState start : kAllStates) {
    if (start == DriveState::kFault || start == DriveState::kFaultReactionActive ||
        start == DriveState::kUnknown || start == DriveState::kNotReadyToSwitchOn) {
      continue;
    }
    DriveState state = start;
    for (int i = 0; i < 5; ++i)
      state = obey(state, cia402_controlword(state, DriveRequest::kEnable), false);
    EXPECT_EQ(state, DriveState::kOperationEnabled) << to_string(start);
  }
}

TEST(Cia402Controlword, EnableNeverLeavesAFaultByItself) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(cia402_controlword(DriveState::kFault, DriveRequest::kEnable) & kControlFaultReset,
              0);
    EXPECT_EQ(cia402_controlword(DriveState::kFaultReactionActive, DriveRequest::kEnable), 0);
  }
}

TEST(Cia402Controlword, DisableTakesTheVoltageAwayInEveryState) {
  for (const DriveState state : kAllStates) {
    EXPECT_EQ(cia402_controlword(state, DriveRequest::kDisable), kControlDisableVoltage);
  }
}

TEST(Cia402Controlword, OnlyAnEnableRequestEverEnablesOperation) {
  for (const DriveState state : kAllStates) {
    for (const DriveRequest request : kAllRequests) {
      const std::uint16_t word = cia402_controlword(state, request);
      const bool enables = (word & 0x0F) == kControlEnableOperation;
      EXPECT_EQ(enables,
                request == DriveRequest::kEnable &&
                    (state == DriveState::kSwitchedOn || state == DriveState::kOperationEnabled));
      const bool resets = (word & kControlFaultReset) != 0;
      EXPECT_EQ(resets, request == DriveRequest::kResetFault && state == DriveState::kFault);
    }
  }
}

TEST(Cia402Controlword, QuickStopStopsAnEnabledDriveAndDisablesAnyOther) {
  for (const DriveState state : kAllStates) {
    const std::uint16_t word = cia402_controlword(state, DriveRequest::kQuickStop);
    const bool active =
        state == DriveState::kOperationEnabled || state == DriveState::kQuickStopActive;
    EXPECT_EQ(word, active ? kControlQuickStop : kControlDisableVoltage);
  }
}

TEST(FaultReset, IsARisingEdgeHeldForItsLevelAndComesAgain) {
  for (const std::uint32_t level : {1u, 5u, 10u}) {
    FaultResetPulse pulse;
    std::uint16_t before = 0;
    int edges = 0;
    std::uint32_t high = 0;
    for (std::uint32_t i = 0; i < 4 * level; ++i) {
      const std::uint16_t word = pulse.shape(kControlFaultReset, level);
      if (i == 0) {
        EXPECT_EQ(word, 0) << "the low level comes first";
      }
      if (word != 0 && before == 0) ++edges;
      if (word != 0) ++high;
      before = word;
    }
    EXPECT_EQ(edges, 2);
    EXPECT_EQ(high, 2 * level);
  }
}

TEST(FaultReset, OtherControlwordsPassUntouchedAndEndThePulse) {
  FaultResetPulse pulse;
  static_cast<void>(pulse.shape(kControlFaultReset, 3));
  for (const std::uint16_t word :
       std::initializer_list<std::uint16_t>{0x00, 0x02, 0x06, 0x07, 0x0F})
    EXPECT_EQ(pulse.shape(word, 3), word);
  EXPECT_EQ(pulse.shape(kControlFaultReset, 3), 0);
}

}  // namespace
}  // namespace medius::hal
