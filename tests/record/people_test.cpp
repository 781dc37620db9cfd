// People and plans in the store: bit for bit, found again, damage named, and one person taken out
// with every trace while the others' records still vouch for each other.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "controller/record/people_json.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"
#include "tests/record/opened.hpp"

namespace medius::record::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSecret = "fell off a horse in Ghent";

std::string text(Random& random) {
  std::string out(random.below(20), ' ');
  for (char& c : out) c = static_cast<char>(random.below(256));
  return out;
}

ClientRecord random_client(Random& random, const std::string& id) {
  ClientRecord client;
  client.id = id;
  client.revision = random.next();
  client.goal = text(random);
  client.notes = text(random);
  client.birth_year = static_cast<std::uint16_t>(random.below(1u << 16));
  client.sex = static_cast<Sex>(random.below(4));
  client.body_mass_kg = random_bits(random);
  client.height_m = random_bits(random);
  client.leg_length_m = random_bits(random);
  client.affected_side = static_cast<Side>(random.below(4));
  client.in_therapy = random.below(2) == 1;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    client.caps.push_back(
        {text(random), static_cast<hal::CoordinateKind>(random.below(2)), random_bits(random)});
  }
  client.create_unix_ns = static_cast<std::int64_t>(random.next());
  client.update_unix_ns = static_cast<std::int64_t>(random.next());
  return client;
}

PlanRecord random_plan(Random& random, const std::string& id, const std::string& client_id) {
  PlanRecord plan;
  plan.id = id;
  plan.client_id = client_id;
  plan.program_id = text(random);
  plan.revision = random.next();
  plan.weeks = static_cast<std::uint32_t>(random.next());
  plan.days_per_week = static_cast<std::uint32_t>(random.next());
  plan.strength = random.below(2) == 1;
  plan.test_weeks = {static_cast<std::uint32_t>(random.next()), 4};
  plan.days_done = static_cast<std::uint32_t>(random.next());
  plan.last_start_unix_ns = static_cast<std::int64_t>(random.next());
  plan.session_id = text(random);
  PlanExercise exercise;
  exercise.exercise_id = text(random);
  exercise.load = random_bits(random);
  exercise.reps = 7;
  exercise.surplus_days = 1;
  exercise.short_days = 2;
  for (double& range : exercise.range_reference) range = random_bits(random);
  if (random.below(2) == 1) exercise.asymmetry_reference = random_bits(random);
  if (random.below(2) == 1) exercise.proposal = {random_bits(random), 9, text(random)};
  plan.exercises.push_back(exercise);
  plan.tests.push_back({text(random), text(random), 3, 4});
  plan.earlier.push_back(
      {5, text(random), Side::kRight, hal::CoordinateKind::kLever, random_bits(random), 8});
  return plan;
}

PlanDayRecord random_day(Random& random, const std::string& plan_id, std::uint32_t ordinal) {
  PlanDayRecord day;
  day.plan_id = plan_id;
  day.ordinal = ordinal;
  day.days_done = ordinal - 1;
  day.session_id = text(random);
  day.unix_ns = static_cast<std::int64_t>(random.next());
  day.counted = random.below(2) == 1;
  day.notes = {text(random), ""};
  PlanDecision decision;
  decision.exercise_id = text(random);
  decision.change = static_cast<PlanChange>(random.below(4));
  decision.load_before = random_bits(random);
  decision.load = random_bits(random);
  decision.reps_before = 8;
  decision.reps = 9;
  decision.refused = random.below(2) == 1;
  decision.applied = random.below(2) == 1;
  decision.capped = random.below(2) == 1;
  decision.decided_by = text(random);
  decision.reason = text(random);
  decision.sets.push_back({Side::kLeft, random_bits(random), 8, 7, 1, random_bits(random),
                           random_bits(random), random_bits(random)});
  if (random.below(2) == 1) decision.asymmetry_percent = random_bits(random);
  decision.asymmetry_error_percent = random_bits(random);
  day.decisions.push_back(decision);
  return day;
}

void run_sql(const std::string& file, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

// One session of somebody with two closed sets and samples; the sets' ids.
std::vector<std::string> train(Store& store, Random& random, const std::string& client_id,
                               const std::string& program) {
  SessionRecord session;
  session.id = store.next_id().value();
  session.client_id = client_id;
  session.program_id = program;
  session.start_unix_ns = 1'000'000'000;
  EXPECT_TRUE(store.put_session(session));
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    SetRecord set = random_set(random, store.next_id().value(), session.id);
    EXPECT_TRUE(store.open_set(set));
    EXPECT_TRUE(store.add_samples(set.id, random_samples(random, 200)));
    EXPECT_TRUE(store.close_set(set));
    ids.push_back(set.id);
  }
  GuidedRecord guided;
  guided.id = store.next_id().value();
  guided.session_id = session.id;
  guided.reason = program == "constant" ? "tired" : kSecret;
  guided.end = GuidedEnd::kSkipped;
  EXPECT_TRUE(store.put_guided(guided));
  return ids;
}

