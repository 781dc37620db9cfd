// What stands between a set that was made and a set that is acknowledged, step by step: sequence
// numbers, ids, journal, manifest.
#include <filesystem>

#include <gtest/gtest.h>

#include "controller/record/disk.hpp"
#include "controller/record/manifest.hpp"
#include "controller/record/rows.hpp"
#include "controller/record/sample_block.hpp"
#include "controller/record/store.hpp"
#include "sim/disk/simulated_disk.hpp"
#include "tests/record/fixtures.hpp"
#include "tests/record/opened.hpp"

namespace medius::record::test {
namespace {

namespace fs = std::filesystem;

SetRecord a_set(Store& store, Random& random) {
  SetRecord set = random_set(random, *store.next_id(), *store.next_id());
  if (set.end == SetEnd::kOpen) set.end = SetEnd::kCount;
  return set;
}

int open_files() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// ---- sequence and counts --------------------------------------------------------------------
TEST(CommitPath, EveryAcknowledgedWriteHasTheNextSequence) {
  TempDir dir;
  Random random(1);
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  const SessionRecord session = random_session(random, *store->next_id());
  ASSERT_TRUE(store->put_session(session));
  const SetRecord first = a_set(*store, random);
  ASSERT_TRUE(store->open_set(first)) << "an open set is no acknowledged one";
  EXPECT_EQ(store->close_set(first)->sequence, 2u);
  EXPECT_EQ(store->close_set(first)->sequence, 2u) << "said again, not made again";
  ASSERT_TRUE(store->put_session(session));
  ASSERT_TRUE(store->put_session(session));
  EXPECT_EQ(store->close_set(a_set(*store, random))->sequence, 5u);
  EXPECT_EQ(store->close_set(a_set(*store, random))->sequence, 6u);
}

TEST(CommitPath, TheReportCountsSetsAndSessionsOnce) {
  TempDir dir;
  Random random(2);
  {
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    const SessionRecord session = random_session(random, *store->next_id());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->put_session(session));
    EXPECT_EQ(store->opening_report().sessions, 1u);
    ASSERT_TRUE(store->put_session(random_session(random, *store->next_id())));
    EXPECT_EQ(store->opening_report().sessions, 2u);
    const SetRecord set = a_set(*store, random);
    ASSERT_TRUE(store->close_set(set));
    ASSERT_TRUE(store->close_set(set));
    EXPECT_EQ(store->opening_report().sets, 1u);
    EXPECT_EQ(store->opening_report().rows_damaged, 0u);
  }
  const auto store = opened(dir.store());
  EXPECT_EQ(store->opening_report().sessions, 2u);
  EXPECT_EQ(store->opening_report().sets, 1u);
}

// The manifest that a store leaves behind, and what the next one finds in it.
TEST(CommitPath, TheManifestNamesTheLastSetTheCountAndTheIds) {
  TempDir dir;
  Random random(3);
  std::string last_id;
  {
    const auto store = opened(dir.store());
    for (int i = 0; i < 3; ++i) {
      const SetRecord set = a_set(*store, random);
      last_id = set.id;
      ASSERT_TRUE(store->close_set(set));
    }
  }
  const auto manifest = Manifest::open(dir.store() + "/manifest.bin");
  ASSERT_TRUE(manifest);
  EXPECT_TRUE(manifest->found);
  EXPECT_EQ(manifest->state.last_set_id, id_number(last_id));
  EXPECT_EQ(manifest->state.set_count, 3u);
  EXPECT_EQ(manifest->state.sequence, 3u);
  ASSERT_EQ(manifest->state.recent.size(), 3u);
  EXPECT_EQ(manifest->state.recent.back().id, id_number(last_id));
  EXPECT_EQ(manifest->state.recent.back().sequence, 3u);
  EXPECT_GE(manifest->state.id_high_water, id_number(last_id) + 1);
}

// ---- ids ------------------------------------------------------------------------------------
TEST(CommitPath, IdsInARowAreFreeAndNeighbours) {
  TempDir dir;
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  std::uint64_t next = id_number(*store->next_id()) + 1;
  for (const std::uint64_t count : {1u, 7u, 63u, 64u, 65u, 500u}) {
    const auto first = store->next_ids(count);
    ASSERT_TRUE(first);
    EXPECT_EQ(id_number(*first), next) << count;
    next += count;
    EXPECT_EQ(id_number(*store->next_id()), next++) << "after " << count;
    // All that were given out are reserved on the disk, and no more than a batch beyond.
    const auto manifest = Manifest::open(dir.store() + "/manifest.bin");
    ASSERT_TRUE(manifest);
    EXPECT_GE(manifest->state.id_high_water, next - 1);
    EXPECT_LT(manifest->state.id_high_water, next + 128);
  }
  EXPECT_FALSE(store->next_ids(0));
}

// The database keeps the reservation, too: without a manifest ids go on from there, without both
// they go on in a range of their own.
TEST(CommitPath, IdsGoOnFromTheDatabaseWhenTheManifestIsLost) {
  TempDir dir;
  std::uint64_t last = 0;
  for (const bool both : {false, false, true, true}) {
    {
      const auto store = opened(dir.store());
      ASSERT_TRUE(store);
      for (int i = 0; i < 10; ++i) {
        const std::uint64_t id = id_number(*store->next_id());
        ASSERT_GT(id, last);
        last = id;
      }
    }
    fs::remove(dir.store() + "/manifest.bin");
    if (both) write_file(dir.store() + "/station.db", std::string(9000, 'x'));
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    const std::uint64_t next = id_number(*store->next_id());
    EXPECT_GT(next, last);
    constexpr std::uint64_t kGap = 4'000'000;  // a start leaves a million out
    EXPECT_EQ(next - last > kGap, both) << next << " after " << last;
    last = next;
  }
}

TEST(CommitPath, AFreshStoreBeginsWithTheFirstId) {
  TempDir dir;
  EXPECT_EQ(*opened(dir.store())->next_id(), id_text(1));
}

TEST(Ids, OfWhatIsNoneIsZero) {
  EXPECT_EQ(id_number("no id"), 0u);
  EXPECT_EQ(id_number(""), 0u);
}

// ---- journal --------------------------------------------------------------------------------
TEST(CommitPath, ASetThatIsClosedWithFewerRepetitionsThanItsJournalHasThose) {
  TempDir dir;
  Random random(4);
  SetRecord set;
  {
    const auto store = opened(dir.store());
    set = a_set(*store, random);
    set.reps = {random_rep(random), random_rep(random), random_rep(random)};
    ASSERT_TRUE(store->open_set(set));
    for (const auto& rep : set.reps) ASSERT_TRUE(store->add_rep(set.id, rep));
    set.reps.pop_back();
    ASSERT_TRUE(store->close_set(set));
    EXPECT_FALSE(store->add_rep(set.id, set.reps.front())) << "closed is closed";
  }
  const auto store = opened(dir.store());
  const auto found = store->set(set.id);
  ASSERT_TRUE(found);
  EXPECT_TRUE(same(*found, set));
  EXPECT_EQ(store->opening_report().rows_damaged, 0u);
}

TEST(CommitPath, AnOpenSetIsReadAsOpenWhateverItsRecordSaid) {
  Random random(5);
  const auto store = std::move(*Store::open_in_memory());
  SetRecord set = a_set(*store, random);
  set.end = SetEnd::kCount;
  ASSERT_TRUE(store->open_set(set));
  ASSERT_TRUE(store->open_set(set)) << "said again";
  const auto found = store->set(set.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->end, SetEnd::kOpen);
  EXPECT_TRUE(found->reps.empty());
}

TEST(CommitPath, ABlockMayHaveAsManySamplesAsFit) {
  TempDir dir;
  Random random(6);
  const auto store = opened(dir.store());
  const SetRecord set = a_set(*store, random);
  ASSERT_TRUE(store->open_set(set));
  const auto samples = random_samples(random, kMaxBlockSamples);
  ASSERT_TRUE(store->add_samples(set.id, samples));
  ASSERT_TRUE(store->close_set(set));
  const auto back = store->samples(set.id);
  ASSERT_TRUE(back);
  EXPECT_TRUE(same(*back, samples));
}

// ---- rows -----------------------------------------------------------------------------------
TEST(Rows, HoldAsManyParametersAndMetricsAsAreAllowedAndNotOneMore) {
  Random random(7);
  SetRecord set = random_set(random, id_text(1), id_text(2));
  set.reps.clear();
  for (const std::size_t count : {1024u, 1025u}) {
    SetRecord many = set;
    many.parameters.assign(count, {"p", 1.0});
    EXPECT_EQ(decode_set(encode_set(many, {})).has_value(), count == 1024u);
    many = set;
    many.metrics.assign(count, measure::MetricValue{});
    EXPECT_EQ(decode_set(encode_set(many, {})).has_value(), count == 1024u);
  }
}

TEST(Rows, OfAnUnknownVersionAreRefused) {
  Random random(8);
  std::string set = encode_set(random_set(random, id_text(1), id_text(2)), {});
  std::string rep = encode_rep(random_rep(random));
  std::string session = encode_session(random_session(random, id_text(3)));
  for (const char version : {'\0', '\x10', '\x7f'}) {
    set[0] = rep[0] = session[0] = version;
    EXPECT_FALSE(decode_set(set)) << int{version};
    EXPECT_FALSE(decode_rep(rep)) << int{version};
    EXPECT_FALSE(decode_session(session)) << int{version};
  }
}

// The byte in which two rows differ that differ in one field.
std::size_t place_of(const std::string& a, const std::string& b) {
  EXPECT_EQ(a.size(), b.size());
  std::size_t at = 0;
  while (at < a.size() && a[at] == b[at]) ++at;
  EXPECT_LT(at, a.size());
  return at;
}

TEST(Rows, WithAnUnknownWordInAnyOfTheirEnumsAreRefused) {
  Random random(9);
  SetRecord set = random_set(random, id_text(1), id_text(2));
  set.reps.clear();
  set.side = Side::kLeft;
  set.coordinate = hal::CoordinateKind::kCable;
  set.end = SetEnd::kCount;
  const std::string row = encode_set(set, {});
  std::vector<SetRecord> others(3, set);
  others[0].side = Side::kBoth;
  others[1].coordinate = hal::CoordinateKind::kLever;
  others[2].end = SetEnd::kInterrupted;
  for (const SetRecord& other : others) {
    std::string damaged = row;
    damaged[place_of(row, encode_set(other, {}))] = '\x7f';
    EXPECT_FALSE(decode_set(damaged));
  }
  measure::RepMetrics rep = random_rep(random);
  rep.kind = measure::RepKind::kFull;
  rep.rejection = measure::RepRejection::kNone;
  const std::string rep_row = encode_rep(rep);
  measure::RepMetrics kind = rep, rejection = rep;
  kind.kind = measure::RepKind::kRejected;
  rejection.rejection = measure::RepRejection::kLinkLost;
  for (const measure::RepMetrics& other : {kind, rejection}) {
    std::string damaged = rep_row;
    damaged[place_of(rep_row, encode_rep(other))] = '\x7f';
    EXPECT_FALSE(decode_rep(damaged));
  }
}

// ---- manifest -------------------------------------------------------------------------------
TEST(Manifest, SaysWhetherItWasThereAndWhetherAnythingWasInIt) {
  TempDir dir;
  const std::string path = (dir.path() / "manifest.bin").string();
  ManifestState state;
  state.sequence = 7;
  {
    const auto fresh = Manifest::open(path);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->existed);
    EXPECT_FALSE(fresh->found);
    EXPECT_FALSE(fresh->unreadable);
    EXPECT_TRUE(fresh->first_write_torn) << "empty";
    ASSERT_TRUE(fresh->manifest->write(state));
  }
  const auto again = Manifest::open(path);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->existed);
  EXPECT_TRUE(again->found);
  EXPECT_FALSE(again->unreadable);
  EXPECT_FALSE(again->first_write_torn);
  EXPECT_EQ(again->state.sequence, 7u);
  EXPECT_EQ(again->damaged_slots, 0);
}

