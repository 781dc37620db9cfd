// The seated machine with one motor and linked arms: what each leg does on the one axis, and what
// happens when a leg or a pad's cell drops out.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "controller/measure/set_metrics.hpp"
#include "controller/record/export.hpp"
#include "sim/world/rig_bench.hpp"
#include "tests/world/live_world.hpp"

namespace {

using namespace medius;
using measure::MetricId;
using station::StationState;

constexpr const char* kProgram = "seated-short";
constexpr const char* kMachine = "seated-linked-sim";
constexpr double kPadLeverM = 0.38;
// Of the simulated cells: gain and offset that every one of them has, from LeverPlantConfig.
constexpr double kCellGain = 0.002, kCellOffsetN = 0.19 / kPadLeverM;

sim::WorldOptions world_options(std::uint64_t seed = 1) {
  return test::world_options(kMachine, seed);
}

double value_of(const std::vector<measure::MetricValue>& values, MetricId id) {
  const measure::MetricValue* value = measure::find_value(values, id);
  EXPECT_NE(value, nullptr) << static_cast<int>(id);
  return value != nullptr ? value->value : std::nan("");
}

// ---- the rig ---------------------------------------------------------------------------------

sim::RigBenchOptions rig_at(double both_n, double left_share = 0.5) {
  sim::RigBenchOptions options;
  options.machine_file = world_options().machine_file;
  options.plugin_directory = MEDIUS_PLUGIN_DIR;
  options.load_n = both_n;
  options.left_share = left_share;
  options.rig.travel_m = 0.20;
  options.rig.reps = 4;
  return options;
}

sim::RigBenchResult run(const sim::RigBenchOptions& options) {
  auto result = sim::run_rig(options);
  EXPECT_TRUE(result) << result.error();
  return result ? *result : sim::RigBenchResult{};
}

TEST(LinkedRig, HoldsTheForceOfBothPadsTogether) {
  for (const double both_n : {150.0, 300.0, 400.0}) {
    const auto result = run(rig_at(both_n));
    EXPECT_EQ(result.fault, "") << both_n;
    EXPECT_LE(result.force.rms_percent, 3.0) << both_n;
    EXPECT_NEAR(result.force.rendered_ratio, 1.30, 0.03) << both_n;
    std::printf("both pads %.0f N: rms %.2f N %.2f %%, ratio %.3f, turn %.1f N\n", both_n,
                result.force.rms_n, result.force.rms_percent, result.force.rendered_ratio,
                result.force.turn_worst_n);
  }
}

// How the load is split is the legs' business, not the controller's.
TEST(LinkedRig, SeesSixtyPerCentOnOneLegAsSixtyPerCentWithinTheErrorOfTheCells) {
  for (const double share : {0.5, 0.6, 0.3}) {
    const auto result = run(rig_at(300.0, share));
    EXPECT_EQ(result.fault, "") << share;
    EXPECT_LE(result.force.rms_percent, 3.0) << share;
    std::array<double, 2> truth_j{}, seen_j{};
    for (std::size_t i = 1; i < result.pads.size(); ++i) {
      const double step_m =
          result.samples[i].ring_position_m - result.samples[i - 1].ring_position_m;
      if (step_m <= 0.0) continue;  // concentric
      for (std::size_t pad = 0; pad < truth_j.size(); ++pad) {
        truth_j[pad] += result.pads[i].truth_n[pad] * step_m;
        seen_j[pad] += result.pads[i].seen_n[pad] * step_m;
      }
    }
    const double truth = truth_j[0] / (truth_j[0] + truth_j[1]);
    const double seen = seen_j[0] / (seen_j[0] + seen_j[1]);
    EXPECT_NEAR(truth, share, 0.02) << "the rig's legs do not share as they were told";
    // Gain is the same of both; the offset pulls a share towards a half.
    EXPECT_NEAR(seen, truth, kCellOffsetN / 300.0 + 0.001) << share;
    std::printf("left leg %.0f %%: truth %.4f, cells %.4f\n", 100.0 * share, truth, seen);
  }
}

struct Release {
  double before_n = 0.0;  // at the right pad
  double both_before_n = 0.0;
  double peak_n = 0.0;  // at the right pad afterwards
  double after_half_s_n = 0.0;
  double peak_mps = 0.0, in_50_ms_m = 0.0;
  std::string fault;
};

Release let_go(double both_n, double at_s, bool one_leg) {
  sim::RigBenchOptions options = rig_at(both_n);
  options.release_after_s = at_s;
  options.release_one_leg = one_leg;
  const auto result = run(options);
  Release release;
  release.fault = result.fault;
  const std::size_t from = result.moved;
  release.before_n = result.pads[from - 1].truth_n[1];
  release.both_before_n = release.before_n + result.pads[from - 1].truth_n[0];
  for (std::size_t i = from; i < result.samples.size(); ++i) {
    release.peak_n = std::max(release.peak_n, result.pads[i].truth_n[1]);
    release.peak_mps = std::max(release.peak_mps, -result.samples[i].ring_velocity_mps);
    const double in_m =
        result.samples[from - 1].ring_position_m - result.samples[i].ring_position_m;
    if (i < from + 50) release.in_50_ms_m = std::max(release.in_50_ms_m, in_m);
    if (i > from + 500) {
      release.after_half_s_n = std::max(release.after_half_s_n, result.pads[i].truth_n[1]);
    }
  }
  return release;
}

// In mid-concentric, at the peak, in mid-eccentric, at the bottom.
constexpr double kEccentricMoment = 4.5;
constexpr double kMoments[] = {1.0, 2.5, kEccentricMoment, 6.2};
constexpr double kOneLegMaxN = 110.0 / kPadLeverM;  // of the machine file

TEST(LinkedRelease, OfOneLegKeepsTheOtherFromBearingTheWholeLoad) {
  for (const double both_n : {100.0, 200.0, 400.0}) {
    for (const double at_s : kMoments) {
      const Release release = let_go(both_n, at_s, true);
      EXPECT_EQ(release.fault, "leg-off-pad") << both_n << " N at " << at_s;
      // Never more than both had, and of a heavy load no more than one leg may get: a load of 520 N
      // in the eccentric phase takes 60 ms to fall so far.
      const double brief_n = at_s == kEccentricMoment ? release.both_before_n : kOneLegMaxN;
      EXPECT_LE(release.peak_n, std::min(release.both_before_n, brief_n) + 0.1 * both_n)
          << both_n << " N at " << at_s;
      EXPECT_LE(release.after_half_s_n, 40.0) << both_n << " N at " << at_s;
      EXPECT_LE(release.peak_mps, 1.2) << both_n << " N at " << at_s;
      std::printf(
          "one leg lets go of %.0f N at %.1f s: other pad %.0f -> %.0f N, %.0f N after "
          "0.5 s, %.2f m/s in\n",
          both_n, at_s, release.before_n, release.peak_n, release.after_half_s_n, release.peak_mps);
    }
  }
}

TEST(LinkedRelease, OfBothLegsReelsInWithinTheLimitsOfARelease) {
  for (const double both_n : {100.0, 200.0, 400.0}) {
    for (const double at_s : kMoments) {
      const Release release = let_go(both_n, at_s, false);
      EXPECT_LE(release.peak_mps, 1.2) << both_n << " N at " << at_s;
      EXPECT_LE(release.in_50_ms_m, 0.030) << both_n << " N at " << at_s;
      std::printf("both let go of %.0f N at %.1f s: %.2f m/s, %.1f mm in 50 ms, %s\n", both_n, at_s,
                  release.peak_mps, 1e3 * release.in_50_ms_m, release.fault.c_str());
    }
  }
}

// ---- sessions --------------------------------------------------------------------------------

TEST(LinkedSession, IsOneRecordOfBothSidesWithEveryRepetitionCounted) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto result = test::play(world_options(seed), kProgram);
    ASSERT_TRUE(result.completed) << result.reason << ", seed " << seed;
    ASSERT_EQ(result.sets.size(), 2u);
    for (const sim::SimulatedSet& set : result.sets) {
      EXPECT_EQ(set.stored.axis, 0);
      EXPECT_EQ(set.stored.side, record::Side::kBoth);
      EXPECT_EQ(set.stored.load_start, 60.0) << "30 Nm an arm";
      EXPECT_EQ(set.stored.reps_counted, 6u) << "seed " << seed;
      EXPECT_EQ(set.stored.direction_changes, 12u) << "seed " << seed;
      EXPECT_EQ(set.stored.end, record::SetEnd::kCount);
      EXPECT_EQ(set.truth.reps, 6) << "seed " << seed;
      EXPECT_NEAR(set.rendered_ratio_truth, 1.30, 0.05) << "seed " << seed;
      EXPECT_LT(set.force_error_percent, 5.0) << "seed " << seed;
    }
  }
}

