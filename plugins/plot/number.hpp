// Numbers as text, the same on every machine: no locale, no printf.
#pragma once

#include <cmath>
#include <string>

namespace medius::plot {

// With exactly `decimals` digits after the point, at most 6; rounded half away from zero.
[[nodiscard]] inline std::string fixed(double value, int decimals) {
  long long scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const long long scaled = std::llround(value * static_cast<double>(scale));
  const long long size = scaled < 0 ? -scaled : scaled;
  std::string text = (scaled < 0 ? "-" : "") + std::to_string(size / scale);
  if (decimals == 0) return text;
  std::string fraction = std::to_string(size % scale);
  fraction.insert(0, static_cast<std::size_t>(decimals) - fraction.size(), '0');
  return text + "." + fraction;
}

// As short as six decimals allow.
[[nodiscard]] inline std::string plain(double value) {
  if (!(std::fabs(value) < 1e9)) return value == value ? "beyond 1e9" : "not a number";
  std::string text = fixed(value, 6);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace medius::plot