TEST(Manifest, OfBadBytesInItsFirstSlotAloneWasNeverWrittenWhole) {
  TempDir dir;
  const std::string path = (dir.path() / "manifest.bin").string();
  for (const std::size_t size : {100u, 4096u, 4097u, 8192u}) {
    write_file(path, std::string(size, '\x55'));
    const auto opened = Manifest::open(path);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->existed);
    EXPECT_FALSE(opened->found);
    EXPECT_FALSE(opened->unreadable);
    EXPECT_EQ(opened->first_write_torn, size <= 4096u) << size;
    EXPECT_EQ(opened->damaged_slots, static_cast<int>(size / 4096)) << size;
  }
}

TEST(Manifest, WritesItsSlotsInTurnSoThatTheStateBeforeOutlivesTheNewest) {
  TempDir dir;
  const std::string path = (dir.path() / "manifest.bin").string();
  std::uint64_t sequence = 0;
  for (const int writes : {2, 1, 3, 2, 5}) {  // each by a manifest of its own
    std::string before;
    {
      const auto opened = Manifest::open(path);
      ASSERT_TRUE(opened);
      EXPECT_EQ(opened->state.sequence, sequence);
      for (int i = 0; i < writes; ++i) {
        before = read_file(path);
        ManifestState state;
        state.sequence = ++sequence;
        ASSERT_TRUE(opened->manifest->write(state));
      }
    }
    const std::string after = read_file(path);
    for (const std::size_t slot : {0u, 4096u}) {
      std::string torn = after;
      torn[slot + 200] = '\x55';
      write_file(path, torn);
      const auto found = Manifest::open(path);
      ASSERT_TRUE(found);
      const bool newest = before.compare(slot, 4096, after, slot, 4096) != 0;
      EXPECT_EQ(found->state.sequence, newest ? sequence - 1 : sequence);
      EXPECT_EQ(found->damaged_slots, 1);
      EXPECT_FALSE(found->first_write_torn);
    }
    write_file(path, after);
  }
}

