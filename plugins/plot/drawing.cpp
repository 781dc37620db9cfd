#include "plugins/plot/drawing.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "plugins/plot/number.hpp"

namespace medius::plot {
namespace {

constexpr double kWidth = 840.0, kHeight = 400.0;
constexpr double kTop = 64.0, kBottom = 310.0;
constexpr double kNear = 2.5;       // pixels: closer points are left out
constexpr double kLabelRoom = 0.3;  // of a tick's length, beyond the outermost value

struct Style {
  Part part;
  const char* color;
  const char* word;
};
// Colours that people with any kind of colour vision tell apart.
constexpr std::array<Style, 3> kStyles = {{{Part::kLifting, "#0060a8", "lifting"},
                                           {Part::kLowering, "#c8501e", "lowering"},
                                           {Part::kHolding, "#808080", "holding"}}};

const Style& style_of(Part part) {
  for (const Style& style : kStyles) {
    if (style.part == part) return style;
  }
  return kStyles.back();  // at the bottom: held too
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else {
      result += c;
    }
  }
  return result;
}

struct Axis {
  double low = 0.0, high = 1.0, step = 1.0;
  int decimals = 0;

  // Whole ticks of 1, 2 or 5 x 10^n around the values, about `ticks` of them.
  static Axis around(double low, double high, int ticks) {
    const double span = high > low ? high - low : 1.0;
    double step = 1e-6;
    int decimals = 6;
    constexpr std::array<double, 3> kGrowth = {2.0, 2.5, 2.0};  // 1 -> 2 -> 5 -> 10
    for (std::size_t i = 0; span / step > ticks; ++i) {
      step *= kGrowth[i % 3];
      if (i % 3 == 2) --decimals;
    }
    Axis axis;
    axis.step = step;
    axis.decimals = std::max(decimals, 0);
    axis.low = std::floor(low / step + 1e-9) * step;
    axis.high = std::ceil(high / step - 1e-9) * step;
    return axis;
  }
};

std::string text(double x, double y, const std::string& anchor, const std::string& words,
                 const std::string& more = "") {
  return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + anchor +
         "\"" + more + ">" + escaped(words) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& more) {
  return "<line x1=\"" + fixed(x1, 1) + "\" y1=\"" + fixed(y1, 1) + "\" x2=\"" + fixed(x2, 1) +
         "\" y2=\"" + fixed(y2, 1) + "\" " + more + "/>\n";
}

class Panel {
 public:
  Panel(double left, double right, const Axis& across, const Axis& up)
      : left_(left), right_(right), across_(across), up_(up) {}

  [[nodiscard]] double x(double value) const {
    return left_ + (value - across_.low) / (across_.high - across_.low) * (right_ - left_);
  }
  [[nodiscard]] double y(double value) const {
    return kBottom - (value - up_.low) / (up_.high - up_.low) * (kBottom - kTop);
  }

  [[nodiscard]] std::string frame(const std::string& label, const std::string& force_label) const {
    std::string svg;
    for (int i = 0;; ++i) {
      const double value = across_.low + i * across_.step;
      if (value > across_.high + kLabelRoom * across_.step) break;
      svg += line(x(value), kTop, x(value), kBottom, "stroke=\"#e0e0e0\"");
      svg += text(x(value), kBottom + 18.0, "middle", fixed(value, across_.decimals));
    }
    for (int i = 0;; ++i) {
      const double value = up_.low + i * up_.step;
      if (value > up_.high + kLabelRoom * up_.step) break;
      svg += line(left_, y(value), right_, y(value), "stroke=\"#e0e0e0\"");
      svg += text(left_ - 8.0, y(value) + 4.0, "end", fixed(value, up_.decimals));
    }
    svg += line(left_, kBottom, right_, kBottom, "stroke=\"#404040\"");
    svg += line(left_, kTop, left_, kBottom, "stroke=\"#404040\"");
    svg += text(0.5 * (left_ + right_), kBottom + 40.0, "middle", label);
    svg += text(left_, kTop - 8.0, "middle", force_label);
    return svg;
  }

  // One polyline for each stretch of the same part.
  [[nodiscard]] std::string curve(const std::vector<Sample>& samples, double Sample::*across,
                                  double Sample::*up = &Sample::force) const {
    std::string svg, points, last;
    double last_x = 0.0, last_y = 0.0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const Sample& sample = samples[i];
      const bool ends = i + 1 == samples.size() || samples[i + 1].part != sample.part;
      const double to_x = x(sample.*across), to_y = y(sample.*up);
      const bool near = std::fabs(to_x - last_x) < kNear && std::fabs(to_y - last_y) < kNear;
      if (near && !ends && !points.empty()) continue;
      last = fixed(to_x, 1) + "," + fixed(to_y, 1);
      last_x = to_x;
      last_y = to_y;
      points += (points.empty() ? "" : " ") + last;
      if (!ends) continue;
      svg += std::string("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"") +
             style_of(sample.part).color + "\" points=\"" + points + "\"/>\n";
      points = last;  // the next stretch starts where this one ends
    }
    return svg;
  }

  // The cycle's number where its lift is over.
  [[nodiscard]] std::string numbers(const std::vector<Sample>& samples) const {
    std::string svg;
    for (std::size_t i = 0; i + 1 < samples.size(); ++i) {
      const Sample& sample = samples[i];
      if (sample.part != Part::kLifting || samples[i + 1].part == Part::kLifting) continue;
      svg += text(x(sample.position) + 6.0, y(sample.force) + 4.0, "start",
                  std::to_string(sample.cycle));
    }
    return svg;
  }

