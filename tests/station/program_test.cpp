#include "controller/station/program.hpp"

#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/station/exercise_catalogue.hpp"
#include "controller/station/plan.hpp"
#include "tests/station/config_corpus.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using record::Side;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kGood = R"(title = "A program"
description = "What it is for."

[[block]]
exercise = "cable-standing-abduction"
sides = ["left", "right"]
sets = 2
reps = 8
load_n = 60.0
tempo = "2-1-3-0"
rest_s = 6.0
profile = "eccentric-emphasis"
parameters = {eccentric_ratio = 1.3}
)";

constexpr const char* kCatalogue = R"([cable-standing-abduction]
title = "Standing cable hip abduction"
machine = "cable"
sides = "each"
[seated-abduction]
title = "Seated hip abduction"
machine = "seated"
sides = "both"
[clamshell]
title = "Clamshell"
machine = "guided"
sides = "each"
)";

constexpr BrokenFile kBroken[] = {
    {"syntax", "title = ", "title : ", ":1: not valid TOML"},
    {"unknown key", "description", "descripton",
     ":2: unknown key 'descripton'; allowed here: title, description, test, plan, block"},
    {"no title", "title = \"A program\"", "", "'title' is missing"},
    {"no block", "[[block]]\nexercise = \"cable-standing-abduction\"", "[[blocks]]", "unknown key"},
    {"unknown block key", "sets = 2", "set = 2", ":7: block 1: unknown key 'set'; allowed here:"},
    {"load without unit", "load_n = 60.0", "load = 60",
     ":9: block 1: 'load' has no unit; a cable axis takes N: write 'load_n = 60'"},
    {"load in Nm on a cable", "load_n = 60.0", "load_nm = 60.0",
     ":9: block 1: 'load_nm' is in the wrong unit; a cable axis takes N: write 'load_n' with the "
     "value in N"},
    {"load in kg", "load_n = 60.0", "load_kg = 6.1", "a cable axis takes N: write 'load_n'"},
    {"load in pounds", "load_n = 60.0", "load_lb = 13", "a cable axis takes N: write 'load_n'"},
    {"no load", "load_n = 60.0\n", "", "'load_n' is missing; write the load in N"},
    {"absurd load", "load_n = 60.0", "load_n = 900",
     "block 1: load_n is 900, at most 600 N (compiled in for a cable axis); lower it"},
    {"negative load", "load_n = 60.0", "load_n = -5", "load_n is -5, at least 0 N"},
    {"nan load", "load_n = 60.0", "load_n = nan", "'load_n' must be a finite number in N"},
    {"rest without unit", "rest_s = 6.0", "rest = 6",
     "'rest' has no unit; it is in s: write 'rest_s = 6'"},
    {"rest in minutes", "rest_s = 6.0", "rest_min = 1", "'rest_min' is in the wrong unit"},
    {"long rest", "rest_s = 6.0", "rest_s = 7200", "rest_s is 7200, at most 1800 s"},
    {"unknown exercise", "cable-standing-abduction", "cable-curl",
     "exercise 'cable-curl' is not in the catalogue; choose one of cable-standing-abduction, "
     "clamshell, seated-abduction"},
    {"load of a guided exercise", "cable-standing-abduction", "clamshell", "unknown key 'load_n'"},
    {"guided, but needs its machine", "reps = 8", "reps = 8\nguided = true",
     "exercise 'cable-standing-abduction' needs its machine; leave 'guided' out"},
    {"range that falls", "reps = 8", "reps = [8, 5]", "write for example reps = [5, 8]"},
    {"range of three", "sets = 2", "sets = [1, 2, 3]", "write for example sets = [5, 8]"},
    {"unknown goal", "reps = 8", "goal = \"bulk\"",
     "goal 'bulk' is not known; choose one of strength, endurance, hypertrophy, compound, "
     "activation"},
    {"heavy warm-up", "sets = 2", "warm_up = true\nload_share = 0.5",
     "a warm-up takes 0.2 to 0.4 of the working load, this one 0.5"},
    {"warm-up at the full load", "sets = 2", "warm_up = true", "this one 1; write load_share"},
    {"warm-up that progresses", "sets = 2",
     "warm_up = true\nload_share = 0.3\nprogression = \"reps-first\"",
     "a warm-up has no progression of its own"},
    {"unknown progression", "sets = 2", "progression = \"faster\"",
     "progression is 'faster'; write reps-first, two-for-two or fixed"},
    {"four strength days", "[[block]]", "[plan]\nweeks = 8\ndays_per_week = 4\n[[block]]",
     "4 strength days a week leave less than 48 h between them, at most 3"},
    {"test weeks that fall", "[[block]]",
     "[plan]\nweeks = 8\ndays_per_week = 3\ntest_weeks = [4, 0]\n[[block]]",
     "test_weeks must rise from 0 to at most 8"},
    {"test week beyond the plan", "[[block]]",
     "[plan]\nweeks = 8\ndays_per_week = 3\ntest_weeks = [0, 9]\n[[block]]",
     "test_weeks must rise from 0 to at most 8"},
    {"unknown test", "[[block]]", "test = \"speed\"\n[[block]]",
     "test is 'speed'; write isometric"},
    {"seated exercise with cable load", "cable-standing-abduction", "seated-abduction",
     "'load_n' is in the wrong unit; a lever axis takes Nm: write 'load_nm'"},
    {"unknown side", "\"left\"", "\"links\"",
     "side 'links' is not known; write left, right or both"},
    {"side that does not suit", "[\"left\", \"right\"]", "[\"both\"]",
     "side 'both' does not suit cable-standing-abduction, which is trained one side at a time"},
    {"side twice", "\"right\"", "\"left\"", "side 'left' is named twice"},
    {"no sides", "sides = [\"left\", \"right\"]\n", "", "'sides' is missing"},
    {"no reps", "reps = 8\n", "", "'reps' is missing"},
    {"no repetition", "reps = 8", "reps = 0", "reps is 0, it must be within 1 and 200"},
    {"fractional reps", "reps = 8", "reps = 8.5", "'reps' must be a whole number"},
    {"many sets", "sets = 2", "sets = 21", "sets is 21, it must be within 1 and 20"},
    {"tempo of three", "2-1-3-0", "2-1-3",
     "tempo '2-1-3' is not concentric-hold-eccentric-bottom in seconds"},
    {"tempo of five", "2-1-3-0", "2-1-3-0-1", "tempo '2-1-3-0-1' is not"},
    {"tempo with words", "2-1-3-0", "2-X-3-0", "tempo '2-X-3-0' is not"},
    {"tempo with a minus", "2-1-3-0", "2--1-3-0", "tempo '2--1-3-0' is not"},
    {"endless tempo", "2-1-3-0", "2-99-3-0", "each at most 60"},
    {"tempo as number", "\"2-1-3-0\"", "2130", "'tempo' must be a text"},
    {"profile path", "\"eccentric-emphasis\"", "\"../evil.so\"", "is not a profile's id"},
    {"no profile", "profile = \"eccentric-emphasis\"\n", "", "'profile' is missing"},
    {"parameter as text", "eccentric_ratio = 1.3", "eccentric_ratio = \"1.3\"",
     "parameter 'eccentric_ratio' must be a finite number"},
    {"parameter nan", "eccentric_ratio = 1.3", "eccentric_ratio = nan",
     "parameter 'eccentric_ratio' must be a finite number"},
};

