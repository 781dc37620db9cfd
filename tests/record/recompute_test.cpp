// Metrics measured again from the samples, stores of the first release, and what stays as it was.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"
#include "controller/record/measuring.hpp"
#include "controller/record/replay.hpp"
#include "controller/record/rows.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

using measure::MetricId;

// Two repetitions of 0.4 m as cosines: up 2 s, hold 0.5 s, down 2 s, bottom 0.5 s, at 60 and 78 N.
struct Recording {
  SetRecord set;
  std::vector<rt::SampleRecord> samples;
};

Recording recording(const std::string& id, const std::string& session) {
  Recording out;
  out.set.id = id;
  out.set.session_id = session;
  out.set.index = 1;
  out.set.profile_id = "eccentric-emphasis";
  out.set.tempo = "2-0.5-2-0.5";
  out.set.start_tick = 1000;
  out.set.end = SetEnd::kCount;
  Random random(8);
  std::uint64_t tick = 1000;
  const auto add = [&](double position_m, double velocity_mps, double force_n) {
    rt::SampleRecord sample;
    sample.tick = tick++;
    sample.position = position_m;
    sample.velocity = velocity_mps;
    sample.force_target = force_n;
    sample.force_measured = force_n + 0.3 * random.normal();
    out.samples.push_back(sample);
  };
  std::uint64_t previous = 0;
  for (std::uint32_t rep = 1; rep <= 2; ++rep) {
    measure::RepBoundary boundary;
    boundary.index = rep;
    boundary.peak_position = 0.4;
    boundary.start_tick = tick;
    const double rate = det::kPi / 2.0;
    for (int i = 0; i < 2000; ++i) {
      add(0.2 - 0.2 * det::cos(rate * 1e-3 * i), 0.2 * rate * det::sin(rate * 1e-3 * i), 60.0);
    }
    boundary.peak_start_tick = tick;
    for (int i = 0; i < 500; ++i) add(0.4, 0.0, 60.0);
    boundary.peak_end_tick = tick;
    for (int i = 0; i < 2000; ++i) {
      add(0.2 + 0.2 * det::cos(rate * 1e-3 * i), -0.2 * rate * det::sin(rate * 1e-3 * i), 78.0);
    }
    boundary.end_tick = tick;
    for (int i = 0; i < 500; ++i) add(0.0, 0.0, 60.0);
    measure::MetricConfig config;
    config.tempo = tempo_of(out.set.tempo);
    config.previous_end_tick = previous;
    describe(out.set, config);
    std::vector<measure::MetricSample> part;
    for (const rt::SampleRecord& sample : out.samples) part.push_back(metric_sample(sample));
    out.set.reps.push_back(measure::analyze_rep(part, boundary, config));
    previous = boundary.end_tick;
  }
  out.set.metrics = set_metrics_of(out.set, {});
  out.set.samples = out.samples.size();
  out.set.end_tick = tick - 1;
  return out;
}

void keep(Store& store, const Recording& of) {
  SessionRecord session;
  session.id = of.set.session_id;
  ASSERT_TRUE(store.put_session(session));
  ASSERT_TRUE(store.open_set(of.set));
  for (std::size_t at = 0; at < of.samples.size(); at += 1000) {
    const std::size_t count = std::min<std::size_t>(1000, of.samples.size() - at);
    ASSERT_TRUE(store.add_samples(of.set.id, std::span(of.samples).subspan(at, count)));
  }
  ASSERT_TRUE(store.close_set(of.set));
}

TEST(Recompute, OfAFreshRecordingChangesNothing) {
  const Recording of = recording(id_text(2), id_text(1));
  const SetRecord again = recompute(of.set, of.samples);
  EXPECT_TRUE(same(again, of.set));
  EXPECT_TRUE(changes(of.set, again).empty());
}

TEST(Recompute, NamesWhatAnOlderDefinitionSaidOtherwise) {
  const Recording of = recording(id_text(2), id_text(1));
  SetRecord old = of.set;
  for (measure::MetricValue& value : old.reps[1].values) {
    if (value.id == MetricId::kWork) {
      value.value = 1.0;
      value.version = 0;
    }
  }
  const auto found = changes(old, recompute(old, of.samples));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].ordinal, 2u);
  EXPECT_EQ(found[0].before.id, MetricId::kWork);
  EXPECT_EQ(found[0].before.value, 1.0);
  EXPECT_EQ(found[0].before.version, 0);
  EXPECT_EQ(found[0].after.version, measure::kEnergyVersion);
  EXPECT_NEAR(found[0].after.value, 24.0, 0.1);
}

TEST(Recompute, SeesOtherSamples) {
  Recording of = recording(id_text(2), id_text(1));
  for (std::size_t i = 0; i < 2000; ++i) of.samples[i].force_measured *= 1.1;
  const auto found = changes(of.set, recompute(of.set, of.samples));
  const auto changed = [&](MetricId id) {
    return std::any_of(found.begin(), found.end(), [&](const MetricChange& change) {
      return change.ordinal == 1 && change.after.id == id &&
             change.before.value != change.after.value;
    });
  };
  EXPECT_TRUE(changed(MetricId::kWork));
  EXPECT_TRUE(changed(MetricId::kRenderedRatio));
  EXPECT_FALSE(changed(MetricId::kSparc));
  EXPECT_FALSE(changed(eccentric(MetricId::kWork)));
}

