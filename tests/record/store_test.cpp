#include "controller/record/store.hpp"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/record/rows.hpp"
#include "controller/record/sample_block.hpp"
#include "tests/record/fixtures.hpp"
#include "tests/record/opened.hpp"

namespace medius::record::test {
namespace {

std::string next_id(Store& store) {
  auto id = store.next_id();
  if (!id) ADD_FAILURE() << id.error().message;
  return id ? *id : std::string();
}

struct Kept {
  SessionRecord session;
  SetRecord set;
  std::vector<rt::SampleRecord> samples;
  std::uint64_t sequence = 0;
};

// One session with one set, journaled and closed as the recorder does it.
Kept keep_one(Store& store, Random& random, int blocks = 2) {
  Kept kept;
  kept.session = random_session(random, next_id(store));
  EXPECT_TRUE(store.put_session(kept.session));
  kept.set = random_set(random, next_id(store), kept.session.id);
  EXPECT_TRUE(store.open_set(kept.set));
  for (const auto& rep : kept.set.reps) EXPECT_TRUE(store.add_rep(kept.set.id, rep));
  for (int i = 0; i < blocks; ++i) {
    const auto block = random_samples(random, 1 + random.below(1000));
    EXPECT_TRUE(store.add_samples(kept.set.id, block));
    kept.samples.insert(kept.samples.end(), block.begin(), block.end());
  }
  const auto stored = store.close_set(kept.set);
  EXPECT_TRUE(stored) << stored.error().message;
  if (stored) {
    EXPECT_TRUE(same(stored->set, kept.set));
    kept.sequence = stored->sequence;
  }
  return kept;
}

void expect_kept(Store& store, const Kept& kept) {
  const auto session = store.session(kept.session.id);
  ASSERT_TRUE(session);
  EXPECT_TRUE(same(*session, kept.session));
  const auto set = store.set(kept.set.id);
  ASSERT_TRUE(set);
  EXPECT_TRUE(same(*set, kept.set));
  const auto samples = store.samples(kept.set.id);
  ASSERT_TRUE(samples) << samples.error().message;
  EXPECT_TRUE(same(*samples, kept.samples));
}

TEST(Store, GivesBackWhatItTookBitForBitAlsoAfterReopening) {
  TempDir dir;
  Random random(10);
  std::vector<Kept> all;
  for (int run = 0; run < 4; ++run) {
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    EXPECT_TRUE(store->opening_report().notes.empty()) << store->opening_report().notes.front();
    EXPECT_EQ(store->opening_report().sets, all.size());
    for (const Kept& kept : all) expect_kept(*store, kept);
    for (int i = 0; i < 5; ++i) {
      all.push_back(keep_one(*store, random));
      expect_kept(*store, all.back());
    }
  }
}

TEST(Store, InMemoryGivesBackWhatItTook) {
  auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  Random random(11);
  std::vector<Kept> all;
  for (int i = 0; i < 20; ++i) all.push_back(keep_one(**store, random));
  for (const Kept& kept : all) expect_kept(**store, kept);
}

TEST(Store, ListsSessionsNewestFirstAndSetsInOrder) {
  TempDir dir;
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  Random random(12);
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(next_id(*store));
    ASSERT_TRUE(store->put_session(random_session(random, ids.back())));
  }
  const auto newest = store->sessions(3, "");
  ASSERT_EQ(newest.size(), 3u);
  EXPECT_EQ(newest[0].id, ids[6]);
  EXPECT_EQ(newest[2].id, ids[4]);
  const auto rest = store->sessions(100, newest.back().id);
  ASSERT_EQ(rest.size(), 4u);
  EXPECT_EQ(rest[0].id, ids[3]);

