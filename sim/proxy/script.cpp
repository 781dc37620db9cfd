#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "sim/proxy/fault.hpp"

namespace medius::sim::proxy {
namespace {

constexpr int kMostStepMs = 3'600'000;
constexpr std::size_t kMostSteps = 1000;

tl::unexpected<FaultError> wrong(std::string message) {
  return tl::make_unexpected(FaultError{std::move(message)});
}

tl::expected<ScriptStep, FaultError> parse_step(const toml::table& table,
                                                const std::string& where) {
  for (const auto& [key, value] : table) {
    if (key != "at_ms" && key != "fault") {
      return wrong(fmt::format("{}: key '{}' is unknown; use at_ms and fault", where,
                               std::string_view(key.str())));
    }
  }
  const auto at_ms = table["at_ms"].value<std::int64_t>();
  if (!at_ms || *at_ms < 0 || *at_ms > kMostStepMs) {
    return wrong(
        fmt::format("{}: 'at_ms' must be a whole number from 0 to {}", where, kMostStepMs));
  }
  const auto text = table["fault"].value<std::string>();
  if (!text)
    return wrong(fmt::format("{}: 'fault' is missing, e.g. \"delay ms=20 for=300\"", where));
  const auto fault = parse_fault(*text);
  if (!fault) return wrong(fmt::format("{}: fault: {}", where, fault.error().message));
  return ScriptStep{static_cast<int>(*at_ms), *fault};
}

// What a random fault does, within what a test of seconds can see.
FaultSpec draw(Random& random, const RandomScriptOptions& options) {
  FaultSpec fault;
  do {
    fault.kind = static_cast<FaultKind>(random.below(kFaultKinds));
  } while (!options.stale &&
           (fault.kind == FaultKind::kStale || fault.kind == FaultKind::kReorder ||
            fault.kind == FaultKind::kDuplicate));
  const std::uint32_t way = random.below(4);  // replies are what a client can be fooled with
  fault.requests = way == 2 || way == 3;
  fault.replies = way != 2;
  if (random.chance(0.25))
    fault.unit = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(options.units)));
  if (random.chance(0.5)) fault.chance = (1 + random.below(19)) / 20.0;
  if (random.chance(0.3)) fault.count = 1 + static_cast<int>(random.below(20));
  const auto most_delay = static_cast<std::uint32_t>(options.most_delay_ms);
  switch (fault.kind) {
    case FaultKind::kDelay:
      fault.delay_ms = static_cast<int>(random.below(most_delay / 2 + 1));
      fault.jitter_ms = static_cast<int>(random.below(most_delay / 2 + 1));
      break;
    case FaultKind::kTruncate:
      fault.bytes = static_cast<int>(random.below(20));
      break;
    case FaultKind::kCorrupt:
      // A CRC-16 tells every error of up to three bits in frames of this length.
      fault.bits = 1 + static_cast<int>(random.below(3));
      break;
    case FaultKind::kTrickle:
      fault.gap_us = options.stale ? 100 + 100 * static_cast<int>(random.below(80))
                                   : 10 * static_cast<int>(random.below(most_delay));
      break;
    case FaultKind::kStale:
      fault.stale_by = 1 + static_cast<int>(random.below(8));
      break;
    case FaultKind::kThrottle: {
      constexpr int kBauds[] = {9600, 19200, 57600, 115200};
      fault.baud = options.stale ? kBauds[random.below(4)] : kBauds[2 + random.below(2)];
      break;
    }
    default:
      break;
  }
  return fault;
}

}  // namespace

int Script::end_ms() const noexcept {
  int end = 0;
  for (const ScriptStep& step : steps) {
    if (step.fault.for_ms == 0) return -1;
    end = std::max(end, step.at_ms + step.fault.for_ms);
  }
  return end;
}

tl::expected<Script, FaultError> parse_script(std::string_view toml, const std::string& source) {
  try {
    const toml::table table = toml::parse(toml, source);
    Script script;
    for (const auto& [key, value] : table) {
      if (key != "title" && key != "seed" && key != "step") {
        return wrong(fmt::format("{}: key '{}' is unknown; use title, seed and [[step]]", source,
                                 std::string_view(key.str())));
      }
    }
    script.title = table["title"].value_or(std::string());
    const std::int64_t seed = table["seed"].value_or(std::int64_t{1});
    if (seed < 0) return wrong(fmt::format("{}: 'seed' is {}, must be 0 or more", source, seed));
    script.seed = static_cast<std::uint64_t>(seed);
    const toml::array* const steps = table["step"].as_array();
    if (steps == nullptr || steps->empty()) {
      return wrong(fmt::format("{}: no [[step]]; add one with at_ms and fault", source));
    }
    if (steps->size() > kMostSteps) {
      return wrong(fmt::format("{}: {} steps, at most {}", source, steps->size(), kMostSteps));
    }
    for (const toml::node& node : *steps) {
      const std::string where = fmt::format("{}: step {}", source, script.steps.size() + 1);
      const toml::table* const step = node.as_table();
      if (step == nullptr) return wrong(where + " is no table; write [[step]]");
      const auto parsed = parse_step(*step, where);
      if (!parsed) return tl::make_unexpected(parsed.error());
      script.steps.push_back(*parsed);
    }
    return script;
  } catch (const toml::parse_error& error) {
    return wrong(fmt::format("{}:{}: {}", source, error.source().begin.line, error.description()));
  }
}

tl::expected<Script, FaultError> load_script(const std::string& path) {
  std::ifstream file(path);
  if (!file) return wrong(fmt::format("{}: cannot be read; name a script file", path));
  std::ostringstream text;
  text << file.rdbuf();
  return parse_script(text.str(), path);
}

std::string to_toml(const Script& script) {
  std::string text = fmt::format("title = \"{}\"\nseed = {}\n", script.title, script.seed);
  for (const ScriptStep& step : script.steps) {
    text +=
        fmt::format("\n[[step]]\nat_ms = {}\nfault = \"{}\"\n", step.at_ms, to_text(step.fault));
  }
  return text;
}

Script random_script(std::uint64_t seed, const RandomScriptOptions& options) {
  Random random(seed, 0x7072'6f78'79ull);
  Script script;
  script.title = fmt::format("random {}", seed);
  script.seed = seed;
  const std::uint32_t faults = 1 + random.below(4);
  const auto length = static_cast<std::uint32_t>(std::max(options.length_ms, 100));
  for (std::uint32_t i = 0; i < faults; ++i) {
    ScriptStep step;
    step.fault = draw(random, options);
    step.at_ms = static_cast<int>(random.below(length * 2 / 3));
    const std::uint32_t left = length - static_cast<std::uint32_t>(step.at_ms);
    step.fault.for_ms = static_cast<int>(20 + random.below(left - 20));
    script.steps.push_back(step);
  }
  return script;
}

}  // namespace medius::sim::proxy
