#include "client/recompute_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medius::client {
namespace {

using Json = nlohmann::ordered_json;

bool missing(const v1::MetricValue& value) {
  return std::find(value.flags().begin(), value.flags().end(), "missing") != value.flags().end();
}

std::string flags_of(const v1::MetricValue& value) {
  std::string text;
  for (const std::string& flag : value.flags()) text += (text.empty() ? "" : " ") + flag;
  return text;
}

std::string value_text(const v1::MetricValue& value) {
  const std::string flags = flags_of(value);
  const std::string number =
      missing(value) ? "-" : fmt::format("{:.6g} ± {:.2g}", value.value(), value.uncertainty());
  return number + (flags.empty() ? "" : " [" + flags + "]");
}

Json value_json(const v1::MetricValue& value) {
  Json out;
  out["value"] = missing(value) ? Json(nullptr) : Json(value.value());
  out["uncertainty"] = missing(value) ? Json(nullptr) : Json(value.uncertainty());
  out["flags"] = Json::array();
  for (const std::string& flag : value.flags()) out["flags"].push_back(flag);
  out["version"] = value.version();
  return out;
}

}  // namespace

std::vector<std::string> recompute_lines(const RecomputedSet& set, bool dry_run) {
  const auto& changes = set.answer.changes();
  if (changes.empty()) return {set.name + ": nothing changed"};
  std::vector<std::string> lines{fmt::format("{}: {} value{} {}", set.name, changes.size(),
                                             changes.size() == 1 ? "" : "s",
                                             dry_run ? "would change" : "changed")};
  for (const v1::MetricChange& change : changes) {
    const std::string where = change.repetition() == 0
                                  ? std::string("set")
                                  : fmt::format("repetition {}", change.repetition());
    const std::string before = change.has_before() ? value_text(change.before()) : "none";
    const std::string version = change.has_before()
                                    ? fmt::format("definition {} -> {}", change.before().version(),
                                                  change.after().version())
                                    : fmt::format("definition {}", change.after().version());
    lines.push_back(fmt::format("  {} {}: {} -> {} {}, {}", where, change.after().key(), before,
                                value_text(change.after()), change.after().unit(), version));
  }
  return lines;
}

Json recompute_json(const std::vector<RecomputedSet>& sets, bool dry_run) {
  Json list = Json::array();
  for (const RecomputedSet& set : sets) {
    Json changes = Json::array();
    for (const v1::MetricChange& change : set.answer.changes()) {
      Json entry;
      entry["repetition"] = change.repetition() == 0 ? Json(nullptr) : Json(change.repetition());
      entry["metric"] = change.after().key();
      entry["unit"] = change.after().unit();
      entry["before"] = change.has_before() ? value_json(change.before()) : Json(nullptr);
      entry["after"] = value_json(change.after());
      changes.push_back(std::move(entry));
    }
    list.push_back(
        {{"set", set.name}, {"stored", set.answer.stored()}, {"changes", std::move(changes)}});
  }
  return {{"dry_run", dry_run}, {"sets", std::move(list)}};
}

}  // namespace medius::client
