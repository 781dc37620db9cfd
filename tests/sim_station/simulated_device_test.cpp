// Simulated devices: what the controller's codec reads of one is what the plant does, for every
// descriptor that is shipped; and what is not described is not there.
#include "sim/station/simulated_device.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "hal/modbus/cia402.hpp"
#include "hal/modbus/codec.hpp"
#include "sim/station/machine_devices.hpp"
#include "sim/station/rtu_frame.hpp"

namespace medius::sim {
namespace {

using hal::modbus::DeviceKind;
using hal::modbus::DevicePlan;
using hal::modbus::Field;
using hal::modbus::Window;

MachineDevices machine(const std::string& name) {
  const std::string root = MEDIUS_SOURCE_DIR;
  auto loaded = load_machine_devices(root + "/hal/machines/cable-station-" + name + ".toml", "");
  if (!loaded) throw std::runtime_error(loaded.error());
  return *loaded;
}

const DevicePlan& device_of(const MachineDevices& devices, DeviceKind kind) {
  for (const auto& link : devices.plan.links) {
    for (const DevicePlan& device : link.devices) {
      if (device.descriptor.kind == kind) return device;
    }
  }
  throw std::runtime_error("no such device");
}

// A machine with its drive, worked register by register as its controller would.
struct Rig {
  explicit Rig(const std::string& name)
      : devices(machine(name)),
        plan(device_of(devices, DeviceKind::kDrive)),
        station(config()),
        drive(plan, station) {
    station.write_relay(true);
  }
  SimulatedStationConfig config() const {
    SimulatedStationConfig c;
    c.person.presses_reset_at_start = false;
    use_drive(devices, c);
    return c;
  }
  void set_up() {
    for (const auto& step : plan.descriptor.init) {
      std::uint16_t words[2] = {};
      const bool constant = step.value_from == hal::modbus::InitStep::Value::kConstant;
      const double wanted = step.value_from == hal::modbus::InitStep::Value::kTorqueLimit  ? 40.0
                            : step.value_from == hal::modbus::InitStep::Value::kSpeedLimit ? 1.5
                                                                                           : 0.04;
      hal::modbus::put_raw(step.spec,
                           constant ? static_cast<std::int64_t>(step.value)
                                    : hal::modbus::to_raw(step.spec, wanted, plan.rated_force).raw,
                           words);
      write(static_cast<FunctionCode>(step.function), step.spec.address, {words, step.spec.words});
    }
  }
  void write(FunctionCode function, std::uint16_t address, std::span<const std::uint16_t> words) {
    ASSERT_EQ(drive.check_write(function, address, words.size()), ModbusException::kNone);
    drive.write(address, words);
    drive.telegram(true);
  }
  // Every window of the write block, with force and control word in it.
  void command(std::uint16_t word, double force) {
    std::uint16_t image[hal::modbus::kMaxWriteWords] = {};
    const auto& d = plan.descriptor;
    hal::modbus::put_raw(d.field(Field::kControlword), word, image);
    const auto& target = d.field(Field::kTargetForce);
    hal::modbus::put_raw(target, hal::modbus::to_raw(target, force, plan.rated_force).raw, image);
    hal::modbus::put_raw(d.field(Field::kMode), d.mode, image);
    const auto& limit = d.field(Field::kForceLimit);
    if (limit.present) {
      hal::modbus::put_raw(limit, hal::modbus::to_raw(limit, 40.0, plan.rated_force).raw, image);
    }
    for (const Window& window : d.write.windows) {
      write(static_cast<FunctionCode>(window.function), window.address,
            {image + window.first, window.words});
    }
  }
  double value(Field field) {
    std::uint16_t image[hal::modbus::kMaxReadWords] = {};
    for (const Window& window : plan.descriptor.read.windows) {
      const auto function = static_cast<FunctionCode>(window.function);
      EXPECT_EQ(drive.check_read(function, window.address, window.words), ModbusException::kNone);
      drive.read(function, window.address, {image + window.first, window.words});
    }
    return hal::modbus::get_value(plan.descriptor.field(field), image, plan.rated_force);
  }
  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      station.write_relay(true);
      drive.before_tick();
      station.step_tick();
    }
  }
  // Up to operation enabled by the device's own words.
  void enable(double force) {
    const auto& enable = plan.descriptor.enable;
    for (int i = 0; i < 40; ++i) {
      std::uint16_t word =
          hal::cia402_controlword(station.drive().state, hal::DriveRequest::kEnable);
      if (enable.kind == hal::modbus::EnableKind::kWords) {
        const std::size_t step = static_cast<std::size_t>(i / 10);
        word = enable.on[std::min(step, enable.on.size() - 1)];
      }
      command(word, force);
      run(2);
    }
  }

