// Copies of a store: made while it is written to, looked at, put back, migrated.
#include "controller/record/backup.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

std::unique_ptr<Store> open(const std::string& folder) {
  auto store = Store::open(folder);
  EXPECT_TRUE(store) << store.error().message;
  return std::move(*store);
}

// A session with so many sets of so many samples, closed.
std::vector<SetRecord> fill(Store& store, Random& random, int sets, std::size_t samples) {
  std::vector<SetRecord> kept;
  const std::string session = *store.next_id();
  EXPECT_TRUE(store.put_session(random_session(random, session)));
  for (int i = 0; i < sets; ++i) {
    SetRecord set = random_set(random, *store.next_id(), session);
    EXPECT_TRUE(store.open_set(set));
    for (std::size_t at = 0; at < samples; at += 1000) {
      EXPECT_TRUE(store.add_samples(set.id, lifelike_samples(random, 1000, 1 + at, 1)));
    }
    const auto stored = store.close_set(set);
    EXPECT_TRUE(stored);
    kept.push_back(stored->set);
  }
  AuditEvent event;
  event.action = "filled";
  EXPECT_TRUE(store.append_audit({&event, 1}));
  return kept;
}

std::string back_up(Store& store, const std::string& folder) {
  auto backup = store.begin_backup(folder);
  EXPECT_TRUE(backup) << backup.error().message;
  for (;;) {
    const auto progress = (*backup)->step();
    EXPECT_TRUE(progress) << progress.error().message;
    if (!progress || progress->finished) return folder;
  }
}

void expect_holds(const std::string& folder, const std::vector<SetRecord>& sets) {
  const auto store = open(folder);
  EXPECT_TRUE(verify_whole(*store).sound());
  for (const SetRecord& set : sets) {
    const auto found = store->set(set.id);
    ASSERT_TRUE(found) << set.id;
    EXPECT_TRUE(same(*found, set));
    EXPECT_TRUE(store->samples(set.id));
  }
}

TEST(Backup, HoldsEverySetSampleAndAuditRowBitForBit) {
  const TempDir dir;
  Random random(1);
  const auto store = open(dir.store());
  const auto sets = fill(*store, random, 5, 3000);
  const std::string copy = back_up(*store, (dir.path() / "copy").string());
  const auto report = verify_copy(copy);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_EQ(report->sets, 5U);
  EXPECT_EQ(report->audit_rows, 1U);
  EXPECT_EQ(report->audit_head, store->audit_head());
  expect_holds(copy, sets);
}

// Whatever is closed between two steps is in the copy as a whole or not at all.
TEST(Backup, IsOneMomentOfAStoreThatIsWrittenToMeanwhile) {
  const TempDir dir;
  Random random(2);
  const auto store = open(dir.store());
  auto sets = fill(*store, random, 30, 20'000);
  auto backup = store->begin_backup((dir.path() / "copy").string());
  ASSERT_TRUE(backup);
  int steps = 0;
  for (bool finished = false; !finished; ++steps) {
    ASSERT_LT(steps, 10'000) << "writes must not keep a copy from its end";
    const auto progress = (*backup)->step();
    ASSERT_TRUE(progress) << progress.error().message;
    finished = progress->finished;
    if (!finished && steps < 5) {
      for (const SetRecord& set : fill(*store, random, 1, 1000)) sets.push_back(set);
    }
  }
  EXPECT_GT(steps, 3) << "in one go it would prove nothing";
  const auto report = verify_copy((dir.path() / "copy").string());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->problems, IsEmpty());
  expect_holds((dir.path() / "copy").string(), sets);
}

TEST(Backup, RefusesANameThatIsTakenAndASecondOneAtOnce) {
  const TempDir dir;
  Random random(3);
  const auto store = open(dir.store());
  fill(*store, random, 1, 1000);
  const std::string taken = back_up(*store, (dir.path() / "copy").string());
  EXPECT_THAT(store->begin_backup(taken).error().message, HasSubstr("exists already"));
  const auto first = store->begin_backup((dir.path() / "a").string());
  ASSERT_TRUE(first);
  EXPECT_THAT(store->begin_backup((dir.path() / "b").string()).error().message,
              HasSubstr("under way"));
  (*first)->abandon();
  EXPECT_FALSE((*first)->step());
  EXPECT_FALSE(fs::exists(dir.path() / "a"));
  EXPECT_TRUE(store->begin_backup((dir.path() / "b").string()));
}

TEST(Backup, OfAStoreThatHasGoneEndsWithASentence) {
  const TempDir dir;
  Random random(4);
  auto store = open(dir.store());
  fill(*store, random, 1, 1000);
  const auto backup = store->begin_backup((dir.path() / "a").string());
  store.reset();
  EXPECT_FALSE((*backup)->step());
}

TEST(Backup, NamesLeadNowhereElse) {
  for (const char* good : {"a", "2026-05-01T120000Z", "before_update.1"}) {
    EXPECT_TRUE(is_backup_name(good)) << good;
  }
  for (const char* bad : {"", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "x.partial-1"}) {
    EXPECT_FALSE(is_backup_name(bad)) << bad;
  }
  EXPECT_FALSE(is_backup_name(std::string(65, 'a')));
}

TEST(Restore, PutsTheCopyInPlaceAndKeepsWhatWasThere) {
  const TempDir dir;
  Random random(5);
  std::vector<SetRecord> sets;
  std::string later;
  {
    const auto store = open(dir.store());
    sets = fill(*store, random, 2, 1000);
    back_up(*store, dir.store() + "/backups/first");
    later = fill(*store, random, 1, 1000).front().id;
  }
  const auto restored = restore(dir.store() + "/backups/first", dir.store());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->report.sound());
  expect_holds(dir.store(), sets);
  EXPECT_FALSE(open(dir.store())->set(later));
  EXPECT_TRUE(open(restored->kept)->set(later)) << "nothing is deleted";
  EXPECT_TRUE(fs::exists(dir.store() + "/backups/first/station.db"));
}

