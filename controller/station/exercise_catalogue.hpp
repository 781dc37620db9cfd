// The exercise catalogue (programs/exercises.toml): which movements a program may prescribe, on
// which machine, and whether sides are trained one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <tl/expected.hpp>

namespace medius::station {

inline constexpr const char* kExerciseCatalogueFile = "exercises.toml";

enum class ExerciseStation : std::uint8_t { kCable = 0, kSeated, kGuided };

struct Exercise {
  std::string id;
  std::string title;
  std::string note;  // how to stand and move, for people
  ExerciseStation station = ExerciseStation::kCable;
  bool both_sides = false;     // both at once; otherwise one side at a time
  bool may_be_guided = false;  // also done without the machine: own weight or a band
};

using ExerciseCatalogue = std::map<std::string, Exercise>;

[[nodiscard]] tl::expected<ExerciseCatalogue, std::string> load_exercises(const std::string& path);
[[nodiscard]] std::string list_ids(const ExerciseCatalogue& catalogue);  // "a, b, c"

}  // namespace medius::station
