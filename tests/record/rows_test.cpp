#include "controller/record/rows.hpp"

#include <gtest/gtest.h>

#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

TEST(Rows, CarryEveryFieldOfEveryRecordBitForBit) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const SessionRecord session = random_session(random, id_text(random.next()));
    const auto session_back = decode_session(encode_session(session));
    ASSERT_TRUE(session_back && same(*session_back, session)) << i;

    const measure::RepMetrics rep = random_rep(random);
    const auto rep_back = decode_rep(encode_rep(rep));
    ASSERT_TRUE(rep_back && same(*rep_back, rep)) << i;

    SetRecord set = random_set(random, id_text(random.next()), id_text(random.next()));
    set.reps.clear();  // rows of their own
    const SetSeal seal{static_cast<std::uint32_t>(random.next()), random.next(),
                       static_cast<std::uint32_t>(random.next()), random.next()};
    const auto set_back = decode_set(encode_set(set, seal));
    ASSERT_TRUE(set_back && same(set_back->set, set)) << i;
    EXPECT_EQ(set_back->seal.reps, seal.reps);
    EXPECT_EQ(set_back->seal.reps_digest, seal.reps_digest);
    EXPECT_EQ(set_back->seal.blocks, seal.blocks);
    EXPECT_EQ(set_back->seal.blocks_digest, seal.blocks_digest);
  }
}

TEST(Rows, RefuseBytesThatAreCutShortOrTooLong) {
  Random random(2);
  const std::string bytes = encode_set(random_set(random, id_text(1), id_text(2)), {});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(decode_set(bytes.substr(0, length))) << length;
  }
  EXPECT_FALSE(decode_set(bytes + '\0'));
  EXPECT_FALSE(decode_rep(encode_rep(random_rep(random)) + '\0'));
}

// What version 3 added is at the end: a row of version 2 is the same without it.
TEST(Rows, OfSetsThatAnOlderProgramWroteAreReadAndKnowNothingOfTheLoop) {
  Random random(3);
  SetRecord set = random_set(random, id_text(1), id_text(2));
  set.reps.clear();
  set.given = {};
  std::string bytes = encode_set(set, {});
  ASSERT_EQ(bytes[0], 3);
  bytes[0] = 2;
  EXPECT_FALSE(decode_set(bytes)) << "the end of version 3 is too much for it";
  bytes.resize(bytes.size() - sizeof(std::uint16_t));
  const auto back = decode_set(bytes);
  ASSERT_TRUE(back);
  EXPECT_TRUE(same(back->set, set));
  EXPECT_FALSE(back->set.given.known());
}

TEST(Rows, TellARowUnderAnotherKeyFromItsOwn) {
  const std::uint32_t crc = row_crc("reps", "00000000000000aa", 3, "payload");
  EXPECT_NE(crc, row_crc("reps", "00000000000000ab", 3, "payload"));
  EXPECT_NE(crc, row_crc("reps", "00000000000000aa", 4, "payload"));
  EXPECT_NE(crc, row_crc("sets", "00000000000000aa", 3, "payload"));
  EXPECT_EQ(crc, row_crc("reps", "00000000000000aa", 3, "payload"));
}

TEST(Rows, TellTheTimeOfATickOnlyNearTheSet) {
  SetRecord set;
  set.start_unix_ns = 1'000'000'000;
  set.start_tick = 500;
  EXPECT_EQ(unix_ns_at(set, 500), 1'000'000'000);
  EXPECT_EQ(unix_ns_at(set, 1500), 2'000'000'000);
  EXPECT_EQ(unix_ns_at(set, 400), 900'000'000);
  EXPECT_EQ(unix_ns_at(set, UINT64_MAX / 2), 1'000'000'000);
}

TEST(Ids, AreSixteenLowerCaseHexadecimalDigits) {
  EXPECT_EQ(id_text(0xdeadbeef), "00000000deadbeef");
  EXPECT_EQ(id_number("00000000deadbeef"), 0xdeadbeefu);
  EXPECT_EQ(id_number(id_text(UINT64_MAX)), UINT64_MAX);
  for (const char* bad : {"", "1", "00000000DEADBEEF", "00000000deadbeeg", "00000000deadbeef0"}) {
    EXPECT_FALSE(is_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace medius::record::test
