// Training programs as data: programs/*.toml -> validated structs. Unknown keys are errors; units
// are in the key names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_record.hpp"

namespace medius::station {

struct ProfileChoice {
  std::string id;                            // "constant-tension"
  std::map<std::string, double> parameters;  // by parameter name, with its unit suffix
};

// One prescribed exercise: `sets` rounds; in each round every side in `sides`.
struct ProgramBlock {
  std::string exercise_id;          // a row of the exercise catalogue
  std::vector<record::Side> sides;  // in order, e.g. left, right
  std::uint32_t sets = 1;
  std::uint32_t reps = 10;  // of an isometric block: holds
  double hold_s = 0.0;      // > 0: an isometric block, each repetition is a hold so long
  double load = 0.0;        // N (load_n) or Nm (load_nm)
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  measure::Tempo tempo;
  double rest_s = 60.0;       // after each set
  double range_target = 0.0;  // m | rad, 0 = from the person
  ProfileChoice profile;
};

struct Program {
  std::string id;  // file name without .toml
  std::string title;
  std::string description;
  std::vector<ProgramBlock> blocks;
};

struct ProgramError {
  std::string message;  // "programs/x.toml: block 2: load_n is 900, at most 600 ...; lower it"
};

[[nodiscard]] tl::expected<Program, ProgramError> load_program(const std::string& path);

// All programs of a directory by id. A broken file is an error in `errors` and leaves the others
// usable.
struct ProgramLibrary {
  std::map<std::string, Program> programs;
  std::vector<ProgramError> errors;
};
[[nodiscard]] ProgramLibrary load_programs(const std::string& directory);

}  // namespace medius::station