class Programs : public testing::Test {
 protected:
  Programs() { scratch.write(kExerciseCatalogueFile, kCatalogue); }
  ScratchDirectory scratch;
};

TEST_F(Programs, TheGoodOneLoads) {
  const auto program = load_program(scratch.write("good.toml", kGood));
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->id, "good");
  EXPECT_EQ(program->title, "A program");
  ASSERT_EQ(program->blocks.size(), 1u);
  const ProgramBlock& block = program->blocks[0];
  EXPECT_THAT(block.sides, ElementsAre(Side::kLeft, Side::kRight));
  EXPECT_EQ(block.sets, 2u);
  EXPECT_EQ(block.reps, 8u);
  EXPECT_EQ(block.load, 60.0);
  EXPECT_EQ(block.coordinate, hal::CoordinateKind::kCable);
  EXPECT_EQ(block.tempo.concentric_s, 2.0);
  EXPECT_EQ(block.tempo.hold_s, 1.0);
  EXPECT_EQ(block.tempo.eccentric_s, 3.0);
  EXPECT_EQ(block.tempo.bottom_s, 0.0);
  EXPECT_EQ(block.rest_s, 6.0);
  EXPECT_EQ(block.profile.parameters.at("eccentric_ratio"), 1.3);
}

TEST_F(Programs, EachBrokenOneGivesItsSentence) {
  for (const BrokenFile& broken : kBroken) {
    const std::string path = scratch.write("program.toml", with_change(kGood, broken));
    const auto program = load_program(path);
    ASSERT_FALSE(program) << broken.name << " was accepted";
    expect_sentence(program.error().message, path, broken);
  }
}