TEST(Restore, RefusesADamagedCopyAndChangesNothing) {
  const TempDir dir;
  Random random(6);
  {
    const auto store = open(dir.store());
    fill(*store, random, 3, 3000);
    back_up(*store, (dir.path() / "copy").string());
  }
  const std::string before = read_file(fs::path(dir.store()) / "station.db");
  std::string samples = read_file(dir.path() / "copy" / "samples.db");
  samples[samples.size() / 2] = static_cast<char>(samples[samples.size() / 2] ^ 0x20);
  write_file(dir.path() / "copy" / "samples.db", samples);
  const auto refused = restore((dir.path() / "copy").string(), dir.store());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("not sound"));
  EXPECT_EQ(read_file(fs::path(dir.store()) / "station.db"), before);
  const auto report = verify_copy((dir.path() / "copy").string());
  EXPECT_FALSE(report && report->sound());
}

TEST(Restore, RefusesAFolderInUseAndOneThatIsNoBackup) {
  const TempDir dir;
  Random random(7);
  const auto store = open(dir.store());
  fill(*store, random, 1, 1000);
  const std::string copy = back_up(*store, (dir.path() / "copy").string());
  EXPECT_THAT(restore(copy, dir.store()).error().message, HasSubstr("in use by process"));
  EXPECT_THAT(restore((dir.path() / "nothing").string(), dir.store()).error().message,
              HasSubstr("no station.db"));
}

TEST(Verify, NamesASetWhoseSamplesWereChanged) {
  const TempDir dir;
  Random random(8);
  {
    const auto store = open(dir.store());
    fill(*store, random, 2, 60'000);
  }
  std::string samples = read_file(fs::path(dir.store()) / "samples.db");
  samples[samples.size() / 2] = static_cast<char>(samples[samples.size() / 2] ^ 0x01);
  write_file(fs::path(dir.store()) / "samples.db", samples);
  const auto store = open(dir.store());
  const VerifyReport report = verify_whole(*store);
  EXPECT_FALSE(report.sound());
}

TEST(Migrate, BringsAnOldStoreUpAndKeepsACopyOfIt) {
  const TempDir dir;
  fs::create_directories(dir.store());
  for (const char* name : {"station.db", "samples.db", "manifest.bin"}) {
    fs::copy_file(fs::path(MEDIUS_SOURCE_DIR) / "tests/record/store_v1" / name,
                  fs::path(dir.store()) / name);
  }
  const auto migrated = migrate_folder(dir.store());
  ASSERT_TRUE(migrated) << migrated.error().message;
  EXPECT_EQ(migrated->from, 1);
  EXPECT_GE(migrated->to, 4);
  EXPECT_TRUE(migrated->report.sound());
  EXPECT_TRUE(fs::exists(migrated->kept + "/station.db"));
  const auto again = migrate_folder(dir.store());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from, again->to);
  EXPECT_THAT(again->kept, IsEmpty());
}

}  // namespace
}  // namespace medius::record::test
