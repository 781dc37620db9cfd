// A recorded set through the detector and the metrics once more: what the loop counted and the
// recorder measured, bit for bit, however the set went.
#include "controller/record/replay.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/world/live_world.hpp"

namespace {

using namespace medius;
using record::GivenKind;
using station::StationState;

constexpr const char* kProgram = "glute-med-short";

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "\n  " + line;
  return out;
}

struct Kept {
  record::SetRecord set;
  std::vector<rt::SampleRecord> samples;
};

std::vector<Kept> kept_in(record::Store& store) {
  std::vector<Kept> out;
  for (const record::SessionRecord& session : store.sessions(10, "")) {
    for (record::SetRecord& set : store.sets_of(session.id)) {
      auto samples = store.samples(set.id);
      EXPECT_TRUE(samples) << samples.error().message;
      out.push_back(
          {std::move(set), samples ? std::move(*samples) : std::vector<rt::SampleRecord>{}});
    }
  }
  return out;
}

// Every set of the store is replayed exactly, and there was something to replay.
void expect_exact(record::Store& store, const std::string& where, std::size_t sets_least = 1) {
  const std::vector<Kept> kept = kept_in(store);
  EXPECT_GE(kept.size(), sets_least) << where;
  for (const auto& [set, samples] : kept) {
    ASSERT_FALSE(samples.empty()) << where;
    EXPECT_TRUE(set.given.known()) << where;
    EXPECT_EQ(joined(record::lacking(set, samples)), "") << where;
    const record::ReplayedSet again = record::replay(set, samples);
    EXPECT_EQ(joined(record::differences(set, again)), "") << where << ", set " << set.index;
    EXPECT_EQ(again.reps.size(), set.reps.size()) << where;
  }
}

std::size_t changes_of(const record::SetRecord& set, GivenKind kind) {
  std::size_t count = 0;
  for (const record::GivenChange& change : set.given.changes) count += change.kind == kind ? 1 : 0;
  return count;
}

std::vector<double> loads_asked(const record::SetRecord& set) {
  std::vector<double> loads;
  for (const record::GivenChange& change : set.given.changes) {
    if (change.kind == GivenKind::kLoadRequested) loads.push_back(change.value);
  }
  return loads;
}

struct Played {
  std::shared_ptr<record::Store> store;
  sim::SessionResult result;
};

Played play(sim::SimulateOptions options) {
  auto store = record::Store::open_in_memory();
  EXPECT_TRUE(store);
  Played out;
  out.store = std::move(*store);
  options.world.store = out.store;
  auto result = sim::simulate_session(options);
  EXPECT_TRUE(result) << result.error();
  if (result) out.result = std::move(*result);
  return out;
}

sim::SimulateOptions session_of(const std::string& machine, const std::string& program,
                                std::uint64_t seed) {
  sim::SimulateOptions options;
  options.world = test::world_options(machine, seed);
  options.program_id = program;
  return options;
}

TEST(Replay, OfASessionOnTheCableIsTheSameBitForBit) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Played played = play(session_of("cable-station-sim", kProgram, seed));
    ASSERT_TRUE(played.result.completed) << played.result.reason;
    expect_exact(*played.store, "seed " + std::to_string(seed), 2);
    for (const auto& [set, samples] : kept_in(*played.store)) {
      EXPECT_EQ(set.reps.size(), 8u);
      EXPECT_EQ(set.given.range_target, 0.38);
      EXPECT_EQ(changes_of(set, GivenKind::kEngaged), 1u);
      EXPECT_EQ(changes_of(set, GivenKind::kUnloaded), 1u);
    }
  }
}

TEST(Replay, OfASetWithoutARangeTargetFindsTheSameRangeAgain) {
  sim::SimulateOptions options = session_of("cable-station-sim", kProgram, 4);
  options.program = station::load_programs(options.world.program_directory).programs.at(kProgram);
  for (station::ProgramBlock& block : options.program->blocks) block.range_target = 0.0;
  const Played played = play(options);
  ASSERT_TRUE(played.result.completed) << played.result.reason;
  expect_exact(*played.store, "no range target", 2);
}

TEST(Replay, OfASetWhoseLoadWasChangedIsTheSameBitForBit) {
  for (const double load : {70.0, 45.0}) {
    sim::SimulateOptions options = session_of("cable-station-sim", kProgram, 5);
    options.load_changes = {{1, 2, load}};
    const Played played = play(options);
    ASSERT_TRUE(played.result.completed) << played.result.reason;
    expect_exact(*played.store, "load to " + std::to_string(load), 2);
    const record::SetRecord set = kept_in(*played.store).front().set;
    EXPECT_EQ(loads_asked(set), std::vector<double>{load});
    EXPECT_GE(changes_of(set, GivenKind::kLoadApplied), 2u) << "the first and the new one";
  }
}

TEST(Replay, OfBothArmsOfTheSeatedMachineIsTheSameBitForBit) {
  const Played played = play(session_of("seated-hip-abduction-sim", "seated-short", 1));
  ASSERT_TRUE(played.result.completed) << played.result.reason;
  expect_exact(*played.store, "seated", 4);
}

