#include "controller/station/strict_toml.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "controller/base/clamp.hpp"

namespace medius::station {
namespace {

struct UnitWords {
  const char* cable_suffix;
  const char* lever_suffix;
  const char* cable_unit;
  const char* lever_unit;
};

UnitWords words(Dimension dimension) noexcept {
  switch (dimension) {
    case Dimension::kForce:
      return {"_n", "_nm", "N", "Nm"};
    case Dimension::kForceRate:
      return {"_nps", "_nmps", "N/s", "Nm/s"};
    case Dimension::kLength:
      return {"_m", "_rad", "m", "rad"};
    case Dimension::kSpeed:
      return {"_mps", "_radps", "m/s", "rad/s"};
    case Dimension::kMass:
      return {"_kg", "_kgm2", "kg", "kg m2"};
    case Dimension::kDamping:
      return {"_nspm", "_nmsprad", "N s/m", "Nm s/rad"};
    case Dimension::kBandwidth:
      return {"_radps", "_radps", "rad/s", "rad/s"};
    case Dimension::kSeconds:
      return {"_s", "_s", "s", "s"};
    case Dimension::kMilliseconds:
      return {"_ms", "_ms", "ms", "ms"};
    case Dimension::kTicks:
      return {"_ticks", "_ticks", "ticks", "ticks"};
    case Dimension::kVoltage:
      return {"_v", "_v", "V", "V"};
    case Dimension::kTemperature:
      return {"_c", "_c", "degrees C", "degrees C"};
    case Dimension::kRatio:
      break;
  }
  return {"", "", "", ""};
}

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() ? fmt::format("{}", value) : fmt::format("{} {}", value, unit);
}

std::string value_text(const toml::node& node) {
  if (const auto number = node.value<double>(); number && node.is_number()) {
    return fmt::format("{}", *number);
  }
  return "...";
}

}  // namespace

const char* axis_word(hal::CoordinateKind kind) noexcept {
  return kind == hal::CoordinateKind::kCable ? "cable axis" : "lever axis";
}

std::string unit_name(Dimension dimension, hal::CoordinateKind kind) {
  const UnitWords unit = words(dimension);
  return kind == hal::CoordinateKind::kCable ? unit.cable_unit : unit.lever_unit;
}

std::string key_name(std::string_view base, Dimension dimension, hal::CoordinateKind kind) {
  const UnitWords unit = words(dimension);
  return std::string(base) +
         (kind == hal::CoordinateKind::kCable ? unit.cable_suffix : unit.lever_suffix);
}

void TomlErrors::add(const toml::source_region& source, std::string_view where,
                     std::string_view sentence) {
  if (first_) return;
  std::string place = file_;
  if (source.begin) place += fmt::format(":{}", source.begin.line);
  first_ = where.empty() ? fmt::format("{}: {}", place, sentence)
                         : fmt::format("{}: {}: {}", place, where, sentence);
}

StrictTable::StrictTable(TomlErrors& errors, const toml::table& table, std::string where)
    : errors_(errors), table_(table), where_(std::move(where)) {}

void StrictTable::allow(std::string_view key) {
  keys_.emplace_back(key);
}

void StrictTable::allow(std::string_view base, Dimension dimension) {
  quantities_.push_back({std::string(base), dimension});
  keys_.push_back(key_name(base, dimension, kind_));
}

void StrictTable::reject_unknown() {
  // The table is sorted by key; a person reads from the top.
  const toml::key* first = nullptr;
  const toml::node* first_node = nullptr;
  for (const auto& [key, node] : table_) {
    bool known = false;
    for (const std::string& allowed : keys_) known = known || allowed == key.str();
    if (known || (first != nullptr && first->source().begin < key.source().begin)) continue;
    first = &key;
    first_node = &node;
  }
  if (first != nullptr) reject(*first, *first_node);
}

