// Reads everything that a descriptor maps, without ever writing: raw words, SI values, bits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/connection.hpp"
#include "hal/modbus/exchange.hpp"

namespace medius::hal {

// What one register says. `text` is for people: bits that are set, the state of a statusword.
struct RegisterValue {
  std::string name;
  std::string block;  // read, write, config, init
  std::uint16_t address = 0;
  std::vector<std::uint16_t> words;  // as they came, in the order of their addresses
  std::int64_t raw = 0;
  double value = 0.0;  // SI
  std::string unit;
  std::string text;
  bool verified = true;       // false: its address or scale is marked unverified
  bool ok = false;            // the last attempt went well
  std::string error;          // of the last attempt
  std::int64_t stamp_ns = 0;  // middle of the transaction that brought the words; 0 = never
};

class DeviceReader {
 public:
  explicit DeviceReader(const modbus::DevicePlan& plan);

  // One pass over all windows. Ends early, with what went wrong, when the connection is no longer
  // usable; a window that the device refuses is only marked.
  [[nodiscard]] modbus::Outcome read(modbus::Connection& connection);

  [[nodiscard]] const modbus::DevicePlan& plan() const noexcept { return *plan_; }
  [[nodiscard]] const std::vector<RegisterValue>& values() const noexcept { return values_; }
  // Null when the device has no such register, or it never came.
  [[nodiscard]] const RegisterValue* find(const std::string& name) const noexcept;
  [[nodiscard]] std::uint64_t transactions() const noexcept { return transactions_; }
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }
  // Of the transactions of the last pass that were answered.
  [[nodiscard]] const std::vector<std::int64_t>& round_trips_ns() const noexcept {
    return round_trips_ns_;
  }

 private:
  struct Place {
    modbus::Window window;  // a window of its own image: first = 0
    modbus::Block block;
    std::size_t first;                // word of the block's image that the window begins with
    std::vector<std::size_t> values;  // indices of values_
    bool hidden = false;              // written registers that the device does not show
  };
  void add_block(const modbus::BlockSpec& spec, modbus::Block block, const char* name);
  void add_init();
  void take(const Place& place, const modbus::ReadImage& image, std::int64_t stamp_ns);

  const modbus::DevicePlan* plan_;  // outlives it
  std::vector<RegisterValue> values_;
  std::vector<modbus::RegisterSpec> specs_;  // beside values_, index within its window
  std::vector<Place> places_;
  std::uint64_t transactions_ = 0, errors_ = 0;
  std::vector<std::int64_t> round_trips_ns_;
};

// "m", "N", "1", ... of a register of an axis of this kind.
[[nodiscard]] const char* unit_of(modbus::Field field, CoordinateKind coordinate) noexcept;
// "0x0607", for people.
[[nodiscard]] std::string address_text(std::uint16_t address);
// Why a transaction failed, for people: "exception 2 (illegal data address)", "no answer in 30 ms".
[[nodiscard]] std::string failure_text(const modbus::Connection& connection,
                                       modbus::Outcome outcome);

}  // namespace medius::hal
