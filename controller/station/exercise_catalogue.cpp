#include "controller/station/exercise_catalogue.hpp"

#include <fmt/format.h>

#include "controller/station/strict_toml.hpp"

namespace medius::station {
namespace {

Exercise read_exercise(TomlErrors& errors, const std::string& id, const toml::table& raw) {
  StrictTable table(errors, raw, id);
  for (const char* key : {"title", "machine", "sides", "note", "may_be_guided"}) table.allow(key);
  table.reject_unknown();
  Exercise exercise;
  exercise.id = id;
  exercise.title = table.text("title", true);
  exercise.note = table.text("note", false);
  const std::string machine = table.text("machine", true);
  if (machine == "seated") {
    exercise.station = ExerciseStation::kSeated;
  } else if (machine == "guided") {
    exercise.station = ExerciseStation::kGuided;
  } else if (machine != "cable") {
    table.fail("machine", fmt::format("machine is '{}'; write cable, seated or guided", machine));
  }
  exercise.may_be_guided =
      table.flag("may_be_guided", false) || exercise.station == ExerciseStation::kGuided;
  const std::string sides = table.text("sides", true);
  if (sides != "each" && sides != "both") {
    table.fail("sides", fmt::format("sides is '{}'; write each or both", sides));
  }
  exercise.both_sides = sides == "both";
  return exercise;
}

}  // namespace

tl::expected<ExerciseCatalogue, std::string> load_exercises(const std::string& path) {
  const auto file = parse_toml(path);
  if (!file) return tl::make_unexpected(file.error());
  TomlErrors errors(path);
  ExerciseCatalogue catalogue;
  for (const auto& [key, node] : *file) {
    const std::string id(key.str());
    if (node.as_table() == nullptr) {
      errors.add(node.source(), id, "must be a table: one exercise each");
      continue;
    }
    catalogue.emplace(id, read_exercise(errors, id, *node.as_table()));
  }
  if (errors.first()) return tl::make_unexpected(*errors.first());
  return catalogue;
}

std::string list_ids(const ExerciseCatalogue& catalogue) {
  std::string ids;
  for (const auto& [id, exercise] : catalogue) ids += (ids.empty() ? "" : ", ") + id;
  return ids;
}

}  // namespace medius::station