bool any_file_holds(const std::filesystem::path& folder, const std::string& bytes) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && read_file(entry.path()).find(bytes) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(People, ComeBackBitForBitAfterAnyNumberOfChanges) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    const ClientRecord client = random_client(random, "c" + std::to_string(seed));
    const auto client_again = decode_client(encode_client(client));
    ASSERT_TRUE(client_again);
    EXPECT_EQ(encode_client(*client_again), encode_client(client));
    EXPECT_EQ(client_again->caps.size(), client.caps.size());
    const PlanRecord plan = random_plan(random, "0123456789abcdef", client.id);
    const auto plan_again = decode_plan(encode_plan(plan));
    ASSERT_TRUE(plan_again);
    EXPECT_EQ(encode_plan(*plan_again), encode_plan(plan));
    const PlanDayRecord day = random_day(random, plan.id, 1);
    const auto day_again = decode_plan_day(encode_plan_day(day));
    ASSERT_TRUE(day_again);
    EXPECT_EQ(encode_plan_day(*day_again), encode_plan_day(day));
    // Cut anywhere, or longer, it is no row.
    const std::string bytes = encode_plan(plan);
    EXPECT_FALSE(
        decode_plan(bytes.substr(0, random.below(static_cast<std::uint32_t>(bytes.size())))));
    EXPECT_FALSE(decode_plan(bytes + "x"));
  }
}

