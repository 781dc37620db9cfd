// Progress as a picture: one panel a test, one a load, one for right against left.
#include <algorithm>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "client/people_text.hpp"
#include "client/svg.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

constexpr double kWidth = 760.0, kPanel = 170.0, kLeft = 70.0, kRight = 130.0;
constexpr double kTop = 28.0, kBottom = 22.0;
// Left and right apart also without colours: one dashed.
constexpr const char* kColors[] = {"#0b5394", "#b45309", "#38761d"};

struct Dot {
  double day = 0.0, value = 0.0, error = 0.0;  // 0: not known
};
struct Line {
  std::string label;
  std::vector<Dot> dots;
};
struct Panel {
  std::string title;
  std::vector<Line> lines;
  bool with_zero = false;
};

double day_of(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) / 86'400.0;
}

std::vector<Panel> panels_of(const v1::Progress& progress) {
  std::vector<Panel> panels;
  for (const v1::TestSeries& series : progress.tests()) {
    const std::string title = fmt::format("test {} ({})", series.kind(), series.unit());
    if (panels.empty() || panels.back().title != title) panels.push_back({title, {}, false});
    Line line{word(series.side()), {}};
    double error = 0.0;
    for (const v1::TestPoint& point : series.points()) {
      error = std::max(error, point.minimal_detectable_change());
      line.dots.push_back({day_of(point.time()), point.value(), 0.0});
    }
    // The band in which a value is not told from the first one.
    if (!line.dots.empty()) line.dots.front().error = error;
    panels.back().lines.push_back(std::move(line));
  }
  for (const v1::LoadSeries& series : progress.loads()) {
    Panel panel{fmt::format("working load, {} ({})", series.exercise(),
                            series.coordinate() == v1::COORDINATE_LEVER ? "Nm" : "N"),
                {},
                false};
    Line line{"load", {}};
    for (const v1::LoadPoint& point : series.points()) {
      line.dots.push_back({day_of(point.time()), point.load(), 0.0});
    }
    panel.lines.push_back(std::move(line));
    panels.push_back(std::move(panel));
  }
  if (progress.symmetry_size() > 0) {
    Panel panel{"right against left, lifting work (%), bars: error", {}, true};
    Line line{"difference", {}};
    for (const v1::SymmetryPoint& point : progress.symmetry()) {
      line.dots.push_back({day_of(point.time()), point.percent(), point.error_percent()});
    }
    panel.lines.push_back(std::move(line));
    panels.push_back(std::move(panel));
  }
  return panels;
}

struct Span {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void widen(double least) {
    const double more = std::max(0.08 * (high - low), least);
    low -= more;
    high += more;
  }
};

void draw_line(const Line& line, std::size_t number, bool every_error,
               const std::function<double(double)>& x, const std::function<double(double)>& y,
               std::string& svg) {
  const char* color = kColors[number % std::size(kColors)];
  std::string points;
  for (const Dot& dot : line.dots) {
    points += fmt::format("{:.1f},{:.1f} ", x(dot.day), y(dot.value));
  }
  const char* dash = number % 2 == 1 ? " stroke-dasharray=\"5 3\"" : "";
  svg +=
      fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"{}/>\n",
                  points, color, dash);
  for (const Dot& dot : line.dots) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x(dot.day),
                       y(dot.value), color);
    if (!(dot.error > 0.0)) continue;
    if (every_error) {
      svg += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n",
          x(dot.day), y(dot.value - dot.error), y(dot.value + dot.error), color);
    } else {
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "fill=\"{}\" fill-opacity=\"0.08\"/>\n",
          kLeft, y(dot.value + dot.error), kWidth - kLeft - kRight,
          y(dot.value - dot.error) - y(dot.value + dot.error), color);
    }
  }
  svg +=
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n", kWidth - kRight + 10.0,
                  y(line.dots.back().value) + 4.0, color, escaped(line.label));
}

void draw_panel(const Panel& panel, const Span& days, double top, std::string& svg) {
  Span values;
  for (const Line& line : panel.lines) {
    for (const Dot& dot : line.dots) {
      values.take(dot.value - dot.error);
      values.take(dot.value + dot.error);
    }
  }
  if (panel.with_zero) values.take(0.0);
  values.widen(0.5);
  const double height = kPanel - kTop - kBottom;
  const std::function<double(double)> x = [&](double day) {
    return kLeft + (kWidth - kLeft - kRight) * (day - days.low) / (days.high - days.low);
  };
  const std::function<double(double)> y = [&](double value) {
    return top + kTop + height * (values.high - value) / (values.high - values.low);
  };
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-weight=\"bold\">{}</text>\n", kLeft,
                     top + 18.0, escaped(panel.title));
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill=\"none\" stroke=\"#999\"/>\n",
      kLeft, top + kTop, kWidth - kLeft - kRight, height);
  for (const double share : {0.1, 0.5, 0.9}) {
    const double value = values.low + share * (values.high - values.low);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>\n",
                       kLeft - 6.0, y(value) + 4.0, value);
  }
  if (panel.with_zero) {
    svg += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"#999\" stroke-dasharray=\"2 3\"/>\n",
        kLeft, kWidth - kRight, y(0.0), y(0.0));
  }
  for (std::size_t i = 0; i < panel.lines.size(); ++i) {
    if (!panel.lines[i].dots.empty()) draw_line(panel.lines[i], i, panel.with_zero, x, y, svg);
  }
  google::protobuf::Timestamp first, last;
  first.set_seconds(static_cast<std::int64_t>((days.low + 1.0) * 86'400.0));
  last.set_seconds(static_cast<std::int64_t>((days.high - 1.0) * 86'400.0));
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", kLeft, top + kPanel - 6.0,
                     date_of(first));
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                     kWidth - kRight, top + kPanel - 6.0, date_of(last));
}

}  // namespace

std::string progress_svg(const v1::Progress& progress) {
  const std::vector<Panel> panels = panels_of(progress);
  Span days;
  for (const Panel& panel : panels) {
    for (const Line& line : panel.lines) {
      for (const Dot& dot : line.dots) days.take(dot.day);
    }
  }
  if (panels.empty()) days.take(0.0);
  days.low -= 1.0;
  days.high += 1.0;
  const double height =
      40.0 + kPanel * static_cast<double>(std::max<std::size_t>(panels.size(), 1));
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{2:.0f}\" y=\"24\" font-size=\"14\">client {3}</text>\n",
      kWidth, height, kLeft, escaped(short_name(progress.client())));
  double top = 34.0;
  for (const Panel& panel : panels) {
    draw_panel(panel, days, top, svg);
    top += kPanel;
  }
  if (panels.empty()) svg += "<text x=\"70\" y=\"80\">nothing measured yet</text>\n";
  return svg + "</svg>\n";
}

}  // namespace medius::client
