#include "controller/station/people_progress.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace medius::station {
namespace {

constexpr std::size_t kPlansMax = 100;  // of one person: two years of new ones every week

const SideResult* side_of(const TestResult& result, record::Side side) {
  for (const SideResult& one : result.sides) {
    if (one.side == side) return &one;
  }
  return nullptr;
}

TestPoint point_of(const TestRecord& test, const SideResult& now, const SideResult* first) {
  TestPoint point;
  point.session_id = test.session.id;
  point.unix_ns = test.session.start_unix_ns;
  const TestKind kind = test.result.kind;
  point.value = kind == TestKind::kLeftRight ? now.value.mean : now.value.best;
  point.standard_error = now.value.standard_error;
  if (now.value.count == 0) {
    point.words = test.result.note.empty() ? "no value" : test.result.note;
    return point;
  }
  if (first == nullptr || first == &now) return point;
  point.words = change_text(kind, *first, now, test.result.unit);
  if (kind == TestKind::kPelvicDrop) return point;  // one stance a day has no scatter
  const bool strength = kind == TestKind::kIsometric || kind == TestKind::kLoadVelocity;
  const auto change =
      measure::test_change(first->value, now.value, strength ? measure::kStrengthDayCv : 0.0);
  point.since_first = change.known;
  point.difference = change.difference;
  point.percent = change.percent;
  point.minimal_detectable_change = change.minimal_detectable_change;
  point.beyond_error = change.beyond_error;
  return point;
}

void add_series(const std::vector<TestRecord>& tests, TestKind kind, record::Side side,
                std::vector<TestSeries>& all) {
  TestSeries series;
  series.kind = kind;
  series.side = side;
  const SideResult* first = nullptr;
  for (const TestRecord& test : tests) {
    if (test.result.kind != kind) continue;
    const SideResult* now = side_of(test.result, side);
    if (now == nullptr) continue;
    series.unit = test.result.unit;
    series.points.push_back(point_of(test, *now, first));
    if (first == nullptr && now->value.count > 0) first = now;
  }
  if (!series.points.empty()) all.push_back(std::move(series));
}

std::string difference_words(double percent, double error_percent, bool beyond) {
  return fmt::format(
      "right {:+.1f} % against left (error {:.1f} %): {}", percent, error_percent,
      beyond ? "a difference beyond its error" : "no difference told apart from none");
}

void add_test_symmetry(const std::vector<TestRecord>& tests, std::vector<SymmetryPoint>& all) {
  for (const TestRecord& test : tests) {
    if (!test.result.symmetry) continue;
    const measure::Symmetry& symmetry = *test.result.symmetry;
    if ((symmetry.index.flags & measure::kValueMissing) != 0) continue;
    SymmetryPoint point;
    point.session_id = test.session.id;
    point.unix_ns = test.session.start_unix_ns;
    point.source = to_string(test.result.kind);
    point.percent = symmetry.index.value;
    point.error_percent = symmetry.change.value;
    point.beyond_error = (symmetry.index.flags & measure::kValueWithinChange) == 0;
    point.words = symmetry_text(symmetry);
    all.push_back(std::move(point));
  }
}

void add_day_symmetry(const record::PlanDayRecord& day, std::vector<SymmetryPoint>& all) {
  for (const record::PlanDecision& decision : day.decisions) {
    if (!decision.asymmetry_percent) continue;
    SymmetryPoint point;
    point.session_id = day.session_id;
    point.unix_ns = day.unix_ns;
    point.source = decision.exercise_id;
    point.percent = *decision.asymmetry_percent;
    point.error_percent = decision.asymmetry_error_percent;
    point.beyond_error = std::abs(point.percent) > point.error_percent &&
                         std::abs(point.percent) > measure::kSymmetryFloorPercent;
    point.words = difference_words(point.percent, point.error_percent, point.beyond_error);
    all.push_back(std::move(point));
  }
}

LoadSeries& series_of(std::vector<LoadSeries>& all, const std::string& exercise_id) {
  for (LoadSeries& series : all) {
    if (series.exercise_id == exercise_id) return series;
  }
  all.emplace_back().exercise_id = exercise_id;
  // The catalogue names the lever machine's row so.
  if (exercise_id.starts_with("seated")) all.back().coordinate = hal::CoordinateKind::kLever;
  return all.back();
}

void add_loads(const record::PlanRecord& plan, const std::vector<record::PlanDayRecord>& days,
               std::vector<LoadSeries>& all) {
  for (const record::EarlierSet& set : plan.earlier) {
    LoadSeries& series = series_of(all, set.exercise_id);
    series.coordinate = set.coordinate;
    series.points.push_back({set.day_unix_ns, plan.id, set.load, set.reps, true});
  }
  for (const record::PlanDayRecord& day : days) {
    for (const record::PlanDecision& decision : day.decisions) {
      if (decision.sets.empty() || !(decision.load_before > 0.0)) continue;
      series_of(all, decision.exercise_id)
          .points.push_back(
              {day.unix_ns, plan.id, decision.load_before, decision.reps_before, false});
    }
  }
}

}  // namespace

std::vector<TestRecord> tests_of_client(const PeopleDesk& desk, const std::string& client_id) {
  std::vector<TestRecord> tests;
  for (const record::SessionRecord& session : desk.store.sessions_of_client(client_id)) {
    const auto program = desk.programs.programs.find(session.program_id);
    if (program == desk.programs.programs.end() || program->second.test == TestKind::kNone) {
      continue;
    }
    const auto sets = desk.store.sets_of(session.id);
    const auto guided = desk.store.guided_of(session.id);
    if (sets.empty() && guided.empty()) continue;  // stopped before the first
    tests.push_back({session, test_result(program->second.test, sets, guided)});
  }
  return tests;
}

PeopleAnswer<Progress> progress_of(const PeopleDesk& desk, const std::string& client_id) {
  if (!desk.store.client(client_id)) {
    return tl::unexpected(Refusal{
        RefusalCode::kNotFound,
        fmt::format("client '{:.64}' is not in the store; 'medius client list' names who is",
                    client_id)});
  }
  Progress progress;
  progress.client_id = client_id;
  const auto tests = tests_of_client(desk, client_id);
  for (const TestKind kind : {TestKind::kIsometric, TestKind::kActiveRange, TestKind::kLoadVelocity,
                              TestKind::kLeftRight, TestKind::kPelvicDrop}) {
    for (const record::Side side : {record::Side::kLeft, record::Side::kRight}) {
      add_series(tests, kind, side, progress.tests);
    }
  }
  add_test_symmetry(tests, progress.symmetry);
  for (const record::PlanRecord& plan : desk.store.plans(kPlansMax, "", client_id)) {
    const auto days = desk.store.plan_days(plan.id);
    for (const record::PlanDayRecord& day : days) add_day_symmetry(day, progress.symmetry);
    add_loads(plan, days, progress.loads);
  }
  std::stable_sort(progress.symmetry.begin(), progress.symmetry.end(),
                   [](const auto& a, const auto& b) { return a.unix_ns < b.unix_ns; });
  for (LoadSeries& series : progress.loads) {
    std::stable_sort(series.points.begin(), series.points.end(),
                     [](const auto& a, const auto& b) { return a.unix_ns < b.unix_ns; });
  }
  if (progress.tests.empty()) {
    progress.notes.emplace_back(
        "no test yet; 'medius plan next' tells which are due, and tests show a change");
  }
  if (!desk.machine.pelvis_sensor) {
    progress.notes.emplace_back(
        "this station cannot see the pelvis: a drop of the hip is for a person to watch");
  }
  return progress;
}

}  // namespace medius::station
