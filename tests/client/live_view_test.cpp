#include "client/live_view.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "client/progress.hpp"
#include "client/text.hpp"

namespace medius::client {
namespace {

v1::Station working() {
  v1::Station station;
  station.set_machine("cable station (simulated)");
  station.set_state(v1::STATION_STATE_WORKING);
  station.set_program("programs/glute-med-short");
  station.set_sets_total(2);
  station.mutable_loop()->set_link_fresh(true);
  v1::Set* set = station.mutable_set();
  set->set_name("sessions/a/sets/b");
  set->set_index(1);
  set->set_side(v1::SIDE_LEFT);
  set->set_exercise("cable-standing-abduction");
  set->set_reps_target(8);
  set->set_end(v1::SET_END_OPEN);
  set->mutable_load_start()->set_load_n(60.0);
  set->mutable_profile()->set_profile("eccentric-emphasis");
  station.mutable_prescription()->mutable_load()->set_load_n(60.0);
  v1::Tempo* tempo = station.mutable_prescription()->mutable_tempo();
  tempo->set_concentric_s(2.0);
  tempo->set_hold_s(1.0);
  tempo->set_eccentric_s(3.0);
  v1::AxisState* axis = station.add_axes();
  axis->set_coordinate(v1::COORDINATE_CABLE);
  axis->set_phase(v1::PHASE_CONCENTRIC);
  axis->set_position(0.15);
  axis->set_range_reference(0.30);
  axis->set_force_measured(59.5);
  axis->set_force_target(60.0);
  axis->set_load_applied(60.0);
  axis->set_load_requested(60.0);
  axis->set_reps_counted(3);
  axis->mutable_phase_elapsed()->set_seconds(1);
  return station;
}

std::string joined(const LiveModel& model, const Screen& screen) {
  std::string all;
  for (const std::string& line : live_lines(model, screen)) all += line + "\n";
  return all;
}

void expect_words(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    EXPECT_NE(text.find(word), std::string::npos) << word << " is missing in\n" << text;
  }
}

TEST(LiveView, ShowsWhatATrainerWatches) {
  LiveModel model;
  model.station = working();
  for (int i = 0; i < 50; ++i) model.trace.push_back({60.0 + i % 5, 60.0});
  expect_words(joined(model, {80, 40, false}),
               {"cable station (simulated)", "glute-med-short", "working", "set 1 of 2", "◧□",
                "left", "concentric", "repetition 3 of 8", "1.0 of 2.0 s", "on pace", "59.5 N",
                "60.0 N", "150 mm of 300", "60.0 N in force", "link fresh"});
}

TEST(LiveView, ShowsAnIncreaseThatWaitsForTheBottom) {
  LiveModel model;
  model.station = working();
  model.station.mutable_axes(0)->set_load_requested(70.0);
  model.station.mutable_axes(0)->set_increases_frozen(true);
  expect_words(joined(model, {80, 40, false}),
               {"60.0 N in force, 70.0 N asked for", "increases frozen"});
}

TEST(LiveView, ShowsFaultsWithTheNextStepWarningsAndALostConnection) {
  LiveModel model;
  model.station = working();
  model.station.mutable_fault()->set_name("link-lost");
  model.station.mutable_fault()->set_next_step("check the cable, then press reset");
  model.station.add_warnings("no permission for real-time scheduling");
  model.connected = false;
  expect_words(joined(model, {120, 40, false}),
               {"fault link-lost: check the cable, then press reset",
                "warning: no permission for real-time scheduling", "no connection"});
}

TEST(LiveView, UsesTheUnitsOfALever) {
  LiveModel model;
  model.station = working();
  model.station.mutable_axes(0)->set_coordinate(v1::COORDINATE_LEVER);
  model.station.mutable_axes(0)->set_position(0.5);
  expect_words(joined(model, {80, 40, false}), {"59.5 Nm", "29 deg"});
}

TEST(LiveView, HasNoEscapeCodesWithoutColour) {
  LiveModel model;
  model.station = working();
  EXPECT_EQ(joined(model, {80, 40, false}).find('\x1b'), std::string::npos);
  EXPECT_NE(joined(model, {80, 40, true}).find('\x1b'), std::string::npos) << "negative control";
}

TEST(LiveView, AnEmptyStateIsStillAFrame) {
  EXPECT_FALSE(live_lines({}, {80, 24, true}).empty());
}

RC_GTEST_PROP(LiveView, EveryFrameFitsTheScreen, (double force, double position, double range)) {
  LiveModel model;
  model.station = working();
  v1::AxisState* axis = model.station.mutable_axes(0);
  axis->set_force_measured(force);
  axis->set_position(position);
  axis->set_range_reference(range);
  const auto points = *rc::gen::inRange<int>(0, 400);
  for (int i = 0; i < points; ++i) model.trace.push_back({force, position});
  const Screen screen{*rc::gen::inRange<std::size_t>(1, 200), *rc::gen::inRange<std::size_t>(1, 60),
                      *rc::gen::arbitrary<bool>()};
  const auto lines = live_lines(model, screen);
  RC_ASSERT(lines.size() <= screen.rows);
  for (const std::string& line : lines) RC_ASSERT(width_of(line) <= screen.columns);
}

TEST(Pace, ComparesTheWayWithTheTime) {
  v1::Station station = working();
  v1::AxisState* axis = station.mutable_axes(0);
  EXPECT_EQ(pace_advice(station), "on pace");  // half the way in half the time
  axis->set_position(0.25);
  EXPECT_EQ(pace_advice(station), "slower");
  axis->set_position(0.05);
  EXPECT_EQ(pace_advice(station), "faster");
  axis->set_position(0.15);
  axis->mutable_phase_elapsed()->set_seconds(3);
  EXPECT_EQ(pace_advice(station), "faster") << "beyond its time";
  axis->set_phase(v1::PHASE_ECCENTRIC);
  axis->mutable_phase_elapsed()->set_seconds(1);
  axis->set_position(0.05);
  EXPECT_EQ(pace_advice(station), "slower") << "nearly down after a third of the time";
  axis->set_phase(v1::PHASE_HOLD);
  axis->mutable_phase_elapsed()->set_seconds(0);
  EXPECT_EQ(pace_advice(station), "hold 1.0 s");
  axis->set_phase(v1::PHASE_BOTTOM);
  EXPECT_EQ(pace_advice(station), "") << "not prescribed";
  axis->set_phase(v1::PHASE_CONCENTRIC);
  station.set_state(v1::STATION_STATE_RESTING);
  EXPECT_EQ(pace_advice(station), "");
}

v1::Repetition repetition(std::uint32_t index) {
  v1::Repetition rep;
  rep.set_index(index);
  rep.set_kind(v1::REP_KIND_FULL);
  rep.set_rendered_ratio(1.3);
  rep.set_range(0.298);
  rep.mutable_concentric()->set_force_mean_time(60.1);
  rep.mutable_concentric()->set_duration_s(2.0);
  rep.mutable_eccentric()->set_force_mean_time(78.2);
  rep.mutable_eccentric()->set_duration_s(3.1);
  return rep;
}

TEST(Progress, SaysEachRepetitionOnceAlsoWhenStatesAreSkipped) {
  Progress progress;
  v1::Station station = working();
  static_cast<void>(progress.update(station));
  *station.mutable_set()->add_repetitions() = repetition(1);
  *station.mutable_set()->add_repetitions() = repetition(2);
  const auto lines = progress.update(station);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(
      lines[1],
      "left repetition 2 of 8: concentric 60.1 N, eccentric 78.2 N, ratio 1.30, range 298 mm, "
      "2.0-0.0-3.1 s");
  EXPECT_TRUE(progress.update(station).empty());
}

TEST(Progress, SaysChangesOfStateLoadAndTroubleOnce) {
  Progress progress;
  v1::Station station = working();
  auto lines = progress.update(station);
  EXPECT_EQ(lines, (std::vector<std::string>{"working, set 1 of 2, left", "load 60.0 N in force"}));
  station.mutable_axes(0)->set_load_requested(70.0);
  lines = progress.update(station);
  EXPECT_EQ(lines, (std::vector<std::string>{"load 70.0 N asked for"}));
  station.mutable_axes(0)->set_load_applied(70.0);
  EXPECT_EQ(progress.update(station), (std::vector<std::string>{"load 70.0 N in force"}));
  station.add_warnings("w");
  EXPECT_EQ(progress.update(station), (std::vector<std::string>{"warning: w"}));
  EXPECT_TRUE(progress.update(station).empty());
}

TEST(Progress, SaysTheEndOfASetAfterItsLastRepetition) {
  Progress progress;
  v1::Station station = working();
  static_cast<void>(progress.update(station));
  station.mutable_set()->set_end(v1::SET_END_COUNT);
  station.mutable_set()->set_reps_counted(2);
  *station.mutable_set()->add_repetitions() = repetition(1);
  EXPECT_EQ(progress.update(station).size(), 1u) << "its figures are still to come";
  *station.mutable_set()->add_repetitions() = repetition(2);
  const auto lines = progress.update(station);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with("left repetition 2"));
  EXPECT_EQ(lines[1], "set 1 left ended, all repetitions: 2 repetitions");
  EXPECT_TRUE(progress.update(station).empty());
}