TEST(LinkedSession, IsTheSameForASeedAndAnotherForAnother) {
  const auto first = test::play(world_options(11), kProgram);
  EXPECT_EQ(test::play(world_options(11), kProgram).trace_hash, first.trace_hash);
  EXPECT_NE(test::play(world_options(12), kProgram).trace_hash, first.trace_hash);
}

// The stronger leg does its share of the work, and the record says so.
TEST(LinkedSession, MeasuresEachLegsForceAndWorkAndTheirSymmetry) {
  sim::WorldOptions options = world_options();
  options.station.person.lifter[0].isometric_torque_nm = 150.0;
  options.station.person.lifter[1].isometric_torque_nm = 100.0;
  const auto result = test::play(options, kProgram);
  ASSERT_TRUE(result.completed) << result.reason;
  for (const sim::SimulatedSet& set : result.sets) {
    for (const measure::RepMetrics& rep : set.stored.reps) {
      const double left_j = value_of(rep.values, MetricId::kLeftWork);
      const double right_j = value_of(rep.values, MetricId::kRightWork);
      EXPECT_NEAR(left_j + right_j, rep.concentric.work_j, 0.01);
      EXPECT_NEAR(value_of(rep.values, MetricId::kPadSymmetry),
                  200.0 * (right_j - left_j) / (right_j + left_j), 1e-9);
      EXPECT_GT(left_j, 1.2 * right_j);
      EXPECT_GT(value_of(rep.values, eccentric(MetricId::kLeftWork)), 0.0);
      EXPECT_GE(value_of(rep.values, MetricId::kLeftForcePeak),
                value_of(rep.values, MetricId::kLeftForceMean));
    }
    const double index = value_of(set.stored.metrics, MetricId::kSymmetryIndex);
    EXPECT_NEAR(index, -40.0, 12.0) << "60 % left is an index of -40 %";
    const measure::MetricValue* told =
        measure::find_value(set.stored.metrics, MetricId::kSymmetryIndex);
    EXPECT_EQ(told->flags & measure::kValueWithinChange, 0u);
    EXPECT_GT(value_of(set.stored.metrics, MetricId::kMinimalDetectableChange), 0.0);
    EXPECT_GT(value_of(set.stored.metrics, MetricId::kSetLeftWork),
              value_of(set.stored.metrics, MetricId::kSetRightWork));
  }
}

