#include "controller/station/program.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "controller/safety/kernel.hpp"
#include "controller/station/exercise_catalogue.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/strict_toml.hpp"

namespace medius::station {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMaxSets = 20;
constexpr std::uint32_t kMaxReps = 200;
constexpr std::size_t kMaxBlocks = 50;
constexpr double kMaxPhaseS = 60.0;  // a longer hold is a test, not a repetition
constexpr double kMaxRestS = 1800.0;
constexpr std::uint32_t kMaxWeeks = 52;
// Warm-ups are light: more than this of the working load tires before the work.
constexpr double kWarmUpShareMax = 0.40;
constexpr double kWarmUpShareMin = 0.20;
constexpr std::uint32_t kMaxHolds = 20;

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

struct CountRange {
  std::uint32_t low = 0, high = 0;
};

// `key = 8` or `key = [5, 8]`.
std::optional<CountRange> read_counts(StrictTable& table, const char* key, std::uint32_t max) {
  const toml::node* node = table.raw().get(key);
  if (node == nullptr) return std::nullopt;
  if (node->as_array() == nullptr) {
    const std::uint32_t count = table.count(key, 1, {1.0, static_cast<double>(max), ""});
    return CountRange{count, count};
  }
  const toml::array& ends = *node->as_array();
  const std::int64_t low = ends.size() == 2 ? ends[0].value_or(std::int64_t{0}) : 0;
  const std::int64_t high = ends.size() == 2 ? ends[1].value_or(std::int64_t{0}) : 0;
  if (low < 1 || high < low || high > static_cast<std::int64_t>(max)) {
    table.fail(key, fmt::format("'{0}' must be a whole number or a range of two within 1 and {1}; "
                                "write for example {0} = [5, 8]",
                                key, max));
    return std::nullopt;
  }
  return CountRange{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)};
}

void read_goal(StrictTable& table, ProgramBlock& block) {
  if (!table.has("goal")) return;
  const std::string id = table.text("goal", true);
  const GoalPreset* preset = find_goal(id);
  if (preset == nullptr) {
    table.fail("goal", fmt::format("goal '{}' is not known; choose one of {}", id, list_goals()));
    return;
  }
  block.goal = preset->goal;
  block.reps = preset->reps_min;
  block.reps_max = preset->reps_max;
  block.tempo = preset->tempo;
  block.rest_s = preset->rest_s;
}

void read_counts_and_rules(StrictTable& table, ProgramBlock& block) {
  const auto sets = read_counts(table, "sets", kMaxSets).value_or(CountRange{1, 1});
  block.sets = sets.low;
  block.sets_max = sets.high;
  const auto reps = read_counts(table, "reps", kMaxReps);
  if (reps) {
    block.reps = reps->low;
    block.reps_max = reps->high;
  } else if (block.goal == Goal::kNone && !table.has("reps")) {
    table.missing("reps", "write how many repetitions end the set");
  }
  block.warm_up = table.flag("warm_up", false);
  const std::string rule = table.text("progression", false);
  if (rule == "reps-first") {
    block.progression = Progression::kRepsFirst;
  } else if (rule == "two-for-two") {
    block.progression = Progression::kTwoForTwo;
  } else if (!rule.empty() && rule != "fixed") {
    table.fail("progression",
               fmt::format("progression is '{}'; write reps-first, two-for-two or fixed", rule));
  }
  if (block.warm_up && block.progression != Progression::kFixed) {
    table.fail("progression", "a warm-up has no progression of its own; leave the key out");
  }
}

