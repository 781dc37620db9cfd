// Strict reading of configuration: every key is known, every number finite, in range and in the
// unit of its key. Errors are sentences that name file, line, key, value, limit and the next step;
// the first one is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>
#include <toml++/toml.h>

#include "hal/image/machine_image.hpp"

namespace medius::station {

// What a number measures. The suffix of its key follows from it and from the axis' coordinate kind.
enum class Dimension : std::uint8_t {
  kForce,         // _n | _nm
  kForceRate,     // _nps | _nmps
  kLength,        // _m | _rad
  kSpeed,         // _mps | _radps
  kMass,          // _kg | _kgm2
  kDamping,       // _nspm | _nmsprad
  kBandwidth,     // _radps
  kSeconds,       // _s
  kMilliseconds,  // _ms
  kTicks,         // _ticks
  kVoltage,       // _v
  kTemperature,   // _c
  kRatio,         // no suffix
};

[[nodiscard]] std::string unit_name(Dimension dimension, hal::CoordinateKind kind);
[[nodiscard]] std::string key_name(std::string_view base, Dimension dimension,
                                   hal::CoordinateKind kind);
[[nodiscard]] const char* axis_word(hal::CoordinateKind kind) noexcept;  // "cable axis"

// Inclusive, and why the bound is there.
struct Range {
  double min = 0.0;
  double max = 0.0;
  std::string reason;  // "compiled in for a cable axis"; may be empty
};

// Collects the first error of a file.
class TomlErrors {
 public:
  explicit TomlErrors(std::string file) : file_(std::move(file)) {}
  void add(const toml::source_region& source, std::string_view where, std::string_view sentence);
  [[nodiscard]] const std::optional<std::string>& first() const { return first_; }

 private:
  std::string file_;
  std::optional<std::string> first_;
};

// One table. Declare what it may hold, call reject_unknown(), then read. After an error every read
// gives its fallback.
class StrictTable {
 public:
  StrictTable(TomlErrors& errors, const toml::table& table, std::string where);

  void set_kind(hal::CoordinateKind kind) { kind_ = kind; }
  void allow(std::string_view key);
  void allow(std::string_view base, Dimension dimension);
  void reject_unknown();

  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  [[nodiscard]] std::string text(std::string_view key, bool required);
  [[nodiscard]] bool flag(std::string_view key, bool fallback);
  [[nodiscard]] std::uint32_t count(std::string_view key, std::uint32_t fallback,
                                    const Range& range);
  // The value, or nothing when the key is absent.
  [[nodiscard]] std::optional<double> number(std::string_view base, Dimension dimension,
                                             const Range& range);
  // Null when absent or not a table / an array.
  [[nodiscard]] const toml::table* child(std::string_view key);
  [[nodiscard]] const toml::array* array(std::string_view key);
  void fail(std::string_view key, std::string_view sentence);  // at the key, or at the table
  void missing(std::string_view key, std::string_view hint);
  [[nodiscard]] TomlErrors& errors() { return errors_; }
  [[nodiscard]] const toml::table& raw() const { return table_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  struct Quantity {
    std::string base;
    Dimension dimension;
  };
  void reject(const toml::key& key, const toml::node& node);

  TomlErrors& errors_;
  const toml::table& table_;
  std::string where_;
  hal::CoordinateKind kind_ = hal::CoordinateKind::kCable;
  std::vector<std::string> keys_;
  std::vector<Quantity> quantities_;
};

// The parsed file, or one sentence: not readable, or where the syntax breaks.
[[nodiscard]] tl::expected<toml::table, std::string> parse_toml(const std::string& path);

}  // namespace medius::station
