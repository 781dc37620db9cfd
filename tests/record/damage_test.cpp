// What the store says about files that are not what it wrote.
#include <algorithm>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "controller/record/manifest.hpp"
#include "controller/record/rows.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

namespace fs = std::filesystem;

struct Content {
  std::map<std::string, SessionRecord> sessions;
  std::map<std::string, SetRecord> sets;
  std::map<std::string, std::vector<rt::SampleRecord>> samples;
};

// Sessions of two sets each, written until the files are a few hundred kilobytes.
Content fill(Store& store, Random& random, int sessions) {
  Content content;
  for (int i = 0; i < sessions; ++i) {
    const SessionRecord session = random_session(random, *store.next_id());
    EXPECT_TRUE(store.put_session(session));
    content.sessions[session.id] = session;
    for (int j = 0; j < 2; ++j) {
      const SetRecord set = random_set(random, *store.next_id(), session.id);
      EXPECT_TRUE(store.open_set(set));
      for (const auto& rep : set.reps) EXPECT_TRUE(store.add_rep(set.id, rep));
      const auto samples = lifelike_samples(random, 50, 1000, 1);
      EXPECT_TRUE(store.add_samples(set.id, samples));
      EXPECT_TRUE(store.close_set(set));
      content.sets[set.id] = set;
      content.samples[set.id] = samples;
    }
  }
  return content;
}

void copy_store(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from))
    fs::copy(entry, to / entry.path().filename());
}

// The files as a crash leaves them: the WAL not yet in the main file.
Content crashed_store(const fs::path& to, std::uint64_t seed, int sessions) {
  TempDir dir;
  Random random(seed);
  auto store = Store::open(dir.store());
  EXPECT_TRUE(store);
  Content content = fill(**store, random, sessions);
  copy_store(dir.store(), to);
  return content;
}

Content closed_store(const fs::path& to, std::uint64_t seed, int sessions) {
  TempDir dir;
  Random random(seed);
  Content content;
  {
    auto store = Store::open(dir.store());
    EXPECT_TRUE(store);
    content = fill(**store, random, sessions);
  }
  copy_store(dir.store(), to);
  return content;
}