void StrictTable::reject(const toml::key& key, const toml::node& node) {
  const std::string_view name = key.str();
  for (const Quantity& quantity : quantities_) {
    const std::string right = key_name(quantity.base, quantity.dimension, kind_);
    const std::string unit = unit_name(quantity.dimension, kind_);
    const bool axis_unit = words(quantity.dimension).cable_unit !=
                           std::string_view(words(quantity.dimension).lever_unit);
    const std::string takes = axis_unit ? fmt::format("a {} takes {}", axis_word(kind_), unit)
                                        : fmt::format("it is in {}", unit);
    if (name == quantity.base) {
      errors_.add(key.source(), where_,
                  fmt::format("'{}' has no unit; {}: write '{} = {}'", name, takes, right,
                              value_text(node)));
      return;
    }
    if (name.size() > quantity.base.size() && name.starts_with(quantity.base) &&
        name[quantity.base.size()] == '_' &&
        name.find('_', quantity.base.size() + 1) == std::string_view::npos) {
      errors_.add(key.source(), where_,
                  fmt::format("'{}' is in the wrong unit; {}: write '{}' with the value in {}",
                              name, takes, right, unit));
      return;
    }
  }
  std::string allowed;
  for (const std::string& known : keys_) allowed += (allowed.empty() ? "" : ", ") + known;
  errors_.add(key.source(), where_,
              fmt::format("unknown key '{}'; allowed here: {}", name, allowed));
}

void StrictTable::fail(std::string_view key, std::string_view sentence) {
  const toml::node* node = table_.get(key);
  errors_.add(node != nullptr ? node->source() : table_.source(), where_, sentence);
}

void StrictTable::missing(std::string_view key, std::string_view hint) {
  fail(key, fmt::format("'{}' is missing; {}", key, hint));
}

std::string StrictTable::text(std::string_view key, bool required) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    if (required) missing(key, fmt::format("add {} = \"...\"", key));
    return {};
  }
  const auto value = node->value_exact<std::string>();
  if (!value || (required && value->empty())) {
    fail(key, fmt::format("'{}' must be a text that is not empty; write {} = \"...\"", key, key));
    return {};
  }
  return *value;
}

bool StrictTable::flag(std::string_view key, bool fallback) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<bool>();
  if (!value) {
    fail(key, fmt::format("'{}' must be true or false", key));
    return fallback;
  }
  return *value;
}

std::uint32_t StrictTable::count(std::string_view key, std::uint32_t fallback, const Range& range) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<std::int64_t>();
  if (!value) {
    fail(key, fmt::format("'{}' must be a whole number", key));
    return fallback;
  }
  const auto number = static_cast<double>(*value);
  if (number < range.min || number > range.max) {
    fail(key,
         fmt::format("{} is {}, it must be within {} and {}", key, *value, range.min, range.max));
    return fallback;
  }
  return static_cast<std::uint32_t>(*value);
}

std::optional<double> StrictTable::number(std::string_view base, Dimension dimension,
                                          const Range& range) {
  const std::string key = key_name(base, dimension, kind_);
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  const std::string unit = unit_name(dimension, kind_);
  const auto value = node->is_number() ? node->value<double>() : std::nullopt;
  if (!value || !is_finite(*value)) {
    fail(key,
         fmt::format("'{}' must be a finite number{}", key, unit.empty() ? "" : " in " + unit));
    return std::nullopt;
  }
  const std::string reason = range.reason.empty() ? "" : fmt::format(" ({})", range.reason);
  if (*value > range.max) {
    fail(key, fmt::format("{} is {}, at most {}{}; lower it", key, *value,
                          with_unit(range.max, unit), reason));
    return std::nullopt;
  }
  if (*value < range.min) {
    fail(key, fmt::format("{} is {}, at least {}{}; raise it", key, *value,
                          with_unit(range.min, unit), reason));
    return std::nullopt;
  }
  return value;
}

const toml::table* StrictTable::child(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return nullptr;
  if (node->as_table() == nullptr) fail(key, fmt::format("'{}' must be a table", key));
  return node->as_table();
}

const toml::array* StrictTable::array(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return nullptr;
  if (node->as_array() == nullptr) fail(key, fmt::format("'{}' must be an array", key));
  return node->as_array();
}

tl::expected<toml::table, std::string> parse_toml(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    return tl::make_unexpected(fmt::format("{}: there is no such file; check the path", path));
  }
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return tl::make_unexpected(fmt::format("{}:{}: not valid TOML: {}; mend this line", path,
                                           error.source().begin.line, error.description()));
  }
}

}  // namespace medius::station
