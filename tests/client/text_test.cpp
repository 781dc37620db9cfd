#include "client/text.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius::client {
namespace {

TEST(Text, WidthCountsWhatIsSeen) {
  EXPECT_EQ(width_of("abc"), 3u);
  EXPECT_EQ(width_of("■□"), 2u);
  EXPECT_EQ(width_of(paint("ratio", Color::kRed, true)), 5u);
  EXPECT_EQ(paint("ratio", Color::kRed, false), "ratio");
}

TEST(Text, ClippingKeepsColoursClosed) {
  const std::string red = paint("abcdef", Color::kRed, true);
  const std::string cut = clip(red, 3);
  EXPECT_EQ(width_of(cut), 3u);
  EXPECT_TRUE(cut.ends_with("\x1b[0m"));
  EXPECT_EQ(clip("abc", 3), "abc");
}

RC_GTEST_PROP(Text, PaddedTextHasExactlyItsColumns, (const std::string& raw)) {
  std::string text;
  for (const char c : raw) text += c >= ' ' && c <= '~' ? std::string(1, c) : std::string("■");
  const auto columns = *rc::gen::inRange<std::size_t>(0, 60);
  RC_ASSERT(width_of(pad(text, columns)) == columns);
  RC_ASSERT(width_of(pad_left(text, columns)) == columns);
}

RC_GTEST_PROP(Bar, AlwaysFillsItsColumnsWhateverTheValue, (double value, double max, double mark)) {
  const auto columns = *rc::gen::inRange<std::size_t>(0, 80);
  RC_ASSERT(width_of(bar(value, max, mark, columns)) == columns);
}

TEST(Bar, ShowsTheValueInEighths) {
  EXPECT_EQ(bar(0.0, 10.0, -1.0, 4), "░░░░");
  EXPECT_EQ(bar(5.0, 10.0, -1.0, 4), "██░░");
  EXPECT_EQ(bar(10.0, 10.0, -1.0, 4), "████");
  EXPECT_EQ(bar(99.0, 10.0, -1.0, 4), "████");
  EXPECT_EQ(bar(1.25, 10.0, -1.0, 4), "▌░░░");
  EXPECT_EQ(bar(5.0, 10.0, 7.5, 4), "██░│");
  EXPECT_EQ(bar(std::nan(""), 10.0, -1.0, 4), "░░░░");
  EXPECT_EQ(bar(5.0, 0.0, -1.0, 4), "░░░░");
  EXPECT_EQ(bar(std::numeric_limits<double>::infinity(), 10.0, std::nan(""), 4), "████");
}

TEST(Braille, DrawsARisingLineFromLowerLeftToUpperRight) {
  const std::vector<std::vector<double>> series{{0.0, 1.0, 2.0, 3.0}};
  const auto lines = braille_plot(series, 3.0, 2, 1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "⡠⠊");
}

TEST(Braille, KeepsTheNewestAtTheRightAndStaysBlankWithoutValues) {
  const auto blank = braille_plot({}, 1.0, 3, 2);
  EXPECT_EQ(blank, (std::vector<std::string>{"⠀⠀⠀", "⠀⠀⠀"}));
  const std::vector<std::vector<double>> one{{1.0}};
  EXPECT_EQ(braille_plot(one, 1.0, 3, 1)[0], "⠀⠀⠈");
}

RC_GTEST_PROP(Braille, HasItsRowsAndColumnsWhateverTheValues, (const std::vector<double>& values)) {
  const std::vector<std::vector<double>> series{values, values};
  const auto lines = braille_plot(series, *rc::gen::arbitrary<double>(), 7, 3);
  RC_ASSERT(lines.size() == 3u);
  for (const std::string& line : lines) RC_ASSERT(width_of(line) == 7u);
}

}  // namespace
}  // namespace medius::client
