// Text for terminals: width, colour, bars and a small braille plot. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace medius::client {

enum class Color { kNone, kDim, kBold, kRed, kGreen, kYellow, kBlue, kCyan };

// Wrapped in its escape codes, or as it is when `on` is false.
[[nodiscard]] std::string paint(std::string_view text, Color color, bool on);

// Columns a text takes: code points, escape codes not counted.
[[nodiscard]] std::size_t width_of(std::string_view text);
// Cut to so many columns; escape codes are kept and closed.
[[nodiscard]] std::string clip(std::string_view text, std::size_t columns);
// Filled up with spaces on the right (or left) to so many columns.
[[nodiscard]] std::string pad(std::string_view text, std::size_t columns);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t columns);

// A bar of `columns` cells for value in 0..max, in eighths of a cell, with an optional mark (a thin
// line) at `mark`; mark < 0 = none. Values outside are clamped, NaN is empty.
[[nodiscard]] std::string bar(double value, double max, double mark, std::size_t columns);

// Dots of 2 x 4 a cell: `rows` lines of `columns` cells, the newest values at the right edge.
// Series are drawn over each other.
[[nodiscard]] std::vector<std::string> braille_plot(std::span<const std::vector<double>> series,
                                                    double max, std::size_t columns,
                                                    std::size_t rows);

}  // namespace medius::client
