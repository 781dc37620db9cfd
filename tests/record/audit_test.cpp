// The audit log: what is written is read, and what was tampered with is found and named.
#include "controller/record/audit.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <sqlite3.h>

#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

AuditEvent load_order(double load) {
  AuditEvent event;
  event.kind = AuditKind::kOrder;
  event.result = AuditResult::kAccepted;
  event.unix_ns = 1'700'000'000'123'456'789;
  event.who = "Ada \"the\" trainer";
  event.role = "trainer";
  event.action = "adjust_load";
  event.subject = "sessions/0000000000000001/sets/0000000000000002";
  event.request_id = "r-1";
  event.unit = "N";
  event.requested = load;
  event.accepted = load;
  event.tick = 4711;
  event.details = {{"effect", "at_bottom"}};
  return event;
}

std::vector<AuditEvent> orders(int count) {
  std::vector<AuditEvent> events;
  for (int i = 0; i < count; ++i) events.push_back(load_order(20.0 + i));
  return events;
}

std::vector<AuditFinding> verify(Store& store) {
  AuditVerifier verifier;
  verifier.expect(store.audit_head());
  std::uint64_t after = 0;
  for (;;) {
    const auto rows = store.audit_rows(after, 7);
    if (rows.empty()) break;
    for (const AuditRow& row : rows) verifier.take(row);
    after = rows.back().sequence;
  }
  return verifier.finish();
}

std::unique_ptr<Store> open(const TempDir& dir) {
  auto store = Store::open(dir.store());
  EXPECT_TRUE(store) << store.error().message;
  return std::move(*store);
}

// Somebody else's hand in the file, with the log's own guards taken out first.
void tamper(const TempDir& dir, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((dir.store() + "/station.db").c_str(), &database), SQLITE_OK);
  const std::string all =
      "CREATE TEMP TABLE kept AS SELECT sql FROM sqlite_schema WHERE type='trigger';"
      "DROP TRIGGER audit_unchanged; DROP TRIGGER audit_undeleted;" +
      sql;
  ASSERT_EQ(sqlite3_exec(database, all.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  std::vector<std::string> triggers;
  const auto keep = [](void* out, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(out)->emplace_back(values[0]);
    return 0;
  };
  sqlite3_exec(database, "SELECT sql FROM kept", keep, &triggers, nullptr);
  for (const auto& trigger : triggers) {
    ASSERT_EQ(sqlite3_exec(database, trigger.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  }
  sqlite3_close(database);
}

TEST(AuditEvents, ComeBackAsTheyWereWritten) {
  AuditEvent event = load_order(42.5);
  event.applied = 42.0;
  event.read_back = 41.875;
  event.reason = "because";
  const auto back = decode_audit(encode_audit(event));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_audit(*back), encode_audit(event));
  EXPECT_EQ(back->who, event.who);
  EXPECT_EQ(back->unix_ns, event.unix_ns);
  EXPECT_EQ(back->read_back, event.read_back);
  EXPECT_EQ(back->details, event.details);
}

TEST(AuditEvents, KeepLongAndBrokenTextsShortAndReadable) {
  AuditEvent event = load_order(1.0);
  event.who = std::string(5000, 'x');
  event.reason = "\xff\xfe broken";
  const auto back = decode_audit(encode_audit(event));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->who.size(), kAuditTextMax);
  EXPECT_THAT(back->reason, HasSubstr("broken"));
}

TEST(AuditEvents, AreRefusedWhenTheyAreNoneOfOurs) {
  for (const char* text :
       {"", "{}", "[1]", "{\"kind\":\"order\"}", "{\"kind\":\"x\",\"result\":\"noted\"}"}) {
    EXPECT_FALSE(decode_audit(text)) << text;
  }
}

TEST(AuditHash, IsTheSha256OfItsDescription) {
  // "medius-audit-1", 32 zero bytes, 1 as eight bytes, the payload.
  const std::string payload = "{\"a\":1}";
  std::string bytes =
      "medius-audit-1" + std::string(32, '\0') + '\x01' + std::string(7, '\0') + payload;
  Sha256 expected{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), expected.data());
  EXPECT_EQ(audit_hash({}, 1, payload), expected);
  EXPECT_EQ(sha256_from_hex(hex(expected)), expected);
  EXPECT_FALSE(sha256_from_hex("abc"));
  EXPECT_FALSE(sha256_from_hex(std::string(64, 'G')));
}

