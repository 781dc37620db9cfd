// How somebody has come along: tests over the weeks with what a change must exceed to be told from
// the scatter, the working loads, and right against left. Words describe and never diagnose.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/station/people.hpp"
#include "controller/station/plan_tests.hpp"

namespace medius::station {

// One session of a test program.
struct TestRecord {
  record::SessionRecord session;
  TestResult result;
};
// [record] Of one client, oldest first.
[[nodiscard]] std::vector<TestRecord> tests_of_client(const PeopleDesk& desk,
                                                      const std::string& client_id);

struct TestPoint {
  std::string session_id;
  std::int64_t unix_ns = 0;
  double value = 0.0;           // best of the trials; of the left-right test their mean
  double standard_error = 0.0;  // of the mean; 0: not known
  bool since_first = false;     // the four below are known
  double difference = 0.0, percent = 0.0;
  double minimal_detectable_change = 0.0;
  bool beyond_error = false;
  std::string words;  // of the change, or why there is none
};
struct TestSeries {
  TestKind kind = TestKind::kNone;
  record::Side side = record::Side::kNone;
  std::string unit;
  std::vector<TestPoint> points;
};
struct SymmetryPoint {
  std::string session_id;
  std::int64_t unix_ns = 0;
  std::string source;    // "left-right", or an exercise
  double percent = 0.0;  // right against left
  double error_percent = 0.0;
  bool beyond_error = false;
  std::string words;
};
struct LoadPoint {
  std::int64_t unix_ns = 0;
  std::string plan_id;
  double load = 0.0;
  std::uint32_t reps = 0;
  bool told = false;  // an earlier load that somebody wrote down
};
struct LoadSeries {
  std::string exercise_id;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  std::vector<LoadPoint> points;
};
struct Progress {
  std::string client_id;
  std::vector<TestSeries> tests;
  std::vector<SymmetryPoint> symmetry;  // oldest first
  std::vector<LoadSeries> loads;
  std::vector<std::string> notes;
};
// [record] Everything of one client, over all plans.
[[nodiscard]] PeopleAnswer<Progress> progress_of(const PeopleDesk& desk,
                                                 const std::string& client_id);

}  // namespace medius::station
