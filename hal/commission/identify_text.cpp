// What an identification found, as lines, as JSON and as a plot.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hal/commission/identify.hpp"

namespace medius::hal {
namespace {

const char* sign_text(SignTest test) noexcept {
  switch (test) {
    case SignTest::kAgrees:
      return "agrees";
    case SignTest::kReversed:
      return "reversed";
    case SignTest::kNotSeen:
      break;
  }
  return "not seen";
}

nlohmann::ordered_json to_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"sigma", estimate.sigma}};
}

struct Units {
  const char *force, *speed, *length, *mass, *viscous;
};
Units units_of(bool lever) noexcept {
  return lever ? Units{"Nm", "rad/s", "rad", "kg m2", "Nm s/rad"}
               : Units{"N", "m/s", "m", "kg", "N s/m"};
}

struct Curve {
  const char* title;
  const char* unit;
  const char* color;
  double RecordedTick::*value;
};

// One panel of the plot: a frame, its extremes, the curve.
std::string panel(const IdentifyResult& result, const Curve& curve, double top, double height,
                  double width) {
  constexpr double kLeft = 70.0;
  double low = 1e300;
  double high = -1e300;
  for (const RecordedTick& tick : result.record) {
    low = std::min(low, tick.*curve.value);
    high = std::max(high, tick.*curve.value);
  }
  if (!(high > low)) high = low + 1.0;
  const double begin_s = result.record.front().time_s;
  const double span_s = std::max(result.record.back().time_s - begin_s, 1e-3);
  std::string points;
  for (const RecordedTick& tick : result.record) {
    points += fmt::format("{:.1f},{:.1f} ", kLeft + (tick.time_s - begin_s) / span_s * width,
                          top + height - (tick.*curve.value - low) / (high - low) * height);
  }
  std::string text = fmt::format(
      "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" fill=\"none\" "
      "stroke=\"#bbb\"/>\n",
      kLeft, top, width, height);
  text += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\">{} in {}</text>\n", kLeft + 4.0, top + 14.0,
                      curve.title, curve.unit);
  text += fmt::format(
      "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{:.3g}</text>\n"
      "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{:.3g}</text>\n",
      kLeft - 6.0, top + 10.0, high, kLeft - 6.0, top + height, low);
  return text + fmt::format("<polyline fill=\"none\" stroke=\"{}\" points=\"{}\"/>\n", curve.color,
                            points);
}

}  // namespace

std::string identify_text(const IdentifyResult& r) {
  const Units u = units_of(r.lever);
  std::string text = fmt::format("axis {}\n", r.axis);
  text += fmt::format("  torque and position   {}\n", sign_text(r.torque_sign));
  text += fmt::format("  speed and position    {} (ratio {:.2f})\n", sign_text(r.velocity_sign),
                      r.velocity_ratio);
  text += fmt::format("  load cell's sign      {}", sign_text(r.cell_sign));
  if (r.cell_sign != SignTest::kNotSeen) {
    text += fmt::format(" ({:.1f} {} at a pull of {:.1f} {})", r.pull_tension, u.force,
                        r.pull_force, u.force);
  }
  text += fmt::format("\n  load cell without load {:.2f} {}, noise {:.2f} {} rms\n",
                      r.cell_zero.value, u.force, r.cell_zero.sigma, u.force);
  text += fmt::format("  breaks away at        {:.1f} {}\n", r.breakaway_force, u.force);
  if (r.fitted) {
    const ModelFit& f = r.fit;
    text += fmt::format("  reflected mass        {:.3f} +- {:.3f} {}\n", f.mass.value, f.mass.sigma,
                        u.mass);
    text += fmt::format("  friction, Coulomb     {:.2f} +- {:.2f} {}\n", f.coulomb.value,
                        f.coulomb.sigma, u.force);
    text += fmt::format("  friction, viscous     {:.2f} +- {:.2f} {}\n", f.viscous.value,
                        f.viscous.sigma, u.viscous);
    text += fmt::format("  pulls all the time    {:.2f} +- {:.2f} {}\n", f.bias.value, f.bias.sigma,
                        u.force);
    text += fmt::format("  dead time of the chain {:.2f} +- {:.2f} ms (lag included)\n",
                        1e3 * f.dead_time_s.value, 1e3 * f.dead_time_s.sigma);
    text +=
        fmt::format("  from {} windows between {:.3f} and {:.3f} {}, residual {:.2f} {} rms\n",
                    f.windows, f.speed_lowest, f.speed_highest, u.speed, f.residual_rms, u.force);
  }
  text += fmt::format(
      "  a sample every {:.1f} ms, {:.1f} ms old at p99; reached {:.3f} of {:g} {} and {:.1f} of "
      "{:g} {}\n",
      r.cycle_ms, r.age_ms_p99, r.speed_reached, r.limits.speed, u.speed, r.force_reached,
      r.limits.force, u.force);
  for (const std::string& finding : r.findings) text += "  ! " + finding + "\n";
  return text;
}

std::string identify_json(const IdentifyResult& r) {
  nlohmann::ordered_json all = {{"axis", r.axis},
                                {"coordinate", r.lever ? "lever" : "cable"},
                                {"torque_sign", sign_text(r.torque_sign)},
                                {"velocity_sign", sign_text(r.velocity_sign)},
                                {"velocity_ratio", r.velocity_ratio},
                                {"cell_sign", sign_text(r.cell_sign)},
                                {"cell_zero", to_json(r.cell_zero)},
                                {"pull_force", r.pull_force},
                                {"pull_tension", r.pull_tension},
                                {"breakaway_force", r.breakaway_force},
                                {"fitted", r.fitted}};
  if (r.fitted) {
    all["mass"] = to_json(r.fit.mass);
    all["coulomb"] = to_json(r.fit.coulomb);
    all["viscous"] = to_json(r.fit.viscous);
    all["bias"] = to_json(r.fit.bias);
    all["dead_time_s"] = to_json(r.fit.dead_time_s);
    all["residual_rms"] = r.fit.residual_rms;
    all["windows"] = r.fit.windows;
    all["mass_for_file"] = mass_for_file(r.fit.mass);
  }
  all["cycle_ms"] = r.cycle_ms;
  all["age_ms_p99"] = r.age_ms_p99;
  all["speed_reached"] = r.speed_reached;
  all["speed_limit"] = r.limits.speed;
  all["force_reached"] = r.force_reached;
  all["force_limit"] = r.limits.force;
  all["findings"] = r.findings;
  all["warnings"] = r.warnings;
  return all.dump(2) + "\n";
}

std::string identify_svg(const IdentifyResult& r) {
  constexpr double kWidth = 900.0;
  constexpr double kHeight = 150.0;
  constexpr double kGap = 12.0;
  const Units u = units_of(r.lever);
  const Curve curves[] = {
      {"position", u.length, "#1a73e8", &RecordedTick::position},
      {"speed", u.speed, "#188038", &RecordedTick::velocity},
      {"commanded force, inward", u.force, "#d93025", &RecordedTick::force},
      {"load cell without its zero", u.force, "#9334e6", &RecordedTick::tension}};
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0f}\" height=\"{:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n",
      kWidth + 90.0, 4.0 * (kHeight + kGap) + 40.0);
  text += fmt::format("<text x=\"70\" y=\"16\">Identification of axis '{}'</text>\n", r.axis);
  if (!r.record.empty()) {
    double top = 26.0;
    for (const Curve& curve : curves) {
      text += panel(r, curve, top, kHeight, kWidth);
      top += kHeight + kGap;
    }
  }
  return text + "</svg>\n";
}

}  // namespace medius::hal