TEST_F(Programs, ASeatedExerciseTakesNewtonMetres) {
  std::string text = with_change(kGood, {"", "cable-standing-abduction", "seated-abduction", ""});
  text = with_change(text, {"", "[\"left\", \"right\"]", "[\"both\"]", ""});
  text = with_change(text, {"", "load_n = 60.0", "load_nm = 35.0", ""});
  const auto program = load_program(scratch.write("seated.toml", text));
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->blocks[0].coordinate, hal::CoordinateKind::kLever);
  EXPECT_EQ(program->blocks[0].load, 35.0);
}

TEST_F(Programs, AGoalFillsInWhatTheProgramLeavesOpen) {
  std::string text = with_change(kGood, {"", "reps = 8", "goal = \"strength\"", ""});
  text = with_change(text, {"", "tempo = \"2-1-3-0\"\n", "", ""});
  text = with_change(text, {"", "rest_s = 6.0\n", "", ""});
  const auto program = load_program(scratch.write("strong.toml", text));
  ASSERT_TRUE(program) << program.error().message;
  const ProgramBlock& block = program->blocks[0];
  EXPECT_EQ(block.reps, 5u);
  EXPECT_EQ(block.reps_max, 8u);
  EXPECT_EQ(block.rest_s, 120.0);
  EXPECT_EQ(block.tempo.eccentric_s, 3.0);
  // What the program says itself stands.
  const auto own = load_program(scratch.write(
      "own.toml", with_change(kGood, {"", "reps = 8", "goal = \"strength\"\nreps = [4, 6]", ""})));
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->blocks[0].reps_max, 6u);
  EXPECT_EQ(own->blocks[0].rest_s, 6.0);
}

TEST_F(Programs, AGuidedExerciseHasHoldsAndNoLoad) {
  const std::string text =
      "title = \"Holds\"\n[[block]]\nexercise = \"clamshell\"\nsides = [\"left\", \"right\"]\n"
      "reps = [10, 15]\nhold_s = 2.5\n";
  const auto program = load_program(scratch.write("holds.toml", text));
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_TRUE(program->blocks[0].guided);
  EXPECT_EQ(program->blocks[0].hold_s, 2.5);
  EXPECT_EQ(program->blocks[0].load, 0.0);
}

TEST_F(Programs, AnIsometricBlockHasHoldsInsteadOfRepetitions) {
  const std::string block = R"(title = "Test"
[[block]]
exercise = "cable-standing-abduction"
sides = ["left"]
holds = 3
hold_s = 4.0
load_n = 150.0
profile = "isometric"
)";
  const auto program = load_program(scratch.write("holds.toml", block));
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->blocks[0].reps, 3u);
  EXPECT_EQ(program->blocks[0].hold_s, 4.0);
  struct Mistake {
    std::string from, to, says;
  };
  for (const Mistake& mistake :
       {Mistake{"holds = 3", "reps = 3", "has holds instead of repetitions"},
        Mistake{"holds = 3\n", "", "'holds' is missing"},
        Mistake{"hold_s = 4.0\n", "", "'hold_s' is missing"},
        Mistake{"hold_s = 4.0", "hold_s = 90", "hold_s is 90, at most 30 s"},
        Mistake{"holds = 3", "holds = 30", "holds is 30, it must be within 1 and 20"},
        Mistake{"\"isometric\"", "\"constant-tension\"", "'holds' belongs to profile"}}) {
    std::string broken = block;
    broken.replace(broken.find(mistake.from), mistake.from.size(), mistake.to);
    const auto refused = load_program(scratch.write("holds.toml", broken));
    ASSERT_FALSE(refused) << mistake.says;
    EXPECT_NE(refused.error().message.find(mistake.says), std::string::npos)
        << refused.error().message;
  }
}

