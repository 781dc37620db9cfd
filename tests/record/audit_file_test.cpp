// The audit log that is a file of its own: what was done to it is found and named.
#include "controller/record/audit_file.hpp"

#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

AuditEvent revoked(const std::string& who) {
  AuditEvent event;
  event.kind = AuditKind::kAccess;
  event.result = AuditResult::kApplied;
  event.unix_ns = 1'700'000'000'123'456'789;
  event.who = "root";
  event.action = "certificate_revoked";
  event.subject = who;
  event.reason = "a text\nof two lines";
  return event;
}

class AuditFileTest : public testing::Test {
 protected:
  AuditFileTest() {
    for (int i = 1; i <= 5; ++i) {
      const auto head = append_audit_file(file, revoked("person " + std::to_string(i)));
      EXPECT_TRUE(head) << head.error();
      if (head) {
        EXPECT_EQ(head->sequence, static_cast<std::uint64_t>(i));
      }
    }
  }
  std::vector<std::string> lines() const {
    std::ifstream in(file);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  void write(const std::vector<std::string>& those) const {
    std::ofstream out(file);
    for (const std::string& line : those) out << line << '\n';
  }
  // What verification finds, as one text.
  std::string found(const AuditHead& noted = {}) const {
    const auto read = read_audit_file(file);
    if (!read) return read.error();
    std::string out;
    for (const AuditFinding& finding : verify_audit_file(*read, noted).findings) {
      out += finding.message + "\n";
    }
    return out;
  }

  TempDir dir;
  const std::filesystem::path file = dir.path() / "audit.log";
};

TEST_F(AuditFileTest, KeepsRowsInAChainAndFindsNothingWrongWithThem) {
  EXPECT_EQ(lines().size(), 5u);
  EXPECT_THAT(found(), IsEmpty());
  const auto read = read_audit_file(file);
  ASSERT_TRUE(read);
  const AuditFileReport report = verify_audit_file(*read, {});
  EXPECT_EQ(report.rows, 5u);
  EXPECT_EQ(report.head, read->head);
  EXPECT_EQ(audit_file_head(file), "5:" + hex(report.head.hash));
  const auto event = decode_audit(read->rows[2].payload);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->subject, "person 3");
  EXPECT_EQ(event->reason, "a text\nof two lines");
  EXPECT_EQ(audit_hash(read->rows[1].hash, 3, read->rows[2].payload), read->rows[2].hash);
}

TEST_F(AuditFileTest, EveryChangedByteIsFound) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream whole;
  whole << in.rdbuf();
  const std::string text = whole.str();
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(file, std::ios::binary) << changed;
    EXPECT_THAT(found(), testing::Not(IsEmpty())) << "byte " << at;
  }
}

TEST_F(AuditFileTest, ARemovedRowAShortenedEndAndAWrongOrderAreNamed) {
  const auto whole = lines();
  auto without = whole;
  without.erase(without.begin() + 1);
  write(without);
  EXPECT_THAT(found(), HasSubstr("audit rows 2 to 2 are missing"));
  without = whole;
  without.pop_back();
  write(without);
  EXPECT_THAT(found(), HasSubstr("audit rows 5 to 5 were acknowledged and are missing at the end"));
  auto twice = whole;
  twice.push_back(whole[3]);
  write(twice);
  EXPECT_THAT(found(), HasSubstr("audit row 4 stands there again"));
  std::filesystem::remove(file);
  EXPECT_THAT(found(), HasSubstr("audit rows 1 to 5 were acknowledged and are missing"));
}

TEST_F(AuditFileTest, ALogThatWasWrittenAnewAsAWholeIsFoundByWhoNotedARow) {
  const AuditHead noted = read_audit_file(file)->head;
  std::filesystem::remove(file);
  std::filesystem::remove(file.string() + ".head");
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(append_audit_file(file, revoked("somebody else")));
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_THAT(found(noted), HasSubstr("audit row 5 has another hash than the one that was noted"));
}

TEST_F(AuditFileTest, ATornLineStaysFoundAndRowsGoOnBehindIt) {
  std::ofstream(file, std::ios::app) << "6 0123";
  ASSERT_TRUE(append_audit_file(file, revoked("later")));
  EXPECT_THAT(found(), HasSubstr("line 6 is no audit row"));
  const auto read = read_audit_file(file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rows.back().sequence, 6u);
  EXPECT_EQ(decode_audit(read->rows.back().payload)->subject, "later");
}

TEST_F(AuditFileTest, AfterALossRowsGoOnBehindWhatWasAcknowledgedSoThatTheGapStays) {
  auto lost = lines();
  lost.resize(3);
  write(lost);
  ASSERT_TRUE(append_audit_file(file, revoked("later")));
  EXPECT_THAT(found(), HasSubstr("audit rows 4 to 5 are missing"));
}

TEST_F(AuditFileTest, WithoutItsHeadTheLogIsNotCalledWhole) {
  std::filesystem::remove(file.string() + ".head");
  EXPECT_THAT(found(), HasSubstr("does not say which row is the newest"));
}

TEST_F(AuditFileTest, ProcessesTakeTurns) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([this] {
      for (int row = 0; row < 10; ++row) EXPECT_TRUE(append_audit_file(file, revoked("many")));
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(lines().size(), 45u);
}

TEST_F(AuditFileTest, WhereItCannotBeWrittenASentenceSaysSo) {
  const auto nowhere = append_audit_file(file / "under" / "a-file", revoked("nobody"));
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error(), HasSubstr("cannot be opened"));
  std::filesystem::create_symlink("/dev/null", file.string() + ".link");
  EXPECT_FALSE(append_audit_file(file.string() + ".link", revoked("nobody")));
}

}  // namespace
}  // namespace medius::record::test
