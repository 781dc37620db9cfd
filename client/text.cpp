#include "client/text.hpp"

#include <algorithm>
#include <cmath>

namespace medius::client {
namespace {

const char* code_of(Color color) {
  switch (color) {
    case Color::kNone:
      return "";
    case Color::kDim:
      return "\x1b[2m";
    case Color::kBold:
      return "\x1b[1m";
    case Color::kRed:
      return "\x1b[31m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kBlue:
      return "\x1b[34m";
    case Color::kCyan:
      return "\x1b[36m";
  }
  return "";
}

constexpr const char* kReset = "\x1b[0m";

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// Length of the escape code at `at`, 0 if there is none.
std::size_t escape_length(std::string_view text, std::size_t at) {
  if (text[at] != '\x1b') return 0;
  std::size_t end = at + 1;
  while (end < text.size() && !std::isalpha(static_cast<unsigned char>(text[end]))) ++end;
  return std::min(end + 1, text.size()) - at;
}

std::string code_point(unsigned value) {  // U+2800 and block elements: always three bytes
  return {static_cast<char>(0xE0 | (value >> 12)), static_cast<char>(0x80 | ((value >> 6) & 0x3F)),
          static_cast<char>(0x80 | (value & 0x3F))};
}

double clamped(double value, double min, double max) {
  if (!(value >= min)) return min;
  return value > max ? max : value;
}

// Bit of a dot in a braille cell by column (0..1) and row from the top (0..3).
constexpr unsigned kDot[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

}  // namespace

std::string paint(std::string_view text, Color color, bool on) {
  if (!on || color == Color::kNone) return std::string(text);
  return std::string(code_of(color)) + std::string(text) + kReset;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t skip = escape_length(text, i); skip > 0) {
      i += skip;
      continue;
    }
    if (starts_code_point(text[i])) ++width;
    ++i;
  }
  return width;
}

std::string clip(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  std::string out;
  std::size_t width = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t skip = escape_length(text, i); skip > 0) {
      out += text.substr(i, skip);
      escaped = true;
      i += skip;
      continue;
    }
    if (starts_code_point(text[i]) && ++width > columns) break;
    out += text[i++];
  }
  if (escaped) out += kReset;
  return out;
}

std::string pad(std::string_view text, std::size_t columns) {
  std::string out = clip(text, columns);
  out.append(columns - width_of(out), ' ');
  return out;
}

std::string pad_left(std::string_view text, std::size_t columns) {
  const std::string out = clip(text, columns);
  return std::string(columns - width_of(out), ' ') + out;
}

std::string bar(double value, double max, double mark, std::size_t columns) {
  constexpr unsigned kFull = 0x2588;  // the eighths follow it upwards: 7/8 is U+2589
  constexpr unsigned kEmpty = 0x2591;
  constexpr unsigned kMark = 0x2502;
  const double cells = static_cast<double>(columns);
  const double scale = max > 0.0 ? cells / max : 0.0;
  const auto eighths = static_cast<std::size_t>(clamped(value * scale, 0.0, cells) * 8.0);
  const bool marked = mark >= 0.0 && columns > 0;
  const auto mark_cell =
      static_cast<std::size_t>(clamped(mark * scale, 0.0, std::max(0.0, cells - 1.0)));
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    if (marked && i == mark_cell) {
      out += code_point(kMark);
    } else if (eighths >= 8 * (i + 1)) {
      out += code_point(kFull);
    } else if (eighths > 8 * i) {
      out += code_point(kFull + 8 - static_cast<unsigned>(eighths - 8 * i));
    } else {
      out += code_point(kEmpty);
    }
  }
  return out;
}

std::vector<std::string> braille_plot(std::span<const std::vector<double>> series, double max,
                                      std::size_t columns, std::size_t rows) {
  std::vector<unsigned> cells(columns * rows, 0x2800);
  const std::size_t dots = 2 * columns;
  const std::size_t height = 4 * rows;
  for (const std::vector<double>& values : series) {
    const std::size_t count = std::min(values.size(), dots);
    for (std::size_t i = 0; i < count; ++i) {
      const double value = values[values.size() - count + i];
      if (!(max > 0.0) || !std::isfinite(value)) continue;
      const std::size_t x = dots - count + i;
      const double level = clamped(value / max, 0.0, 1.0) * static_cast<double>(height - 1);
      const std::size_t y = height - 1 - static_cast<std::size_t>(std::lround(level));
      cells[(y / 4) * columns + x / 2] |= kDot[x % 2][y % 4];
    }
  }
  std::vector<std::string> lines(rows);
  for (std::size_t i = 0; i < cells.size(); ++i) lines[i / columns] += code_point(cells[i]);
  return lines;
}

}  // namespace medius::client