TEST(Manifest, NamesTheLastWritesUpToItsBound) {
  ManifestState state;
  for (std::uint64_t i = 1; i <= kManifestNames; ++i) state.remember({i, 2 * i});
  ASSERT_EQ(state.recent.size(), kManifestNames);
  EXPECT_EQ(state.recent.front().sequence, 1u);
  state.remember({kManifestNames + 1, 9});
  ASSERT_EQ(state.recent.size(), kManifestNames);
  EXPECT_EQ(state.recent.front().sequence, 2u);
  EXPECT_EQ(state.recent.back().id, 9u);
}

TEST(Manifest, LeavesNoFileOpen) {
  TempDir dir;
  const std::string path = (dir.path() / "manifest.bin").string();
  const int before = open_files();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Manifest::open(path)->manifest->write({}));
  EXPECT_EQ(open_files(), before);
}

// A disk that does not answer says nothing about what is on it.
TEST(Manifest, OnADiskThatAnswersWithErrorsIsUnreadableAndNotEmpty) {
  sim::SimulatedDisk disk(1);
  for (const bool written : {false, true}) {
    if (written) {
      const auto opened = Manifest::open("/manifest.bin", disk.vfs());
      ASSERT_TRUE(opened);
      ManifestState state;
      state.sequence = 1;
      ASSERT_TRUE(opened->manifest->write(state));
      state.sequence = 2;
      ASSERT_TRUE(opened->manifest->write(state));
    }
    for (const sim::DiskFailure& failure :
         {sim::DiskFailure{mask(sim::DiskCall::kSize), 1, false},
          sim::DiskFailure{mask(sim::DiskCall::kRead), 1, false},
          sim::DiskFailure{mask(sim::DiskCall::kRead), 2, false}}) {
      disk.fail(failure);
      const auto opened = Manifest::open("/manifest.bin", disk.vfs());
      disk.heal();
      ASSERT_TRUE(opened);
      EXPECT_TRUE(opened->unreadable);
      EXPECT_FALSE(opened->first_write_torn);
      EXPECT_EQ(opened->damaged_slots, 0);
      EXPECT_EQ(opened->found, written) << "the other slot still speaks";
    }
  }
}

