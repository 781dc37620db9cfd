// A plan as a page: what is in it, and what never is.
#include "client/plan_report.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medius::client {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kFirstS = 1'772'442'000;  // 2026-03-02 09:00 UTC, a Monday
constexpr std::int64_t kDayS = 86'400;
constexpr const char* kExercise = "cable-standing-abduction";

v1::PlanDecision* add_day(PlanReport& report, std::uint32_t ordinal, std::int64_t unix_s) {
  v1::PlanDay day;
  day.set_days_done(ordinal);
  day.set_session("sessions/0000000000000001");
  day.set_counted(true);
  day.mutable_time()->set_seconds(unix_s);
  report.days.push_back(std::move(day));
  report.plan.set_days_done(ordinal + 1);
  v1::PlanDecision* decision = report.days.back().add_decisions();
  decision->set_exercise(kExercise);
  decision->set_load_before(50.0);
  decision->set_load(50.0);
  decision->set_reps_before(8);
  decision->set_reps(8);
  for (const std::uint32_t reps : {8u, 7u}) decision->add_sets()->set_reps_full(reps);
  return decision;
}

PlanReport two_weeks() {
  PlanReport report;
  v1::Plan& plan = report.plan;
  plan.set_name("plans/00000000000000aa");
  plan.set_client("clients/k7-blue");
  plan.set_program("programs/glute-med-strength");
  plan.set_weeks(2);
  plan.set_days_per_week(3);
  for (const std::uint32_t week : {0u, 2u}) plan.add_test_weeks(week);
  plan.mutable_create_time()->set_seconds(kFirstS - kDayS);
  v1::PlanExercise* exercise = plan.add_exercises();
  exercise->set_exercise(kExercise);
  exercise->set_load(52.0);
  exercise->set_load_cap(61.0);
  report.client.set_name("clients/k7-blue");
  report.client.add_caps()->mutable_load()->set_load_n(61.0);
  report.made_unix_s = kFirstS + 8 * kDayS;
  return report;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(PlanReports, ShowDaysThatWereDoneLateMissedAndDue) {
  PlanReport report = two_weeks();
  add_day(report, 0, kFirstS);
  add_day(report, 1, kFirstS + 3 * kDayS);  // planned for the 4th
  const std::string html = plan_report_html(report);
  EXPECT_THAT(html, HasSubstr("done 2026-03-02<"));
  EXPECT_THAT(html, HasSubstr("done 2026-03-05, 1 day later than planned"));
  EXPECT_THAT(html, HasSubstr("due next; missed on 2026-03-06"));
  EXPECT_THAT(html, HasSubstr("missed on 2026-03-09"));
  EXPECT_THAT(html, HasSubstr("planned for 2026-03-11"));
  EXPECT_THAT(html, Not(HasSubstr("planned for 2026-03-02")));
  EXPECT_THAT(html, HasSubstr("2 of 6 days done"));
}

TEST(PlanReports, NameThePersonByTheirPseudonymAndShowTheirLimit) {
  PlanReport report = two_weeks();
  report.client.set_notes("a name that should not be here");
  report.client.set_birth_year(1970);
  add_day(report, 0, kFirstS);
  const std::string html = plan_report_html(report);
  EXPECT_THAT(html, HasSubstr("k7-blue"));
  EXPECT_THAT(html, HasSubstr("every exercise at most 61 N"));
  EXPECT_THAT(html, HasSubstr("therapist&#39;s limit"));
  EXPECT_THAT(html, Not(HasSubstr("a name that")));
  EXPECT_THAT(html, Not(HasSubstr("1970")));
}

TEST(PlanReports, MarkProgressAndRefusalsEachWithItsReason) {
  PlanReport report = two_weeks();
  v1::PlanDecision* risen = add_day(report, 0, kFirstS);
  risen->set_change(v1::CHANGE_MORE_LOAD);
  risen->set_load(52.0);
  risen->set_reason("two more than asked on two days");
  v1::PlanDecision* refused = add_day(report, 1, kFirstS + 2 * kDayS);
  refused->set_refused(true);
  refused->set_reason("the range fell by 12 %");
  v1::PlanDecision* decided = add_day(report, 2, kFirstS + 4 * kDayS);
  decided->set_decided_by("Ada <therapist>");
  decided->set_change(v1::CHANGE_LESS);
  decided->set_load(45.0);
  decided->set_reason("sore hip & tired");
  const std::string html = plan_report_html(report);
  EXPECT_THAT(html, HasSubstr("<td class='text'>more load</td>"));
  EXPECT_THAT(html, HasSubstr("<td class='text'>refused to raise</td>"));
  EXPECT_THAT(html, HasSubstr("the range fell by 12 %"));
  EXPECT_THAT(html, HasSubstr("less, by hand"));
  EXPECT_THAT(html, HasSubstr("Ada &lt;therapist&gt;"));
  EXPECT_THAT(html, HasSubstr("sore hip &amp; tired"));
  EXPECT_THAT(html, Not(HasSubstr("<therapist>")));
  // One mark a day, of a shape of its own.
  EXPECT_EQ(count_of(html, "<title>2026-03-02: more load"), 1u);
  EXPECT_EQ(count_of(html, "<title>2026-03-04: refused to raise"), 1u);
  EXPECT_EQ(count_of(html, "<title>2026-03-06: less, by hand"), 1u);
  EXPECT_THAT(html, HasSubstr("M-4 -4L4 4M-4 4L4 -4"));
}

TEST(PlanReports, PutTestsInTheirWeekWithTheLeastChangeThatCanBeToldApart) {
  PlanReport report = two_weeks();
  v1::TestSeries* series = report.progress.add_tests();
  series->set_kind("isometric");
  series->set_side(v1::SIDE_LEFT);
  series->set_unit("N");
  const auto add_point = [&](std::int64_t unix_s, double value) {
    v1::TestPoint* point = series->add_points();
    point->mutable_time()->set_seconds(unix_s);
    point->set_value(value);
    point->set_standard_error(3.0);
    return point;
  };
  add_point(kFirstS - 40 * kDayS, 100.0);
  add_point(kFirstS - 3'600, 110.0);
  for (std::uint32_t day = 0; day < 6; ++day) {
    add_day(report, day, kFirstS + kDayS * (7 * (day / 3) + day % 3 * 2));
  }
  v1::TestPoint* last = add_point(kFirstS + 14 * kDayS, 131.0);
  last->set_change_known(true);
  last->set_difference(31.0);
  last->set_minimal_detectable_change(12.0);
  last->set_words("31.0 N more, beyond the error");
  v1::DueTest* due = report.next.add_tests();
  due->set_program("programs/test-active-range");
  due->set_week(2);
  report.made_unix_s = kFirstS + 15 * kDayS;
  const std::string html = plan_report_html(report);
  EXPECT_THAT(html, HasSubstr("Tests at weeks 0, 2"));
  EXPECT_THAT(html, HasSubstr("<td>before the plan</td>"));
  EXPECT_THAT(html, HasSubstr("isometric done 2026-03-02"));
  EXPECT_THAT(html, HasSubstr("isometric done 2026-03-16; test-active-range due"));
  EXPECT_THAT(html, HasSubstr("<td>+31.0</td><td>12.0</td>"));
  EXPECT_THAT(html, HasSubstr("beyond the error"));
  EXPECT_THAT(html, HasSubstr("least change that can be told apart"));
}

TEST(PlanReports, TellOfALimitThatHoldsOnceAndHowOften) {
  PlanReport report = two_weeks();
  for (std::uint32_t day = 0; day < 4; ++day) {
    v1::PlanDecision* held = add_day(report, day, kFirstS + 2 * kDayS * day);
    held->set_capped(true);
    held->set_refused(true);
    held->set_reason("61 is the therapist's limit, day " + std::to_string(day));
  }
  const std::string html = plan_report_html(report);
  const std::string people = html.substr(html.find("Decided by people"));
  EXPECT_THAT(people, HasSubstr("limit, day 0; again on 3 days until 2026-03-08"));
  EXPECT_THAT(people, Not(HasSubstr("limit, day 1")));
}

TEST(PlanReports, ShowEveryTestOfSymmetryAndTheEndsOfTheTraining) {
  PlanReport report = two_weeks();
  add_day(report, 0, kFirstS);
  for (int i = 0; i < 3; ++i) {
    for (const char* source : {"left-right", kExercise}) {
      v1::SymmetryPoint* point = report.progress.add_symmetry();
      point->mutable_time()->set_seconds(kFirstS + i * kDayS);
      point->set_source(source);
      point->set_percent(i);
      point->set_words(source + std::string(" number ") + std::to_string(i));
    }
  }
  const std::string html = plan_report_html(report);
  for (const char* shown : {"left-right number 0", "left-right number 1", "left-right number 2"}) {
    EXPECT_THAT(html, HasSubstr(shown));
  }
  EXPECT_THAT(html, HasSubstr("abduction number 0"));
  EXPECT_THAT(html, Not(HasSubstr("abduction number 1")));
  EXPECT_THAT(html, HasSubstr("abduction number 2"));
}

TEST(PlanReports, OfAPlanThatHasNotBegunSaySo) {
  const std::string html = plan_report_html(two_weeks());
  EXPECT_THAT(html, HasSubstr("Not trained yet"));
  EXPECT_THAT(html, HasSubstr("No test has been done yet"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
  EXPECT_THAT(html, HasSubstr("no diagnosis"));
}

}  // namespace
}  // namespace medius::client
