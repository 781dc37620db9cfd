#include "controller/api/convert.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace medius::api {
namespace {

v1::OrderHeader good_header() {
  v1::OrderHeader header;
  header.set_request_id("a1");
  header.set_client_name("tablet");
  return header;
}

v1::Prescription good_prescription() {
  v1::Prescription prescription;
  prescription.set_exercise("cable-standing-abduction");
  prescription.add_sides(v1::SIDE_LEFT);
  prescription.set_reps(8);
  prescription.mutable_load()->set_load_n(60.0);
  prescription.mutable_tempo()->set_concentric_s(2.0);
  prescription.mutable_rest()->set_seconds(60);
  prescription.mutable_profile()->set_profile("profiles/eccentric-emphasis");
  (*prescription.mutable_profile()->mutable_parameters())["eccentric_ratio"] = 1.3;
  return prescription;
}

// What the station's block carries comes back from the wire as it went.
station::ProgramBlock there_and_back(const station::ProgramBlock& block) {
  v1::Prescription prescription;
  prescription_to_pb(block, &prescription);
  const auto back = prescription_from_pb(prescription);
  EXPECT_TRUE(back) << (back ? "" : back.error());
  return back.value_or(station::ProgramBlock{});
}

TEST(Prescriptions, CarryTheHoldsOfAnIsometricTest) {
  station::ProgramBlock block;
  block.exercise_id = "cable-standing-abduction";
  block.sides = {record::Side::kLeft};
  block.reps = 3;
  block.load = 195.0;
  block.hold_s = 4.5;
  block.rest_s = 0.3;
  block.profile.id = "isometric";
  const station::ProgramBlock back = there_and_back(block);
  EXPECT_EQ(back.hold_s, 4.5);
  EXPECT_EQ(back.reps, 3u);
  EXPECT_EQ(back.load, 195.0);
  EXPECT_NEAR(back.rest_s, 0.3, 1e-9);
  EXPECT_FALSE(back.guided);
}

TEST(Prescriptions, CarryAnExerciseWithoutTheMachine) {
  station::ProgramBlock block;
  block.exercise_id = "side-plank-leg-lift";
  block.sides = {record::Side::kLeft, record::Side::kRight};
  block.reps = 10;
  block.duration_s = 30.0;
  block.guided = true;
  block.warm_up = true;
  block.cue = "a straight line from head to foot";
  const station::ProgramBlock back = there_and_back(block);
  EXPECT_TRUE(back.guided);
  EXPECT_TRUE(back.warm_up);
  EXPECT_EQ(back.duration_s, 30.0);
  EXPECT_EQ(back.cue, block.cue);
  EXPECT_EQ(back.sides, block.sides);
  EXPECT_TRUE(back.profile.id.empty());
}

TEST(Prescriptions, OfAProgramSayWhatTheyAreForAndHowTheyGoOn) {
  station::ProgramBlock block;
  block.goal = station::Goal::kHypertrophy;
  block.progression = station::Progression::kTwoForTwo;
  v1::Prescription out;
  prescription_to_pb(block, &out);
  EXPECT_EQ(out.goal(), v1::GOAL_HYPERTROPHY);
  EXPECT_EQ(out.progression(), v1::PROGRESSION_TWO_FOR_TWO);
}

TEST(Prescriptions, MixNoLoadWithAnExerciseWithoutTheMachineAndHoldNothingForEver) {
  auto loaded = good_prescription();
  loaded.set_guided(true);
  EXPECT_FALSE(prescription_from_pb(loaded));
  auto timed = good_prescription();
  timed.mutable_duration()->set_seconds(30);
  EXPECT_FALSE(prescription_from_pb(timed));
  for (const int seconds : {-1, 121}) {
    auto held = good_prescription();
    held.mutable_hold()->set_seconds(seconds);
    EXPECT_FALSE(prescription_from_pb(held)) << seconds;
  }
}

TEST(Shape, NamesAnExerciseByItsIdOrItsResourceName) {
  EXPECT_EQ(*guided_id_from_pb(""), "");
  EXPECT_EQ(*guided_id_from_pb("0123"), "0123");
  EXPECT_EQ(*guided_id_from_pb("sessions/a/guided/0123"), "0123");
  EXPECT_FALSE(guided_id_from_pb(std::string(65, 'x')));
  EXPECT_FALSE(reason_from_pb("a\nb"));
  EXPECT_FALSE(reason_from_pb(std::string(201, 'x')));
  EXPECT_TRUE(reason_from_pb(std::string(200, 'x')));
}

TEST(Shape, AGoodHeaderPasses) {
  const auto header = header_from_pb(good_header());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->request_id, "a1");
  EXPECT_FALSE(header->expected_version);
}