void read_load(StrictTable& table, ProgramBlock& block) {
  const safety::AxisBounds machine = safety::machine_bounds(block.coordinate);
  const Range range{0.0, machine.force_max,
                    fmt::format("compiled in for a {}", axis_word(block.coordinate))};
  const auto load = table.number("load", Dimension::kForce, range);
  const std::string key = key_name("load", Dimension::kForce, block.coordinate);
  if (load) {
    block.working_load = *load;
    block.load_share =
        table.number("load_share", Dimension::kRatio, {0.0, 1.0, "more is a load of its own"})
            .value_or(1.0);
    block.load = block.working_load * block.load_share;
    const bool light = block.load_share >= kWarmUpShareMin && block.load_share <= kWarmUpShareMax;
    if (block.warm_up && !light) {
      table.fail("load_share", fmt::format("a warm-up takes {:g} to {:g} of the working load, this "
                                           "one {:g}; write load_share = 0.3",
                                           kWarmUpShareMin, kWarmUpShareMax, block.load_share));
    }
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

// An isometric test has holds instead of repetitions.
void read_holds(StrictTable& table, ProgramBlock& block) {
  if (table.has("reps") || table.has("tempo")) {
    table.fail("reps",
               "profile \"isometric\" has holds instead of repetitions and a tempo; write "
               "holds and hold_s, and remove reps and tempo");
  }
  block.sets = block.sets_max = table.count("sets", 1, {1.0, kMaxSets, ""});
  if (!table.has("holds")) table.missing("holds", "write how many holds end the set");
  block.reps = block.reps_max = table.count("holds", 1, {1.0, kMaxHolds, ""});
  const auto hold = table.number("hold", Dimension::kSeconds, {kHoldMinS, kHoldMaxS, ""});
  if (!hold) table.missing("hold_s", "write how many seconds each hold lasts");
  block.hold_s = hold.value_or(0.0);
}

// Only an isometric test counts holds; only a guided exercise beside it holds its repetitions.
void reject_holds(StrictTable& table, const ProgramBlock& block) {
  for (const char* key : {"holds", "hold_s"}) {
    if (!table.has(key) || (block.guided && key == std::string_view("hold_s"))) continue;
    table.fail(key, fmt::format("'{}' belongs to profile \"isometric\", the profile is '{}'; "
                                "remove it",
                                key, block.profile.id));
  }
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
  block.guided = table.flag("guided", exercise->second.station == ExerciseStation::kGuided);
  if (block.guided && !exercise->second.may_be_guided) {
    table.fail("guided", fmt::format("exercise '{}' needs its machine; leave 'guided' out",
                                     block.exercise_id));
    return block;
  }
  block.coordinate = exercise->second.station == ExerciseStation::kSeated
                         ? hal::CoordinateKind::kLever
                         : hal::CoordinateKind::kCable;
  table.set_kind(block.coordinate);
  for (const char* key : {"exercise", "sides", "sets", "reps", "holds", "tempo", "goal", "guided",
                          "warm_up", "progression"}) {
    table.allow(key);
  }
  table.allow("hold", Dimension::kSeconds);
  if (block.guided) table.allow("duration", Dimension::kSeconds);
  table.allow("rest", Dimension::kSeconds);
  if (!block.guided) {
    for (const char* key : {"profile", "parameters", "load_share"}) table.allow(key);
    table.allow("load", Dimension::kForce);
    table.allow("range_target", Dimension::kLength);
  }
  table.reject_unknown();
  block.sides = read_sides(table, exercise->second);
  if (!block.guided) read_profile(errors, table, block);
  read_goal(table, block);
  if (block.profile.id == "isometric") {
    read_holds(table, block);
  } else {
    reject_holds(table, block);
    read_counts_and_rules(table, block);
  }
  read_tempo(table, block);
  block.rest_s =
      table.number("rest", Dimension::kSeconds, {0.0, kMaxRestS, ""}).value_or(block.rest_s);
  if (block.guided) {
    block.hold_s = table.number("hold", Dimension::kSeconds, {0.0, kGuidedHoldMaxS, ""})
                       .value_or(block.hold_s);
    block.duration_s =
        table.number("duration", Dimension::kSeconds, {0.0, kGuidedDurationMaxS, ""}).value_or(0.0);
    block.cue = exercise->second.note;
    return block;
  }
  read_load(table, block);
  block.range_target =
      table.number("range_target", Dimension::kLength, {0.0, 2.0, ""}).value_or(0.0);
  return block;
}

void read_test(StrictTable& root, Program& program) {
  if (!root.has("test")) return;
  const std::string kind = root.text("test", true);
  for (const TestKind known :
       {TestKind::kIsometric, TestKind::kActiveRange, TestKind::kLoadVelocity, TestKind::kLeftRight,
        TestKind::kPelvicDrop}) {
    if (kind == to_string(known)) program.test = known;
  }
  if (program.test == TestKind::kNone) {
    root.fail("test", fmt::format("test is '{}'; write isometric, active-range, load-velocity, "
                                  "left-right or pelvic-drop",
                                  kind));
  }
}

void read_test_weeks(StrictTable& table, PlanCalendar& plan) {
  const toml::array* weeks = table.array("test_weeks");
  for (std::size_t i = 0; weeks != nullptr && i < weeks->size(); ++i) {
    const auto week = (*weeks)[i].value_exact<std::int64_t>();
    const bool rises = plan.test_weeks.empty() || !week || *week > plan.test_weeks.back();
    if (!week || *week < 0 || *week > plan.weeks || !rises) {
      table.fail("test_weeks",
                 fmt::format("test_weeks must rise from 0 to at most {}, the weeks of "
                             "the plan; write for example [0, 4, 8]",
                             plan.weeks));
      return;
    }
    plan.test_weeks.push_back(static_cast<std::uint32_t>(*week));
  }
  const toml::array* tests = table.array("tests");
  for (std::size_t i = 0; tests != nullptr && i < tests->size(); ++i) {
    plan.tests.push_back((*tests)[i].value_or(std::string()));
    if (!is_identifier(plan.tests.back())) {
      table.fail("tests", "each test must be the id of a program, e.g. \"test-load-velocity\"");
      return;
    }
  }
}

void read_plan(TomlErrors& errors, StrictTable& root, Program& program) {
  const toml::table* raw = root.child("plan");
  if (raw == nullptr) return;
  StrictTable table(errors, *raw, "plan");
  for (const char* key : {"weeks", "days_per_week", "strength", "test_weeks", "tests"}) {
    table.allow(key);
  }
  table.reject_unknown();
  for (const char* key : {"weeks", "days_per_week"}) {
    if (!table.has(key)) table.missing(key, "a plan says how long and how often");
  }
  program.plan.weeks = table.count("weeks", 1, {1.0, kMaxWeeks, ""});
  program.plan.strength = table.flag("strength", true);
  program.plan.days_per_week = table.count("days_per_week", 1, {1.0, 7.0, ""});
  // Four strength days in a week cannot all have 48 h between them.
  if (program.plan.strength && program.plan.days_per_week > 3) {
    table.fail("days_per_week",
               fmt::format("{} strength days a week leave less than 48 h between them, at most 3; "
                           "lower it, or write strength = false for light work",
                           program.plan.days_per_week));
  }
  read_test_weeks(table, program.plan);
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
  for (const char* key : {"title", "description", "test", "plan", "block"}) root.allow(key);
  root.reject_unknown();
  program.title = root.text("title", true);
  program.description = root.text("description", false);
  read_test(root, program);
  read_plan(errors, root, program);
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

const char* to_string(TestKind kind) noexcept {
  switch (kind) {
    case TestKind::kIsometric:
      return "isometric";
    case TestKind::kActiveRange:
      return "active-range";
    case TestKind::kLoadVelocity:
      return "load-velocity";
    case TestKind::kLeftRight:
      return "left-right";
    case TestKind::kPelvicDrop:
      return "pelvic-drop";
    case TestKind::kNone:
      break;
  }
  return "none";
}

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
