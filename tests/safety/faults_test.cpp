#include "controller/safety/faults.hpp"

#include <cctype>
#include <cstring>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace medius::safety {
namespace {

TEST(Faults, EveryCodeHasANameOfItsOwnAndANextStep) {
  std::set<std::string> names;
  int known = 0;
  for (int number = 0; number < 65'536; ++number) {
    const auto code = static_cast<FaultCode>(number);
    const FaultInfo& info = fault_info(code);
    ASSERT_NE(info.name, nullptr);
    ASSERT_GT(std::strlen(info.next_step), 8u);
    if (std::string(info.name) == "unknown") continue;
    ++known;
    EXPECT_EQ(info.code, code);
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    for (const char* c = info.name; *c != '\0'; ++c) {
      EXPECT_TRUE(std::islower(static_cast<unsigned char>(*c)) || *c == '-') << info.name;
    }
  }
  EXPECT_EQ(known, 35);  // the enumerators of FaultCode
}

TEST(Faults, AnUnknownCodeTakesTheTorqueAwayAndLatches) {
  const FaultInfo& info = fault_info(static_cast<FaultCode>(9999));
  EXPECT_EQ(info.reaction, Reaction::kTorqueOff);
  EXPECT_TRUE(info.latched);
}

TEST(Faults, OnlyWhatAPersonLetGoOfAndARefusedOrderAreNotLatched) {
  for (int number = 1; number < 1000; ++number) {
    const auto code = static_cast<FaultCode>(number);
    const bool expected = code != FaultCode::kHandleReleased &&
                          code != FaultCode::kDeadManReleased && code != FaultCode::kLegOffPad &&
                          code != FaultCode::kCommandInvalid;
    EXPECT_EQ(fault_info(code).latched, expected) << number;
  }
  EXPECT_FALSE(fault_info(FaultCode::kNone).latched);
}

TEST(Faults, ReactionsAreThoseOfTheFailureTable) {
  EXPECT_EQ(fault_info(FaultCode::kNone).reaction, Reaction::kNone);
  EXPECT_EQ(fault_info(FaultCode::kCommandInvalid).reaction, Reaction::kNone);
  for (const FaultCode code : {FaultCode::kEstop, FaultCode::kRelayOpen, FaultCode::kDriveFault,
                               FaultCode::kStoActive, FaultCode::kDriveMode}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kTorqueOff);
  }
  for (const FaultCode code :
       {FaultCode::kDataStale, FaultCode::kLoadCellSaturated, FaultCode::kForceImplausible,
        FaultCode::kOverspeed, FaultCode::kTicksMissed, FaultCode::kNotFinite}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kFastUnload);
  }
  for (const FaultCode code : {FaultCode::kPanelStop, FaultCode::kHandleReleased,
                               FaultCode::kPluginNotFinite, FaultCode::kPluginOverBudget}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kSoftUnload);
  }
}

// Written out a second time: who changes a reaction must mean it.
TEST(Faults, EveryCauseHasTheReactionThatWasChosenForIt) {
  for (const FaultCode code :
       {FaultCode::kDriveFault, FaultCode::kDriveNotEnabled, FaultCode::kDriveWatchdog,
        FaultCode::kStoActive, FaultCode::kDriveMode, FaultCode::kDriveRunaway, FaultCode::kEstop,
        FaultCode::kRelayOpen, FaultCode::kLimitsCorrupt}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kTorqueOff) << fault_info(code).name;
  }
  for (const FaultCode code :
       {FaultCode::kDataStale, FaultCode::kLinkLost, FaultCode::kLoadCellSaturated,
        FaultCode::kForceImplausible, FaultCode::kNotFinite, FaultCode::kEncoderImplausible,
        FaultCode::kOverspeed, FaultCode::kTicksMissed}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kFastUnload) << fault_info(code).name;
  }
  for (const FaultCode code :
       {FaultCode::kSupplyVoltage, FaultCode::kOverTemperature, FaultCode::kPanelStop,
        FaultCode::kEncoderStuck, FaultCode::kLoadCellStuck, FaultCode::kLoadCellImplausible,
        FaultCode::kHandleReleased, FaultCode::kDeadManReleased, FaultCode::kPulledTooFar,
        FaultCode::kLegOffPad, FaultCode::kPluginError, FaultCode::kPluginNotFinite,
        FaultCode::kPluginOutOfRange, FaultCode::kPluginOverBudget, FaultCode::kPluginCrashed,
        FaultCode::kPluginOscillates}) {
    EXPECT_EQ(fault_info(code).reaction, Reaction::kSoftUnload) << fault_info(code).name;
  }
}

}  // namespace
}  // namespace medius::safety