TEST(Manifest, AWriteThatFailsGoesToTheSameSlotAgain) {
  sim::SimulatedDisk disk(2);
  ManifestState state;
  {
    const auto opened = Manifest::open("/manifest.bin", disk.vfs());
    ASSERT_TRUE(opened);
    for (state.sequence = 1; state.sequence <= 4; ++state.sequence) {
      ASSERT_TRUE(opened->manifest->write(state));
    }
    const std::string good = disk.files().at("/manifest.bin");
    for (const sim::DiskCall call : {sim::DiskCall::kWrite, sim::DiskCall::kSync}) {
      disk.fail({mask(call), 1, false});
      EXPECT_FALSE(opened->manifest->write(state));
      disk.heal();
    }
    ASSERT_TRUE(opened->manifest->write(state));
    const std::string now = disk.files().at("/manifest.bin");
    const bool first = good.compare(0, 4096, now, 0, 4096) == 0;
    const bool second = good.compare(4096, 4096, now, 4096, 4096) == 0;
    EXPECT_NE(first, second) << "one slot is as it was";
  }
  EXPECT_EQ(Manifest::open("/manifest.bin", disk.vfs())->state.sequence, 5u);
}

TEST(Disk, ThatFailsToOpenWriteSyncOrReadDoesNotAnswer) {
  sim::SimulatedDisk disk(3);
  EXPECT_TRUE(disk_answers(disk, ""));
  for (const sim::DiskCall call :
       {sim::DiskCall::kOpen, sim::DiskCall::kWrite, sim::DiskCall::kSync, sim::DiskCall::kRead}) {
    disk.fail({mask(call), 1, false});
    EXPECT_FALSE(disk_answers(disk, "")) << static_cast<int>(call);
    disk.heal();
    EXPECT_TRUE(disk_answers(disk, ""));
  }
  EXPECT_TRUE(disk.files().empty());
}

