#include "hal/modbus/codec.hpp"

#include <bit>
#include <cmath>
#include <limits>

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
    case RegisterType::kU8:
      return {0, 0xFF};
    case RegisterType::kBits:
      return {0, 0xFFFF};
    case RegisterType::kF32:
    case RegisterType::kU32:
      return {0, 0xFFFF'FFFF};
    case RegisterType::kI32:
      return {-0x8000'0000ll, 0x7FFF'FFFFll};
  }
  return {0, 0};
}

double scale_of(const RegisterSpec& spec, double rated_force) noexcept {
  return spec.of_rated() ? spec.scale * rated_force : spec.scale;
}

}  // namespace

RawValue to_raw(const RegisterSpec& spec, double value, double rated_force) noexcept {
  const double scale = scale_of(spec, rated_force);
  const double scaled = (value - spec.offset) / scale;
  if (!is_finite(scaled)) return {0, true};
  if (spec.type == RegisterType::kF32) {
    constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
    const double held = clamped(scaled, -kMost, kMost);
    return {std::bit_cast<std::uint32_t>(static_cast<float>(held)), held != scaled};
  }
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
  const bool byte = spec.type == RegisterType::kI8 || spec.type == RegisterType::kU8;
  const auto low = static_cast<std::uint16_t>(raw & (byte ? 0xFF : 0xFFFF));
  if (spec.words == 1) {
    words[0] = low;
    return;
  }
  // A 16-bit value in two registers leaves the high one 0, whatever its sign.
  const auto high = static_cast<std::uint16_t>(words_of(spec.type) == 1 ? 0 : (raw >> 16) & 0xFFFF);
  words[0] = spec.order == WordOrder::kHighFirst ? high : low;
  words[1] = spec.order == WordOrder::kHighFirst ? low : high;
}

std::int64_t get_raw(const RegisterSpec& spec, const std::uint16_t* block) noexcept {
  if (!spec.present) return 0;
  const std::uint16_t* const words = block + spec.index;
  const bool high_first = spec.words == 2 && spec.order == WordOrder::kHighFirst;
  const std::uint16_t low = words[high_first ? 1 : 0];
  switch (spec.type) {
    case RegisterType::kU16:
    case RegisterType::kBits:
      return low;
    case RegisterType::kI16:
      return static_cast<std::int16_t>(low);
    case RegisterType::kI8:
      return static_cast<std::int8_t>(low & 0xFF);
    case RegisterType::kU8:
      return low & 0xFF;
    default:
      break;
  }
  const std::uint32_t both = std::uint32_t{words[high_first ? 0 : 1]} << 16 | low;
  return spec.type == RegisterType::kI32
             ? static_cast<std::int64_t>(static_cast<std::int32_t>(both))
             : static_cast<std::int64_t>(both);
}

double get_value(const RegisterSpec& spec, const std::uint16_t* block,
                 double rated_force) noexcept {
  if (!spec.present) return 0.0;
  const std::int64_t raw = get_raw(spec, block);
  const double number =
      spec.type == RegisterType::kF32
          ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)))
          : static_cast<double>(raw);
  return number * scale_of(spec, rated_force) + spec.offset;
}

bool get_bit(const BitSpec& spec, const std::uint16_t* block) noexcept {
  if (!spec.present) return false;
  return ((block[spec.index] >> spec.bit) & 1) != (spec.active_low ? 1 : 0);
}

}  // namespace medius::hal::modbus