TEST(Shape, RequestIdsAreOneToSixtyFourPrintableCharacters) {
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a\nb"),
                                std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    auto header = good_header();
    header.set_request_id(id);
    EXPECT_FALSE(header_from_pb(header)) << id;
  }
  auto header = good_header();
  header.set_request_id(std::string(64, 'x'));
  EXPECT_TRUE(header_from_pb(header));
}

TEST(Shape, TimeToLiveIsTwoSecondsUnlessGivenAndBounded) {
  auto header = good_header();
  EXPECT_EQ(*time_to_live_ns(header), 2'000'000'000);
  header.mutable_time_to_live()->set_nanos(5'000'000);
  EXPECT_EQ(*time_to_live_ns(header), 5'000'000);
  for (const auto& [seconds, nanos] : {std::pair{0, 0}, {-1, 0}, {61, 0}, {60, 1}, {1, -1}}) {
    header.mutable_time_to_live()->set_seconds(seconds);
    header.mutable_time_to_live()->set_nanos(nanos);
    EXPECT_FALSE(time_to_live_ns(header)) << seconds << " s " << nanos << " ns";
  }
  header.mutable_time_to_live()->set_seconds(std::numeric_limits<std::int64_t>::max());
  header.mutable_time_to_live()->set_nanos(0);
  EXPECT_FALSE(time_to_live_ns(header));
}

TEST(Shape, ALoadNeedsAUnitAndAFiniteValue) {
  v1::Load load;
  const auto unset = load_from_pb(load);
  ASSERT_FALSE(unset);
  EXPECT_NE(unset.error().find("load_n"), std::string::npos);
  load.set_load_nm(40.0);
  EXPECT_EQ(load_from_pb(load)->coordinate, hal::CoordinateKind::kLever);
  for (const double value : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    load.set_load_n(value);
    EXPECT_FALSE(load_from_pb(load)) << value;
  }
  load.set_load_n(0.0);
  EXPECT_TRUE(load_from_pb(load));
}

TEST(Shape, AGoodPrescriptionComesThroughWhole) {
  const auto block = prescription_from_pb(good_prescription());
  ASSERT_TRUE(block) << block.error();
  EXPECT_EQ(block->profile.id, "eccentric-emphasis");
  EXPECT_EQ(block->profile.parameters.at("eccentric_ratio"), 1.3);
  EXPECT_EQ(block->sets, 1u);
  EXPECT_EQ(block->rest_s, 60.0);
  v1::Prescription again;
  prescription_to_pb(*block, &again);
  EXPECT_EQ(again.reps(), 8u);
  EXPECT_EQ(again.load().load_n(), 60.0);
}

TEST(Shape, EachBrokenFieldOfAPrescriptionIsNamed) {
  const auto refused = [](const auto& spoil, const std::string& word) {
    auto prescription = good_prescription();
    spoil(prescription);
    const auto block = prescription_from_pb(prescription);
    ASSERT_FALSE(block) << word;
    EXPECT_NE(block.error().find(word), std::string::npos) << block.error();
  };
  refused([](auto& p) { p.clear_sides(); }, "sides");
  refused([](auto& p) { p.set_sides(0, static_cast<v1::Side>(9)); }, "sides");
  refused([](auto& p) { p.set_reps(0); }, "reps");
  refused([](auto& p) { p.set_reps(100000); }, "reps");
  refused([](auto& p) { p.clear_load(); }, "load");
  refused([](auto& p) { p.mutable_tempo()->set_eccentric_s(std::nan("")); }, "eccentric_s");
  refused([](auto& p) { p.mutable_tempo()->set_hold_s(-1.0); }, "hold_s");
  refused([](auto& p) { p.mutable_rest()->set_seconds(-1); }, "rest");
  refused([](auto& p) { p.mutable_rest()->set_nanos(-1); }, "rest");
  refused([](auto& p) { p.set_range_target(std::nan("")); }, "range_target");
  refused([](auto& p) { p.mutable_profile()->clear_profile(); }, "profile");
  refused([](auto& p) { (*p.mutable_profile()->mutable_parameters())["x"] = std::nan(""); }, "x");
  refused(
      [](auto& p) {
        for (int i = 0; i < 40; ++i) {
          (*p.mutable_profile()->mutable_parameters())["p" + std::to_string(i)] = 1.0;
        }
      },
      "parameters");
}

TEST(Shape, ResourceNamesAreTakenApart) {
  EXPECT_EQ(*id_from_pb("programs", "programs/glute-med"), "glute-med");
  for (const char* name : {"", "glute-med", "programs/", "programs/../x", "programs/a/b",
                           "sessions/a", "programs/a b"}) {
    EXPECT_FALSE(id_from_pb("programs", name)) << name;
  }
  const auto set = set_name_from_pb("sessions/0a/sets/0b");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->session, "0a");
  EXPECT_EQ(set->set, "0b");
  for (const char* name : {"sessions/0a", "sessions/0a/sets/", "sets/0b", "sessions//sets/0b",
                           "sessions/0a/sets/0b/sets/0c"}) {
    EXPECT_FALSE(set_name_from_pb(name)) << name;
  }
}

