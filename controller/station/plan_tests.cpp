#include "controller/station/plan_tests.hpp"

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::station {
namespace {

using measure::MetricId;

constexpr double kMillimetres = 1000.0;
constexpr double kDegrees = 180.0 / det::kPi;

// Trials of a side in the unit of the result.
std::vector<double> trials_of(TestKind kind, record::Side side,
                              std::span<const record::SetRecord> sets) {
  std::vector<double> trials;
  for (const record::SetRecord& set : sets) {
    if (set.side != side) continue;
    if (kind == TestKind::kIsometric) {
      const auto* mean = measure::find_value(set.metrics, MetricId::kIsometricPeak);
      if (mean != nullptr && (mean->flags & measure::kValueMissing) == 0) {
        trials.push_back(mean->value);
      }
      continue;
    }
    for (const measure::RepMetrics& rep : set.reps) {
      if (rep.kind != measure::RepKind::kFull) continue;
      trials.push_back(kind == TestKind::kLeftRight ? rep.concentric.work_j
                                                    : kMillimetres * rep.range);
    }
  }
  return trials;
}

// The fastest repetition of each load: what the person could do, not what they felt like.
measure::LoadVelocityProfile profile_of(record::Side side,
                                        std::span<const record::SetRecord> sets) {
  std::vector<measure::LoadVelocityPoint> points;
  for (const record::SetRecord& set : sets) {
    if (set.side != side) continue;
    measure::LoadVelocityPoint best{set.load_end, 0.0};
    for (const measure::RepMetrics& rep : set.reps) {
      if (rep.kind != measure::RepKind::kFull) continue;
      best.velocity = at_least(best.velocity, rep.concentric.velocity_peak);
    }
    points.push_back(best);
  }
  return measure::load_velocity(points, measure::kVelocityAtMaximumMps);
}

const char* problem_text(measure::LoadVelocityProblem problem) {
  switch (problem) {
    case measure::LoadVelocityProblem::kFewLoads:
      return "fewer than four loads have a full repetition; take lighter loads";
    case measure::LoadVelocityProblem::kNotFalling:
      return "speed does not fall with the load; take heavier loads, as fast as possible";
    case measure::LoadVelocityProblem::kUncertain:
      return "the repetitions scatter too much for an interval; take more loads";
    case measure::LoadVelocityProblem::kNone:
      break;
  }
  return "";
}

const char* unit_of(TestKind kind) {
  switch (kind) {
    case TestKind::kActiveRange:
      return "mm";
    case TestKind::kLeftRight:
      return "J";
    case TestKind::kPelvicDrop:
      return "deg";
    case TestKind::kIsometric:
    case TestKind::kLoadVelocity:
    case TestKind::kNone:
      break;
  }
  return "N";
}

measure::Symmetry symmetry_of(std::span<const record::SetRecord> sets) {
  return measure::symmetry(trials_of(TestKind::kLeftRight, record::Side::kLeft, sets),
                           trials_of(TestKind::kLeftRight, record::Side::kRight, sets));
}

// The standing side is the side of the result.
SideResult stance_of(record::Side side, std::span<const record::GuidedRecord> guided) {
  SideResult one;
  one.side = side;
  std::vector<double> drops;
  for (const record::GuidedRecord& record : guided) {
    if (record.side != side || !record.stance || !record.stance->measured) continue;
    drops.push_back(kDegrees * record.stance->drop_rad);
    if (one.stance && one.stance->drop_rad <= record.stance->drop_rad) continue;
    one.stance = record.stance;
    one.stance_asked_s = record.hold_s;
  }
  one.value = measure::test_value(drops);
  // The best of a drop is the smallest.
  if (one.stance) one.value.best = kDegrees * one.stance->drop_rad;
  return one;
}

TestResult stance_result(std::span<const record::GuidedRecord> guided) {
  TestResult result;
  result.kind = TestKind::kPelvicDrop;
  result.unit = unit_of(result.kind);
  for (const record::Side side : {record::Side::kLeft, record::Side::kRight}) {
    result.sides.push_back(stance_of(side, guided));
    if (!result.sides.back().stance) {
      result.note =
          "on one side the pelvis-tilt sensor did not see nine tenths of the stance, or it was not "
          "confirmed; look at the belt and do the test again";
    }
  }
  return result;
}

}  // namespace

TestResult test_result(TestKind kind, std::span<const record::SetRecord> sets,
                       std::span<const record::GuidedRecord> guided) {
  if (kind == TestKind::kPelvicDrop) {
    return guided.empty() ? pelvis_not_seen() : stance_result(guided);
  }
  TestResult result;
  result.kind = kind;
  result.unit = unit_of(kind);
  for (const record::Side side : {record::Side::kLeft, record::Side::kRight}) {
    SideResult one;
    one.side = side;
    if (kind == TestKind::kLoadVelocity) {
      one.profile = profile_of(side, sets);
      if (one.profile.problem == measure::LoadVelocityProblem::kNone) {
        one.value = {one.profile.points, one.profile.one_rm, one.profile.one_rm,
                     // The interval is not symmetric; its half width over 1.96 stands for both.
                     (one.profile.one_rm_high - one.profile.one_rm_low) / (2.0 * 1.96)};
      } else {
        result.note = problem_text(one.profile.problem);
      }
    } else {
      one.value = measure::test_value(trials_of(kind, side, sets));
      if (one.value.count == 0) result.note = "no full trial on one side; do the test again";
    }
    result.sides.push_back(one);
  }
  if (kind == TestKind::kLeftRight) result.symmetry = symmetry_of(sets);
  return result;
}

TestResult pelvis_not_seen() {
  TestResult result;
  result.kind = TestKind::kPelvicDrop;
  result.unit = unit_of(result.kind);
  result.note =
      "this station cannot see the pelvis: it has no pelvis-tilt sensor; the single-leg stance is "
      "left out";
  return result;
}

std::string change_text(TestKind kind, const SideResult& before, const SideResult& after,
                        const std::string& unit) {
  // One stance a side and day has no scatter, and no error that is known.
  if (kind == TestKind::kPelvicDrop) {
    if (before.value.count == 0 || after.value.count == 0) return "";
    return fmt::format("{:+.1f} {}, of one stance each: its error is not known",
                       after.value.best - before.value.best, unit);
  }
  const bool strength = kind == TestKind::kIsometric || kind == TestKind::kLoadVelocity;
  const auto change =
      measure::test_change(before.value, after.value, strength ? measure::kStrengthDayCv : 0.0);
  if (!change.known) return "";
  return fmt::format("{:+.1f} % ({:+.3g} {}), {} the error of {:.3g} {}", change.percent,
                     change.difference, unit, change.beyond_error ? "beyond" : "within",
                     change.minimal_detectable_change, unit);
}

std::string symmetry_text(const measure::Symmetry& symmetry) {
  if ((symmetry.index.flags & measure::kValueMissing) != 0) return "not enough repetitions a side";
  const bool within = (symmetry.index.flags & measure::kValueWithinChange) != 0;
  return fmt::format(
      "right {:+.1f} % against left (error {:.1f} %): {}", symmetry.index.value,
      symmetry.change.value,
      within ? "no difference told apart from none" : "a difference beyond its error");
}

}  // namespace medius::station
