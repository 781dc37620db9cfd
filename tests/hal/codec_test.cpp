// Registers <-> SI values: round trips, and nothing wraps, truncates or passes NaN.
#include "hal/modbus/codec.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius::hal::modbus {
namespace {

RegisterSpec spec_of(RegisterType type, WordOrder order = WordOrder::kHighFirst) {
  RegisterSpec spec;
  spec.present = true;
  spec.type = type;
  spec.words = static_cast<std::uint8_t>(words_of(type));
  spec.order = order;
  return spec;
}

RC_GTEST_PROP(Codec, EveryRawValueSurvivesTheWire, (std::int32_t raw, bool low_first)) {
  const auto order = low_first ? WordOrder::kLowFirst : WordOrder::kHighFirst;
  std::uint16_t words[2] = {};
  const auto round_trip = [&](RegisterType type, std::int64_t value) {
    const RegisterSpec spec = spec_of(type, order);
    put_raw(spec, value, words);
    return get_raw(spec, words);
  };
  RC_ASSERT(round_trip(RegisterType::kI32, raw) == raw);
  RC_ASSERT(round_trip(RegisterType::kU32, static_cast<std::uint32_t>(raw)) ==
            static_cast<std::uint32_t>(raw));
  RC_ASSERT(round_trip(RegisterType::kI16, static_cast<std::int16_t>(raw)) ==
            static_cast<std::int16_t>(raw));
  RC_ASSERT(round_trip(RegisterType::kU16, static_cast<std::uint16_t>(raw)) ==
            static_cast<std::uint16_t>(raw));
  RC_ASSERT(round_trip(RegisterType::kI8, static_cast<std::int8_t>(raw)) ==
            static_cast<std::int8_t>(raw));
}

RC_GTEST_PROP(Codec, ShortValuesInTwoRegistersKeepToTheLowWord,
              (std::int16_t raw, bool low_first)) {
  RegisterSpec spec =
      spec_of(RegisterType::kI16, low_first ? WordOrder::kLowFirst : WordOrder::kHighFirst);
  spec.words = 2;
  std::uint16_t words[2] = {0xAAAA, 0xAAAA};
  put_raw(spec, raw, words);
  RC_ASSERT(words[low_first ? 1 : 0] == 0);
  RC_ASSERT(words[low_first ? 0 : 1] == static_cast<std::uint16_t>(raw));
  words[low_first ? 1 : 0] = 0xFFFF;  // some devices extend the sign
  RC_ASSERT(get_raw(spec, words) == raw);
}

RC_GTEST_PROP(Codec, FloatsAndBytesSurviveTheWire,
              (float value, std::uint8_t byte, bool low_first)) {
  const auto order = low_first ? WordOrder::kLowFirst : WordOrder::kHighFirst;
  std::uint16_t words[2] = {};
  const RegisterSpec spec = spec_of(RegisterType::kF32, order);
  put_raw(spec, to_raw(spec, static_cast<double>(value), 0.0).raw, words);
  RC_ASSERT(get_value(spec, words, 0.0) == static_cast<double>(value));
  const RegisterSpec other = spec_of(RegisterType::kU8);
  put_raw(other, byte, words);
  RC_ASSERT(get_raw(other, words) == byte);
}

// What one order writes, the other reads with its halves exchanged: no order is mistaken for
// another.
RC_GTEST_PROP(Codec, AWrongWordOrderIsSeen, (std::uint32_t raw)) {
  RC_PRE((raw >> 16) != (raw & 0xFFFF));
  std::uint16_t words[2] = {};
  put_raw(spec_of(RegisterType::kU32, WordOrder::kHighFirst), raw, words);
  const auto read = get_raw(spec_of(RegisterType::kU32, WordOrder::kLowFirst), words);
  RC_ASSERT(read == static_cast<std::int64_t>(raw << 16 | raw >> 16));
  RC_ASSERT(read != static_cast<std::int64_t>(raw));
}

TEST(Codec, AFloatThatIsTooLargeIsCutAndRefused) {
  const RegisterSpec spec = spec_of(RegisterType::kF32);
  std::uint16_t words[2] = {};
  const RawValue raw = to_raw(spec, 1e300, 0.0);
  EXPECT_TRUE(raw.refused);
  put_raw(spec, raw.raw, words);
  EXPECT_TRUE(std::isfinite(get_value(spec, words, 0.0)));
}

RC_GTEST_PROP(Codec, AnyDoubleBecomesARawValueWithinTheType, (double value)) {
  RegisterSpec spec = spec_of(RegisterType::kI16);
  spec.scale = 0.001;
  spec.basis = UnitBasis::kRated;
  const RawValue raw = to_raw(spec, value, 341.0);
  RC_ASSERT(raw.raw >= -32768 && raw.raw <= 32767);
  const double counts = value / 0.341;
  if (std::isfinite(counts) && std::abs(counts) < 32767.0) {
    RC_ASSERT(!raw.refused);
    RC_ASSERT(std::abs(static_cast<double>(raw.raw) - counts) <= 0.5 + 1e-6);
  } else {
    RC_ASSERT(raw.refused || std::abs(counts) < 32768.0);
  }
}

TEST(Codec, NotANumberIsZeroAndRefused) {
  const RegisterSpec spec = spec_of(RegisterType::kI16);
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    const RawValue raw = to_raw(spec, value, 341.0);
    EXPECT_TRUE(raw.refused);
    EXPECT_EQ(raw.raw, 0);
  }
}

TEST(Codec, ARatedForceOfZeroNeverDivides) {
  RegisterSpec spec = spec_of(RegisterType::kI16);
  spec.basis = UnitBasis::kRated;
  EXPECT_TRUE(to_raw(spec, 10.0, 0.0).refused);
  EXPECT_EQ(to_raw(spec, 10.0, 0.0).raw, 0);
}

TEST(Codec, WordOrderIsTheDescriptors) {
  std::uint16_t words[2] = {};
  put_raw(spec_of(RegisterType::kU32), 0x00085555, words);
  EXPECT_EQ(words[0], 0x0008);
  EXPECT_EQ(words[1], 0x5555);
  put_raw(spec_of(RegisterType::kU32, WordOrder::kLowFirst), 0x00085555, words);
  EXPECT_EQ(words[0], 0x5555);  // Kinco: 55 55 00 08
  EXPECT_EQ(words[1], 0x0008);
}

TEST(Codec, BitsReadHighOrLowActive) {
  const std::uint16_t words[] = {0x0004};
  EXPECT_TRUE(get_bit({true, 0, 2, false}, words));
  EXPECT_FALSE(get_bit({true, 0, 2, true}, words));
  EXPECT_TRUE(get_bit({true, 0, 3, true}, words));
  EXPECT_FALSE(get_bit({false, 0, 2, false}, words));
}

}  // namespace
}  // namespace medius::hal::modbus