  MachineDevices devices;
  const DevicePlan& plan;
  SimulatedStation station;
  SimulatedDevice drive;
};

class Drives : public testing::TestWithParam<const char*> {};

TEST_P(Drives, PullWithTheForceWrittenInTheirOwnUnitAndShowWhatThePlantDoes) {
  Rig rig(GetParam());
  rig.set_up();
  rig.enable(20.0);
  ASSERT_EQ(rig.station.drive().state, hal::DriveState::kOperationEnabled);
  // The coarsest torque word is 1 % of 341 N.
  EXPECT_NEAR(rig.station.drive().force, 20.0, 2.0) << "inward, whatever the motor's sign";
  const auto count = [&](Field field) {
    const auto& spec = rig.plan.descriptor.field(field);
    return std::abs(spec.of_rated() ? spec.scale * rig.plan.rated_force : spec.scale);
  };
  const auto& drive = rig.station.drive();
  EXPECT_NEAR(rig.value(Field::kPosition), drive.position, count(Field::kPosition));
  EXPECT_NEAR(rig.value(Field::kVelocity), drive.velocity, count(Field::kVelocity));
  EXPECT_NEAR(rig.value(Field::kActualForce), drive.force, count(Field::kActualForce));
}

TEST_P(Drives, MakeNoTorqueBeforeWhatIsWrittenAtConnectIsThere) {
  Rig rig(GetParam());
  rig.enable(20.0);
  rig.run(20);
  EXPECT_EQ(rig.station.drive().force == 0.0, !rig.plan.descriptor.init.empty());
}

TEST_P(Drives, RefuseWhatTheirDescriptorDoesNotDescribe) {
  Rig rig(GetParam());
  EXPECT_EQ(rig.drive.check_read(FunctionCode::kReadHoldingRegisters, 0xFFF0, 2),
            ModbusException::kIllegalAddress);
  EXPECT_EQ(rig.drive.check_read(FunctionCode::kReadInputRegisters, 0, 1),
            ModbusException::kIllegalFunction);
  EXPECT_EQ(rig.drive.check_write(FunctionCode::kMaskWriteRegister, 0, 1),
            ModbusException::kIllegalFunction);
  for (const auto& range : rig.plan.descriptor.forbidden) {
    for (const FunctionCode f : {FunctionCode::kWriteRegister, FunctionCode::kWriteRegisters}) {
      EXPECT_NE(rig.drive.check_write(f, range.address, range.words), ModbusException::kNone);
    }
  }
}

TEST_P(Drives, AreUnloadedByTheirOwnWatchdogOrByNone) {
  Rig rig(GetParam());
  rig.set_up();
  rig.enable(20.0);
  rig.run(250);  // nobody talks
  const bool guarded = rig.plan.descriptor.watchdog != hal::modbus::WatchdogCounts::kNone;
  EXPECT_EQ(rig.station.drive().watchdog_tripped, guarded);
  EXPECT_EQ(std::abs(rig.station.drive().force) < 0.5, guarded);
}