TEST_F(Programs, ABrokenFileLeavesTheOthersUsable) {
  scratch.write("good.toml", kGood);
  scratch.write("broken.toml", "title = ");
  scratch.write("Bad Name.toml", kGood);
  scratch.write("notes.txt", "not a program");
  const ProgramLibrary library = load_programs(scratch.path());
  EXPECT_EQ(library.programs.size(), 1u);
  EXPECT_TRUE(library.programs.contains("good"));
  ASSERT_EQ(library.errors.size(), 2u);
  EXPECT_THAT(library.errors[0].message, HasSubstr("the file name 'Bad Name' is the program's id"));
  EXPECT_THAT(library.errors[1].message, HasSubstr("broken.toml:1: not valid TOML"));
}

TEST_F(Programs, AMissingDirectoryOrCatalogueIsAnError) {
  EXPECT_THAT(load_programs("/nowhere").errors.at(0).message, HasSubstr("cannot be listed"));
  const ScratchDirectory empty;
  const std::string path = empty.write("good.toml", kGood);
  const auto program = load_program(path);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("exercises.toml: there is no such file"));
}

TEST(ShippedPrograms, AllLoadAndOnlyNameKnownExercises) {
  const ProgramLibrary library = load_programs(source_path("programs"));
  for (const ProgramError& error : library.errors) ADD_FAILURE() << error.message;
  ASSERT_TRUE(library.programs.contains("glute-med-short"));
  const Program& quick = library.programs.at("glute-med-short");
  ASSERT_EQ(quick.blocks.size(), 1u);
  EXPECT_EQ(quick.blocks[0].reps, 8u);
  EXPECT_EQ(quick.blocks[0].load, 60.0);
  EXPECT_EQ(quick.blocks[0].profile.id, "eccentric-emphasis");
  EXPECT_THAT(quick.blocks[0].sides, ElementsAre(Side::kLeft, Side::kRight));
}

TEST(ShippedPrograms, EachStartsOnItsSimulatedMachine) {
  const ProgramLibrary library = load_programs(source_path("programs"));
  const auto cable = load_machine(source_path("hal/machines/cable-station-sim.toml"));
  const auto seated = load_machine(source_path("hal/machines/seated-hip-abduction-sim.toml"));
  ASSERT_TRUE(cable);
  ASSERT_TRUE(seated) << seated.error().message;
  for (const auto& [id, program] : library.programs) {
    for (const MachineConfig* machine : {&*cable, &*seated}) {
      const bool lever = machine == &*seated;
      const MachineShare share = share_of(program, *machine);
      if (share.program.blocks.empty()) continue;
      StationBench bench(nullptr, [&](StationConfig& config) {
        config.machine = *machine;
        config.programs = library;
      });
      const Result started = bench.start(id);
      EXPECT_TRUE(started) << id << ": " << (started ? "" : started.error().message);
      // The bench's loop has one axis; sets of both arms are played in tests/world.
      if (lever) continue;
      EXPECT_TRUE(bench.run_to(StationState::kWorking, 5.0)) << id;
    }
  }
}

