// Plots as SVG text: lines over a common axis, with ticks and a legend. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medius::client {

struct SvgSeries {
  std::string name;
  std::string color;  // as SVG writes it
  std::vector<double> x, y;
  bool dashed = false;
};

struct SvgBand {
  double from = 0.0, to = 0.0;
};

// A single value that means more than its place on the line.
enum class SvgShape { kDot, kUp, kDown, kCross, kDiamond };
struct SvgMark {
  double x = 0.0, y = 0.0;
  SvgShape shape = SvgShape::kDot;
  std::string color;
  std::string title;  // shown by a browser when pointed at
};

struct SvgPlot {
  std::string title, x_label, y_label;
  int width = 900, height = 260;
  std::vector<SvgSeries> series;
  std::vector<SvgBand> bands;  // shaded stretches of x: repetitions
  std::vector<SvgMark> marks;
  bool y_from_zero = true;
};

// A whole <svg> element. Values that are not finite interrupt their line.
[[nodiscard]] std::string svg_plot(const SvgPlot& plot);
// A file of its own.
[[nodiscard]] std::string svg_file(const SvgPlot& plot);
// For text in HTML and SVG.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace medius::client
