#include "client/tables.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/report.hpp"
#include "client/text.hpp"

namespace medius::client {
namespace {

record::SetRecord set_of(record::Side side, double range, double work) {
  record::SetRecord set;
  set.id = side == record::Side::kLeft ? "l" : "r";
  set.session_id = "s";
  set.index = side == record::Side::kLeft ? 1 : 2;
  set.exercise_id = "cable-standing-abduction";
  set.profile_id = "eccentric-emphasis";
  set.side = side;
  set.tempo = "2-1-3-0";
  set.load_start = set.load_end = 60.0;
  set.reps_target = set.reps_counted = 4;
  set.direction_changes = 8;
  set.end = record::SetEnd::kCount;
  for (std::uint32_t i = 1; i <= 4; ++i) {
    measure::RepMetrics rep;
    rep.index = i;
    rep.range = range + (i % 2 == 0 ? 0.002 : -0.002);
    rep.rendered_ratio = 1.3;
    rep.hold_s = 1.0;
    rep.concentric.duration_s = 2.0;
    rep.concentric.force_mean_time = 60.0;
    rep.concentric.work_j = work;
    rep.eccentric.duration_s = 3.0;
    rep.eccentric.force_mean_time = 78.0;
    set.reps.push_back(rep);
  }
  return set;
}

TEST(RepetitionTable, HasALineARepetitionAndNamesWhatIsWrong) {
  record::SetRecord set = set_of(record::Side::kLeft, 0.3, 18.0);
  set.reps[1].quality = measure::kQualityTempoFast;
  set.reps[2].kind = measure::RepKind::kRejected;
  set.reps[2].rejection = measure::RepRejection::kSlack;
  const auto lines = repetition_table(set, false);
  ASSERT_EQ(lines.size(), 3u + 4u + 1u);
  EXPECT_NE(lines[3].find("1.30"), std::string::npos);
  EXPECT_NE(lines[3].find("298"), std::string::npos);
  EXPECT_NE(lines[3].find("2.0-1.0-3.0"), std::string::npos);
  EXPECT_TRUE(lines[4].ends_with("tempo-fast"));
  EXPECT_TRUE(lines[5].ends_with("rejected slack"));
  EXPECT_EQ(lines[7], "4 of 4 repetitions counted; ended: all repetitions");
}

TEST(RepetitionTable, EndsWithWhatTheSetAsAWholeSays) {
  record::SetRecord set = set_of(record::Side::kLeft, 0.3, 18.0);
  set.metrics = {
      measure::make_value(measure::MetricId::kSetVelocityLoss, 12.4, 0.5),
      measure::make_value(measure::MetricId::kOneRmEpley, 81.6, 0.3, measure::kValueLowerBound)};
  EXPECT_EQ(repetition_table(set, false).back(),
            "4 of 4 repetitions counted; ended: all repetitions; velocity loss 12 %; "
            "one-repetition maximum at least 82 N (Epley)");
  set.metrics = {measure::missing_value(measure::MetricId::kOneRmEpley)};
  EXPECT_EQ(repetition_table(set, false).back(),
            "4 of 4 repetitions counted; ended: all repetitions");
}

TEST(SideFigures, LeaveOutWhatWasNotAFullRepetition) {
  std::vector<record::SetRecord> sets{set_of(record::Side::kLeft, 0.3, 18.0)};
  sets[0].reps[0].kind = measure::RepKind::kPartial;
  sets[0].reps[0].range = 99.0;
  const SideFigures figures = side_figures(sets, record::Side::kLeft);
  EXPECT_EQ(figures.reps, 3u);
  EXPECT_LT(figures.range.mean, 0.31);
  EXPECT_EQ(side_figures(sets, record::Side::kRight).sets, 0u);
}

TEST(Difference, SpeaksOnlyBeyondTheScatter) {
  const std::vector<record::SetRecord> same{set_of(record::Side::kLeft, 0.300, 18.0),
                                            set_of(record::Side::kRight, 0.301, 18.0)};
  const std::vector<record::SetRecord> apart{set_of(record::Side::kLeft, 0.300, 18.0),
                                             set_of(record::Side::kRight, 0.270, 18.0)};
  const auto of = [](const auto& sets) {
    return difference(side_figures(sets, record::Side::kLeft).range,
                      side_figures(sets, record::Side::kRight).range);
  };
  EXPECT_FALSE(of(same).beyond_scatter);
  EXPECT_TRUE(of(apart).beyond_scatter);
  EXPECT_NEAR(of(apart).percent, 10.0, 0.01);
  EXPECT_FALSE(difference({}, {}).beyond_scatter);
}

TEST(Summary, DescribesBothSidesAndDiagnosesNothing) {
  const std::vector<record::SetRecord> sets{set_of(record::Side::kLeft, 0.300, 18.0),
                                            set_of(record::Side::kRight, 0.270, 18.0)};
  std::string text;
  for (const std::string& line : session_summary(sets, false)) text += line + "\n";
  EXPECT_NE(text.find("left: 1 sets, 4 full repetitions"), std::string::npos) << text;
  EXPECT_NE(text.find("range: left 10.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("concentric work: no difference beyond the scatter"), std::string::npos)
      << text;
  for (const char* word : {"weak", "deficit", "abnormal", "risk", "imbalance", "injur"}) {
    EXPECT_EQ(text.find(word), std::string::npos) << word;
  }
}

TEST(Report, HasTheKeysThatOthersReadAndNullWhereNothingIsKnown) {
  const std::vector<record::SetRecord> sets{set_of(record::Side::kLeft, 0.3, 18.0),
                                            set_of(record::Side::kRight, 0.3, 18.0)};
  ReportInput input;
  input.program = "p";
  input.sets = sets;
  SetTruthFigures known;
  known.reps = 4;
  known.rendered_ratio = 1.29;
  known.rms_error_percent = 2.5;
  input.truth = {known, {}};
  const auto json = report_json(input);
  ASSERT_EQ(json["sides"].size(), 2u);
  const auto& left = json["sides"][0];
  EXPECT_EQ(left["side"], "left");
  EXPECT_EQ(left["reps_counted"], 4);
  EXPECT_EQ(left["reps_true"], 4);
  EXPECT_EQ(left["rendered_ratio"], 1.29);
  EXPECT_EQ(left["rms_error_percent"], 2.5);
  EXPECT_EQ(left["phase_changes"], 8);
  const auto& right = json["sides"][1];
  EXPECT_TRUE(right["reps_true"].is_null());
  EXPECT_TRUE(right["rendered_ratio"].is_null());
  EXPECT_TRUE(right["rms_error_percent"].is_null());
  EXPECT_NEAR(right["rendered_ratio_load_cell"].get<double>(), 1.3, 1e-12);
}

}  // namespace
}  // namespace medius::client
