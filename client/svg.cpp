#include "client/svg.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace medius::client {
namespace {

constexpr double kLeft = 62.0, kRight = 14.0, kTop = 30.0, kBottom = 38.0;
// More points than a printer has dots across a page only make the file large.
constexpr std::size_t kPointsMax = 1800;

struct Range {
  double low = 0.0, high = 1.0;
};

template <typename Values>
Range range_of(const std::vector<SvgSeries>& series, Values values, bool from_zero) {
  bool any = false;
  Range range;
  for (const SvgSeries& one : series) {
    for (const double value : values(one)) {
      if (!std::isfinite(value)) continue;
      range.low = any ? std::min(range.low, value) : value;
      range.high = any ? std::max(range.high, value) : value;
      any = true;
    }
  }
  if (from_zero) range.low = std::min(range.low, 0.0);
  if (!(range.high > range.low)) range.high = range.low + 1.0;
  return range;
}

// 1, 2 or 5 times a power of ten; about six steps.
double step_of(const Range& range) {
  const double rough = (range.high - range.low) / 6.0;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10.0 * power;
}

struct Frame {
  Range x, y;
  double width = 0.0, height = 0.0;
  [[nodiscard]] double px(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (width - kLeft - kRight);
  }
  [[nodiscard]] double py(double value) const {
    return height - kBottom - (value - y.low) / (y.high - y.low) * (height - kTop - kBottom);
  }
};

std::string axes(const Frame& frame, const SvgPlot& plot) {
  std::string out;
  const double bottom = frame.height - kBottom;
  const double right = frame.width - kRight;
  const double x_step = step_of(frame.x);
  for (double x = std::ceil(frame.x.low / x_step) * x_step; x <= frame.x.high + 1e-9 * x_step;
       x += x_step) {
    const double shown = std::abs(x) < 1e-9 * x_step ? 0.0 : x;
    out += fmt::format(
        "<line x1='{0:.1f}' y1='{1}' x2='{0:.1f}' y2='{2}' class='grid'/>"
        "<text x='{0:.1f}' y='{3}' class='tick' text-anchor='middle'>{4:g}</text>",
        frame.px(x), kTop, bottom, bottom + 14.0, shown);
  }
  const double y_step = step_of(frame.y);
  for (double y = std::ceil(frame.y.low / y_step) * y_step; y <= frame.y.high + 1e-9 * y_step;
       y += y_step) {
    const double shown = std::abs(y) < 1e-9 * y_step ? 0.0 : y;
    out += fmt::format(
        "<line x1='{1}' y1='{0:.1f}' x2='{2}' y2='{0:.1f}' class='grid'/>"
        "<text x='{3}' y='{4:.1f}' class='tick' text-anchor='end'>{5:g}</text>",
        frame.py(y), kLeft, right, kLeft - 5.0, frame.py(y) + 4.0, shown);
  }
  out += fmt::format("<text x='{:.1f}' y='{:.1f}' class='label' text-anchor='middle'>{}</text>",
                     0.5 * (kLeft + right), frame.height - 6.0, escaped(plot.x_label));
  out += fmt::format(
      "<text x='14' y='{0:.1f}' class='label' text-anchor='middle' transform='rotate(-90 14 "
      "{0:.1f})'>{1}</text>",
      0.5 * (kTop + bottom), escaped(plot.y_label));
  return out;
}

std::string line(const Frame& frame, const SvgSeries& series) {
  const std::size_t count = std::min(series.x.size(), series.y.size());
  const std::size_t stride = std::max<std::size_t>(1, (count + kPointsMax - 1) / kPointsMax);
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < count; i += stride) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", frame.px(series.x[i]),
                        frame.py(series.y[i]));
    pen_down = true;
  }
  return fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='1.3'{}/>", path,
                     series.color, series.dashed ? " stroke-dasharray='5 3'" : "");
}

// Four units from the middle to a corner; a mark that is not finite is not drawn.
std::string mark(const Frame& frame, const SvgMark& mark) {
  if (!std::isfinite(mark.x) || !std::isfinite(mark.y)) return "";
  const char* path = "";
  switch (mark.shape) {
    case SvgShape::kDot:
      path = "M-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0Z";
      break;
    case SvgShape::kUp:
      path = "M0 -5L4.5 4L-4.5 4Z";
      break;
    case SvgShape::kDown:
      path = "M0 5L4.5 -4L-4.5 -4Z";
      break;
    case SvgShape::kCross:
      path = "M-4 -4L4 4M-4 4L4 -4";
      break;
    case SvgShape::kDiamond:
      path = "M0 -5L5 0L0 5L-5 0Z";
      break;
  }
  return fmt::format(
      "<path transform='translate({:.1f} {:.1f})' d='{}' fill='{}' stroke='{}' "
      "stroke-width='1.6'><title>{}</title></path>",
      frame.px(mark.x), frame.py(mark.y), path,
      mark.shape == SvgShape::kCross ? "none" : mark.color, mark.color, escaped(mark.title));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string svg_plot(const SvgPlot& plot) {
  Frame frame;
  frame.width = plot.width;
  frame.height = plot.height;
  frame.x = range_of(
      plot.series, [](const SvgSeries& s) { return s.x; }, false);
  frame.y = range_of(
      plot.series, [](const SvgSeries& s) { return s.y; }, plot.y_from_zero);
  frame.y.high += 0.05 * (frame.y.high - frame.y.low);
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "role='img'><style>.grid{{stroke:#ddd;stroke-width:.6}}.tick,.label,.name{{font:11px "
      "sans-serif;fill:#333}}.title{{font:bold 13px sans-serif;fill:#111}}</style>"
      "<title>{2}</title><text x='{3}' y='16' class='title'>{2}</text>",
      plot.width, plot.height, escaped(plot.title), kLeft);
  for (const SvgBand& band : plot.bands) {
    out += fmt::format("<rect x='{:.1f}' y='{}' width='{:.1f}' height='{:.1f}' fill='#eef3f8'/>",
                       frame.px(band.from), kTop,
                       std::max(0.0, frame.px(band.to) - frame.px(band.from)),
                       frame.height - kTop - kBottom);
  }
  out += axes(frame, plot);
  double legend = frame.width - kRight;
  for (const SvgSeries& series : plot.series) {
    out += line(frame, series);
    legend -= 7.0 * static_cast<double>(series.name.size()) + 26.0;
    out += fmt::format(
        "<line x1='{0:.1f}' y1='12' x2='{1:.1f}' y2='12' stroke='{2}' stroke-width='2'{4}/>"
        "<text x='{1:.1f}' y='16' dx='4' class='name'>{3}</text>",
        legend, legend + 16.0, series.color, escaped(series.name),
        series.dashed ? " stroke-dasharray='5 3'" : "");
  }
  for (const SvgMark& one : plot.marks) out += mark(frame, one);
  return out + "</svg>";
}

std::string svg_file(const SvgPlot& plot) {
  return "<?xml version='1.0' encoding='UTF-8'?>\n" + svg_plot(plot) + "\n";
}

}  // namespace medius::client