bool names(const std::vector<std::string>& list, const std::string& id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

struct Outcome {
  int lost = 0;     // not returned any more
  int unnamed = 0;  // lost, and the report does not say so
  int altered = 0;  // returned with other content
};

// Reads everything back. What is gone must be named, or lie in a folder that the report names.
Outcome judge(Store& store, const Content& content) {
  Outcome outcome;
  const auto noticed = [&store](const std::string& id) {
    const StoreReport& report = store.opening_report();
    return names(report.damaged_ids, id) || names(report.missing_ids, id) ||
           !report.quarantined.empty();
  };
  for (const auto& [id, session] : content.sessions) {
    const auto found = store.session(id);
    if (found && !same(*found, session)) ++outcome.altered;
    if (found) continue;
    ++outcome.lost;
    if (!noticed(id)) ++outcome.unnamed;
  }
  for (const auto& [id, set] : content.sets) {
    const auto found = store.set(id);
    const bool changed = found && !same(*found, set);
    if (found && !changed) {
      const auto samples = store.samples(id);  // an error names the block
      if (samples && !same(*samples, content.samples.at(id))) ++outcome.altered;
      continue;
    }
    ++outcome.lost;
    // A set whose close was lost comes back as interrupted, and is named.
    if (!noticed(id)) ++outcome.unnamed;
    if (changed && found->end != SetEnd::kInterrupted) ++outcome.altered;
  }
  return outcome;
}

void expect_every_flip_noticed(const fs::path& original, const Content& content,
                               const std::string& file, int flips, std::uint64_t seed) {
  TempDir dir;
  Random random(seed);
  const std::string good = read_file(original / file);
  ASSERT_FALSE(good.empty()) << file;
  int changed_something = 0;
  for (int i = 0; i < flips; ++i) {
    copy_store(original, dir.store());
    std::string bad = good;
    const std::size_t at = random.below(static_cast<std::uint32_t>(good.size()));
    const auto bit = random.below(8);
    bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
    write_file(fs::path(dir.store()) / file, bad);
    const auto store = Store::open(dir.store());
    ASSERT_TRUE(store) << file << " byte " << at << " bit " << bit << ": " << store.error().message;
    const Outcome outcome = judge(**store, content);
    EXPECT_EQ(outcome.unnamed, 0) << file << " byte " << at << " bit " << bit;
    EXPECT_EQ(outcome.altered, 0) << file << " byte " << at << " bit " << bit;
    if (outcome.lost > 0) ++changed_something;
    // And the machine still trains.
    const auto id = (*store)->next_id();
    ASSERT_TRUE(id) << file << " byte " << at << " bit " << bit << ": " << id.error().message;
    ASSERT_FALSE(content.sets.contains(*id) || content.sessions.contains(*id)) << "id used again";
    ASSERT_TRUE((*store)->close_set(random_set(random, *id, *id)));
  }
  ::testing::Test::RecordProperty(file + " flips that cost a row", changed_something);
}

TEST(Damage, EveryFlippedBitInTheMainFileIsNoticed) {
  TempDir dir;
  const Content content = closed_store(dir.path() / "original", 20, 12);
  expect_every_flip_noticed(dir.path() / "original", content, "station.db", 250, 21);
}

TEST(Damage, EveryFlippedBitInTheSamplesIsNoticed) {
  TempDir dir;
  const Content content = closed_store(dir.path() / "original", 22, 12);
  expect_every_flip_noticed(dir.path() / "original", content, "samples.db", 150, 23);
}

TEST(Damage, EveryFlippedBitInTheWalIsNoticed) {
  TempDir dir;
  const Content content = crashed_store(dir.path() / "original", 24, 12);
  expect_every_flip_noticed(dir.path() / "original", content, "station.db-wal", 200, 25);
  expect_every_flip_noticed(dir.path() / "original", content, "samples.db-wal", 50, 26);
}

TEST(Damage, AFlippedBitInTheManifestCostsNothing) {
  TempDir dir;
  const Content content = crashed_store(dir.path() / "original", 27, 6);
  const std::string good = read_file(dir.path() / "original" / "manifest.bin");
  Random random(28);
  for (int i = 0; i < 60; ++i) {
    TempDir copy;
    copy_store(dir.path() / "original", copy.store());
    std::string bad = good;
    const std::size_t at = random.below(static_cast<std::uint32_t>(good.size()));
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.below(8)));
    write_file(fs::path(copy.store()) / "manifest.bin", bad);
    const auto store = Store::open(copy.store());
    ASSERT_TRUE(store) << store.error().message;
    const Outcome outcome = judge(**store, content);
    EXPECT_EQ(outcome.lost + outcome.altered, 0);
    EXPECT_TRUE((*store)->opening_report().missing_ids.empty());
  }
}