TEST(Recompute, IsKeptBesideTheSealedSetAndOutlivesARestart) {
  const TempDir folder;
  Recording of = recording(id_text(2), id_text(1));
  SetRecord other;
  {
    auto store = Store::open(folder.store());
    ASSERT_TRUE(store) << store.error().message;
    keep(**store, of);
    const auto samples = (*store)->samples(of.set.id);
    ASSERT_TRUE(samples);
    other = *(*store)->set(of.set.id);
    other.reps[0].concentric.work_j = 99.0;
    other.metrics.clear();
    ASSERT_TRUE((*store)->put_recomputed(other));
    EXPECT_TRUE(same(*(*store)->set(of.set.id), other));
    EXPECT_TRUE(same((*store)->sets_of(of.set.session_id).at(0), other));
    // Closing it once more, as after a lost answer, still finds the sealed one.
    const auto closed = (*store)->close_set(of.set);
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_TRUE(same(closed->set, of.set));
  }
  auto store = Store::open(folder.store());
  ASSERT_TRUE(store);
  EXPECT_TRUE((*store)->opening_report().damaged_ids.empty());
  EXPECT_TRUE(same(*(*store)->set(of.set.id), other));
}

TEST(Recompute, RefusesOtherRepetitionsUnknownAndOpenSets) {
  auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  const Recording of = recording(id_text(2), id_text(1));
  EXPECT_FALSE((*store)->put_recomputed(of.set));
  keep(**store, of);
  SetRecord fewer = of.set;
  fewer.reps.pop_back();
  const auto refused = (*store)->put_recomputed(fewer);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(of.set.id), std::string::npos);
  SetRecord open = of.set;
  open.id = id_text(3);
  ASSERT_TRUE((*store)->open_set(open));
  EXPECT_FALSE((*store)->put_recomputed(open));
}

TEST(Recompute, RowsThatAreCutShortAreRefusedAndLeaveTheSetAlone) {
  const Recording of = recording(id_text(2), id_text(1));
  const std::string bytes = encode_recomputed(of.set);
  SetRecord set = of.set;
  for (std::size_t length = 0; length < bytes.size(); length += 7) {
    ASSERT_FALSE(decode_recomputed(bytes.substr(0, length), set)) << length;
  }
  EXPECT_TRUE(same(set, of.set));
  EXPECT_TRUE(decode_recomputed(bytes, set));
}

// tests/record/store_v1 was written by the program of the first release: one session, one set, two
// repetitions, fifty samples.
TEST(FirstRelease, ItsStoreOpensWithNothingLostAndCanBeRecomputed) {
  const TempDir folder;
  std::filesystem::create_directories(folder.store());
  for (const char* name : {"station.db", "samples.db", "manifest.bin"}) {
    std::filesystem::copy_file(
        std::filesystem::path(MEDIUS_SOURCE_DIR) / "tests/record/store_v1" / name,
        std::filesystem::path(folder.store()) / name);
  }
  auto store = Store::open(folder.store());
  ASSERT_TRUE(store) << store.error().message;
  const StoreReport& report = (*store)->opening_report();
  EXPECT_EQ(report.schema_version, 6);
  EXPECT_TRUE(report.damaged_ids.empty());
  EXPECT_TRUE(report.missing_ids.empty());
  EXPECT_TRUE(report.quarantined.empty());
  const auto sessions = (*store)->sessions(10, "");
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].client_id, "kim");
  EXPECT_TRUE((*store)->guided_of(sessions[0].id).empty());
  const auto sets = (*store)->sets_of(sessions[0].id);
  ASSERT_EQ(sets.size(), 1u);
  ASSERT_EQ(sets[0].reps.size(), 2u);
  EXPECT_EQ(sets[0].reps[1].range, 0.625);
  EXPECT_EQ(sets[0].reps[0].concentric.force_peak, 60.5);
  EXPECT_TRUE(sets[0].reps[0].values.empty());
  EXPECT_TRUE(sets[0].metrics.empty());
  const auto samples = (*store)->samples(sets[0].id);
  ASSERT_TRUE(samples) << samples.error().message;
  EXPECT_FALSE(sets[0].given.known());
  EXPECT_EQ(lacking(sets[0], *samples).size(), 2u) << "neither the row nor the samples know";
  const SetRecord again = recompute(sets[0], *samples);
  EXPECT_FALSE(again.reps[0].values.empty());
  EXPECT_EQ(again.reps[1].range, 0.625) << "the tracker's";
  EXPECT_EQ(changes(sets[0], again)[0].before.version, 0);
  ASSERT_TRUE((*store)->put_recomputed(again));
  EXPECT_TRUE(same(*(*store)->set(sets[0].id), again));
}

}  // namespace
}  // namespace medius::record::test