// A damaged log can only take with it what the manifest names: it is brought into the database
// after half as many writes, again and again.
TEST(CommitPath, TheLogIsBroughtIntoTheDatabaseEveryNinetySixWrites) {
  sim::SimulatedDisk disk(5);
  Random random(5);
  const auto store = Store::open("/station", disk);
  ASSERT_TRUE(store);
  std::vector<int> changed_at;
  std::string before = disk.files().at("/station/station.db");
  for (int i = 1; i <= 300; ++i) {
    ASSERT_TRUE((*store)->put_session(
        random_session(random, id_text(1000 + static_cast<std::uint64_t>(i)))));
    std::string now = disk.files().at("/station/station.db");
    if (now != before) changed_at.push_back(i);
    before = std::move(now);
  }
  EXPECT_EQ(changed_at, (std::vector<int>{96, 192, 288}));
}

// What could not be reserved is not handed out, also not later.
TEST(CommitPath, NoIdIsHandedOutThatTheDiskDidNotTake) {
  sim::SimulatedDisk disk(4);
  std::uint64_t last = 0;
  for (std::uint64_t at = 1; at <= 12; ++at) {
    auto store = Store::open("/station", disk);
    ASSERT_TRUE(store);
    disk.fail({sim::kDiskChanges, at, false});
    for (int i = 0; i < 70; ++i) {
      const auto id = (*store)->next_id();
      if (!id) continue;
      EXPECT_GT(id_number(*id), last);
      last = id_number(*id);
    }
    disk.heal();
    const auto id = (*store)->next_id();
    ASSERT_TRUE(id);
    EXPECT_GT(id_number(*id), last);
    last = id_number(*id);
    store->reset();
    const auto manifest = Manifest::open("/station/manifest.bin", disk.vfs());
    ASSERT_TRUE(manifest);
    EXPECT_GE(manifest->state.id_high_water, last);
  }
}

TEST(Disk, AnswersLeavingNoFileBehindAndOneThatIsMissingDoesNot) {
  TempDir dir;
  Disk& disk = real_disk();
  const int before = open_files();
  EXPECT_TRUE(disk_answers(disk, dir.path().string()));
  EXPECT_TRUE(fs::is_empty(dir.path()));
  EXPECT_FALSE(disk_answers(disk, (dir.path() / "missing").string()));
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace medius::record::test
