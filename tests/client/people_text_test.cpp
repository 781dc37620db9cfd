// What is written about people and plans, and what is read from a spreadsheet.
#include "client/people_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medius::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Cap, IsReadWithItsUnitAndNeverWithout) {
  const auto all = parse_cap("60N");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->exercise(), "");
  EXPECT_EQ(all->load().load_n(), 60.0);
  const auto one = parse_cap("seated-abduction=42.5Nm");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->exercise(), "seated-abduction");
  EXPECT_EQ(one->load().load_nm(), 42.5);
  for (const char* bad : {"", "60", "N", "60 N", "60kg", "-5N", "0N", "x=", "nanN"}) {
    const auto cap = parse_cap(bad);
    ASSERT_FALSE(cap) << bad;
    EXPECT_THAT(cap.error(), HasSubstr("seated-abduction=40Nm")) << bad;
  }
}

TEST(EarlierCsv, ReadsDaysSidesAndBothUnits) {
  const auto rows = parse_earlier_csv(
      "\xef\xbb\xbf"
      "date;exercise;side;reps;load_n;load_nm\r\n"
      "2026-03-01;\"cable-standing-abduction\";left;8;62.5;\r\n"
      "\r\n"
      "2024-02-29;seated-abduction;both;12;;30\r\n");
  ASSERT_TRUE(rows) << rows.error().front();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].day().seconds(), 1'772'323'200);  // date -u -d 2026-03-01 +%s
  EXPECT_EQ((*rows)[1].day().seconds(), 1'709'164'800);
  EXPECT_EQ((*rows)[0].side(), v1::SIDE_LEFT);
  EXPECT_EQ((*rows)[0].load().load_n(), 62.5);
  EXPECT_EQ((*rows)[1].load().load_nm(), 30.0);
  EXPECT_EQ((*rows)[1].reps(), 12u);
}

TEST(EarlierCsv, ReadsTheDecimalsAndUnitsOfASpreadsheet) {
  const auto rows = parse_earlier_csv(
      "date;exercise;side;reps;load [N];load [Nm]\n"
      "2026-03-01;cable-standing-abduction;left;8;62,5;\n"
      "2026-03-01;seated-abduction;both;12;;30.25\n");
  ASSERT_TRUE(rows) << rows.error().front();
  EXPECT_EQ((*rows)[0].load().load_n(), 62.5);
  EXPECT_EQ((*rows)[1].load().load_nm(), 30.25);
  EXPECT_FALSE(parse_earlier_csv("date;exercise;reps;load_n\n2026-03-01;x;8;1,234,5\n"));
  EXPECT_FALSE(parse_earlier_csv("date,exercise,reps,load_n\n2026-03-01,x,8,\"62,5\"\n"))
      << "between commas a comma may be anything";
}

TEST(EarlierCsv, NamesEveryWrongRowByItsLineAndGivesNone) {
  const auto rows = parse_earlier_csv(
      "date,exercise,side,load_n,reps\n"
      "2026-03-01,cable-standing-abduction,left,60,8\n"
      "2026-02-30,cable-standing-abduction,left,60,8\n"
      "2026-03-01,,left,60,8\n"
      "2026-03-01,cable-standing-abduction,up,60,8\n"
      "2026-03-01,cable-standing-abduction,left,\"60,5\",8\n"
      "2026-03-01,cable-standing-abduction,left,60,0\n"
      "2026-03-01,cable-standing-abduction,left,60\n"
      "2026-03-01,cable-standing-abduction,left,nan,8\n");
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(),
              ElementsAre(HasSubstr("line 3: date '2026-02-30'"), HasSubstr("line 4: exercise"),
                          HasSubstr("line 5: side 'up'"), HasSubstr("line 6: load '60,5'"),
                          HasSubstr("line 7: reps '0'"), HasSubstr("line 8: 4 cells"),
                          HasSubstr("line 9: load 'nan'")));
}

