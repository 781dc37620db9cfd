#include "controller/station/answer_memory.hpp"

#include <gtest/gtest.h>

namespace medius::station::test {
namespace {

TEST(AnswerMemory, KeepsTheFirstAnswerToAnId) {
  AnswerMemory<int> memory(4);
  memory.remember("a", 1);
  memory.remember("a", 2);
  ASSERT_NE(memory.find("a"), nullptr);
  EXPECT_EQ(*memory.find("a"), 1);
  EXPECT_EQ(memory.find("b"), nullptr);
  EXPECT_EQ(memory.size(), 1u);
}

TEST(AnswerMemory, ForgetsTheOldestWhenFullAndNeverGrowsBeyond) {
  AnswerMemory<int> memory(3);
  for (int i = 0; i < 1000; ++i) {
    memory.remember(std::to_string(i), i);
    EXPECT_LE(memory.size(), 3u);
  }
  EXPECT_EQ(memory.find("996"), nullptr);
  for (int i = 997; i < 1000; ++i) EXPECT_EQ(*memory.find(std::to_string(i)), i);
}

TEST(UsedIds, KnowsAnIdLongAfterOthersCameAndForgetsTheOldestWhenFull) {
  UsedIds used(100);
  for (int i = 0; i < 150; ++i) {
    EXPECT_FALSE(used.contains(std::to_string(i)));
    used.add(std::to_string(i));
    used.add(std::to_string(i));
    EXPECT_LE(used.size(), 100u);
  }
  EXPECT_FALSE(used.contains("49"));
  for (int i = 50; i < 150; ++i) EXPECT_TRUE(used.contains(std::to_string(i)));
}

}  // namespace
}  // namespace medius::station::test