TEST(LinkedSession, ExportsShowLeftAndRightAndTablesOfOtherMachinesStayAsTheyWere) {
  const auto stored_sets = [](const std::string& machine) {
    std::vector<record::SetRecord> sets;
    for (const auto& set : test::play(test::world_options(machine), kProgram).sets) {
      sets.push_back(set.stored);
    }
    return sets;
  };
  const auto csv_of = [](const std::vector<record::SetRecord>& sets) {
    std::ostringstream out;
    EXPECT_TRUE(record::write_reps_csv(out, sets));
    return out.str();
  };
  const auto linked = stored_sets(kMachine);
  const std::string csv = csv_of(linked);
  const std::string heads = csv.substr(0, csv.find('\n'));
  for (const char* column :
       {"concentric_left_work [J]", "eccentric_right_force_peak [Nm]",
        "concentric_pad_symmetry [%]", "set_right_work [J]", "set_minimal_detectable_change [%]"}) {
    EXPECT_NE(heads.find(column), std::string::npos) << column;
  }
  EXPECT_EQ(csv_of(stored_sets("seated-hip-abduction-sim")).find("left_work"), std::string::npos);
  std::ostringstream json;
  record::write_session_json(json, record::SessionRecord{}, linked);
  const std::string symmetry = json.str().substr(json.str().find("\"symmetry\": ["));
  for (const char* metric : {"concentric_force_mean_time", "concentric_force_peak",
                             "concentric_work", "minimal_detectable_change"}) {
    EXPECT_NE(symmetry.find(metric), std::string::npos) << metric;
  }
}