  std::vector<std::string> set_ids;
  for (int i = 0; i < 3; ++i) {
    set_ids.push_back(next_id(*store));
    ASSERT_TRUE(store->close_set(random_set(random, set_ids.back(), ids[2])));
  }
  const auto sets = store->sets_of(ids[2]);
  ASSERT_EQ(sets.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(sets[i].id, set_ids[i]);
  EXPECT_TRUE(store->sets_of(ids[3]).empty());
}

TEST(Store, CountsAcknowledgementsUpwardOverRestarts) {
  TempDir dir;
  Random random(13);
  std::uint64_t last = 0;
  for (int run = 0; run < 5; ++run) {
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t sequence = keep_one(*store, random, 0).sequence;
      EXPECT_GT(sequence, last);
      last = sequence;
    }
  }
}

TEST(Store, HandsOutIdsThatOnlyGrowOverRestarts) {
  TempDir dir;
  std::string last;
  for (int run = 0; run < 20; ++run) {
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    for (int i = 0; i < 70; ++i) {  // more than one reservation
      const std::string id = next_id(*store);
      ASSERT_TRUE(is_id(id)) << id;
      ASSERT_GT(id, last);
      last = id;
    }
  }
}

TEST(Store, NeverReusesAnIdWhicheverOfItsFilesAreLost) {
  const std::vector<std::string> files{"station.db", "samples.db", "manifest.bin"};
  for (unsigned lost = 1; lost < 7; ++lost) {  // all three lost is a new store
    TempDir dir;
    std::set<std::string> used;
    Random random(lost);
    for (int run = 0; run < 4; ++run) {
      {
        const auto store = opened(dir.store());
        ASSERT_TRUE(store);
        for (int i = 0; i < 3; ++i) {
          const std::string id = next_id(*store);
          ASSERT_TRUE(used.insert(id).second) << "id " << id << " again, lost " << lost;
        }
        used.insert(keep_one(*store, random, 1).set.id);
      }
      for (unsigned i = 0; i < files.size(); ++i) {
        if ((lost & (1u << i)) != 0) {
          write_file(std::filesystem::path(dir.store()) / files[i], std::string(9000, 'x'));
        }
      }
    }
  }
}

// Nothing is written but the reservation: an id may be on a screen or in a log that no row knows
// of.
TEST(Store, NeverReusesAnIdThatWasGivenOutAndNotStored) {
  for (const int given : {1, 63, 64, 65, 128, 129, 200}) {
    TempDir dir;
    std::set<std::string> used;
    for (int run = 0; run < 3; ++run) {
      const auto store = opened(dir.store());
      ASSERT_TRUE(store);
      for (int i = 0; i < given; ++i) {
        const std::string id = next_id(*store);
        ASSERT_TRUE(used.insert(id).second) << id << " again in run " << run << " of " << given;
      }
    }
  }
}

TEST(Store, NeverReusesAnIdWhenTheNewestManifestSlotIsLostToo) {
  for (const std::size_t slot : {0u, 4096u}) {
    TempDir dir;
    std::string last;
    {
      const auto store = opened(dir.store());
      ASSERT_TRUE(store);
      for (int i = 0; i < 65; ++i) last = next_id(*store);  // the last one of a new reservation
    }
    const std::filesystem::path folder(dir.store());
    std::string manifest = read_file(folder / "manifest.bin");
    manifest[slot + 100] = static_cast<char>(manifest[slot + 100] ^ 1);
    write_file(folder / "manifest.bin", manifest);
    write_file(folder / "station.db", std::string(9000, 'x'));
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    EXPECT_GT(next_id(*store), last) << "slot at " << slot;
  }
}

TEST(Store, ClosesASetThatACrashLeftOpenWithItsJournal) {
  TempDir dir;
  Random random(14);
  SetRecord set;
  std::vector<rt::SampleRecord> samples;
  TempDir copy;
  {
    const auto store = opened(dir.store());
    ASSERT_TRUE(store);
    set = random_set(random, next_id(*store), next_id(*store));
    set.start_unix_ns = 1'700'000'000'000'000'000;
    set.start_tick = 5000;
    set.axis = 0;
    set.end = SetEnd::kOpen;
    ASSERT_TRUE(store->open_set(set));
    set.reps.resize(3);
    for (auto& rep : set.reps) {
      rep.kind = measure::RepKind::kFull;
      rep.end_tick = 6000;
      ASSERT_TRUE(store->add_rep(set.id, rep));
    }
    samples = lifelike_samples(random, 2500, 5000, 1);
    samples.erase(samples.begin() + 1200, samples.begin() + 1210);
    for (std::size_t at = 0; at < samples.size(); at += 1000) {
      const std::size_t count = std::min<std::size_t>(1000, samples.size() - at);
      ASSERT_TRUE(store->add_samples(set.id, {samples.data() + at, count}));
    }
    // The process dies here: its files as they are.
    std::filesystem::copy(dir.store(), copy.store(), std::filesystem::copy_options::recursive);
  }
  const auto store = opened(copy.store());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->opening_report().interrupted_ids, std::vector<std::string>{set.id});
  EXPECT_TRUE(store->opening_report().missing_ids.empty());
  const auto found = store->set(set.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->end, SetEnd::kInterrupted);
  ASSERT_EQ(found->reps.size(), 3u);
  EXPECT_EQ(found->reps_counted, 3u);
  EXPECT_EQ(found->samples, 2490u);
  EXPECT_EQ(found->samples_dropped, 10u);
  EXPECT_EQ(found->end_tick, 7499u);
  EXPECT_EQ(found->end_unix_ns, set.start_unix_ns + 2'499'000'000);
  const auto back = store->samples(set.id);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(same(*back, samples));
}

TEST(Store, KeepsTheJournalWhenASetIsClosedWithoutRepetitions) {
  TempDir dir;
  Random random(15);
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  SetRecord set = random_set(random, next_id(*store), next_id(*store));
  const auto reps = set.reps;
  ASSERT_TRUE(store->open_set(set));
  for (const auto& rep : reps) ASSERT_TRUE(store->add_rep(set.id, rep));
  set.reps.clear();
  const auto stored = store->close_set(set);
  ASSERT_TRUE(stored);
  set.reps = reps;
  EXPECT_TRUE(same(stored->set, set));
}

TEST(Store, NeverChangesAnAcknowledgedSet) {
  TempDir dir;
  Random random(16);
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  const Kept kept = keep_one(*store, random);
  const auto again = store->close_set(kept.set);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sequence, kept.sequence);
  SetRecord other = kept.set;
  other.load_end = 61.0;
  EXPECT_FALSE(store->close_set(other));
  EXPECT_FALSE(store->open_set(other));
  EXPECT_FALSE(store->add_rep(other.id, kept.set.reps.front()));
  EXPECT_FALSE(store->add_samples(other.id, kept.samples));
  expect_kept(*store, kept);
}

