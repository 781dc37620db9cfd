#include "sim/proxy/fault.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace medius::sim::proxy {
namespace {

struct KindRow {
  FaultKind kind;
  const char* name;
  const char* help;
};
constexpr std::array<KindRow, kFaultKinds> kKinds{{
    {FaultKind::kDelay, "delay",
     "ms=N [jitter=N]  each frame comes later by ms and up to jitter more"},
    {FaultKind::kDrop, "drop", "each frame is swallowed (with unit=N: that device is gone)"},
    {FaultKind::kDuplicate, "duplicate", "each frame comes twice"},
    {FaultKind::kReorder, "reorder", "each frame waits until the next one has passed it"},
    {FaultKind::kTruncate, "truncate", "[bytes=N]  only the first N bytes come (0: half)"},
    {FaultKind::kCorrupt, "corrupt",
     "[bits=N]  N bits are turned; on TCP in header and function code, which nothing else guards"},
    {FaultKind::kTrickle, "trickle", "[gap_us=N]  byte by byte, N us apart"},
    {FaultKind::kStale, "stale", "[by=N]  the reply of N transactions ago under this one's number"},
    {FaultKind::kThrottle, "throttle", "[baud=N]  as slowly as a line of N baud carries it"},
    {FaultKind::kReset, "reset",
     "TCP reset instead of the frame; a serial line is unplugged for 20 ms"},
    {FaultKind::kHalfClose, "half-close",
     "the client gets an end of stream instead of the frame; a serial line as with reset"},
    {FaultKind::kRefuse, "refuse",
     "no connection is taken, open ones are reset; a line is unplugged"},
    {FaultKind::kBlackHole, "black-hole", "connections are taken, nothing passes either way"},
}};

struct IntKey {
  const char* name;
  int FaultSpec::*value;
  int least, most;
};
// A minute, a frame, and the rates of real lines bound what makes sense.
constexpr std::array<IntKey, 10> kIntKeys{{
    {"unit", &FaultSpec::unit, 0, 255},
    {"count", &FaultSpec::count, 1, 1'000'000},
    {"for", &FaultSpec::for_ms, 1, 3'600'000},
    {"ms", &FaultSpec::delay_ms, 0, 60'000},
    {"jitter", &FaultSpec::jitter_ms, 0, 60'000},
    {"bytes", &FaultSpec::bytes, 0, 260},
    {"bits", &FaultSpec::bits, 1, 64},
    {"gap_us", &FaultSpec::gap_us, 0, 1'000'000},
    {"by", &FaultSpec::stale_by, 1, 16},
    {"baud", &FaultSpec::baud, 300, 10'000'000},
}};

tl::unexpected<FaultError> wrong(std::string message) {
  return tl::make_unexpected(FaultError{std::move(message)});
}

std::string key_names() {
  std::string names = "way, chance";
  for (const IntKey& key : kIntKeys) names += fmt::format(", {}", key.name);
  return names;
}

tl::expected<void, FaultError> set_key(FaultSpec& fault, std::string_view key,
                                       std::string_view value) {
  const char* const end = value.data() + value.size();
  if (key == "way") {
    fault.requests = value == "requests" || value == "both";
    fault.replies = value == "replies" || value == "both";
    if (fault.requests || fault.replies) return {};
    return wrong(fmt::format("way={}: must be requests, replies or both", value));
  }
  if (key == "chance") {
    const auto [stop, error] = std::from_chars(value.data(), end, fault.chance);
    if (error == std::errc{} && stop == end && fault.chance > 0.0 && fault.chance <= 1.0) return {};
    return wrong(fmt::format("chance={}: must be above 0 and at most 1", value));
  }
  for (const IntKey& known : kIntKeys) {
    if (key != known.name) continue;
    int number = 0;
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || stop != end || number < known.least || number > known.most) {
      return wrong(fmt::format("{}={}: must be a whole number from {} to {}", key, value,
                               known.least, known.most));
    }
    fault.*known.value = number;
    return {};
  }
  return wrong(fmt::format("'{}' is no key of a fault; use {}", key, key_names()));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBlank = " \t\r\n";
  for (std::size_t at = text.find_first_not_of(kBlank); at != std::string_view::npos;) {
    const std::size_t end = text.find_first_of(kBlank, at);
    words.push_back(text.substr(at, end - at));
    at = end == std::string_view::npos ? end : text.find_first_not_of(kBlank, end);
  }
  return words;
}

}  // namespace

const char* name(FaultKind kind) noexcept {
  return kKinds[static_cast<std::size_t>(kind)].name;
}

tl::expected<FaultSpec, FaultError> parse_fault(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  FaultSpec fault;
  bool known = false;
  std::string names;
  for (const KindRow& row : kKinds) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
    if (words.empty() || words[0] != row.name) continue;
    fault.kind = row.kind;
    known = true;
  }
  if (!known) {
    return wrong(fmt::format("'{}' is no fault; use one of {}",
                             words.empty() ? std::string_view{} : words[0], names));
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (equals == std::string_view::npos) {
      return wrong(
          fmt::format("'{}' in '{}': must be key=value; keys are {}", words[i], text, key_names()));
    }
    const auto set = set_key(fault, words[i].substr(0, equals), words[i].substr(equals + 1));
    if (!set) return tl::make_unexpected(set.error());
  }
  return fault;
}

std::string to_text(const FaultSpec& fault) {
  const FaultSpec usual;
  std::string text = name(fault.kind);
  if (fault.requests) text += fault.replies ? " way=both" : " way=requests";
  if (fault.chance != usual.chance) text += fmt::format(" chance={}", fault.chance);
  for (const IntKey& key : kIntKeys) {
    if (fault.*key.value != usual.*key.value) {
      text += fmt::format(" {}={}", key.name, fault.*key.value);
    }
  }
  return text;
}

std::string fault_help() {
  std::string text = "Faults (a line of text each; way=replies unless said):\n";
  for (const KindRow& row : kKinds) text += fmt::format("  {:<11} {}\n", row.name, row.help);
  return text +
         "  all take    way=requests|replies|both unit=N chance=0..1 count=N (frames) for=N (ms)\n";
}

}  // namespace medius::sim::proxy