TEST(EarlierCsv, AHeaderWithoutAUnitIsRefusedWithTheNextStep) {
  const auto load = parse_earlier_csv("date,exercise,reps,load\n2026-03-01,x,8,60\n");
  ASSERT_FALSE(load);
  EXPECT_THAT(load.error(), Contains(HasSubstr("write load_n (newtons) or load_nm")));
  const auto kilograms = parse_earlier_csv("date,exercise,reps,load_kg\n2026-03-01,x,8,60\n");
  ASSERT_FALSE(kilograms);
  EXPECT_THAT(kilograms.error(), Contains(HasSubstr("'load_kg'")));
  EXPECT_FALSE(parse_earlier_csv(""));
  EXPECT_FALSE(parse_earlier_csv("date,exercise,reps,load_n\n"));
  EXPECT_THAT(parse_earlier_csv("date,date,exercise,reps,load_n\n").error(),
              Contains(HasSubstr("twice")));
}

v1::Progress some_progress() {
  v1::Progress progress;
  progress.set_client("clients/<ada & co>");
  v1::TestSeries* series = progress.add_tests();
  series->set_kind("isometric");
  series->set_side(v1::SIDE_LEFT);
  series->set_unit("N");
  for (int week : {0, 4, 8}) {
    v1::TestPoint* point = series->add_points();
    point->mutable_time()->set_seconds(1'767'614'400 + week * 604'800);
    point->set_value(100.0 + week);
    point->set_minimal_detectable_change(week > 0 ? 15.6 : 0.0);
    if (week > 0) point->set_words("+4.0 % (+4 N), within the error of 15.6 N");
  }
  v1::SymmetryPoint* symmetry = progress.add_symmetry();
  symmetry->mutable_time()->set_seconds(1'767'614'400);
  symmetry->set_percent(-3.0);
  symmetry->set_error_percent(15.0);
  v1::LoadSeries* loads = progress.add_loads();
  loads->set_exercise("cable-standing-abduction");
  loads->set_coordinate(v1::COORDINATE_CABLE);
  loads->add_points()->set_load(60.0);
  return progress;
}

TEST(ProgressText, GivesEachChangeWithItsError) {
  const auto lines = progress_lines(some_progress());
  EXPECT_THAT(lines, Contains(HasSubstr("within the error of 15.6 N")));
  EXPECT_THAT(lines, Contains(HasSubstr("2026-03-02")));
}

// Every element is closed, and no text breaks out of it.
TEST(ProgressSvg, IsClosedAndEscaped) {
  const std::string svg = progress_svg(some_progress());
  EXPECT_THAT(svg, HasSubstr("&lt;ada &amp; co&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("<ada")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
  std::size_t depth = 0;
  for (std::size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const std::size_t end = svg.find('>', at);
    ASSERT_NE(end, std::string::npos);
    if (svg[at + 1] == '/') {
      ASSERT_GT(depth, 0u);
      --depth;
    } else if (svg[end - 1] != '/') {
      ++depth;
    }
  }
  EXPECT_EQ(depth, 0u);
  EXPECT_THAT(progress_svg({}), HasSubstr("nothing measured yet"));
}

TEST(PlanText, ShowsRefusalsAndProposalsWithTheirReasons) {
  v1::Plan plan;
  plan.set_name("plans/0000000000000001");
  plan.set_weeks(8);
  plan.set_days_per_week(3);
  v1::PlanExercise* exercise = plan.add_exercises();
  exercise->set_exercise("cable-standing-abduction");
  exercise->set_load(60.0);
  exercise->set_load_cap(61.0);
  exercise->mutable_proposal()->set_load(63.0);
  exercise->mutable_proposal()->set_reason("two extra");
  v1::PlanDay day;
  day.set_session("sessions/1");
  day.set_counted(true);
  v1::PlanDecision* decision = day.add_decisions();
  decision->set_exercise("cable-standing-abduction");
  decision->set_change(v1::CHANGE_HOLD);
  decision->set_refused(true);
  decision->set_reason("no increase: left: range fell by 15 %");
  const auto lines = plan_lines(plan, {&day, 1});
  EXPECT_THAT(lines, Contains(HasSubstr("therapist's limit 61")));
  EXPECT_THAT(lines, Contains(HasSubstr("proposed: load 63")));
  EXPECT_THAT(lines, Contains(HasSubstr("hold (refused): no increase: left: range fell")));
}

}  // namespace
}  // namespace medius::client
