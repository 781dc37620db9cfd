// One device of a machine file, as its descriptor describes it: the registers that are there and no
// others, with the device's types, scales and word order, in front of the simulated machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hal/modbus/bus_plan.hpp"
#include "sim/machine/simulated_station.hpp"
#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/station_view.hpp"

namespace medius::sim {

class SimulatedDevice {
 public:
  // Both must outlive it.
  SimulatedDevice(const hal::modbus::DevicePlan& plan, StationView view);

  [[nodiscard]] std::uint8_t unit() const noexcept { return plan_.unit_id; }
  [[nodiscard]] int turnaround_us() const noexcept { return plan_.descriptor.turnaround_us; }
  [[nodiscard]] bool is_drive() const noexcept;
  // Has anybody ever talked to it?
  [[nodiscard]] bool met() const noexcept { return met_; }

  [[nodiscard]] ModbusException check_read(FunctionCode function, std::uint16_t address,
                                           std::uint16_t count) const;
  [[nodiscard]] ModbusException check_write(FunctionCode function, std::uint16_t address,
                                            std::size_t count) const;
  void write(std::uint16_t address, std::span<const std::uint16_t> values);
  void read(FunctionCode function, std::uint16_t address, std::span<std::uint16_t> values);
  // After a telegram that was carried out: feeds whatever watchdog the device has.
  void telegram(bool wrote);
  // A device without a watchdog goes on with what it was told last, for ever.
  void before_tick();

 private:
  // A register: a word of one of the images, or of a write at connect.
  struct Place {
    enum class In : std::uint8_t { kWrite, kRead, kConfig, kInit } in;
    std::size_t index;      // word of the image; of kInit which write it is
    std::size_t word = 0;   // of kInit
    std::uint16_t bit = 0;  // of coils and discrete inputs
  };
  [[nodiscard]] std::optional<Place> place_to_read(FunctionCode function,
                                                   std::uint16_t address) const;
  [[nodiscard]] std::optional<Place> place_to_write(std::uint16_t address) const;
  [[nodiscard]] bool supports(FunctionCode function) const noexcept;
  [[nodiscard]] bool in_grid(std::uint16_t address, std::size_t count) const noexcept;
  void note_function(hal::modbus::FunctionCode function);

  void encode();
  void encode_drive();
  void encode_config();
  void put(hal::modbus::Field field, double value, std::vector<std::uint16_t>& image) const;
  void put_number(hal::modbus::Field field, std::int64_t raw,
                  std::vector<std::uint16_t>& image) const;
  void put_bit(hal::modbus::Bit bit, bool value);
  [[nodiscard]] std::uint16_t status_code() const;
  [[nodiscard]] std::uint16_t controlword() const;
  [[nodiscard]] DriveCommand command() const;
  [[nodiscard]] bool set_up() const;
  void command_drive();
  void command_relay();

  const hal::modbus::DevicePlan& plan_;
  StationView view_;
  SimulatedStation& station_;
  std::size_t axis_;
  std::vector<std::uint16_t> out_, in_, config_;
  struct InitCell {
    std::vector<std::uint16_t> words;
    bool settled = false;  // holds what the write at connect leaves there
  };
  std::vector<InitCell> init_;
  std::uint32_t functions_ = 0;  // bit n: function code n
  std::int64_t relay_count_ = 0;
  bool met_ = false;
};

}  // namespace medius::sim
