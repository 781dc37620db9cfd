// Every descriptor and every machine file that is shipped: it loads, and it says what is open or
// why it is refused.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "controller/station/machine_config.hpp"
#include "hal/check/machine_check.hpp"
#include "hal/modbus/bus_plan.hpp"

namespace medius::hal::modbus {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(std::string(MEDIUS_SOURCE_DIR) + folder)) {
    if (entry.path().extension() == ".toml") found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string machine(const std::string& name) {
  return std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/" + name + ".toml";
}
DeviceDescriptor device(const std::string& name) {
  const std::string path = std::string(MEDIUS_SOURCE_DIR) + "/hal/devices/" + name + ".toml";
  auto loaded = load_descriptor(path, CoordinateKind::kCable);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  return *loaded;
}
MachineCheck check(const std::string& name) {
  return check_machine({machine(name), "", 60.0});
}

TEST(ShippedDevices, AllLoadForCablesAndForLevers) {
  const std::vector<std::string> all = files("/hal/devices");
  EXPECT_EQ(all.size(), 18u);
  for (const std::string& path : all) {
    for (const CoordinateKind kind : {CoordinateKind::kCable, CoordinateKind::kLever}) {
      const auto loaded = load_descriptor(path, kind);
      ASSERT_TRUE(loaded) << loaded.error().message;
      EXPECT_EQ(loaded->id, fs::path(path).stem().string());
      EXPECT_FALSE(loaded->hardware_verified) << "nobody has had this device on the bench";
    }
  }
}

TEST(ShippedDevices, OnlyTheProjectsOwnHaveNothingUnverified) {
  for (const std::string& path : files("/hal/devices")) {
    const auto loaded = load_descriptor(path, CoordinateKind::kCable);
    ASSERT_TRUE(loaded) << loaded.error().message;
    const bool all_known = loaded->id.starts_with("canonical-") ||
                           loaded->id == "beckhoff-ek9000" || loaded->id == "advantech-adam-6050" ||
                           loaded->id == "schneider-xps-mc" || loaded->id == "stepperonline-a6-rs";
    if (loaded->id == "stepperonline-a6-rs") {
      EXPECT_EQ(loaded->unverified, std::vector<std::string>{"position"});
    } else {
      EXPECT_EQ(loaded->unverified.empty(), all_known) << loaded->id;
    }
  }
}

TEST(ShippedDevices, MapsAreWhatTheMakersSay) {
  const DeviceDescriptor lexium = device("lexium-32m");
  EXPECT_EQ(lexium.unit_id, 255);
  EXPECT_EQ(lexium.field(Field::kControlword).words, 2);
  EXPECT_EQ(lexium.field(Field::kControlword).order, WordOrder::kHighFirst);
  EXPECT_TRUE(lexium.separate_areas);
  ASSERT_EQ(lexium.cyclic.size(), 1u) << "one FC23 an exchange";
  const DeviceDescriptor kinco = device("kinco-fd");
  EXPECT_EQ(kinco.field(Field::kPosition).order, WordOrder::kLowFirst);
  EXPECT_EQ(kinco.field(Field::kPosition).address, 0x3700);
  EXPECT_EQ(kinco.cyclic.size(), 6u);
  EXPECT_EQ(device("mitsubishi-mr-je-c").field(Field::kStatusword).address, 0x6041);
  EXPECT_EQ(device("nibble-packed-servo").field(Field::kTargetForce).address, 0x6710);
  EXPECT_EQ(device("nanotec-pd4").align_words, 2);
  EXPECT_EQ(device("delta-asda-a2").silence_us, 10'000);
  const DeviceDescriptor adam = device("advantech-adam-6050");
  EXPECT_EQ(adam.read.windows[0].function, FunctionCode::kReadCoils);
  EXPECT_EQ(adam.read.windows[0].bits, 8);
}

TEST(ShippedMachines, AllAreMachinesForTheStationToo) {
  const std::vector<std::string> all = files("/hal/machines");
  EXPECT_GE(all.size(), 13u);
  for (const std::string& path : all) {
    const auto loaded = station::load_machine(path);
    EXPECT_TRUE(loaded) << loaded.error().message;
  }
}

TEST(ShippedMachines, TheRefusedAreRefusedForTheirReasonAndTheOthersFit) {
  for (const std::string& path : files("/hal/machines")) {
    const MachineCheck result = check_machine({path, "", 60.0});
    const std::string name = fs::path(path).stem().string();
    const bool refused =
        name == "cable-station-kollmorgen-akd" || name == "cable-station-delta-asda-a2";
    EXPECT_EQ(result.fits, !refused) << result.refusal;
  }
  EXPECT_NE(check("cable-station-kollmorgen-akd")
                .refusal.find("no communication watchdog within 200 ms ([watchdog] counts = "
                              "\"none\") and no safe-state relay stands in; refused for force"),
            std::string::npos)
      << check("cable-station-kollmorgen-akd").refusal;
  EXPECT_NE(check("cable-station-delta-asda-a2").refusal.find("'silence_us' = 10000"),
            std::string::npos)
      << check("cable-station-delta-asda-a2").refusal;
}

TEST(ShippedMachines, RealOnesAreNotRunBeforeSomebodyHasVerifiedTheirDevices) {
  BusOptions options;
  options.axis_names = {"cable"};
  options.axis_coordinates = {CoordinateKind::kCable};
  const auto plan = load_bus_plan(machine("cable-station-kinco-fd"), options);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("verified only against the simulator"), std::string::npos);
  options.use = PlanUse::kCheck;
  const auto checked = load_bus_plan(machine("cable-station-kinco-fd"), options);
  ASSERT_TRUE(checked) << checked.error().message;
  const auto says = [&](const char* words) {
    return std::any_of(checked->warnings.begin(), checked->warnings.end(),
                       [&](const auto& text) { return text.find(words) != std::string::npos; });
  };
  EXPECT_TRUE(says("verified only against the simulator"));
  EXPECT_TRUE(says("kinco-fd.toml: unverified: torque_actual; check them against the manual"));
  EXPECT_TRUE(says("only the pause of 20 ms after each error"));
}

TEST(ShippedMachines, RefusedForForceTheyCanStillBeLookedAt) {
  for (const char* name : {"cable-station-kollmorgen-akd", "cable-station-delta-asda-a2"}) {
    BusOptions options;
    options.axis_names = {"cable"};
    options.axis_coordinates = {CoordinateKind::kCable};
    options.simulated = true;
    const auto refused = load_bus_plan(machine(name), options);
    ASSERT_FALSE(refused) << name;
    options.use = PlanUse::kLook;
    const auto looked_at = load_bus_plan(machine(name), options);
    ASSERT_TRUE(looked_at) << looked_at.error().message;
    const auto& said = looked_at->warnings;
    EXPECT_EQ(std::count(said.begin(), said.end(), refused.error().message), 1) << name;
  }
}

TEST(MachineCheck, ASerialDriveIsSlowAndTheForceIsReducedForIt) {
  const MachineCheck kinco = check("cable-station-kinco-fd");
  ASSERT_TRUE(kinco.fits) << kinco.refusal;
  const CheckedDevice& drive = kinco.links[0].devices[0];
  EXPECT_NEAR(drive.cycle_hz, 75.0, 0.1);
  EXPECT_GT(drive.age_ms_p99, drive.age_ms_p50);
  EXPECT_LT(drive.force_allowed, 100.0);
  EXPECT_GT(drive.force_allowed, 30.0);
  EXPECT_NEAR(drive.stiffness, 60.0 / (0.5 / 75.0 + drive.age_ms_p99 * 1e-3), 5.0);
  const CheckedDevice& fast = check("cable-station-lexium-32m").links[0].devices[0];
  EXPECT_GT(fast.force_allowed, drive.force_allowed);
  EXPECT_GT(fast.stiffness, drive.stiffness);
}

TEST(MachineCheck, WhatOneLostReplyCostsIsSaidInMilliseconds) {
  const auto warned = [](const MachineCheck& result) {
    return std::any_of(result.warnings.begin(), result.warnings.end(), [](const auto& text) {
      return text.find("one lost reply on 'drive'") != std::string::npos &&
             text.find("turnaround_max_us") != std::string::npos;
    });
  };
  const MachineCheck kinco = check("cable-station-kinco-fd");
  const CheckedLink& line = kinco.links[0];
  const CheckedDevice& drive = line.devices[0];
  // Cycle, what comes before the lost reply, the wait, a whole exchange; less than the wait alone
  // would be a model that forgets it.
  EXPECT_GT(drive.age_ms_lost_reply, line.response_timeout_ms + drive.exchange_us_max / 1e3);
  EXPECT_LT(
      drive.age_ms_lost_reply,
      line.response_timeout_ms + 20.0 + 2e-3 * drive.exchange_us_max + 1e3 / drive.cycle_hz + 10.0);
  EXPECT_TRUE(warned(kinco)) << "75 exchanges a second do not outlast it within 60 ms";
  EXPECT_EQ(check("cable-station-lexium-32m").links[0].devices[0].age_ms_lost_reply, 0.0);
  EXPECT_FALSE(warned(check("cable-station-lexium-32m")));
}

TEST(MachineCheck, AgesThatAreShorterThanTheBusAreSaid) {
  const auto warned = [](const MachineCheck& result) {
    return std::any_of(result.warnings.begin(), result.warnings.end(), [](const auto& text) {
      return text.find("increases will often be held back") != std::string::npos;
    });
  };
  std::ostringstream text;
  text << std::ifstream(machine("cable-station-kinco-fd")).rdbuf();
  const std::string good = text.str();
  const std::size_t at = good.find("freeze_age_ms = 27.0");
  ASSERT_NE(at, std::string::npos);
  const std::string path = testing::TempDir() + "medius-short-ages.toml";
  std::ofstream(path) << std::string(good).replace(at, 20, "freeze_age_ms = 9.0");
  const std::string folder = std::string(MEDIUS_SOURCE_DIR) + "/hal/devices";
  EXPECT_TRUE(warned(check_machine({path, folder, 60.0})));
  for (const std::string& shipped : files("/hal/machines")) {
    EXPECT_FALSE(warned(check_machine({shipped, "", 60.0}))) << shipped;
  }
}

TEST(MachineCheck, JsonSaysWhatTheTextSays) {
  const auto all = nlohmann::json::parse(
      check_json({check("cable-station-sim"), check("cable-station-delta-asda-a2")}));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["fits"], true);
  const auto& drive = all[0]["links"][0]["devices"][0];
  EXPECT_EQ(drive["transfers"][0]["function"], "fc23");
  EXPECT_EQ(drive["transfers"][0]["write_words"], 11);
  EXPECT_EQ(drive["cycle_hz"], 1000.0);
  EXPECT_EQ(drive["force_allowed_n"], 600.0);
  EXPECT_EQ(all[1]["fits"], false);
  EXPECT_NE(check_text(check("cable-station-delta-asda-a2")).find(std::string(all[1]["refusal"])),
            std::string::npos);
}

TEST(MachineCheck, PassiveStiffnessIsDampingOverDelay) {
  EXPECT_DOUBLE_EQ(passive_stiffness(60.0, 0.005, 0.005), 8000.0);
  EXPECT_NEAR(passive_stiffness(60.0, 0.007, 0.007), 5714.0, 1.0);
}

TEST(MachineCheck, AFileThatIsNotThereIsNamed) {
  const MachineCheck result = check_machine({"/nowhere/machine.toml", "", 60.0});
  EXPECT_FALSE(result.fits);
  EXPECT_NE(result.refusal.find("/nowhere/machine.toml: no such file"), std::string::npos);
}

}  // namespace
}  // namespace medius::hal::modbus