TEST(Status, EveryRefusalHasItsCodeAndKeepsItsSentence) {
  using station::RefusalCode;
  const std::pair<RefusalCode, grpc::StatusCode> codes[] = {
      {RefusalCode::kInvalid, grpc::StatusCode::INVALID_ARGUMENT},
      {RefusalCode::kNotFound, grpc::StatusCode::NOT_FOUND},
      {RefusalCode::kWrongState, grpc::StatusCode::FAILED_PRECONDITION},
      {RefusalCode::kVersionConflict, grpc::StatusCode::ABORTED},
      {RefusalCode::kOverLimit, grpc::StatusCode::OUT_OF_RANGE},
      {RefusalCode::kExpired, grpc::StatusCode::DEADLINE_EXCEEDED},
      {RefusalCode::kBusy, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {RefusalCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
  };
  for (const auto& [refusal, expected] : codes) {
    const grpc::Status status = status_of({refusal, "because"});
    EXPECT_EQ(status.error_code(), expected);
    EXPECT_EQ(status.error_message(), "because");
  }
}

TEST(State, StoredSetsAreNamedAlsoAfterTheirSession) {
  station::Snapshot snapshot;
  snapshot.stored_session_id = "0a";
  snapshot.stored_set_ids = {"0b"};
  v1::Station out;
  station_to_pb(snapshot, {"stations/local", "/data"}, &out);
  EXPECT_EQ(out.session(), "");
  ASSERT_EQ(out.stored_sets_size(), 1);
  EXPECT_EQ(out.stored_sets(0), "sessions/0a/sets/0b");
}

TEST(State, ASnapshotKeepsItsLastRepetitionsAndItsTempo) {
  station::Snapshot snapshot;
  snapshot.session_id = "s";
  snapshot.loop.axis_count = 1;
  snapshot.loop.axis[0].limits = safety::kLimitTank | safety::kLimitSlew;
  snapshot.set.emplace();
  snapshot.set->session_id = "s";
  snapshot.set->id = "t";
  snapshot.set->tempo = "2-1-3-0.5";
  for (std::uint32_t i = 1; i <= 9; ++i) {
    measure::RepMetrics rep;
    rep.index = i;
    rep.quality = measure::kQualityTempoFast;
    snapshot.set->reps.push_back(rep);
  }
  v1::Station out;
  station_to_pb(snapshot, {"stations/local", "/data"}, &out);
  EXPECT_EQ(out.set().name(), "sessions/s/sets/t");
  ASSERT_EQ(out.set().repetitions_size(), static_cast<int>(kStationReps));
  EXPECT_EQ(out.set().repetitions(4).index(), 9u);
  EXPECT_EQ(out.set().repetitions(0).quality(0), "tempo-fast");
  EXPECT_EQ(out.set().tempo().eccentric_s(), 3.0);
  EXPECT_EQ(out.set().tempo().bottom_s(), 0.5);
  ASSERT_EQ(out.axes_size(), 1);
  EXPECT_EQ(out.axes(0).limits_size(), 2);
  EXPECT_FALSE(out.has_fault());
}

}  // namespace
}  // namespace medius::api