INSTANTIATE_TEST_SUITE_P(Shipped, Drives,
                         testing::Values("lexium-32m", "kinco-fd", "nanotec-pd4",
                                         "mitsubishi-mr-je-c", "inovance-sv6xx",
                                         "stepperonline-a6-rs", "nibble-packed-servo", "sim"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

TEST(Watchdogs, OfAnyTelegramAreFedByReadingOfWritesAreNot) {
  for (const char* const name : {"lexium-32m", "sim"}) {
    Rig rig(name);
    rig.set_up();
    rig.enable(20.0);
    for (int i = 0; i < 50; ++i) {
      rig.run(5);
      rig.drive.telegram(false);
    }
    const bool any = rig.plan.descriptor.watchdog == hal::modbus::WatchdogCounts::kAnyTelegram;
    EXPECT_EQ(rig.station.drive().watchdog_tripped, !any) << name;
  }
}

TEST(LoadCells, ShowTheCellInCountsHighWordFirst) {
  const MachineDevices devices = machine("lexium-32m");
  SimulatedStation station{SimulatedStationConfig{}};
  const DevicePlan& plan = device_of(devices, DeviceKind::kLoadCell);
  SimulatedDevice cell(plan, station);
  for (int i = 0; i < 20; ++i) station.step_tick();
  std::uint16_t words[5] = {};
  ASSERT_EQ(cell.check_read(FunctionCode::kReadHoldingRegisters, 6, 5), ModbusException::kNone);
  cell.read(FunctionCode::kReadHoldingRegisters, 6, words);
  const auto counts = static_cast<std::int32_t>(std::uint32_t{words[1]} << 16 | words[2]);
  EXPECT_NEAR(counts * 0.1, station.load_cell().force, 0.051);
  EXPECT_EQ(cell.check_read(FunctionCode::kReadHoldingRegisters, 6, 33),
            ModbusException::kIllegalValue)
      << "32 registers a request";
  EXPECT_EQ(cell.check_write(FunctionCode::kWriteRegister, 5, 1),
            ModbusException::kIllegalFunction);
}

TEST(Panels, HoldTheRelayOnlyWithANewCount) {
  const MachineDevices devices = machine("kinco-fd");
  SimulatedStation station{SimulatedStationConfig{}};
  SimulatedDevice panel(device_of(devices, DeviceKind::kPanel), station);
  std::uint16_t hold[2] = {1, 0};
  for (int i = 0; i < 100; ++i) {
    ++hold[1];
    panel.write(0, hold);
    station.step_tick();
  }
  EXPECT_TRUE(station.safety().relay_closed);
  for (int i = 0; i < 100; ++i) {
    panel.write(0, hold);
    station.step_tick();
  }
  EXPECT_FALSE(station.safety().relay_closed);
}

TEST(Refusals, AreThoseOfTheController) {
  const std::string root = MEDIUS_SOURCE_DIR;
  const auto akd =
      load_machine_devices(root + "/hal/machines/cable-station-kollmorgen-akd.toml", "");
  ASSERT_FALSE(akd);
  EXPECT_NE(akd.error().find("no communication watchdog"), std::string::npos);
}

// The example of the serial line specification: unit 2, function 7 has the CRC 4112h (sent 41 12).
TEST(RtuFrames, CarryTheCrcOfTheSpecification) {
  std::vector<std::uint8_t> frame{0x02, 0x07};
  append_rtu_crc(frame);
  EXPECT_EQ(frame, (std::vector<std::uint8_t>{0x02, 0x07, 0x41, 0x12}));
  EXPECT_TRUE(is_rtu_frame(frame));
  for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    std::vector<std::uint8_t> wrong = frame;
    wrong[bit / 8] = static_cast<std::uint8_t>(wrong[bit / 8] ^ 1u << (bit % 8));
    EXPECT_FALSE(is_rtu_frame(wrong));
  }
}

TEST(RtuFrames, SayHowLongARequestIsAsSoonAsItsLengthHasCome) {
  const std::vector<std::uint8_t> fc16{1, 16, 0, 0, 0, 2, 4};
  EXPECT_EQ(rtu_request_size(fc16), 13u);
  EXPECT_EQ(rtu_request_size(std::span(fc16).first(6)), 0u);
  const std::vector<std::uint8_t> fc23{1, 23, 0, 0, 0, 1, 0, 0, 0, 1, 2};
  EXPECT_EQ(rtu_request_size(fc23), 15u);
  EXPECT_EQ(rtu_request_size(std::vector<std::uint8_t>{1, 3}), 8u);
  EXPECT_EQ(rtu_request_size(std::vector<std::uint8_t>{1, 100}), 0u);
}

}  // namespace
}  // namespace medius::sim