// What the training programs promise, as data.
TEST(ShippedPrograms, TheFiveHaveTheirWeeksDaysAndTests) {
  const ProgramLibrary library = load_programs(source_path("programs"));
  struct Promise {
    const char* id;
    std::uint32_t weeks, days;
    std::vector<std::uint32_t> tests;
  };
  const Promise promises[] = {{"glute-med-foundation", 8, 3, {0, 4, 8}},
                              {"glute-med-strength", 8, 3, {0, 4, 8}},
                              {"upper-glute-hypertrophy", 8, 3, {0, 4, 8}},
                              {"runner-hip-stability", 6, 2, {0, 4, 6}},
                              {"activation-warm-up", 8, 7, {}}};
  for (const Promise& promise : promises) {
    ASSERT_TRUE(library.programs.contains(promise.id)) << promise.id;
    const Program& program = library.programs.at(promise.id);
    EXPECT_EQ(program.plan.weeks, promise.weeks) << promise.id;
    EXPECT_EQ(program.plan.days_per_week, promise.days) << promise.id;
    EXPECT_EQ(program.plan.test_weeks, promise.tests) << promise.id;
    double work = 0.0;
    for (const ProgramBlock& block : program.blocks) {
      if (block.warm_up && !block.guided) {
        EXPECT_LE(block.load_share, 0.40) << promise.id;
        EXPECT_GE(block.load_share, 0.20) << promise.id;
      }
      if (!block.warm_up) work += block.sets;
    }
    EXPECT_EQ(work > 0.0, std::string(promise.id) != "activation-warm-up") << promise.id;
  }
  for (const ProgramBlock& block : library.programs.at("activation-warm-up").blocks) {
    EXPECT_LE(block.load_share * (block.guided ? 0.0 : 1.0), 0.30);
  }
}

TEST(ShippedPrograms, AStanceThatNoSensorSeesIsRefusedWithTheReason) {
  StationBench bench(nullptr, [](StationConfig& config) {
    config.programs = load_programs(source_path("programs"));
  });
  const Result started = bench.start("test-single-leg-stance");
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message,
              HasSubstr("single-leg-stance is skipped: this station cannot see the pelvis"));
}

TEST(ShippedPrograms, EveryRowOfTheCatalogueCanBePrescribed) {
  const auto catalogue = load_exercises(source_path("programs/exercises.toml"));
  ASSERT_TRUE(catalogue) << catalogue.error();
  const ScratchDirectory scratch;
  std::ifstream shipped(source_path("programs/exercises.toml"));
  scratch.write(kExerciseCatalogueFile, std::string(std::istreambuf_iterator<char>(shipped), {}));
  for (const auto& [id, exercise] : *catalogue) {
    const char* load = exercise.station == ExerciseStation::kGuided   ? ""
                       : exercise.station == ExerciseStation::kSeated ? "load_nm = 20.0\n"
                                                                      : "load_n = 20.0\n";
    const char* profile = *load == '\0' ? "" : "profile = \"constant-tension\"\n";
    const std::string block =
        fmt::format("title = \"One\"\n[[block]]\nexercise = \"{}\"\nsides = {}\nreps = 10\n", id,
                    exercise.both_sides ? "[\"both\"]" : "[\"left\", \"right\"]");
    const auto program = load_program(scratch.write("one.toml", block + load + profile));
    EXPECT_TRUE(program) << id << ": " << (program ? "" : program.error().message);
    if (!exercise.may_be_guided) continue;
    const auto guided = load_program(scratch.write("guided.toml", block + "guided = true\n"));
    EXPECT_TRUE(guided) << id << ": " << (guided ? "" : guided.error().message);
  }
}

TEST(ShippedCatalogue, HoldsEveryExerciseOfTheMission) {
  const auto catalogue = load_exercises(source_path("programs/exercises.toml"));
  ASSERT_TRUE(catalogue) << catalogue.error();
  EXPECT_EQ(
      list_ids(*catalogue),
      "band-lateral-walk, band-squat, cable-hip-hike, cable-lateral-walk, "
      "cable-side-lying-abduction, cable-standing-abduction, cable-step-up-abduction, "
      "clamshell, glute-bridge-abduction, seated-abduction, side-plank-leg-lift, "
      "single-leg-bridge, single-leg-squat, single-leg-stance, split-squat, standing-leg-lift");
}

}  // namespace
}  // namespace medius::station::test
