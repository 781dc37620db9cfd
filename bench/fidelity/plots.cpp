#include "bench/fidelity/plots.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "bench/fidelity/aims.hpp"

namespace medius::bench {
namespace {

constexpr double kWidthPx = 420.0, kHeightPx = 240.0, kMarginPx = 46.0;
constexpr std::size_t kEvery = 10;  // 10 ms between two points of a line
constexpr const char* kAsked = "#b04a2f";
constexpr const char* kFelt = "#2f5f9e";

template <typename... Values>
std::string text(const char* format, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

struct Axis {
  double low = 0.0, high = 1.0;
  [[nodiscard]] double share(double value) const { return (value - low) / (high - low); }
};

// Both ends on a whole step of 1, 2 or 5.
Axis rounded(double low, double high) {
  const double span = std::max(high - low, 1e-6);
  const double decade = std::pow(10.0, std::floor(std::log10(span)));
  const double step = decade * (span / decade > 5.0 ? 2.0 : span / decade > 2.0 ? 1.0 : 0.5);
  return {step * std::floor(low / step), step * std::ceil(high / step)};
}

class Panel {
 public:
  Panel(double left_px, Axis x, Axis y) : left_px_(left_px + kMarginPx), x_(x), y_(y) {}

  [[nodiscard]] std::string frame(const char* x_name, const char* y_name) const {
    std::string out =
        text("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='none' stroke='#888'/>\n",
             left_px_, kMarginPx, kWidthPx, kHeightPx);
    constexpr int kTicks = 4;
    for (int i = 0; i <= kTicks; ++i) {
      const double share = static_cast<double>(i) / kTicks;
      const double x = x_.low + share * (x_.high - x_.low), y = y_.low + share * (y_.high - y_.low);
      out += text("<text x='%.1f' y='%.1f' text-anchor='middle'>%.3g</text>\n", x_px(x),
                  kMarginPx + kHeightPx + 16.0, x);
      out += text("<text x='%.1f' y='%.1f' text-anchor='end'>%.3g</text>\n", left_px_ - 4.0,
                  y_px(y) + 4.0, y);
    }
    out += text("<text x='%.1f' y='%.1f' text-anchor='middle'>%s</text>\n",
                left_px_ + 0.5 * kWidthPx, kMarginPx + kHeightPx + 34.0, x_name);
    out += text("<text x='%.1f' y='%.1f'>%s</text>\n", left_px_, kMarginPx - 6.0, y_name);
    return out;
  }
  [[nodiscard]] std::string point(double x, double y) const {
    return text("%.1f,%.1f ", x_px(x), y_px(y));
  }
  [[nodiscard]] double x_px(double x) const { return left_px_ + kWidthPx * x_.share(x); }
  [[nodiscard]] double y_px(double y) const {
    return kMarginPx + kHeightPx * (1.0 - std::clamp(y_.share(y), 0.0, 1.0));
  }

 private:
  double left_px_;
  Axis x_, y_;
};

std::string line(const std::string& points, const char* colour) {
  return "<polyline points='" + points + "' fill='none' stroke='" + colour +
         "' stroke-width='1.2'/>\n";
}

std::string document(double width_px, const std::string& title, const std::string& body) {
  return text(
             "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
             "font-family='sans-serif' font-size='11'>\n<rect width='100%%' height='100%%' "
             "fill='white'/>\n<text x='%.0f' y='20' font-size='13'>%s</text>\n",
             width_px, kHeightPx + 2.5 * kMarginPx, kMarginPx, title.c_str()) +
         body + "</svg>\n";
}

// The second repetition: the first still looks for the range.
std::string row_plot(const Row& row) {
  const measure::Tempo& tempo = row.what.tempo;
  const double rep_s = tempo.concentric_s + tempo.hold_s + tempo.eccentric_s +
                       std::max(tempo.bottom_s, sim::RigConfig{}.bottom_s);
  const auto first = std::min(static_cast<std::size_t>(rep_s * 1e3), row.samples.size());
  const auto last = std::min(static_cast<std::size_t>(2.0 * rep_s * 1e3), row.samples.size());
  double low_m = 1e9, high_m = -1e9, high_n = 0.0;
  for (std::size_t i = first; i < last; ++i) {
    const sim::ForceTruthSample& now = row.samples[i];
    low_m = std::min(low_m, now.ring_position_m);
    high_m = std::max(high_m, now.ring_position_m);
    high_n = std::max({high_n, now.cuff_tension_n, now.target_n});
  }
  const Axis force = rounded(0.0, high_n);
  const Panel over_time(0.0, rounded(0.0, rep_s), force);
  const Panel over_way(kWidthPx + 1.5 * kMarginPx, rounded(low_m, high_m), force);
  std::string asked_t, felt_t, asked_x, felt_x;
  for (std::size_t i = first; i < last; i += kEvery) {
    const sim::ForceTruthSample& now = row.samples[i];
    const double t_s = 1e-3 * static_cast<double>(i - first);
    asked_t += over_time.point(t_s, now.target_n);
    felt_t += over_time.point(t_s, now.cuff_tension_n);
    asked_x += over_way.point(now.ring_position_m, now.target_n);
    felt_x += over_way.point(now.ring_position_m, now.cuff_tension_n);
  }
  const std::string title =
      name_of(row.what) + text(": asked (red), felt (blue), %.2f N RMS", row.force.rms_n);
  return document(2.0 * kWidthPx + 3.5 * kMarginPx, title,
                  over_time.frame("time, s", "force, N") + line(asked_t, kAsked) +
                      line(felt_t, kFelt) + over_way.frame("position, m", "force, N") +
                      line(asked_x, kAsked) + line(felt_x, kFelt));
}

// RMS over the load, a line a law; laws that ran at one load are points.
std::string summary_plot(const std::vector<Row>& rows) {
  constexpr double kMostPercent = 8.0, kAimPercent = 3.0, kMostN = 400.0;
  std::map<std::string, std::map<double, double>> laws;
  for (const Row& row : rows) {
    if (!row.what.aim || !row.done()) continue;
    double& worst = laws[row.what.machine + " " + row.what.law][row.what.load_n];
    worst = std::max(worst, row.force.rms_percent);
  }
  const Panel panel(0.0, {0.0, kMostN}, {0.0, kMostPercent});
  std::string body = panel.frame("load, N", "RMS, per cent of the mean force (8 and more: at 8)");
  body += line(panel.point(0.0, kAimPercent) + panel.point(kMostN, kAimPercent), kAsked);
  double legend_px = kMarginPx;
  int index = 0;
  for (const auto& [law, points] : laws) {
    const std::string colour = text("hsl(%d,60%%,40%%)", (index++ * 47) % 360);
    std::string path;
    for (const auto& [load_n, percent] : points) {
      path += panel.point(load_n, percent);
      body += text("<circle cx='%.1f' cy='%.1f' r='2' fill='%s'/>\n", panel.x_px(load_n),
                   panel.y_px(percent), colour.c_str());
    }
    body += line(path, colour.c_str());
    body += text("<text x='%.1f' y='%.1f' font-size='8' fill='%s'>%s</text>\n",
                 kWidthPx + 1.5 * kMarginPx, legend_px, colour.c_str(), law.c_str());
    legend_px += 8.5;
  }
  return document(kWidthPx + 5.0 * kMarginPx, "Force error by law and load; red: the aim", body);
}

std::string file_of(const Case& what) {
  std::string name = name_of(what);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  }
  return name + ".svg";
}

}  // namespace

bool plotted(const Case& what) {
  const bool law = what.law == "constant-tension" || what.law == "eccentric-emphasis 1.30" ||
                   what.law == "viscous" || what.law == "eccentric-emphasis 0.50";
  return law && what.aim && what.tempo_name == "2-1-3" && what.io_delay_s == kCanonicalDelayS &&
         (what.load_n == 80.0 || what.load_n == 200.0);
}

tl::expected<std::vector<std::string>, std::string> write_plots(const std::string& directory,
                                                                const std::vector<Row>& rows) {
  std::map<std::string, std::string> files;
  for (const Row& row : rows) {
    if (!row.samples.empty()) files[file_of(row.what)] = row_plot(row);
  }
  files["summary.svg"] = summary_plot(rows);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::vector<std::string> written;
  for (const auto& [name, svg] : files) {
    const std::string path = (std::filesystem::path(directory) / name).string();
    std::ofstream out(path);
    out << svg;
    out.close();
    if (!out) {
      return tl::make_unexpected(path + ": cannot be written; --plot needs a folder to write to");
    }
    written.push_back(path);
  }
  return written;
}

}  // namespace medius::bench