class LinkedRun : public test::LiveWorld {
 protected:
  void SetUp() override {
    sim::WorldOptions options = world_options();
    options.faulty = true;
    begin(options, kProgram);
    ASSERT_TRUE(start(kProgram));
    ASSERT_TRUE(world_->run_until(
        [&] { return now().state == StationState::kWorking && axis().reps_counted >= 1; }, 90.0));
    ASSERT_TRUE(
        world_->run_until([&] { return axis().phase == measure::Phase::kConcentric; }, 20.0));
    world_->run_for(0.4);
  }
  void bend(sim::Injector injector, int pad, double intensity = 1.0) {
    ASSERT_TRUE(world_->faults().inject({injector, 0, intensity, 1, pad}));
  }
  // The fault that was met within the time, "none" otherwise.
  std::string fault_within(double seconds) {
    std::string name = "none";
    world_->run_until(
        [&] {
          const safety::FaultCode code = world_->status().fault;
          if (code != safety::FaultCode::kNone) name = safety::fault_info(code).name;
          return code != safety::FaultCode::kNone;
        },
        seconds);
    return name;
  }
};

// What the cells of a set say, against what the plant did, over one whole repetition.
TEST_F(LinkedRun, MeasuresTheMeanForceOfEachLegAsThePlantSawIt) {
  ASSERT_TRUE(world_->run_until([&] { return axis().reps_counted >= 2; }, 20.0));
  std::array<double, 2> truth_nm{}, seen_nm{};
  constexpr int kTicks = 3000;
  for (int i = 0; i < kTicks; ++i) {
    world_->tick();
    for (std::size_t pad = 0; pad < truth_nm.size(); ++pad) {
      truth_nm[pad] += world_->machine().lever_truth(0).leg[pad].pad_torque_nm / kTicks;
      seen_nm[pad] += axis().pad_force[pad] / kTicks;
    }
  }
  for (std::size_t pad = 0; pad < truth_nm.size(); ++pad) {
    EXPECT_GT(truth_nm[pad], 15.0);
    EXPECT_NEAR(seen_nm[pad], truth_nm[pad],
                kCellGain * truth_nm[pad] + kCellOffsetN * kPadLeverM + 0.05);
  }
}

TEST_F(LinkedRun, ALegThatLeavesItsPadPausesTheSetUntilBothAreHeldAgain) {
  world_->machine().release_handle(1);
  EXPECT_EQ(fault_within(0.5), "leg-off-pad");
  EXPECT_TRUE(world_->run_until([&] { return axis().force_target < 11.4; }, 0.55));
  world_->run_for(1.0);
  EXPECT_EQ(world_->status().fault, safety::FaultCode::kLegOffPad)
      << "stands while the pad is empty";
  world_->machine().grip(1);
  EXPECT_TRUE(
      world_->run_until([&] { return world_->status().fault == safety::FaultCode::kNone; }, 10.0));
}

TEST_F(LinkedRun, ACellThatSticksIsNoticedAlthoughTheSumStillMoves) {
  bend(sim::Injector::kLoadCellStuck, 0);
  const std::string fault = fault_within(1.0);
  EXPECT_TRUE(fault == "load-cell-stuck" || fault == "force-implausible") << fault;
}

TEST_F(LinkedRun, ACellThatReadsNextToNothingStopsTheSetOneWayOrTheOther) {
  bend(sim::Injector::kLoadCellScale, 1, 1.0);
  const std::string fault = fault_within(1.0);
  EXPECT_TRUE(fault == "leg-off-pad" || fault == "force-implausible") << fault;
}

TEST_F(LinkedRun, ACellWithItsSignWrongOrAtItsRailIsNoticed) {
  bend(sim::Injector::kLoadCellSign, 1);
  const std::string fault = fault_within(1.0);
  EXPECT_NE(fault, "none");
}

TEST_F(LinkedRun, OneRailOfTwoIsASaturatedCell) {
  bend(sim::Injector::kLoadCellRail, 0);
  EXPECT_EQ(fault_within(0.1), "load-cell-saturated");
}

// The negative control of the ones above.
TEST_F(LinkedRun, NothingIsNoticedWhereNothingIsWrong) {
  EXPECT_EQ(fault_within(8.0), "none");
}

}  // namespace
