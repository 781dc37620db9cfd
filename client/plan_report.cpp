#include "client/plan_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "client/page.hpp"
#include "client/people_text.hpp"
#include "client/svg.hpp"
#include "client/wording.hpp"
#include "controller/station/plan.hpp"

namespace medius::client {
namespace {

constexpr std::int64_t kDayS = 86'400;
constexpr double kWeekS = 7.0 * 86'400.0;

// A decision of a day, and when.
struct Dated {
  const v1::PlanDay* day = nullptr;
  const v1::PlanDecision* decision = nullptr;
};

std::string date(std::int64_t unix_s) {
  google::protobuf::Timestamp time;
  time.set_seconds(unix_s);
  return date_of(time);
}

std::int64_t day_number(std::int64_t unix_s) {
  return unix_s / kDayS;
}

// The plan's first day: that of its first session, and before there is one that of its beginning.
std::int64_t first_s(const PlanReport& report) {
  for (const v1::PlanDay& day : report.days) {
    if (!day.session().empty()) return day.time().seconds();
  }
  return report.plan.create_time().seconds();
}

// A plan that was simulated lies on a calendar of its own: nothing in it is later than its page.
std::int64_t today_s(const PlanReport& report) {
  if (report.days.empty()) return report.made_unix_s;
  return std::max(report.made_unix_s, report.days.back().time().seconds());
}

const char* unit_of(const v1::Plan& plan, const std::string& exercise) {
  for (const v1::PlanExercise& one : plan.exercises()) {
    if (one.exercise() != exercise) continue;
    return one.coordinate() == v1::COORDINATE_LEVER ? "Nm" : "N";
  }
  return "N";
}

std::string caps_sentence(const PlanReport& report) {
  std::string text;
  for (const v1::LoadCap& cap : report.client.caps()) {
    const bool lever = cap.load().value_case() == v1::Load::kLoadNm;
    text += fmt::format("{}{} at most {:g} {}", text.empty() ? "" : ", ",
                        cap.exercise().empty() ? "every exercise" : cap.exercise(),
                        lever ? cap.load().load_nm() : cap.load().load_n(), lever ? "Nm" : "N");
  }
  return text.empty() ? "No limits by a therapist."
                      : "A therapist's limits: " + text + ". Only a therapist raises them.";
}

std::string heading(const PlanReport& report) {
  const v1::Plan& plan = report.plan;
  const std::uint32_t days = plan.weeks() * plan.days_per_week();
  std::string out = fmt::format(
      "<h1>{}</h1><p class='facts'>{} · plan {} · {} weeks of {} days · {} of {} days done{}<br>"
      "page made on {}</p>",
      escaped(short_name(plan.program())), escaped(short_name(plan.client())),
      escaped(short_name(plan.name())), plan.weeks(), plan.days_per_week(), plan.days_done(), days,
      plan.days_done() >= days ? ", over"
      : plan.session().empty() ? ""
                               : ", a session is under way",
      date(report.made_unix_s));
  out += page_note(caps_sentence(report) +
                   (report.client.in_therapy()
                        ? " In therapy: changes are proposed, and a therapist decides them."
                        : ""));
  return out;
}

// Of a day's place in the plan; nothing when it has not been done.
const v1::PlanDay* done_day(const PlanReport& report, std::uint32_t ordinal) {
  for (const v1::PlanDay& day : report.days) {
    if (day.counted() && day.days_done() == ordinal) return &day;
  }
  return nullptr;
}

std::string day_cell(const PlanReport& report, const station::PlanCalendar& calendar,
                     std::uint32_t ordinal) {
  const auto place = station::day_of(calendar, ordinal);
  if (!place) return page_cell("");
  const std::int64_t planned =
      first_s(report) + kDayS * (7 * std::int64_t{place->week} + place->day_of_week);
  if (const v1::PlanDay* done = done_day(report, ordinal); done != nullptr) {
    const std::int64_t late = day_number(done->time().seconds()) - day_number(planned);
    return page_cell(fmt::format("done {}{}", date_of(done->time()),
                                 late > 0 ? fmt::format(", {} day{} later than planned", late,
                                                        late == 1 ? "" : "s")
                                          : ""),
                     true);
  }
  const bool next = ordinal == report.plan.days_done();
  const bool passed = day_number(planned) < day_number(today_s(report));
  return page_cell(fmt::format("{}{} {}", next ? "due next; " : "",
                               passed ? "missed on" : "planned for", date(planned)),
                   true);
}

// A test belongs to the week whose first session comes after it.
std::uint32_t days_before(const PlanReport& report, std::int64_t unix_s) {
  std::uint32_t days = 0;
  for (const v1::PlanDay& day : report.days) {
    if (day.counted() && day.time().seconds() < unix_s) ++days;
  }
  return days;
}

std::string test_cell(const PlanReport& report, std::uint32_t week) {
  const v1::Plan& plan = report.plan;
  const auto& weeks = plan.test_weeks();
  if (std::find(weeks.begin(), weeks.end(), week) == weeks.end()) return page_cell("");
  std::map<std::string, std::string> done;  // kind -> date
  for (const v1::TestSeries& series : report.progress.tests()) {
    for (const v1::TestPoint& point : series.points()) {
      const std::uint32_t before = days_before(report, point.time().seconds());
      if (point.time().seconds() < plan.create_time().seconds()) continue;
      if (before / plan.days_per_week() == week) done[series.kind()] = date_of(point.time());
    }
  }
  std::string text;
  for (const auto& [kind, when] : done) {
    text += fmt::format("{}{} done {}", text.empty() ? "" : "; ", kind, when);
  }
  for (const v1::DueTest& due : report.next.tests()) {
    if (due.week() != week) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", short_name(due.program()),
                        due.note().empty() ? "due" : "not possible here: " + due.note());
  }
  if (text.empty()) {
    text = plan.days_done() > week * plan.days_per_week() ? "not done" : "to come";
  }
  return page_cell(text, true);
}

std::string calendar_section(const PlanReport& report) {
  const v1::Plan& plan = report.plan;
  if (plan.days_per_week() == 0) return "";
  station::PlanCalendar calendar;
  calendar.weeks = plan.weeks();
  calendar.days_per_week = plan.days_per_week();
  std::vector<std::string> names{"week", "tests before it"};
  for (std::uint32_t day = 1; day <= plan.days_per_week(); ++day) {
    names.push_back(fmt::format("day {}", day));
  }
  std::string out =
      "<section class='long'><h2>Weeks and days</h2><table>" + page_header_row(names) + "<tbody>";
  for (std::uint32_t week = 0; week < plan.weeks(); ++week) {
    out += "<tr>" + page_cell(fmt::format("{}", week + 1)) + test_cell(report, week);
    for (std::uint32_t day = 0; day < plan.days_per_week(); ++day) {
      out += day_cell(report, calendar, week * plan.days_per_week() + day);
    }
    out += "</tr>";
  }
  const auto& weeks = plan.test_weeks();
  if (std::find(weeks.begin(), weeks.end(), plan.weeks()) != weeks.end()) {
    out += "<tr>" + page_cell("after") + test_cell(report, plan.weeks());
    for (std::uint32_t day = 0; day < plan.days_per_week(); ++day) out += page_cell("");
    out += "</tr>";
  }
  return out + "</tbody></table>" +
         page_note(
             "Dates are counted from the first session. A day that was missed is not left out: the "
             "plan goes on where it stood, and everything after it moves.") +
         "</section>";
}

std::vector<Dated> decisions_of(const PlanReport& report, const std::string& exercise) {
  std::vector<Dated> out;
  for (const v1::PlanDay& day : report.days) {
    for (const v1::PlanDecision& decision : day.decisions()) {
      if (decision.exercise() == exercise) out.push_back({&day, &decision});
    }
  }
  return out;
}

std::string change_text(const v1::PlanDecision& decision) {
  if (decision.refused()) return "refused to raise";
  if (decision.proposed()) return "proposed to a therapist";
  const bool by_hand = !decision.decided_by().empty();
  switch (decision.change()) {
    case v1::CHANGE_MORE_REPS:
      return by_hand ? "more repetitions, by hand" : "more repetitions";
    case v1::CHANGE_MORE_LOAD:
      return by_hand ? "more load, by hand" : "more load";
    case v1::CHANGE_LESS:
      return by_hand ? "less, by hand" : "less";
    default:
      return by_hand ? "kept, by hand" : "kept";
  }
}

SvgMark mark_of(const Dated& dated, double x, double y) {
  const v1::PlanDecision& decision = *dated.decision;
  SvgMark mark{x, y, SvgShape::kDot, "#2b6cb0",
               fmt::format("{}: {}, {}", date_of(dated.day->time()), change_text(decision),
                           decision.reason())};
  if (decision.refused()) {
    mark.shape = SvgShape::kCross;
    mark.color = "#c53030";
  } else if (decision.proposed() || !decision.decided_by().empty()) {
    mark.shape = SvgShape::kDiamond;
    mark.color = "#6b46c1";
  } else if (decision.change() == v1::CHANGE_LESS) {
    mark.shape = SvgShape::kDown;
    mark.color = "#c05621";
  } else if (decision.change() == v1::CHANGE_MORE_LOAD ||
             decision.change() == v1::CHANGE_MORE_REPS) {
    mark.shape = SvgShape::kUp;
    mark.color = "#2f855a";
  }
  return mark;
}

double least_full(const v1::PlanDecision& decision) {
  double least = std::nan("");
  for (const v1::PlanSet& set : decision.sets()) {
    if (!(least <= set.reps_full())) least = set.reps_full();
  }
  return least;
}

std::string exercise_plots(const PlanReport& report, const std::string& exercise,
                           std::span<const Dated> decisions) {
  const char* unit = unit_of(report.plan, exercise);
  const auto first = static_cast<double>(first_s(report));
  SvgSeries load{"load", "#2b6cb0", {}, {}, false};
  SvgSeries asked{"asked", "#718096", {}, {}, true};
  SvgSeries done{"full ones, least of the sets", "#2f855a", {}, {}, false};
  SvgPlot loads, reps;
  for (const Dated& dated : decisions) {
    const v1::PlanDecision& decision = *dated.decision;
    const double week = (static_cast<double>(dated.day->time().seconds()) - first) / kWeekS;
    for (SvgSeries* series : {&load, &asked, &done}) series->x.push_back(week);
    load.y.push_back(decision.load_before());
    asked.y.push_back(decision.reps_before());
    done.y.push_back(least_full(decision));
    loads.marks.push_back(mark_of(dated, week, decision.load_before()));
    reps.marks.push_back(mark_of(dated, week, decision.reps_before()));
  }
  const bool loaded = std::any_of(load.y.begin(), load.y.end(), [](double y) { return y > 0.0; });
  const std::string x_label =
      fmt::format("weeks since {} (marks: what the day decided)", date(first_s(report)));
  std::string out;
  if (loaded) {
    loads.title = "Load of " + exercise;
    loads.x_label = x_label;
    loads.y_label = std::string("load in ") + unit;
    loads.height = 200;
    loads.series = {load};
    for (const v1::PlanExercise& one : report.plan.exercises()) {
      if (one.exercise() != exercise || !(one.load_cap() > 0.0)) continue;
      loads.series.push_back({"therapist's limit",
                              "#c53030",
                              {load.x.front(), load.x.back()},
                              {one.load_cap(), one.load_cap()},
                              true});
    }
    reps.marks.clear();  // once is enough
    out += svg_plot(loads);
  }
  reps.title = "Repetitions of " + exercise;
  reps.x_label = x_label;
  reps.y_label = "repetitions of a set";
  reps.height = 180;
  reps.series = {asked, done};
  return out + svg_plot(reps);
}

std::string sets_text(const v1::PlanDecision& decision) {
  std::string text;
  for (const v1::PlanSet& set : decision.sets()) {
    text +=
        fmt::format("{}{}{}", text.empty() ? "" : " ", set.reps_full(),
                    set.reps_partial() > 0 ? fmt::format("+{} partial", set.reps_partial()) : "");
  }
  return text.empty() ? "–" : text;
}

std::string load_cell(double load) {
  return page_cell(load > 0.0 ? fmt::format("{:g}", load) : "–");
}

std::string exercise_section(const PlanReport& report, const std::string& exercise) {
  const std::vector<Dated> decisions = decisions_of(report, exercise);
  std::string out = "<section class='long'><h2>" + escaped(exercise) + "</h2>";
  if (decisions.empty()) return out + page_note("Not trained yet.") + "</section>";
  const char* unit = unit_of(report.plan, exercise);
  out += exercise_plots(report, exercise, decisions);
  out += "<table>" +
         page_header_row({"date", std::string("load ") + unit, "asked", "full ones in each set",
                          "decided", std::string("next load ") + unit, "next asked", "why"}) +
         "<tbody>";
  for (const auto& [day, decision] : decisions) {
    out += "<tr>" + page_cell(date_of(day->time())) + load_cell(decision->load_before()) +
           page_cell(std::to_string(decision->reps_before())) +
           page_cell(sets_text(*decision), true) + page_cell(change_text(*decision), true) +
           load_cell(decision->load()) + page_cell(std::to_string(decision->reps())) +
           page_cell(decision->reason(), true) + "</tr>";
  }
  return out + "</tbody></table></section>";
}

std::string exercises(const PlanReport& report) {
  std::string out;
  for (const v1::PlanExercise& one : report.plan.exercises()) {
    out += exercise_section(report, one.exercise());
  }
  return out +
         page_note(
             "▲ raised, ▼ lowered, ✕ refused to raise, ◆ proposed to a therapist or decided by "
             "hand, ● kept. Loads are of one arm on a machine with two.");
}

struct PeopleRow {
  const v1::PlanDay* day = nullptr;
  const v1::PlanDecision* decision = nullptr;
  const v1::PlanDay* until = nullptr;  // the same again up to this day
  int again = 0;
};

// A limit that holds says the same every day: once is enough, with how often.
std::vector<PeopleRow> people_rows(const PlanReport& report) {
  std::vector<PeopleRow> rows;
  std::map<std::string, std::size_t> limited;  // by exercise: the row of a limit that holds
  for (const v1::PlanDay& day : report.days) {
    for (const v1::PlanDecision& decision : day.decisions()) {
      const bool holds = decision.capped() && decision.refused();
      const auto known = limited.find(decision.exercise());
      if (holds && known != limited.end()) {
        rows[known->second].until = &day;
        ++rows[known->second].again;
        continue;
      }
      if (known != limited.end()) limited.erase(known);
      if (decision.decided_by().empty() && !decision.proposed() && !decision.capped()) continue;
      if (holds) limited[decision.exercise()] = rows.size();
      rows.push_back({&day, &decision});
    }
  }
  return rows;
}

std::string people_section(const PlanReport& report) {
  std::string rows;
  for (const auto& [day, decision, until, again] : people_rows(report)) {
    const std::string who = !decision->decided_by().empty() ? decision->decided_by()
                            : decision->proposed()          ? "waits for a therapist"
                                                            : "a therapist's limit";
    const std::string often = again == 0
                                  ? ""
                                  : fmt::format("; again on {} day{} until {}", again,
                                                again == 1 ? "" : "s", date_of(until->time()));
    rows += "<tr>" + page_cell(date_of(day->time())) + page_cell(decision->exercise(), true) +
            page_cell(who, true) + page_cell(change_text(*decision), true) +
            load_cell(decision->load_before()) + load_cell(decision->load()) +
            page_cell(decision->reason() + often, true) + "</tr>";
  }
  std::string pending;
  for (const v1::PlanExercise& one : report.plan.exercises()) {
    if (!one.has_proposal()) continue;
    pending += page_note(
        fmt::format("Waits for a therapist: {} at {:g} {} and {} repetitions ({}).", one.exercise(),
                    one.proposal().load(), unit_of(report.plan, one.exercise()),
                    one.proposal().reps(), one.proposal().reason()));
  }
  std::string out = "<section class='long'><h2>Decided by people, and by their limits</h2>";
  if (rows.empty() && pending.empty()) {
    return out + page_note("Nothing: every change was the plan's own rule.") + "</section>";
  }
  if (!rows.empty()) {
    out += "<table>" +
           page_header_row(
               {"date", "exercise", "who", "decided", "load before", "load after", "why"}) +
           "<tbody>" + rows + "</tbody></table>";
  }
  return out + pending + "</section>";
}

std::string test_rows(const PlanReport& report) {
  std::string rows;
  for (const v1::TestSeries& series : report.progress.tests()) {
    for (const v1::TestPoint& point : series.points()) {
      const bool before = point.time().seconds() < report.plan.create_time().seconds();
      const std::uint32_t per_week = std::max(report.plan.days_per_week(), 1u);
      rows +=
          "<tr>" +
          page_cell(
              before ? "before the plan"
                     : fmt::format("{}", days_before(report, point.time().seconds()) / per_week)) +
          page_cell(date_of(point.time())) + page_cell(series.kind(), true) +
          page_cell(word(series.side()), true) +
          page_cell(fmt::format("{:.1f} ± {:.1f} {}", point.value(), point.standard_error(),
                                series.unit())) +
          page_cell(point.change_known() ? fmt::format("{:+.1f}", point.difference()) : "–") +
          page_cell(point.change_known() ? fmt::format("{:.1f}", point.minimal_detectable_change())
                                         : "–") +
          page_cell(point.words(), true) + "</tr>";
    }
  }
  return rows;
}

// Of the tests all; of the training of an exercise the first and the newest: the rest is in the
// picture.
std::string symmetry_rows(const PlanReport& report) {
  const auto& points = report.progress.symmetry();
  std::map<std::string, std::pair<int, int>> ends;  // by source: first and newest
  for (int i = 0; i < points.size(); ++i) {
    ends.try_emplace(points[i].source(), i, i).first->second.second = i;
  }
  std::string rows;
  for (int i = 0; i < points.size(); ++i) {
    const v1::SymmetryPoint& point = points[i];
    const auto& [first, newest] = ends.at(point.source());
    if (point.source() != "left-right" && i != first && i != newest) continue;
    rows += "<tr>" + page_cell(date_of(point.time())) + page_cell(point.source(), true) +
            page_cell(fmt::format("{:+.1f}", point.percent())) +
            page_cell(fmt::format("{:.1f}", point.error_percent())) +
            page_cell(point.words(), true) + "</tr>";
  }
  return rows;
}

std::string tests_section(const PlanReport& report) {
  std::string weeks;
  for (const std::uint32_t week : report.plan.test_weeks()) {
    weeks += fmt::format("{}{}", weeks.empty() ? "" : ", ", week);
  }
  std::string out =
      "<section class='long'><h2>Tests" + (weeks.empty() ? "" : " at weeks " + weeks) + "</h2>";
  const std::string tests = test_rows(report);
  const std::string symmetry = symmetry_rows(report);
  if (tests.empty()) out += page_note("No test has been done yet.");
  if (!tests.empty() || !symmetry.empty()) {
    v1::Progress measured = report.progress;
    measured.clear_loads();  // they have plots of their own above
    out += progress_svg(measured);
  }
  if (!tests.empty()) {
    out += "<table>" +
           page_header_row({"week", "date", "test", "side", "value", "change since the first",
                            "least change that can be told apart", "reading"}) +
           "<tbody>" + tests + "</tbody></table>";
  }
  if (!symmetry.empty()) {
    out += "<h2>Right against left</h2><table>" +
           page_header_row(
               {"date", "from", "difference %", "least that can be told apart %", "reading"}) +
           "<tbody>" + symmetry + "</tbody></table>" +
           page_note("Every test; of the training of an exercise the first and the newest day.");
  }
  for (const std::string& note : report.progress.notes()) out += page_note(note);
  return out +
         page_note(
             "± is one standard error. A change or difference within the least that can be told "
             "apart (95 %) may be chance; one beyond it says that something changed or differs, "
             "and not why.") +
         "</section>";
}

std::string next_section(const PlanReport& report) {
  std::string out = "<section><h2>Next</h2>";
  for (const std::string& line : next_lines(report.next)) {
    out += "<p class='facts'>" + escaped(line) + "</p>";
  }
  return out + "</section>";
}

}  // namespace

std::string plan_report_html(const PlanReport& report) {
  return page_head("Plan " + short_name(report.plan.name())) + heading(report) +
         calendar_section(report) + exercises(report) + people_section(report) +
         tests_section(report) + next_section(report) + page_end();
}

}  // namespace medius::client
