// Register words to values and back, for any descriptor of a register; and answers of a drive on
// their way into the loop's image.
#include <cmath>
#include <cstring>

#include "hal/modbus/codec.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace medius;
  using namespace medius::hal::modbus;
  fuzz::Bytes in(data, size);
  RegisterSpec spec;
  spec.present = true;
  spec.type = static_cast<RegisterType>(in.byte() % (static_cast<int>(RegisterType::kF32) + 1));
  spec.words = static_cast<std::uint8_t>(words_of(spec.type) == 2 ? 2 : 1 + in.byte() % 2);
  spec.order = in.byte() % 2 == 0 ? WordOrder::kHighFirst : WordOrder::kLowFirst;
  constexpr double kScales[] = {1.0, -1.0, 1e-6, -0.001, 0.1, 1000.0, 1e-12, 3.3e7};
  spec.scale = kScales[in.byte() % 8];
  spec.offset = in.byte() % 2 == 0 ? 0.0 : -273.15;
  std::uint16_t words[2] = {in.word(), in.word()};
  const double value = get_value(spec, words, 341.0);
  const std::int64_t raw = get_raw(spec, words);
  // A raw value that was read is written back as the same words' meaning.
  std::uint16_t back[2] = {0, 0};
  put_raw(spec, raw, back);
  fuzz::must(get_raw(spec, back) == raw, "a raw value survives being written");
  const RawValue again = to_raw(spec, value, 341.0);
  if (std::isfinite(value) && spec.type != RegisterType::kF32 && !again.refused) {
    // Doubles have 53 bits; an offset may cost the last count of a small scale.
    const double counts = std::fabs(spec.offset / spec.scale) * 1e-15 + 1.0;
    fuzz::must(std::fabs(static_cast<double>(again.raw - raw)) <= counts, "a value survives");
  }
  if (!std::isfinite(value)) fuzz::must(again.refused, "what is no number is refused");
  std::uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) bits = bits << 16 | in.word();
  double any = 0.0;
  static_assert(sizeof any == sizeof bits);
  std::memcpy(&any, &bits, sizeof any);
  const RawValue wild = to_raw(spec, any, 341.0);
  put_raw(spec, wild.raw, back);
  if (!std::isfinite(any)) fuzz::must(wild.refused && wild.raw == 0, "no number becomes zero");
  return 0;
}
