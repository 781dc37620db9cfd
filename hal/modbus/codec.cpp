#include "hal/modbus/codec.hpp"

#include <cmath>

#include "controller/base/clamp.hpp"

namespace medius::hal::modbus {
namespace {

struct RawRange {
  std::int64_t min, max;
};

constexpr RawRange range_of(RegisterType type) noexcept {
  switch (type) {
    case RegisterType::kU16:
      return {0, 0xFFFF};
    case RegisterType::kI16:
      return {-0x8000, 0x7FFF};
    case RegisterType::kI8:
      return {-0x80, 0x7F};
    case RegisterType::kU32:
      return {0, 0xFFFF'FFFF};
    case RegisterType::kI32:
      return {-0x8000'0000ll, 0x7FFF'FFFFll};
  }
  return {0, 0};
}

double scale_of(const RegisterSpec& spec, double rated_force) noexcept {
  return spec.of_rated ? spec.scale * rated_force : spec.scale;
}

}  // namespace

RawValue to_raw(const RegisterSpec& spec, double value, double rated_force) noexcept {
  const double scale = scale_of(spec, rated_force);
  const double scaled = (value - spec.offset) / scale;
  if (!is_finite(scaled)) return {0, true};
  const RawRange range = range_of(spec.type);
  if (scaled >= static_cast<double>(range.max) + 0.5) return {range.max, true};
  if (scaled <= static_cast<double>(range.min) - 0.5) return {range.min, true};
  const std::int64_t raw = std::llround(scaled);
  if (raw > range.max) return {range.max, true};
  if (raw < range.min) return {range.min, true};
  return {raw, false};
}

void put_raw(const RegisterSpec& spec, std::int64_t raw, std::uint16_t* block) noexcept {
  if (!spec.present) return;
  std::uint16_t* const words = block + spec.index;
  const auto low = static_cast<std::uint16_t>(raw & 0xFFFF);
  if (words_of(spec.type) == 1) {
    words[0] = spec.type == RegisterType::kI8 ? static_cast<std::uint16_t>(raw & 0xFF) : low;
    return;
  }
  const auto high = static_cast<std::uint16_t>((raw >> 16) & 0xFFFF);
  words[0] = spec.order == WordOrder::kHighFirst ? high : low;
  words[1] = spec.order == WordOrder::kHighFirst ? low : high;
}

std::int64_t get_raw(const RegisterSpec& spec, const std::uint16_t* block) noexcept {
  if (!spec.present) return 0;
  const std::uint16_t* const words = block + spec.index;
  switch (spec.type) {
    case RegisterType::kU16:
      return words[0];
    case RegisterType::kI16:
      return static_cast<std::int16_t>(words[0]);
    case RegisterType::kI8:
      return static_cast<std::int8_t>(words[0] & 0xFF);
    default:
      break;
  }
  const bool high_first = spec.order == WordOrder::kHighFirst;
  const std::uint32_t high = words[high_first ? 0 : 1];
  const std::uint32_t low = words[high_first ? 1 : 0];
  const std::uint32_t both = high << 16 | low;
  return spec.type == RegisterType::kU32
             ? static_cast<std::int64_t>(both)
             : static_cast<std::int64_t>(static_cast<std::int32_t>(both));
}

double get_value(const RegisterSpec& spec, const std::uint16_t* block,
                 double rated_force) noexcept {
  if (!spec.present) return 0.0;
  return static_cast<double>(get_raw(spec, block)) * scale_of(spec, rated_force) + spec.offset;
}

bool get_bit(const BitSpec& spec, const std::uint16_t* block) noexcept {
  if (!spec.present) return false;
  return ((block[spec.index] >> spec.bit) & 1) != (spec.active_low ? 1 : 0);
}

}  // namespace medius::hal::modbus