TEST(Store, RefusesWhatItCouldNotReadBack) {
  const auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  Random random(17);
  SetRecord set = random_set(random, "not an id", id_text(1));
  EXPECT_FALSE((*store)->close_set(set));
  set.id = id_text(2);
  set.parameters.assign(2000, {"x", 0.0});
  EXPECT_FALSE((*store)->close_set(set));
  set.parameters.clear();
  set.end = SetEnd::kOpen;
  EXPECT_FALSE((*store)->close_set(set));
  ASSERT_TRUE((*store)->open_set(set));
  EXPECT_FALSE((*store)->add_samples(set.id, {}));
  EXPECT_FALSE((*store)->add_samples(set.id, random_samples(random, kMaxBlockSamples + 1)));
}

TEST(Store, IsReadableByItsOwnerOnly) {
  TempDir dir;
  const auto store = opened(dir.store());
  struct stat info {};
  ASSERT_EQ(stat(dir.store().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
}

TEST(Store, RefusesASecondProcessWithASentence) {
  TempDir dir;
  const auto store = opened(dir.store());
  ASSERT_TRUE(store);
  const auto second = Store::open(dir.store());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use by process " + std::to_string(getpid())),
            std::string::npos)
      << second.error().message;

  const pid_t child = fork();
  if (child == 0) _exit(Store::open(dir.store()) ? 1 : 0);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "another process could open the store";
}

TEST(Store, RefusesADatabaseOfANewerProgramAndLeavesItAlone) {
  TempDir dir;
  Random random(18);
  { keep_one(*opened(dir.store()), random); }
  const auto file = std::filesystem::path(dir.store()) / "station.db";
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  const std::string sql = "INSERT INTO migrations VALUES(7, 'from the future', " +
                          std::to_string(row_crc("migrations", "from the future", 7, "")) + ")";
  ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  const std::string before = read_file(file);

  const auto refused = Store::open(dir.store());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("schema version 7"), std::string::npos);
  EXPECT_NE(refused.error().message.find("up to 6"), std::string::npos) << refused.error().message;
  EXPECT_EQ(read_file(file), before);
}

TEST(Store, SaysWhyAFolderCannotBeUsed) {
  TempDir dir;
  write_file(dir.path() / "file", "x");
  const auto refused = Store::open((dir.path() / "file").string());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find((dir.path() / "file").string()), std::string::npos);
}

}  // namespace
}  // namespace medius::record::test