TEST(Replay, OfLinkedArmsIsTheSameBitForBit) {
  const Played played = play(session_of("seated-linked-sim", "seated-short", 2));
  ASSERT_TRUE(played.result.completed) << played.result.reason;
  expect_exact(*played.store, "linked arms", 2);
}

TEST(Replay, WithAPelvisSensorIsTheSameBitForBit) {
  const Played played = play(session_of("cable-station-pelvis-sim", kProgram, 1));
  ASSERT_TRUE(played.result.completed) << played.result.reason;
  expect_exact(*played.store, "pelvis", 2);
}

TEST(Replay, WithTheLoadCellAtTheDrumIsTheSameBitForBit) {
  const Played played = play(session_of("cable-station-drum-sim", kProgram, 1));
  ASSERT_TRUE(played.result.completed) << played.result.reason;
  expect_exact(*played.store, "drum", 2);
}

// ---- sets that somebody or something interferes with -------------------------------------------
class LiveReplay : public test::LiveWorld {
 protected:
  void start_working(std::uint64_t seed, bool faulty = false) {
    sim::WorldOptions options = test::world_options("cable-station-sim", seed);
    options.faulty = faulty;
    begin(options, kProgram);
    ASSERT_TRUE(start(kProgram));
    ASSERT_TRUE(world_->run_until(
        [&] { return now().state == StationState::kWorking && axis().reps_counted >= 2; }, 90.0));
  }
  bool reach(StationState state, double limit_s = 90.0) {
    return world_->run_until([&] { return now().state == state; }, limit_s);
  }
  bool reach_phase(measure::Phase phase) {
    return world_->run_until([&] { return axis().phase == phase; }, 20.0);
  }
  bool order(void (station::Station::*what)(const station::OrderHeader&,
                                            station::Station::Answer<station::Receipt>),
             const std::string& id) {
    station::OrderHeader header;
    header.request_id = id;
    const Result result =
        give([&](auto answer) { (world_->station().*what)(header, std::move(answer)); });
    return result.has_value();
  }
  void adjust(double load) {
    station::AdjustLoadOrder order;
    order.header.request_id = "load-" + std::to_string(load);
    order.load = load;
    const Result result =
        give([&](auto answer) { world_->station().adjust_load(order, std::move(answer)); });
    EXPECT_TRUE(result) << result.error().message;
  }
  // Until the session has come to an end and its sets are in the store.
  void expect_exact_after(const std::string& where) {
    world_->run_until(
        [&] {
          const StationState state = now().state;
          return state == StationState::kIdle || state == StationState::kFault;
        },
        200.0);
    world_->run_for(3.0);
    expect_exact(world_->store(), where);
  }
};

// Partial ones, bounces, pauses, slips of the grip, jerks, a foot that is put down.
TEST_F(LiveReplay, OfWhatPeopleDoIsTheSameBitForBit) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    const sim::WorldOptions options = test::world_options("cable-station-sim", seed);
    auto plan =
        sim::plan_of(station::load_programs(options.program_directory).programs.at(kProgram));
    for (sim::PlannedSet& set : plan) {
      set.intent.events = sim::random_behaviours(seed, set.intent.reps);
    }
    begin(options, std::move(plan));
    ASSERT_TRUE(start(kProgram));
    ASSERT_TRUE(reach(StationState::kWorking));
    expect_exact_after("behaviours " + std::to_string(seed));
  }
}

TEST_F(LiveReplay, OfAParameterThatChangedInMidSetKnowsFromWhichTick) {
  start_working(7);
  station::SetParameterOrder order;
  order.header.request_id = "ratio";
  order.parameter = "eccentric_ratio";
  order.value = 1.1;
  const Result result =
      give([&](auto answer) { world_->station().set_parameter(order, std::move(answer)); });
  ASSERT_TRUE(result) << result.error().message;
  expect_exact_after("parameter");
  const record::SetRecord set = kept_in(world_->store()).front().set;
  ASSERT_EQ(changes_of(set, GivenKind::kParameter), 1u);
  for (const record::GivenChange& change : set.given.changes) {
    if (change.kind != GivenKind::kParameter) continue;
    EXPECT_EQ(change.name, "eccentric_ratio");
    EXPECT_EQ(change.value, 1.1);
    EXPECT_EQ(change.tick, result->tick);
  }
}

TEST_F(LiveReplay, OfALoadThatRoseTwiceAndWasCutIsTheSameBitForBit) {
  start_working(7);
  for (const double load : {66.0, 72.0, 41.0}) {
    adjust(load);
    ASSERT_TRUE(reach_phase(measure::Phase::kBottom) || reach_phase(measure::Phase::kRest));
    ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
    world_->run_for(0.5);
  }
  expect_exact_after("loads");
  const record::SetRecord set = kept_in(world_->store()).front().set;
  EXPECT_EQ(loads_asked(set), (std::vector<double>{66.0, 72.0, 41.0}));
}