TEST(People, ArePseudonymsOfAFewPlainLetters) {
  for (const char* good : {"k7-blue", "a", "0x_y", "abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_TRUE(is_pseudonym(good)) << good;
  }
  for (const char* bad : {"", "-a", "Ada", "ada lovelace", "a/b", "ada@example.org", "ä",
                          "abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_FALSE(is_pseudonym(bad)) << bad;
  }
}

TEST(PeopleStore, ListsByPagesAndKeepsPlansWithTheirDaysOverARestart) {
  const TempDir dir;
  Random random(7);
  std::string plan_id;
  {
    auto store = opened(dir.store());
    for (const char* id : {"c", "a", "b"}) {
      ASSERT_TRUE(store->put_client(random_client(random, id)));
    }
    plan_id = store->next_id().value();
    PlanRecord plan = random_plan(random, plan_id, "a");
    ASSERT_TRUE(store->put_plan(plan));
    const PlanDayRecord day = random_day(random, plan_id, 1);
    plan.days_done = 77;
    ASSERT_TRUE(store->put_plan(plan, &day));
    // The same day again is an error, and the plan stays as it was.
    plan.days_done = 78;
    EXPECT_FALSE(store->put_plan(plan, &day));
  }
  auto store = opened(dir.store());
  EXPECT_EQ(store->opening_report().clients, 3u);
  EXPECT_EQ(store->opening_report().plans, 1u);
  EXPECT_TRUE(store->opening_report().damaged_ids.empty());
  EXPECT_EQ(store->clients(2, "").size(), 2u);
  EXPECT_EQ(store->clients(2, "b").front().id, "c");
  EXPECT_EQ(store->plan(plan_id)->days_done, 77u);
  EXPECT_EQ(store->plan_days(plan_id).size(), 1u);
  EXPECT_EQ(store->plans(10, "", "a").size(), 1u);
  EXPECT_TRUE(store->plans(10, "", "b").empty());
}

TEST(PeopleStore, NamesADamagedRowAndDoesNotGiveItOut) {
  const TempDir dir;
  Random random(8);
  {
    auto store = opened(dir.store());
    ASSERT_TRUE(store->put_client(random_client(random, "a")));
    ASSERT_TRUE(store->put_client(random_client(random, "b")));
  }
  run_sql(dir.store() + "/station.db",
          "UPDATE clients SET payload=x'0001'||substr(payload,3) WHERE id='a'");
  auto store = opened(dir.store());
  EXPECT_THAT(store->opening_report().damaged_ids, ElementsAre("clients/a"));
  EXPECT_FALSE(store->client("a"));
  EXPECT_TRUE(store->client("b"));
  EXPECT_EQ(store->clients(10, "").size(), 1u);
}

TEST(Erasing, LeavesNoByteOfThePersonAndEverythingOfTheOthers) {
  const TempDir dir;
  Random random(9);
  std::vector<std::string> gone, kept;
  const std::string program = "program-of-nobody-else";
  {
    auto store = opened(dir.store());
    for (const char* id : {"ada-of-ghent", "bob"}) {
      ClientRecord client = random_client(random, id);
      client.notes = std::string(id) == "ada-of-ghent" ? kSecret : "nothing";
      ASSERT_TRUE(store->put_client(client));
      client.notes += " once more";  // an older version must not stay behind
      ASSERT_TRUE(store->put_client(client));
    }
    const PlanRecord plan = random_plan(random, store->next_id().value(), "ada-of-ghent");
    const PlanDayRecord day = random_day(random, plan.id, 1);
    ASSERT_TRUE(store->put_plan(plan, &day));
    // Between and after sets of somebody else, so that the chain runs through them.
    kept = train(*store, random, "bob", "constant");
    gone = train(*store, random, "ada-of-ghent", program);
    const auto last = train(*store, random, "bob", "constant");
    kept.insert(kept.end(), last.begin(), last.end());
  }
  ASSERT_TRUE(any_file_holds(dir.store(), kSecret));  // the search finds what is there
  ASSERT_TRUE(any_file_holds(dir.store(), program));
  {
    auto store = opened(dir.store());
    const auto erased = store->erase_client("ada-of-ghent");
    ASSERT_TRUE(erased) << erased.error().message;
    EXPECT_EQ(erased->sessions, 1u);
    EXPECT_EQ(erased->sets, 2u);
    EXPECT_EQ(erased->guided, 1u);
    EXPECT_EQ(erased->plans, 1u);
    EXPECT_FALSE(store->client("ada-of-ghent"));
    EXPECT_TRUE(store->sessions_of_client("ada-of-ghent").empty());
    for (const std::string& id : gone) {
      EXPECT_FALSE(store->set(id));
      EXPECT_FALSE(store->samples(id));
    }
    const auto again = store->erase_client("ada-of-ghent");  // harmless
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sessions, 0u);
  }
  EXPECT_FALSE(any_file_holds(dir.store(), kSecret));
  EXPECT_FALSE(any_file_holds(dir.store(), program));
  EXPECT_FALSE(any_file_holds(dir.store(), "ada-of-ghent"));
  auto store = opened(dir.store());
  const StoreReport& report = store->opening_report();
  EXPECT_THAT(report.damaged_ids, ElementsAre());
  EXPECT_THAT(report.missing_ids, ElementsAre());
  EXPECT_THAT(report.notes, ElementsAre());  // the chain holds
  EXPECT_EQ(report.sets, 4u);
  EXPECT_EQ(store->sessions(10, "").size(), 2u);
  for (const std::string& id : kept) {
    EXPECT_TRUE(store->set(id)) << id;
    EXPECT_TRUE(store->samples(id)) << id;
  }
  // What comes after goes on the same chain.
  train(*store, random, "bob", "constant");
  store.reset();
  store = opened(dir.store());
  EXPECT_THAT(store->opening_report().notes, ElementsAre());
  EXPECT_EQ(store->opening_report().sets, 6u);
}

TEST(Erasing, DoesNotHideASetThatIsTrulyGone) {
  const TempDir dir;
  Random random(10);
  std::vector<std::string> of_bob;
  {
    auto store = opened(dir.store());
    of_bob = train(*store, random, "bob", "constant");
    train(*store, random, "ada-of-ghent", "constant");
    train(*store, random, "bob", "constant");
    ASSERT_TRUE(store->erase_client("ada-of-ghent"));
  }
  run_sql(dir.store() + "/station.db", "DELETE FROM sets WHERE id='" + of_bob[1] + "'");
  auto store = opened(dir.store());
  EXPECT_THAT(store->opening_report().missing_ids, ElementsAre(of_bob[1]));
}

TEST(Ids, InARowAreNeverGivenAgainThoughNobodySaysHowManyWereUsed) {
  const TempDir dir;
  std::string last;
  for (int start = 0; start < 3; ++start) {
    auto store = opened(dir.store());
    const std::string first = store->next_ids(100'000).value();
    const std::string after = store->next_id().value();
    EXPECT_GT(first, last);
    EXPECT_GE(std::stoull(after, nullptr, 16), std::stoull(first, nullptr, 16) + 100'000);
    last = after;
  }
  EXPECT_FALSE(opened(dir.store())->next_ids(Store::kIdsInARowMax + 1));
}

TEST(PersonJson, IsJsonWhateverTheNotesHold) {
  Random random(11);
  for (int i = 0; i < 50; ++i) {
    ClientRecord client = random_client(random, "a");
    client.body_mass_kg = 70.0;
    PlanWithDays plan{random_plan(random, "0123456789abcdef", "a"), {}};
    plan.days.push_back(random_day(random, plan.plan.id, 1));
    const auto json = nlohmann::json::parse(person_json("a", &client, {&plan, 1}) + "]}");
    EXPECT_EQ(json["format"], "medius.person");
    EXPECT_EQ(json["client"]["body_mass_kg"], 70.0);
    EXPECT_EQ(json["plans"][0]["days"].size(), 1u);
  }
}

}  // namespace
}  // namespace medius::record::test