TEST(Progress, SaysTheEndOfASetWithoutFiguresOnceItIsLeft) {
  Progress progress;
  v1::Station station = working();
  static_cast<void>(progress.update(station));
  station.mutable_set()->set_end(v1::SET_END_FAULT);
  station.mutable_set()->set_reps_counted(2);
  EXPECT_TRUE(progress.update(station).empty());
  station.set_state(v1::STATION_STATE_FAULT);
  const auto lines = progress.update(station);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "set 1 left ended, fault: 2 repetitions");
}

TEST(Progress, ASetThatHadEndedBeforeTheFirstLookIsNotToldAgain) {
  Progress progress;
  v1::Station station = working();
  station.set_state(v1::STATION_STATE_IDLE);
  station.mutable_set()->set_end(v1::SET_END_COUNT);
  *station.mutable_set()->add_repetitions() = repetition(1);
  EXPECT_EQ(progress.update(station), (std::vector<std::string>{"idle"}));
}

TEST(Progress, ANewSetStartsItsRepetitionsAnew) {
  Progress progress;
  v1::Station station = working();
  *station.mutable_set()->add_repetitions() = repetition(1);
  static_cast<void>(progress.update(station));
  station.mutable_set()->set_name("sessions/a/sets/c");
  station.mutable_set()->set_side(v1::SIDE_RIGHT);
  const auto lines = progress.update(station);
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("right repetition 1");
  }));
}

