#include "tests/station/commands_model/story.hpp"

#include <fmt/format.h>

namespace medius::station::model {
namespace {

constexpr std::int64_t kMs = 1'000'000;

const char* word_of(Kind kind) {
  constexpr const char* kWords[] = {"start",   "adjust",    "parameter", "pause",
                                    "resume",  "stop",      "acquire",   "renew",
                                    "release", "hand over", "lost",      "returned"};
  static_assert(std::size(kWords) == static_cast<std::size_t>(Kind::kCount));
  return kWords[static_cast<std::size_t>(kind)];
}

std::string number(const char* name, const std::optional<std::uint64_t>& value) {
  return value ? fmt::format(", {} {}", name, *value) : std::string();
}

}  // namespace

std::string words(const Message& m) {
  std::string out = fmt::format("{} '{}' of {}", word_of(m.kind), m.id, m.client);
  if (m.kind == Kind::kAdjust || m.kind == Kind::kParameter) out += fmt::format(", {}", m.value);
  if (!m.text.empty()) out += ", '" + m.text + "'";
  return out + number("epoch", m.epoch) + number("version", m.version) +
         fmt::format(", received at {} ms", m.received_ns / kMs);
}

std::string words(const Facts& facts, const Model& model, const Model::Answer& answer) {
  const std::pair<bool, const char*> states[] = {
      {facts.idle, "idle"},       {facts.fault, "fault"},         {facts.resting, "resting"},
      {facts.working, "working"}, {facts.unloading, "unloading"}, {facts.paused, "paused"}};
  std::string state;
  for (const auto& [is, word] : states) {
    if (is) state += std::string(state.empty() ? "" : ", ") + word;
  }
  return fmt::format(
      "version {} ({}), {} of {} N in force, {}increases frozen, lease: '{}'; expected: {}{}{}",
      facts.version, state.empty() ? "getting ready" : state, facts.loop_applied, model.load(),
      model.frozen() ? "" : "no ", model.holder(), to_string(answer.verdict),
      answer.duplicate ? ", as before" : "", answer.forgotten ? ", its answer is forgotten" : "");
}

std::string words(const rt::Command& command, bool refused) {
  constexpr const char* kWords[] = {"none",      "enable", "disable", "take up",
                                    "start set", "engage", "load",    "parameter",
                                    "freeze",    "unload", "end set"};
  const auto kind = static_cast<std::size_t>(command.kind);
  return fmt::format("the loop {} {} {}", refused ? "refuses" : "takes",
                     kind < std::size(kWords) ? kWords[kind] : "another command", command.value);
}

}  // namespace medius::station::model
