#include "hal/modbus/toml_reader.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace medius::hal::modbus {
namespace {

std::string joined(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

void TomlReader::fail(const std::string& what) const {
  throw BusError{where_ + ": " + what};
}

void TomlReader::missing(std::string_view key) const {
  fail(fmt::format("'{}' is missing; add it", key));
}

void TomlReader::only(std::initializer_list<std::string_view> keys) const {
  for (const auto& [key, value] : table_) {
    if (std::find(keys.begin(), keys.end(), key.str()) == keys.end()) {
      fail(fmt::format("unknown key '{}'; known are {}; correct or remove it", key.str(),
                       joined(keys)));
    }
  }
}

std::int64_t TomlReader::integer(std::string_view key, Range range) const {
  if (!has(key)) missing(key);
  const std::optional<std::int64_t> value = table_[key].value_exact<std::int64_t>();
  if (!value) fail(fmt::format("'{}' must be a whole number; correct it", key));
  if (*value < range.min || *value > range.max) {
    fail(
        fmt::format("'{}' is {}, must be {} to {}; correct it", key, *value, range.min, range.max));
  }
  return *value;
}

std::int64_t TomlReader::integer_or(std::string_view key, Range range, std::int64_t missing) const {
  return has(key) ? integer(key, range) : missing;
}

double TomlReader::number(std::string_view key, Bounds bounds) const {
  if (!has(key)) missing(key);
  const std::optional<double> value =
      table_[key].is_number() ? table_[key].value<double>() : std::nullopt;
  if (!value) fail(fmt::format("'{}' must be a number; correct it", key));
  if (!(*value >= bounds.min && *value <= bounds.max)) {
    fail(fmt::format("'{}' is {}, must be {} to {}; correct it", key, *value, bounds.min,
                     bounds.max));
  }
  return *value;
}

double TomlReader::number_or(std::string_view key, Bounds bounds, double missing) const {
  return has(key) ? number(key, bounds) : missing;
}

std::string TomlReader::text(std::string_view key) const {
  if (!has(key)) missing(key);
  const std::optional<std::string> value = table_[key].value_exact<std::string>();
  if (!value || value->empty()) fail(fmt::format("'{}' must be a text; correct it", key));
  return *value;
}

std::string TomlReader::text_or(std::string_view key, std::string missing) const {
  return has(key) ? text(key) : std::move(missing);
}

bool TomlReader::flag_or(std::string_view key, bool missing) const {
  if (!has(key)) return missing;
  const std::optional<bool> value = table_[key].value_exact<bool>();
  if (!value) fail(fmt::format("'{}' must be true or false; correct it", key));
  return *value;
}

std::size_t TomlReader::choice(std::string_view key,
                               std::initializer_list<std::string_view> choices) const {
  const std::string value = text(key);
  const auto* const found = std::find(choices.begin(), choices.end(), value);
  if (found == choices.end()) {
    fail(fmt::format("'{}' is '{}', must be one of {}; correct it", key, value, joined(choices)));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

std::vector<std::int64_t> TomlReader::integers_or_none(std::string_view key, Range range) const {
  std::vector<std::int64_t> values;
  if (!has(key)) return values;
  const toml::array* const list = table_[key].as_array();
  if (list == nullptr) fail(fmt::format("'{}' must be a list [..]; correct it", key));
  for (const toml::node& node : *list) {
    const std::optional<std::int64_t> value = node.value_exact<std::int64_t>();
    if (!value || *value < range.min || *value > range.max) {
      fail(fmt::format("'{}' must hold whole numbers {} to {}; correct it", key, range.min,
                       range.max));
    }
    values.push_back(*value);
  }
  return values;
}

std::vector<std::string> TomlReader::texts_or_none(std::string_view key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const toml::array* const list = table_[key].as_array();
  if (list == nullptr) fail(fmt::format("'{}' must be a list [..]; correct it", key));
  for (const toml::node& node : *list) {
    const std::optional<std::string> value = node.value_exact<std::string>();
    if (!value) fail(fmt::format("'{}' must hold texts; correct it", key));
    values.push_back(*value);
  }
  return values;
}

const toml::table& TomlReader::section(std::string_view key, bool required) const {
  static const toml::table kEmpty;
  if (!has(key)) {
    if (required) fail(fmt::format("[{}] is missing; add it", key));
    return kEmpty;
  }
  const toml::table* const table = table_[key].as_table();
  if (table == nullptr) fail(fmt::format("'{}' must be a table [{}]; correct it", key, key));
  return *table;
}

toml::table parse_toml(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw BusError{path + ": no such file; give the path of an existing one"};
  }
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    throw BusError{fmt::format("{}:{}: {}; correct the line", path, error.source().begin.line,
                               error.description())};
  }
}

}  // namespace medius::hal::modbus
