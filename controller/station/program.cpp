#include "controller/station/program.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "controller/safety/kernel.hpp"
#include "controller/station/exercise_catalogue.hpp"
#include "controller/station/strict_toml.hpp"

namespace medius::station {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMaxSets = 20;
constexpr std::uint32_t kMaxReps = 200;
constexpr std::size_t kMaxBlocks = 50;
constexpr double kMaxPhaseS = 60.0;  // a longer hold is a test, not a repetition
constexpr double kMaxRestS = 1800.0;
constexpr std::uint32_t kMaxHolds = 20;
constexpr double kLeastHoldS = 1.0, kMaxHoldS = 30.0;  // shorter is a knock

bool is_identifier(const std::string& text) {
  if (text.empty() || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// "2-1-3-0": four numbers of seconds with a hyphen between them.
std::optional<measure::Tempo> parse_tempo(const std::string& text) {
  std::array<double, 4> seconds{};
  std::size_t part = 0;
  std::string digits;
  for (const char c : text + "-") {
    if (c != '-') {
      if (!(c >= '0' && c <= '9') && c != '.') return std::nullopt;
      digits += c;
      continue;
    }
    if (digits.empty() || digits.size() > 6 || part == seconds.size()) return std::nullopt;
    if (std::count(digits.begin(), digits.end(), '.') > 1 || digits == ".") return std::nullopt;
    seconds[part++] = std::stod(digits);
    digits.clear();
  }
  if (part != seconds.size()) return std::nullopt;
  for (const double s : seconds) {
    if (!(s <= kMaxPhaseS)) return std::nullopt;
  }
  return measure::Tempo{seconds[0], seconds[1], seconds[2], seconds[3]};
}

std::optional<record::Side> parse_side(const std::string& word) {
  if (word == "left") return record::Side::kLeft;
  if (word == "right") return record::Side::kRight;
  if (word == "both") return record::Side::kBoth;
  return std::nullopt;
}

std::vector<record::Side> read_sides(StrictTable& table, const Exercise& exercise) {
  std::vector<record::Side> sides;
  const toml::array* array = table.array("sides");
  if (array == nullptr || array->empty()) {
    table.missing("sides", exercise.both_sides ? "write sides = [\"both\"]"
                                               : "write sides = [\"left\", \"right\"]");
    return sides;
  }
  for (const toml::node& node : *array) {
    const std::string word = node.value_or(std::string());
    const auto side = parse_side(word);
    if (!side) {
      table.fail("sides", fmt::format("side '{}' is not known; write left, right or both", word));
      return {};
    }
    if ((*side == record::Side::kBoth) != exercise.both_sides) {
      table.fail("sides",
                 fmt::format("side '{}' does not suit {}, which is trained {}; write sides = {}",
                             word, exercise.id,
                             exercise.both_sides ? "on both sides at once" : "one side at a time",
                             exercise.both_sides ? "[\"both\"]" : "[\"left\", \"right\"]"));
      return {};
    }
    if (std::find(sides.begin(), sides.end(), *side) != sides.end()) {
      table.fail("sides", fmt::format("side '{}' is named twice; use 'sets' to repeat", word));
      return {};
    }
    sides.push_back(*side);
  }
  return sides;
}

void read_profile(TomlErrors& errors, StrictTable& table, ProgramBlock& block) {
  block.profile.id = table.text("profile", true);
  if (!block.profile.id.empty() && !is_identifier(block.profile.id)) {
    table.fail("profile", fmt::format("profile '{}' is not a profile's id; 'medius profiles' lists "
                                      "the profiles there are, e.g. constant-tension",
                                      block.profile.id));
  }
  const toml::table* parameters = table.child("parameters");
  if (parameters == nullptr) return;
  for (const auto& [key, node] : *parameters) {
    const auto value = node.is_number() ? node.value<double>() : std::nullopt;
    if (!value || !(*value - *value == 0.0)) {
      errors.add(
          node.source(), table.where(),
          fmt::format("parameter '{}' must be a finite number in the unit of its name", key.str()));
      return;
    }
    block.profile.parameters.emplace(std::string(key.str()), *value);
  }
}

void read_load(StrictTable& table, ProgramBlock& block) {
  const safety::AxisBounds machine = safety::machine_bounds(block.coordinate);
  const Range range{0.0, machine.force_max,
                    fmt::format("compiled in for a {}", axis_word(block.coordinate))};
  const auto load = table.number("load", Dimension::kForce, range);
  const std::string key = key_name("load", Dimension::kForce, block.coordinate);
  if (load) {
    block.load = *load;
  } else if (!table.has(key)) {
    table.missing(
        key, fmt::format("write the load in {}", unit_name(Dimension::kForce, block.coordinate)));
  }
}

void read_tempo(StrictTable& table, ProgramBlock& block) {
  if (!table.has("tempo")) return;  // not prescribed
  const std::string text = table.text("tempo", true);
  if (const auto tempo = parse_tempo(text)) {
    block.tempo = *tempo;
  } else {
    table.fail("tempo",
               fmt::format("tempo '{}' is not concentric-hold-eccentric-bottom in seconds, "
                           "each at most {:.0f}; write for example \"2-1-3-0\"",
                           text, kMaxPhaseS));
  }
}

// Repetitions, or the holds of an isometric test.
void read_count(StrictTable& table, ProgramBlock& block) {
  const bool isometric = block.profile.id == "isometric";
  if (!isometric) {
    for (const char* key : {"holds", "hold_s"}) {
      if (!table.has(key)) continue;
      table.fail(key, fmt::format("'{}' belongs to profile \"isometric\", the profile is '{}'; "
                                  "remove it",
                                  key, block.profile.id));
    }
    if (!table.has("reps")) table.missing("reps", "write how many repetitions end the set");
    block.reps = table.count("reps", 1, {1.0, kMaxReps, ""});
    return;
  }
  if (table.has("reps") || table.has("tempo")) {
    table.fail("reps",
               "profile \"isometric\" has holds instead of repetitions and a tempo; write "
               "holds and hold_s, and remove reps and tempo");
  }
  if (!table.has("holds")) table.missing("holds", "write how many holds end the set");
  block.reps = table.count("holds", 1, {1.0, kMaxHolds, ""});
  const auto hold = table.number("hold", Dimension::kSeconds, {kLeastHoldS, kMaxHoldS, ""});
  if (!hold) table.missing("hold_s", "write how many seconds each hold lasts");
  block.hold_s = hold.value_or(0.0);
}

ProgramBlock read_block(TomlErrors& errors, const toml::table& raw, std::size_t number,
                        const ExerciseCatalogue& catalogue) {
  StrictTable table(errors, raw, fmt::format("block {}", number));
  ProgramBlock block;
  block.exercise_id = table.text("exercise", true);
  const auto exercise = catalogue.find(block.exercise_id);
  if (exercise == catalogue.end()) {
    table.fail("exercise", fmt::format("exercise '{}' is not in the catalogue; choose one of {}",
                                       block.exercise_id, list_ids(catalogue)));
    return block;
  }
  if (exercise->second.station == ExerciseStation::kGuided) {
    table.fail("exercise", fmt::format("exercise '{}' is done without the machine; a program holds "
                                       "machine exercises only: remove the block",
                                       block.exercise_id));
    return block;
  }
  block.coordinate = exercise->second.station == ExerciseStation::kCable
                         ? hal::CoordinateKind::kCable
                         : hal::CoordinateKind::kLever;
  table.set_kind(block.coordinate);
  for (const char* key :
       {"exercise", "sides", "sets", "reps", "holds", "tempo", "profile", "parameters"}) {
    table.allow(key);
  }
  table.allow("hold", Dimension::kSeconds);
  table.allow("load", Dimension::kForce);
  table.allow("rest", Dimension::kSeconds);
  table.allow("range_target", Dimension::kLength);
  table.reject_unknown();
  block.sides = read_sides(table, exercise->second);
  block.sets = table.count("sets", 1, {1.0, kMaxSets, ""});
  read_load(table, block);
  read_tempo(table, block);
  block.rest_s = table.number("rest", Dimension::kSeconds, {0.0, kMaxRestS, ""}).value_or(60.0);
  block.range_target =
      table.number("range_target", Dimension::kLength, {0.0, 2.0, ""}).value_or(0.0);
  read_profile(errors, table, block);
  read_count(table, block);
  return block;
}

tl::expected<Program, ProgramError> read_program(const std::string& path,
                                                 const ExerciseCatalogue& catalogue) {
  const auto file = parse_toml(path);
  if (!file) return tl::make_unexpected(ProgramError{file.error()});
  TomlErrors errors(path);
  Program program;
  program.id = fs::path(path).stem().string();
  StrictTable root(errors, *file, "");
  if (!is_identifier(program.id)) {
    root.fail("", fmt::format("the file name '{}' is the program's id: use a-z, 0-9 and hyphens",
                              program.id));
  }
  for (const char* key : {"title", "description", "block"}) root.allow(key);
  root.reject_unknown();
  program.title = root.text("title", true);
  program.description = root.text("description", false);
  const toml::array* blocks = root.array("block");
  if (blocks == nullptr || blocks->empty()) {
    root.missing("[[block]]", "a program has at least one; add it");
  } else if (blocks->size() > kMaxBlocks) {
    root.fail("block",
              fmt::format("{} blocks, at most {}; split the program", blocks->size(), kMaxBlocks));
  } else {
    for (const toml::node& node : *blocks) {
      if (node.as_table() == nullptr) {
        root.fail("block", "'block' must be written as [[block]] tables");
        break;
      }
      program.blocks.push_back(
          read_block(errors, *node.as_table(), program.blocks.size() + 1, catalogue));
    }
  }
  if (errors.first()) return tl::make_unexpected(ProgramError{*errors.first()});
  return program;
}

}  // namespace

tl::expected<Program, ProgramError> load_program(const std::string& path) {
  const std::string catalogue_path =
      (fs::path(path).parent_path() / kExerciseCatalogueFile).string();
  const auto catalogue = load_exercises(catalogue_path);
  if (!catalogue) return tl::make_unexpected(ProgramError{catalogue.error()});
  return read_program(path, *catalogue);
}

ProgramLibrary load_programs(const std::string& directory) {
  ProgramLibrary library;
  std::error_code code;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code)) {
    if (it->path().extension() == ".toml" && it->path().filename() != kExerciseCatalogueFile) {
      files.push_back(it->path());
    }
  }
  if (code) {
    library.errors.push_back(
        {fmt::format("{}: cannot be listed ({}); check the path of the "
                     "programs",
                     directory, code.message())});
    return library;
  }
  std::sort(files.begin(), files.end());  // the directory's order is not ours to depend on
  const auto catalogue = load_exercises((fs::path(directory) / kExerciseCatalogueFile).string());
  if (!catalogue) {
    library.errors.push_back({catalogue.error()});
    return library;
  }
  for (const fs::path& file : files) {
    auto program = read_program(file.string(), *catalogue);
    if (program) {
      library.programs.emplace(program->id, std::move(*program));
    } else {
      library.errors.push_back(std::move(program.error()));
    }
  }
  return library;
}

}  // namespace medius::station