TEST(AuditLog, OutlivesTheProcessAndVerifies) {
  const TempDir dir;
  AuditHead head;
  {
    auto store = open(dir);
    EXPECT_EQ(store->audit_head().sequence, 0U);
    ASSERT_TRUE(store->append_audit(orders(3)));
    head = *store->append_audit(orders(20));
    EXPECT_EQ(head.sequence, 23U);
  }
  auto store = open(dir);
  EXPECT_EQ(store->audit_head(), head);
  EXPECT_THAT(store->opening_report().notes, IsEmpty());
  EXPECT_THAT(store->audit_rows(20, 100), SizeIs(3));
  EXPECT_THAT(verify(*store), IsEmpty());
  EXPECT_EQ(store->append_audit(orders(1))->sequence, 24U);
}

TEST(AuditLog, WorksInMemory) {
  auto store = Store::open_in_memory();
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->append_audit(orders(2)));
  EXPECT_THAT(verify(**store), IsEmpty());
  EXPECT_THAT((*store)->audit_rows(0, 10), SizeIs(2));
}

TEST(AuditLog, IsOnlyAppendedToWhateverTheStatement) {
  const TempDir dir;
  ASSERT_TRUE(open(dir)->append_audit(orders(2)));
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((dir.store() + "/station.db").c_str(), &database), SQLITE_OK);
  for (const char* sql : {"DELETE FROM audit WHERE sequence=2", "UPDATE audit SET payload='{}'"}) {
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_CONSTRAINT) << sql;
  }
  sqlite3_close(database);
  EXPECT_THAT(verify(*open(dir)), IsEmpty());
}

// Every single flipped bit of every column of a row.
TEST(AuditLog, NamesTheRowWithAFlippedByte) {
  Random random(7);
  for (const char* column : {"payload", "before", "hash"}) {
    for (int round = 0; round < 12; ++round) {
      const TempDir dir;
      ASSERT_TRUE(open(dir)->append_audit(orders(9)));
      const auto row = 1 + static_cast<std::uint64_t>(random.next() % 9);
      const int at = 1 + static_cast<int>(random.next() % 32);
      const std::string c(column);
      const std::string n = std::to_string(at);
      tamper(dir, "UPDATE audit SET " + c + "=CAST(substr(" + c + ",1," + n +
                      "-1) || x'03' || substr(" + c + "," + n +
                      "+1) AS BLOB) WHERE sequence=" + std::to_string(row) + ";");
      const auto findings = verify(*open(dir));
      ASSERT_FALSE(findings.empty()) << c << " " << row << " " << at;
      EXPECT_EQ(findings.front().first, row) << findings.front().message;
      EXPECT_THAT(findings.front().message, HasSubstr("row " + std::to_string(row)));
    }
  }
}

TEST(AuditLog, NamesARemovedRow) {
  for (int row = 1; row <= 5; ++row) {
    const TempDir dir;
    ASSERT_TRUE(open(dir)->append_audit(orders(6)));
    tamper(dir, "DELETE FROM audit WHERE sequence=" + std::to_string(row) + ";");
    const auto findings = verify(*open(dir));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings.front().first, static_cast<std::uint64_t>(row));
    EXPECT_EQ(findings.front().last, static_cast<std::uint64_t>(row));
  }
}

TEST(AuditLog, NamesARemovedRowThatWasClosedUpByRenumbering) {
  const TempDir dir;
  ASSERT_TRUE(open(dir)->append_audit(orders(6)));
  tamper(
      dir,
      "DELETE FROM audit WHERE sequence=3; UPDATE audit SET sequence=sequence-1 WHERE sequence>3;");
  const auto findings = verify(*open(dir));
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().first, 3U);
}

TEST(AuditLog, NamesAShortenedEndByTheManifestForEver) {
  const TempDir dir;
  AuditHead head = *open(dir)->append_audit(orders(6));
  tamper(dir, "DELETE FROM audit WHERE sequence>4;");
  {
    auto store = open(dir);
    EXPECT_THAT(store->opening_report().notes, testing::Contains(HasSubstr("audit rows 5 to 6")));
    EXPECT_EQ(store->audit_head(), head);
    const auto findings = verify(*store);
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings.front().first, 5U);
    EXPECT_EQ(findings.front().last, 6U);
    // New rows go on behind the gap.
    EXPECT_EQ(store->append_audit(orders(1))->sequence, 7U);
  }
  const auto findings = verify(*open(dir));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings.front().first, 5U);
}

TEST(AuditLog, FindsALogThatWasWrittenAnewAsAWholeByAHashThatWasNotedElsewhere) {
  const TempDir dir;
  auto store = open(dir);
  const AuditHead noted = *store->append_audit(orders(4));
  AuditVerifier verifier;
  verifier.expect(noted);
  Sha256 before{};
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    AuditRow forged{sequence, encode_audit(load_order(1.0)), before, {}};
    forged.hash = before = audit_hash(before, sequence, forged.payload);
    verifier.take(forged);
  }
  const auto findings = verifier.finish();
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings.front().first, 4U);
}

}  // namespace
}  // namespace medius::record::test