TEST_F(LiveReplay, OfAPauseInMidRepetitionIsTheSameBitForBit) {
  start_working(8);
  ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
  world_->run_for(0.7);
  ASSERT_TRUE(order(&station::Station::pause, "pause"));
  bool resumed = false;
  for (int i = 0; i < 20 && !resumed; ++i) {
    world_->run_for(0.3);
    resumed = order(&station::Station::resume, "resume-" + std::to_string(i));
  }
  ASSERT_TRUE(resumed);
  expect_exact_after("pause");
  EXPECT_GE(changes_of(kept_in(world_->store()).front().set, GivenKind::kEngaged), 2u);
}

TEST_F(LiveReplay, OfAStopInMidRepetitionIsTheSameBitForBit) {
  for (const measure::Phase phase : {measure::Phase::kConcentric, measure::Phase::kEccentric}) {
    start_working(9);
    ASSERT_TRUE(reach_phase(phase));
    world_->run_for(1.0);
    ASSERT_TRUE(order(&station::Station::stop, "stop"));
    expect_exact_after("stop");
  }
}

// The tension is gone, and the loop unloads by itself in the tick in which it notices.
TEST_F(LiveReplay, OfAReleasedHandleIsTheSameBitForBit) {
  for (const measure::Phase phase : {measure::Phase::kConcentric, measure::Phase::kEccentric}) {
    start_working(10);
    ASSERT_TRUE(reach_phase(phase));
    world_->run_for(0.8);
    world_->machine().release_handle();
    world_->run_for(5.0);
    ASSERT_TRUE(order(&station::Station::stop, "stop"));
    expect_exact_after("release");
  }
}

TEST_F(LiveReplay, OfASetThatTheEmergencyStopEndedIsTheSameBitForBit) {
  start_working(11);
  ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
  world_->run_for(0.9);
  world_->machine().press_estop(true);
  expect_exact_after("emergency stop");
}

TEST_F(LiveReplay, OfPeriodsThatTheHostSleptThroughIsTheSameBitForBit) {
  start_working(12);
  for (int i = 0; i < 40; ++i) {
    world_->tick(static_cast<std::uint32_t>(1 + i % 3));
    world_->run_for(0.11);
  }
  expect_exact_after("missed periods");
}

TEST_F(LiveReplay, OfADriveThatWasLostAndCameBackIsTheSameBitForBit) {
  start_working(13, true);
  ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
  world_->run_for(0.5);
  ASSERT_TRUE(world_->faults().inject({sim::Injector::kLinkDown, 0, 0.5, 1, -1}));
  world_->run_for(0.6);
  world_->faults().heal();
  world_->run_for(2.0);
  expect_exact_after("lost link");
}

// ---- negative controls -------------------------------------------------------------------------
// Each thing that is kept is needed: without it some set comes out otherwise.
TEST(ReplayWithout, TheRangeThatWasPrescribedJudgesRepetitionsOtherwise) {
  sim::SimulateOptions options = session_of("cable-station-sim", kProgram, 1);
  options.program = station::load_programs(options.world.program_directory).programs.at(kProgram);
  for (station::ProgramBlock& block : options.program->blocks) block.range_target = 0.44;
  const Played played = play(options);
  for (auto& [set, samples] : kept_in(*played.store)) {
    record::SetRecord without = set;
    without.given.range_target = 0.0;
    EXPECT_FALSE(record::differences(set, record::replay(without, samples)).empty());
  }
}

TEST(ReplayWithout, TheDetectorsNumbersCountsALeverOtherwise) {
  const Played played = play(session_of("seated-hip-abduction-sim", "seated-short", 1));
  for (auto& [set, samples] : kept_in(*played.store)) {
    record::SetRecord without = set;
    without.given.tracker = {};  // those of a cable
    EXPECT_FALSE(record::differences(set, record::replay(without, samples)).empty());
  }
}

TEST_F(LiveReplay, WithoutTheTicksThatCountedAFaultEndsTheRepetitionElsewhere) {
  start_working(11);
  ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
  world_->run_for(0.9);
  world_->machine().press_estop(true);
  expect_exact_after("emergency stop");
  auto [set, samples] = kept_in(world_->store()).front();
  for (rt::SampleRecord& sample : samples) sample.detector = 0;
  EXPECT_FALSE(record::differences(set, record::replay(set, samples)).empty());
  EXPECT_FALSE(record::lacking(set, samples).empty());
}

TEST(ReplayOf, AnOldSetSaysWhatItLacks) {
  const Played played = play(session_of("cable-station-sim", kProgram, 1));
  auto [set, samples] = kept_in(*played.store).front();
  set.given = {};
  for (rt::SampleRecord& sample : samples) sample.detector = 0;
  const std::string lacks = joined(record::lacking(set, samples));
  EXPECT_NE(lacks.find("the range is found anew"), std::string::npos) << lacks;
  EXPECT_NE(lacks.find("do not say when the loop counted"), std::string::npos) << lacks;
  // A clean set on a cable is found all the same.
  EXPECT_EQ(record::replay(set, samples).reps.size(), set.reps.size());
}

}  // namespace
