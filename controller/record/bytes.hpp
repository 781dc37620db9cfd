// Little-endian bytes with bounds: what rows, sample blocks and the manifest are made of. Doubles
// travel by their bits, so that a NaN keeps its payload.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace medius::record {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian; add swaps here");

class ByteWriter {
 public:
  template <std::integral T>
  ByteWriter& put(T value) {
    char bytes[sizeof(T)];
    __builtin_memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
    return *this;
  }
  ByteWriter& put(double value) { return put(std::bit_cast<std::uint64_t>(value)); }
  ByteWriter& put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  ByteWriter& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what ByteWriter wrote. Past the end every get() yields zero and ok() turns false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <std::integral T>
  T get() {
    T value{};
    const std::string_view part = raw(sizeof(T));
    if (part.size() == sizeof(T)) __builtin_memcpy(&value, part.data(), sizeof(T));
    return value;
  }
  double get_double() { return std::bit_cast<double>(get<std::uint64_t>()); }
  std::string get_text() { return std::string(raw(get<std::uint32_t>())); }
  std::string_view raw(std::size_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  // Everything was read, and nothing is left over.
  [[nodiscard]] bool ok_and_empty() const noexcept { return ok_ && bytes_.empty(); }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

// A number of one byte that names a value; false: beyond `last`, a damaged row.
template <typename Enum>
bool read_enum(ByteReader& reader, Enum last, Enum& value) {
  const auto number = reader.get<std::uint8_t>();
  value = static_cast<Enum>(number);
  return number <= static_cast<std::uint8_t>(last);
}

}  // namespace medius::record
