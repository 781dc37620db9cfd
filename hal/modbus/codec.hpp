// Register words <-> SI values, checked both ways: no NaN, no wrap-around, no silent truncation.
#pragma once

#include <cstdint>

#include "hal/modbus/descriptor.hpp"

namespace medius::hal::modbus {

// Raw value for an SI value. What does not fit is cut at the type's range towards less, what is not
// finite becomes 0; either is `refused`.
struct RawValue {
  std::int64_t raw = 0;
  bool refused = false;
};
[[nodiscard]] RawValue to_raw(const RegisterSpec& spec, double value, double rated_force) noexcept;

// Puts the raw value's low 16 or 32 bits into the block's image; of kF32 the raw value is the bit
// pattern.
void put_raw(const RegisterSpec& spec, std::int64_t raw, std::uint16_t* block) noexcept;
[[nodiscard]] std::int64_t get_raw(const RegisterSpec& spec, const std::uint16_t* block) noexcept;

// SI value of a register of the block; 0 when the device has none.
[[nodiscard]] double get_value(const RegisterSpec& spec, const std::uint16_t* block,
                               double rated_force) noexcept;
[[nodiscard]] bool get_bit(const BitSpec& spec, const std::uint16_t* block) noexcept;

[[nodiscard]] constexpr int words_of(RegisterType type) noexcept {
  return type == RegisterType::kU32 || type == RegisterType::kI32 || type == RegisterType::kF32 ? 2
                                                                                                : 1;
}

}  // namespace medius::hal::modbus
