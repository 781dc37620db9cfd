// What a test says about a person: from the sets of a test program to values a side, and from two
// test days to a change with its error. Words never diagnose.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/measure/load_velocity.hpp"
#include "controller/measure/pelvis.hpp"
#include "controller/measure/set_metrics.hpp"
#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"
#include "controller/station/program.hpp"

namespace medius::station {

struct SideResult {
  record::Side side = record::Side::kNone;
  measure::TestValue value;              // N | Nm, m | rad
  measure::LoadVelocityProfile profile;  // of a load-velocity test; its maximum is `value` too
  std::optional<measure::StanceResult> stance;  // of a pelvic-drop test: the one with least drop
  double stance_asked_s = 0.0;
};

struct TestResult {
  TestKind kind = TestKind::kNone;
  std::string unit;
  std::vector<SideResult> sides;
  std::optional<measure::Symmetry> symmetry;  // of a left-right test: of the lifting work
  std::string note;                           // why there is no value, or how to read it
};

// [any] Of one session of a test program: its sets, and for a stance its guided exercises.
[[nodiscard]] TestResult test_result(TestKind kind, std::span<const record::SetRecord> sets,
                                     std::span<const record::GuidedRecord> guided = {});
// [any] For a test that needs the pelvis: what a station without the sensor has to say.
[[nodiscard]] TestResult pelvis_not_seen();

// [any] "+12.3 % (+18 N); beyond the error of 15 N", or within it; empty without both.
[[nodiscard]] std::string change_text(TestKind kind, const SideResult& before,
                                      const SideResult& after, const std::string& unit);
// [any] "right 3.1 % below left; within the error of 6.5 %".
[[nodiscard]] std::string symmetry_text(const measure::Symmetry& symmetry);

}  // namespace medius::station
