// The registers of the simulated station: the canonical map of hal/devices/README.md over
// SimulatedStation. Register values in, SI values to the machine, and back. Every axis has a drive
// with registers of its own.
#pragma once

#include <array>
#include <cstdint>

#include "sim/machine/simulated_station.hpp"
#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/station_view.hpp"

namespace medius::sim {

inline constexpr std::uint8_t kDriveUnit = 1;
inline constexpr std::uint8_t kPanelUnit = 2;
inline constexpr std::uint8_t kSecondDriveUnit = 3;  // the right arm's
inline constexpr std::uint8_t kPelvisUnit = 4;       // only when the person wears the sensor
inline constexpr std::uint8_t kRightPadUnit = 5;     // linked arms: the right pad's load cell
inline constexpr std::uint8_t kBenchUnit = 100;

class RegisterMap final : public RegisterSpace {
 public:
  RegisterMap(StationView view, double rated_force_n);

  ModbusException check_read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                             std::uint16_t count) override;
  ModbusException check_write(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                              std::span<const std::uint16_t> values) override;
  void write(std::uint8_t unit, std::uint16_t address,
             std::span<const std::uint16_t> values) override;
  void read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
            std::span<std::uint16_t> values) override;

  [[nodiscard]] std::uint16_t cmd_seq() const noexcept { return drive_write_[axes_ - 1][0]; }
  // The drive that a round of the controller comes to last: then every axis has its command.
  [[nodiscard]] std::uint8_t last_drive_unit() const noexcept {
    return axes_ > 1 ? kSecondDriveUnit : kDriveUnit;
  }
  // Does the request carry a command to the machine (and not only hands at the bench)?
  [[nodiscard]] static bool commands(std::uint8_t unit, const ModbusRequest& request) noexcept {
    return unit != kBenchUnit && writes(request.function);
  }

 private:
  [[nodiscard]] std::uint16_t register_at(std::uint8_t unit, std::uint16_t address) const;
  // The axis that a unit drives; kMaxAxes: it is no drive.
  [[nodiscard]] std::size_t axis_of(std::uint8_t unit) const noexcept;
  [[nodiscard]] std::size_t bench_words() const noexcept { return kHandleSwitch + holds_; }
  [[nodiscard]] std::uint16_t drive_register(std::size_t axis, std::uint16_t address) const;
  [[nodiscard]] std::uint16_t config_register(std::size_t axis, std::uint16_t index) const;
  [[nodiscard]] bool has_pelvis(std::uint8_t unit) const noexcept;
  [[nodiscard]] bool has_right_pad(std::uint8_t unit) const noexcept;
  [[nodiscard]] std::uint16_t right_pad_register(std::uint16_t address) const;
  [[nodiscard]] std::uint16_t panel_register(std::uint16_t address) const;
  void apply_drive(std::size_t axis);
  void apply_bench(std::uint16_t index);

  static constexpr std::size_t kHandleSwitch = 5;  // of the bench; the second leg's comes after it

  StationView view_;
  SimulatedStation& station_;
  double rated_force_n_;
  std::size_t axes_;
  std::size_t holds_;
  double speed_unit_;  // of the velocity limit: mm/s, or 0.1 degree/s
  std::array<std::array<std::uint16_t, 11>, hal::kMaxAxes> drive_write_{};
  std::array<std::uint16_t, 2> panel_write_{};
  std::array<std::uint16_t, kHandleSwitch + hal::kMaxAxes> bench_write_{0, 0, 1, 0, 0, 0, 0};
};

}  // namespace medius::sim