v1::Station guided() {
  v1::Station station;
  station.set_machine("cable station (simulated)");
  station.set_state(v1::STATION_STATE_GUIDED);
  station.set_sets_total(10);
  station.add_axes()->set_coordinate(v1::COORDINATE_CABLE);
  v1::GuidedExercise* exercise = station.mutable_guided();
  exercise->set_name("sessions/a/guided/b");
  exercise->set_index(7);
  exercise->set_exercise("clamshell");
  exercise->set_side(v1::SIDE_RIGHT);
  exercise->set_reps_asked(12);
  exercise->set_end(v1::GUIDED_END_OPEN);
  station.mutable_prescription()->set_guided(true);
  station.mutable_prescription()->set_cue("no backward roll");
  v1::Pace* pace = station.mutable_pace();
  pace->set_phase(v1::PACE_PHASE_LOWER);
  pace->set_repetition(4);
  pace->mutable_phase_elapsed()->set_seconds(1);
  pace->mutable_phase_duration()->set_seconds(3);
  pace->mutable_remaining()->set_seconds(40);
  return station;
}

TEST(LiveView, PacesWhatNeedsNoMachineAndShowsNoForce) {
  LiveModel model;
  model.station = guided();
  const std::string text = joined(model, {100, 40, false});
  expect_words(
      text, {"without the machine", "exercise 7 of 10", "right", "clamshell", "12 asked",
             "no backward roll", "lower  4 of 12", "1.0 of 3.0 s", "40 s left", "medius confirm"});
  EXPECT_EQ(text.find("force"), std::string::npos) << "nothing of the machine is in use";
  EXPECT_EQ(text.find("repetition 4"), std::string::npos) << "the pace is no count";
}

TEST(Progress, SaysOnceThatTheTimeIsOverAndWhatWasConfirmed) {
  Progress progress;
  v1::Station station = guided();
  std::string all;
  const auto say = [&] {
    for (const std::string& line : progress.update(station)) all += line + "\n";
  };
  say();
  station.mutable_pace()->set_phase(v1::PACE_PHASE_OVER);
  say();
  say();
  station.set_state(v1::STATION_STATE_RESTING);
  station.clear_pace();
  station.mutable_guided()->set_end(v1::GUIDED_END_CONFIRMED);
  station.mutable_guided()->set_reps_confirmed(11);
  station.mutable_guided()->set_confirmed_by("operator panel");
  say();
  say();
  expect_words(all, {"without the machine, 7 of 10", "its time is over",
                     "clamshell right confirmed: 11 of 12 asked, by operator panel"});
  EXPECT_EQ(all.find("its time is over"), all.rfind("its time is over"));
  EXPECT_EQ(all.find("clamshell right confirmed"), all.rfind("clamshell right confirmed"));
}

}  // namespace
}  // namespace medius::client