// Runs a statement on the closed store, as a stray hand or a bad block would.
void tamper(const fs::path& file, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

struct Tampering {
  const char* what;
  const char* sql;  // '%' stands for the id
};

TEST(Damage, NamesTheSetWhoseRowsWereChanged) {
  const std::vector<Tampering> kTamperings{
      {"a repetition's payload",
       "UPDATE reps SET payload = substr(payload,1,40) || x'00' || substr(payload,42)"
       " WHERE set_id='%' AND ordinal=0"},
      {"a repetition gone", "DELETE FROM reps WHERE set_id='%' AND ordinal=0"},
      {"the set's payload", "UPDATE sets SET payload = payload || x'00' WHERE id='%'"},
      {"the set's sequence", "UPDATE sets SET sequence = sequence + 1000 WHERE id='%'"},
      {"the set's chain", "UPDATE sets SET chain = chain + 1 WHERE id='%'"},
      {"the set's session", "UPDATE sets SET session_id = 'ffffffffffffffff' WHERE id='%'"},
      {"the set gone", "DELETE FROM sets WHERE id='%'"},
      {"the set open again", "UPDATE sets SET sequence = 0 WHERE id='%'"},
  };
  for (const Tampering& tampering : kTamperings) {
    TempDir dir;
    const Content content = closed_store(dir.store(), 30, 4);
    const std::string id = std::next(content.sets.begin(), 3)->first;
    std::string sql = tampering.sql;
    sql.replace(sql.find('%'), 1, id);
    tamper(fs::path(dir.store()) / "station.db", sql);
    for (int run = 0; run < 2; ++run) {  // it stays named at the next start
      const auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      const StoreReport& report = (*store)->opening_report();
      EXPECT_TRUE(names(report.damaged_ids, id) || names(report.missing_ids, id))
          << tampering.what << ", run " << run;
      EXPECT_EQ(report.damaged_ids.size() + report.missing_ids.size(), 1u) << tampering.what;
      EXPECT_FALSE((*store)->set(id)) << tampering.what;
      EXPECT_EQ((*store)->set(content.sets.begin()->first).has_value(), true) << tampering.what;
    }
  }
}

// Its own checksum fits; the seal of its set knows which repetitions were acknowledged.
TEST(Damage, ASoundRepetitionInThePlaceOfAnotherIsNoticed) {
  TempDir dir;
  const Content content = closed_store(dir.store(), 33, 2);
  const std::string id = content.sets.begin()->first;
  Random random(42);
  const std::string payload = encode_rep(random_rep(random));
  std::string hex;
  for (const char c : payload) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  tamper(fs::path(dir.store()) / "station.db", "UPDATE reps SET payload = x'" + hex + "', crc = " +
                                                   std::to_string(row_crc("reps", id, 0, payload)) +
                                                   " WHERE set_id='" + id + "' AND ordinal=0");
  const auto store = Store::open(dir.store());
  ASSERT_TRUE(store);
  EXPECT_TRUE(names((*store)->opening_report().damaged_ids, id));
  EXPECT_FALSE((*store)->set(id));
}

// The journal of a set that a crash left open has no seal over it: each of its rows speaks for
// itself.
TEST(Damage, AJournalIsKeptUpToTheRowThatWasAlteredOrIsGone) {
  const std::vector<Tampering> kTamperings{
      {"nothing", "SELECT 1 WHERE '%'=''"},
      {"one byte of a payload",
       "UPDATE reps SET payload = substr(payload,1,60) || x'5a' || substr(payload,62)"
       " WHERE set_id='%' AND ordinal=1"},
      {"a payload cut short", "UPDATE reps SET payload = x'00' WHERE set_id='%' AND ordinal=1"},
      {"its checksum", "UPDATE reps SET crc = crc + 1 WHERE set_id='%' AND ordinal=1"},
      {"a repetition gone", "DELETE FROM reps WHERE set_id='%' AND ordinal=1"},
  };
  for (const Tampering& tampering : kTamperings) {
    SCOPED_TRACE(tampering.what);
    TempDir dir, copy;
    Random random(41);
    SetRecord set;
    {
      const auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      set = random_set(random, *(*store)->next_id(), *(*store)->next_id());
      set.reps = {random_rep(random), random_rep(random), random_rep(random)};
      ASSERT_TRUE((*store)->open_set(set));
      for (const auto& rep : set.reps) ASSERT_TRUE((*store)->add_rep(set.id, rep));
      fs::copy(dir.store(), copy.store(), fs::copy_options::recursive);
    }
    std::string sql = tampering.sql;
    sql.replace(sql.find('%'), 1, set.id);
    tamper(fs::path(copy.store()) / "station.db", sql);
    const auto store = Store::open(copy.store());
    ASSERT_TRUE(store) << store.error().message;
    const bool sound = &tampering == &kTamperings.front();
    EXPECT_EQ(names((*store)->opening_report().damaged_ids, set.id), !sound);
    const auto found = (*store)->set(set.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->end, SetEnd::kInterrupted);
    ASSERT_EQ(found->reps.size(), sound ? 3u : 1u);
    for (std::size_t i = 0; i < found->reps.size(); ++i) {
      EXPECT_TRUE(same(found->reps[i], set.reps[i]));
    }
  }
}

TEST(Damage, NamesTheSampleBlockThatIsGone) {
  TempDir dir;
  const Content content = closed_store(dir.store(), 31, 3);
  const std::string id = content.sets.begin()->first;
  tamper(fs::path(dir.store()) / "samples.db", "DELETE FROM blocks WHERE set_id='" + id + "'");
  const auto store = Store::open(dir.store());
  ASSERT_TRUE(store);
  const auto samples = (*store)->samples(id);
  ASSERT_FALSE(samples);
  EXPECT_NE(samples.error().message.find(id + ": sample block 0 of 1"), std::string::npos)
      << samples.error().message;
  EXPECT_TRUE((*store)->set(id));
}

TEST(Damage, TheManifestNamesTheTailThatAShortenedWalLost) {
  TempDir dir;
  const Content content = crashed_store(dir.path() / "original", 32, 12);
  const std::string wal = read_file(dir.path() / "original" / "station.db-wal");
  std::size_t most_missing = 0;
  for (int tenth = 0; tenth < 10; ++tenth) {
    TempDir copy;
    copy_store(dir.path() / "original", copy.store());
    write_file(fs::path(copy.store()) / "station.db-wal",
               wal.substr(0, wal.size() * static_cast<std::size_t>(tenth) / 10));
    const auto store = Store::open(copy.store());
    ASSERT_TRUE(store) << store.error().message;
    std::vector<std::string> gone;
    for (const auto& [id, set] : content.sets) {
      const auto found = (*store)->set(id);
      if (!found || !same(*found, set)) gone.push_back(id);
    }
    std::size_t sessions_gone = 0;
    for (const auto& [id, session] : content.sessions) {
      if (!(*store)->session(id)) ++sessions_gone;
    }
    const auto& missing = (*store)->opening_report().missing_ids;
    for (const std::string& id : gone) EXPECT_TRUE(names(missing, id)) << id;
    EXPECT_EQ(missing.size(), gone.size() + sessions_gone) << "something is named that is there";
    most_missing = std::max(most_missing, missing.size());
  }
  EXPECT_EQ(most_missing, content.sets.size() + content.sessions.size());
}

TEST(Damage, ACorruptDatabaseIsPutAsideWithAReportAndTrainingGoesOn) {
  TempDir dir;
  const Content content = closed_store(dir.store(), 33, 3);
  write_file(fs::path(dir.store()) / "station.db", std::string(20000, 'x'));
  const auto store = Store::open(dir.store());
  ASSERT_TRUE(store) << store.error().message;
  const StoreReport& report = (*store)->opening_report();
  ASSERT_EQ(report.quarantined.size(), 1u);
  const fs::path folder = report.quarantined.front();
  EXPECT_EQ(read_file(folder / "station.db"), std::string(20000, 'x'));
  EXPECT_NE(read_file(folder / "report.txt").find("station.db"), std::string::npos);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes.front().find(folder.string()), std::string::npos);
  for (const auto& [id, set] : content.sets) {
    EXPECT_TRUE(names(report.missing_ids, id)) << id;
  }
  Random random(34);
  const std::string id = *(*store)->next_id();
  EXPECT_GT(id, content.sets.rbegin()->first);
  EXPECT_TRUE((*store)->close_set(random_set(random, id, id)));
}

TEST(Damage, AForeignDatabaseIsPutAsideNotWrittenOver) {
  TempDir dir;
  fs::create_directories(dir.store());
  tamper(fs::path(dir.store()) / "station.db", "CREATE TABLE recipes(name TEXT)");
  const auto store = Store::open(dir.store());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->opening_report().quarantined.size(), 1u);
}

TEST(Manifest, SurvivesATornWriteOfEitherSlot) {
  TempDir dir;
  const std::string path = (dir.path() / "manifest.bin").string();
  ManifestState state;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    state.sequence = i;
    state.remember({i, i + 1000});
    auto opened = Manifest::open(path);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->state.sequence, i == 1 ? 0 : i - 1);
    ASSERT_TRUE(opened->manifest->write(state));
    EXPECT_LE(state.recent.size(), kManifestNames);
  }
  // Half of the next write arrives: whichever slot it was meant for, the other stands.
  const std::string good = read_file(path);
  for (const std::size_t slot : {0u, 4096u}) {
    std::string torn = good;
    std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(slot), 2048, '\x55');
    write_file(path, torn);
    const auto opened = Manifest::open(path);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->found);
    EXPECT_GE(opened->state.sequence, 299u);
  }
}

}  // namespace
}  // namespace medius::record::test
