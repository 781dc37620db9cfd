#include "hal/guard/guard_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "hal/guard/shared_page.hpp"

namespace medius::guard {
namespace {

using Failure = tl::unexpected<std::string>;

tl::expected<void, std::string> read_text(const toml::table& table, const char* key,
                                          std::string& out) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  const auto text = node->value_exact<std::string>();
  if (!text) return Failure(fmt::format("'{}' must be a text in quotes", key));
  out = *text;
  return {};
}

tl::expected<void, std::string> read_guard(const toml::table& table, GuardFile& guard) {
  for (const auto& [key, value] : table) {
    const std::string_view word = key.str();
    if (word != "name" && word != "output" && word != "device" && word != "line") {
      return Failure(
          fmt::format("unknown key '{}'; name, output, device and line are known", word));
    }
  }
  std::string output;
  for (const auto& [key, text] :
       {std::pair{"name", &guard.name}, {"output", &output}, {"device", &guard.device}}) {
    if (auto ok = read_text(table, key, *text); !ok) return ok;
  }
  if (!valid_name(guard.name)) {
    return Failure(
        fmt::format("name '{}' must be 1-64 letters, digits, '-' or '_'; mediusd and "
                    "medius-guard meet by it",
                    guard.name));
  }
  const auto kind = parse_output_kind(output);
  if (!kind) return Failure(kind.error());
  guard.output = *kind;
  if (const toml::node* line = table.get("line")) {
    constexpr std::int64_t kLines = 1024;
    const auto number = line->value_exact<std::int64_t>();
    if (!number || *number < 0 || *number >= kLines) {
      return Failure("line must be a whole number from 0 to 1023");
    }
    guard.line = static_cast<int>(*number);
  }
  return check_output(guard);
}

}  // namespace

const char* to_string(OutputKind kind) noexcept {
  switch (kind) {
    case OutputKind::kGpio:
      return "gpio";
    case OutputKind::kSerial:
      return "serial";
    case OutputKind::kSimulated:
      return "simulated";
    case OutputKind::kNone:
      break;
  }
  return "none";
}

tl::expected<OutputKind, std::string> parse_output_kind(const std::string& word) {
  for (const OutputKind kind :
       {OutputKind::kGpio, OutputKind::kSerial, OutputKind::kSimulated, OutputKind::kNone}) {
    if (word == to_string(kind)) return kind;
  }
  if (word == "coil" || word == "modbus") {
    return Failure(
        "output '" + word +
        "': a bus coupler's coil alone is never the safe-state output, because it stays as it is "
        "when the bus stands still; use gpio or serial with a charge pump");
  }
  return Failure("output '" + word + "' is not known; use gpio, serial, simulated or none");
}

tl::expected<void, std::string> check_output(const GuardFile& guard) {
  const bool real = guard.output == OutputKind::kGpio || guard.output == OutputKind::kSerial;
  if (!real && !guard.simulated) {
    return Failure(
        fmt::format("output '{}' holds nothing and is for simulated machines only; use "
                    "gpio or serial with a charge pump",
                    to_string(guard.output)));
  }
  if (real && guard.device.empty()) {
    return Failure(fmt::format("output '{}' needs device = \"/dev/...\"", to_string(guard.output)));
  }
  if (guard.output == OutputKind::kGpio && guard.line < 0) {
    return Failure("output 'gpio' needs line = the line's number on its chip");
  }
  return {};
}

tl::expected<GuardFile, std::string> load_guard_file(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return Failure(fmt::format("{}: {}; mend the file", path, error.description()));
  }
  GuardFile guard;
  guard.simulated = file["machine"]["simulated"].value_or(false);
  const toml::node* node = file.get("guard");
  if (node == nullptr) return guard;
  guard.wanted = true;
  if (node->as_table() == nullptr) return Failure(path + ": 'guard' must be written as [guard]");
  if (auto ok = read_guard(*node->as_table(), guard); !ok) {
    return Failure(path + ": [guard] " + ok.error());
  }
  return guard;
}

}  // namespace medius::guard
