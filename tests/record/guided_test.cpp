// Exercises without the machine in the store: bit for bit, never changed, missed when they are
// gone.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "controller/record/rows.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

std::string text(Random& random) {
  std::string out(random.below(20), ' ');
  for (char& c : out) c = static_cast<char>(random.below(256));
  return out;
}

GuidedRecord random_guided(Random& random, const std::string& id, const std::string& session_id) {
  GuidedRecord guided;
  guided.id = id;
  guided.session_id = session_id;
  guided.index = static_cast<std::uint32_t>(random.below(100));
  guided.exercise_id = text(random);
  guided.side = static_cast<Side>(random.below(4));
  guided.warm_up = random.below(2) == 1;
  guided.reps_asked = static_cast<std::uint32_t>(random.below(200));
  guided.tempo = text(random);
  guided.hold_s = random_bits(random);
  guided.duration_s = random_bits(random);
  guided.end = static_cast<GuidedEnd>(1 + random.below(6));
  guided.from = static_cast<ConfirmedFrom>(random.below(3));
  guided.confirmed_by = text(random);
  guided.reps_confirmed = static_cast<std::uint32_t>(random.below(200));
  guided.reason = text(random);
  guided.start_unix_ns = static_cast<std::int64_t>(random.below(1u << 30));
  guided.end_unix_ns = static_cast<std::int64_t>(random.below(1u << 30));
  guided.start_tick = random.below(1u << 30);
  guided.end_tick = random.below(1u << 30);
  if (random.below(2) == 1) {
    guided.stance = measure::StanceResult{true,
                                          random.below(2) == 1,
                                          random.below(2) == 1,
                                          random_bits(random),
                                          random_bits(random),
                                          random_bits(random),
                                          random_bits(random)};
  }
  return guided;
}

// By their bytes: the encoding holds every field.
bool same(const GuidedRecord& a, const GuidedRecord& b) {
  return encode_guided(a) == encode_guided(b);
}

struct Kept {
  SessionRecord session;
  std::vector<GuidedRecord> guided;
};

Kept keep(Store& store, Random& random, int count) {
  Kept kept;
  kept.session = random_session(random, *store.next_id());
  EXPECT_TRUE(store.put_session(kept.session));
  for (int i = 0; i < count; ++i) {
    kept.guided.push_back(random_guided(random, *store.next_id(), kept.session.id));
    EXPECT_TRUE(store.put_guided(kept.guided.back()));
  }
  return kept;
}

void expect_kept(Store& store, const Kept& kept) {
  const auto found = store.guided_of(kept.session.id);
  ASSERT_EQ(found.size(), kept.guided.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same(found[i], kept.guided[i])) << i;
}

void execute(const std::string& file, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

TEST(GuidedStore, GivesBackWhatItTookBitForBitAlsoAfterReopening) {
  TempDir dir;
  Random random(20);
  std::vector<Kept> all;
  for (int run = 0; run < 3; ++run) {
    auto store = Store::open(dir.store());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->opening_report().notes.empty());
    EXPECT_EQ((*store)->opening_report().guided, 7 * all.size());
    EXPECT_TRUE((*store)->opening_report().missing_ids.empty());
    for (const Kept& kept : all) expect_kept(**store, kept);
    all.push_back(keep(**store, random, 7));
    expect_kept(**store, all.back());
    EXPECT_TRUE((*store)->sets_of(all.back().session.id).empty()) << "never a set";
  }
}

TEST(GuidedStore, TakesTheSameRecordTwiceAndAnotherOneUnderItsIdNever) {
  auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  Random random(21);
  const Kept kept = keep(**store, random, 1);
  EXPECT_TRUE((*store)->put_guided(kept.guided[0]));
  GuidedRecord other = kept.guided[0];
  other.reps_confirmed += 1;
  const auto refused = (*store)->put_guided(other);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("never changed"), std::string::npos);
  expect_kept(**store, kept);
}

TEST(GuidedStore, RefusesWhatIsStillUnderWayAndWhatHasNoId) {
  auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  Random random(22);
  GuidedRecord open = random_guided(random, *(*store)->next_id(), *(*store)->next_id());
  open.end = GuidedEnd::kOpen;
  EXPECT_FALSE((*store)->put_guided(open));
  open.end = GuidedEnd::kConfirmed;
  open.id = "1";
  EXPECT_FALSE((*store)->put_guided(open));
}

TEST(GuidedStore, NamesARowThatWasAlteredAndOneThatIsGone) {
  for (const bool altered : {true, false}) {
    TempDir dir;
    Random random(23);
    Kept kept;
    {
      auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      kept = keep(**store, random, 3);
    }
    const std::string victim = kept.guided[1].id;
    execute(dir.store() + "/station.db",
            altered ? "UPDATE guided SET payload=zeroblob(40) WHERE id='" + victim + "'"
                    : "DELETE FROM guided WHERE id='" + victim + "'");
    auto store = Store::open(dir.store());
    ASSERT_TRUE(store) << store.error().message;
    const StoreReport& report = (*store)->opening_report();
    const auto& named = altered ? report.damaged_ids : report.missing_ids;
    EXPECT_EQ(named, std::vector<std::string>{victim}) << altered;
    EXPECT_EQ((*store)->guided_of(kept.session.id).size(), 2u);
  }
}

TEST(GuidedRows, AreReadWholeOrNotAtAll) {
  Random random(24);
  for (int i = 0; i < 50; ++i) {
    const GuidedRecord guided = random_guided(random, id_text(1), id_text(2));
    const std::string bytes = encode_guided(guided);
    const auto back = decode_guided(bytes);
    ASSERT_TRUE(back);
    EXPECT_TRUE(same(*back, guided));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_FALSE(decode_guided(bytes.substr(0, length))) << length;
    }
    EXPECT_FALSE(decode_guided(bytes + "x"));
  }
}

}  // namespace
}  // namespace medius::record::test
