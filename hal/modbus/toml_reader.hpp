// Reads one TOML table strictly: unknown keys, wrong types and values out of range are errors that
// name file, key, value, limit and next step. Throws BusError; the loaders turn that into their
// result.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {

class TomlReader {
 public:
  // `where` names the table for people: "hal/devices/x.toml: [cyclic]".
  TomlReader(const toml::table& table, std::string where)
      : table_(table), where_(std::move(where)) {}

  // Call with every key that is known; anything else is an error.
  void only(std::initializer_list<std::string_view> keys) const;
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

  struct Range {
    std::int64_t min, max;
  };
  [[nodiscard]] std::int64_t integer(std::string_view key, Range range) const;
  [[nodiscard]] std::int64_t integer_or(std::string_view key, Range range,
                                        std::int64_t missing) const;
  struct Bounds {
    double min, max;
  };
  [[nodiscard]] double number(std::string_view key, Bounds bounds) const;
  [[nodiscard]] double number_or(std::string_view key, Bounds bounds, double missing) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::string text_or(std::string_view key, std::string missing) const;
  [[nodiscard]] bool flag_or(std::string_view key, bool missing) const;
  // Index of the text among the choices.
  [[nodiscard]] std::size_t choice(std::string_view key,
                                   std::initializer_list<std::string_view> choices) const;
  // Lists; empty when missing.
  [[nodiscard]] std::vector<std::int64_t> integers_or_none(std::string_view key, Range range) const;
  [[nodiscard]] std::vector<std::string> texts_or_none(std::string_view key) const;
  // A sub-table; the empty one when it is missing and optional.
  [[nodiscard]] const toml::table& section(std::string_view key, bool required) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[noreturn]] void missing(std::string_view key) const;

  const toml::table& table_;
  std::string where_;
};

// Parses a file; a syntax error names its line.
[[nodiscard]] toml::table parse_toml(const std::string& path);

}  // namespace medius::hal::modbus