  [[nodiscard]] std::string level(double force) const {
    return line(left_, y(force), right_, y(force), "stroke=\"#404040\" stroke-dasharray=\"4 4\"");
  }

 private:
  double left_, right_;
  Axis across_, up_;
};

std::string legend(bool with_load = true) {
  std::string svg;
  double x = 64.0;
  for (const Style& style : kStyles) {
    svg += line(x, 378.0, x + 24.0, 378.0,
                std::string("stroke-width=\"2\" stroke=\"") + style.color + "\"");
    svg += text(x + 30.0, 382.0, "start", style.word);
    x += 110.0;
  }
  if (!with_load) return svg;
  svg += line(x, 378.0, x + 24.0, 378.0, "stroke=\"#404040\" stroke-dasharray=\"4 4\"");
  return svg + text(x + 30.0, 382.0, "start", "set load");
}

std::string hold_legend() {
  const auto entry = [](double at, const std::string& look, const char* words) {
    return line(at, 378.0, at + 24.0, 378.0, look) + text(at + 30.0, 382.0, "start", words);
  };
  return entry(64.0, "stroke-width=\"2\" stroke=\"#808080\"", "held still") +
         entry(174.0, "stroke-width=\"2\" stroke=\"#0060a8\"", "yields") +
         entry(284.0, "stroke=\"#404040\" stroke-dasharray=\"4 4\"", "set load");
}

std::string head(const std::string& title, const std::string& subtitle) {
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + fixed(kWidth, 0) +
                    " " + fixed(kHeight, 0) + "\" width=\"" + fixed(kWidth, 0) + "\" height=\"" +
                    fixed(kHeight, 0) +
                    "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#202020\">\n";
  svg += "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  svg += text(20.0, 24.0, "start", title, " font-size=\"16\" font-weight=\"bold\"");
  return svg + text(20.0, 42.0, "start", subtitle, " fill=\"#606060\"");
}

// From the least to the greatest of a column, nought included.
Axis axis_of(const std::vector<Sample>& samples, double Sample::*column, int ticks) {
  double low = 0.0, high = 0.0;
  for (const Sample& sample : samples) {
    low = std::min(low, sample.*column);
    high = std::max(high, sample.*column);
  }
  return Axis::around(low, 1.02 * high, ticks);
}

}  // namespace

std::string draw_motion(const std::vector<Sample>& samples, const CycleOptions& options,
                        const std::string& title, const std::string& subtitle) {
  const bool lever = options.coordinate == MEDIUS_COORDINATE_LEVER;
  const Axis speed = axis_of(samples, &Sample::velocity, 6);
  const Panel over_position(64.0, 404.0, Axis::around(0.0, options.range, 5), speed);
  const Panel over_time(480.0, 820.0, axis_of(samples, &Sample::time_s, 5), speed);
  const std::string label = lever ? "commanded, rad/s" : "commanded, m/s";
  return head(title, subtitle) +
         over_position.frame(lever ? "position, rad" : "position, m", label) +
         over_time.frame("time, s (lifting > 0)", label) +
         over_position.curve(samples, &Sample::position, &Sample::velocity) +
         over_time.curve(samples, &Sample::time_s, &Sample::velocity) + legend(false) + "</svg>\n";
}

std::string draw_hold(const std::vector<Sample>& samples, const CycleOptions& options,
                      const std::string& title, const std::string& subtitle) {
  const bool lever = options.coordinate == MEDIUS_COORDINATE_LEVER;
  const Axis pull = axis_of(samples, &Sample::position, 5);
  const Panel held(64.0, 404.0, pull, Axis::around(0.0, 1.02 * options.load, 6));
  const Panel speed(480.0, 820.0, pull, Axis::around(-0.5, 0.5, 4));
  const std::string across = lever ? "pull, Nm" : "pull, N";
  return head(title, subtitle) + held.frame(across, lever ? "held with, Nm" : "held with, N") +
         speed.frame(across, lever ? "commanded, rad/s" : "commanded, m/s") +
         held.level(options.load) + held.curve(samples, &Sample::position, &Sample::force) +
         speed.curve(samples, &Sample::position, &Sample::velocity) + hold_legend() + "</svg>\n";
}

std::string draw(const std::vector<Sample>& samples, const CycleOptions& options,
                 const std::string& title, const std::string& subtitle) {
  const bool lever = options.coordinate == MEDIUS_COORDINATE_LEVER;
  double most = options.load, slowest = 0.0, fastest = 0.0;
  for (const Sample& sample : samples) {
    most = std::max(most, sample.force);
    slowest = std::min(slowest, sample.velocity);
    fastest = std::max(fastest, sample.velocity);
  }
  const Axis force = Axis::around(0.0, 1.02 * most, 6);
  const Panel over_position(64.0, 404.0, Axis::around(0.0, options.range, 5), force);
  const Panel over_speed(480.0, 820.0, Axis::around(slowest, fastest, 5), force);

  std::string svg = head(title, subtitle);
  const std::string force_label = lever ? "torque, Nm" : "force, N";
  svg += over_position.frame(lever ? "position, rad" : "position, m", force_label);
  svg += over_speed.frame(lever ? "speed, rad/s (lifting > 0)" : "speed, m/s (lifting > 0)",
                          force_label);
  svg += over_position.level(options.load) + over_speed.level(options.load);
  svg += over_position.curve(samples, &Sample::position);
  svg += over_speed.curve(samples, &Sample::velocity);
  if (options.cycles > 1) svg += over_position.numbers(samples);
  return svg + legend() + "</svg>\n";
}

}  // namespace medius::plot
