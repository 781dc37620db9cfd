#include "hal/commission/model_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "controller/base/det_math.hpp"

namespace medius::hal {
namespace {

constexpr double kGridS = 1e-3;
constexpr double kFineS = 1e-4;  // of the command's record
constexpr double kDeadTimeStepS = 5e-4;
constexpr std::size_t kBlocks = 8;  // of the record, for the scatter
constexpr std::size_t kLeastWindows = 40;
constexpr int kUnknowns = 4;

using Vector = std::array<double, kUnknowns>;
using Matrix = std::array<Vector, kUnknowns>;

// Positions and tensions on a grid of 1 ms. Positions by cubics through the samples (Catmull-Rom on
// their real times), so that a slow bus does not flatten the curve between two samples.
struct Grid {
  double begin_s = 0.0;
  std::vector<double> position, tension;
};

double slope_at(std::span<const MotionSample> m, std::size_t i) {
  const std::size_t a = i > 0 ? i - 1 : i;
  const std::size_t b = i + 1 < m.size() ? i + 1 : i;
  return (m[b].position - m[a].position) / (m[b].time_s - m[a].time_s);
}

Grid on_grid(std::span<const MotionSample> m) {
  Grid grid;
  grid.begin_s = m.front().time_s;
  const auto count = static_cast<std::size_t>((m.back().time_s - grid.begin_s) / kGridS);
  grid.position.reserve(count);
  grid.tension.reserve(count);
  std::size_t i = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double t = grid.begin_s + static_cast<double>(k) * kGridS;
    while (i + 2 < m.size() && m[i + 1].time_s <= t) ++i;
    const double h = m[i + 1].time_s - m[i].time_s;
    const double s = (t - m[i].time_s) / h;
    const double s2 = s * s;
    const double s3 = s2 * s;
    grid.position.push_back(
        (2.0 * s3 - 3.0 * s2 + 1.0) * m[i].position + (s3 - 2.0 * s2 + s) * h * slope_at(m, i) +
        (3.0 * s2 - 2.0 * s3) * m[i + 1].position + (s3 - s2) * h * slope_at(m, i + 1));
    grid.tension.push_back(m[i].tension + s * (m[i + 1].tension - m[i].tension));
  }
  return grid;
}

// The command's integral over time, so that its mean over a grid step costs two look-ups.
class CommandIntegral {
 public:
  CommandIntegral(std::span<const CommandStep> commands, double begin_s, double end_s)
      : begin_s_(begin_s) {
    const auto count = static_cast<std::size_t>((end_s - begin_s) / kFineS) + 2;
    sums_.reserve(count);
    double sum = 0.0;
    std::size_t i = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double t = begin_s + static_cast<double>(k) * kFineS;
      sums_.push_back(sum);
      while (i + 1 < commands.size() && commands[i + 1].time_s <= t) ++i;
      const bool before = commands.empty() || commands[i].time_s > t;
      sum += before ? 0.0 : commands[i].force * kFineS;
    }
  }
  // Mean over the grid step around t.
  [[nodiscard]] double mean_at(double t) const {
    return (at(t + 0.5 * kGridS) - at(t - 0.5 * kGridS)) / kGridS;
  }

 private:
  [[nodiscard]] double at(double t) const {
    const double place = (t - begin_s_) / kFineS;
    if (!(place > 0.0)) return 0.0;
    const auto k = static_cast<std::size_t>(place);
    if (k + 1 >= sums_.size()) return sums_.back();
    return sums_[k] + (place - static_cast<double>(k)) * (sums_[k + 1] - sums_[k]);
  }
  double begin_s_;
  std::vector<double> sums_;
};

// A window of the record: one equation, for every dead time that is tried.
struct Row {
  Vector a{};  // mass, coulomb, viscous, bias
  double tension = 0.0;
  std::vector<double> force;  // by dead time
  std::size_t block = 0;
};

struct Rows {
  std::vector<Row> all;
  double slowest = 1e9, fastest = 0.0;
};

Rows make_rows(const Grid& grid, const CommandIntegral& command, const FitOptions& options,
               std::size_t dead_times) {
  Rows rows;
  const auto n = static_cast<std::size_t>(options.window_s / kGridS);
  const std::size_t hop = std::max<std::size_t>(1, n / 4);
  // sin^2 over the window, with its derivatives.
  std::vector<double> phi(n + 1), phi1(n + 1), phi2(n + 1);
  const double w = 2.0 * det::kPi / options.window_s;
  double area = 0.0;
  for (std::size_t k = 0; k <= n; ++k) {
    const auto turn = det::sin_cos(w * static_cast<double>(k) * kGridS);
    phi[k] = 0.5 * (1.0 - turn.cos);
    phi1[k] = 0.5 * w * turn.sin;
    phi2[k] = 0.5 * w * w * turn.cos;
    area += phi[k];
  }
  const std::size_t usable = grid.position.size();
  for (std::size_t begin = 1; begin + n + 1 < usable; begin += hop) {
    double slowest = 1e9;
    double fastest = -1e9;
    for (std::size_t k = 0; k <= n; ++k) {
      const double v =
          (grid.position[begin + k + 1] - grid.position[begin + k - 1]) / (2.0 * kGridS);
      slowest = std::min(slowest, v);
      fastest = std::max(fastest, v);
    }
    const bool outward = slowest > options.speed_min;
    const bool inward = fastest < -options.speed_min;
    if (!outward && !inward) continue;
    Row row;
    const double middle = grid.position[begin + n / 2];
    for (std::size_t k = 0; k <= n; ++k) {
      const double x = grid.position[begin + k] - middle;
      // The ends count half (trapezoid); phi is zero there, phi2 is not.
      const double weight = k == 0 || k == n ? 0.5 : 1.0;
      row.a[0] += weight * phi2[k] * x;
      row.a[2] -= weight * phi1[k] * x;
      row.tension += phi[k] * grid.tension[begin + k];
    }
    row.a[0] /= area;
    row.a[2] /= area;
    row.tension /= area;
    row.a[1] = outward ? 1.0 : -1.0;
    row.a[3] = 1.0;
    row.force.resize(dead_times);
    for (std::size_t d = 0; d < dead_times; ++d) {
      double sum = 0.0;
      for (std::size_t k = 1; k < n; ++k) {
        const double t = grid.begin_s + static_cast<double>(begin + k) * kGridS -
                         static_cast<double>(d) * kDeadTimeStepS;
        sum += phi[k] * command.mean_at(t);
      }
      row.force[d] = sum / area;
    }
    row.block = begin * kBlocks / usable;
    rows.slowest = std::min({rows.slowest, std::abs(slowest), std::abs(fastest)});
    rows.fastest = std::max({rows.fastest, std::abs(slowest), std::abs(fastest)});
    rows.all.push_back(std::move(row));
  }
  return rows;
}

// Gauss with pivoting; false when the equations do not determine all unknowns.
bool solve(Matrix m, Vector y, Vector& x) {
  constexpr double kSingular = 1e-9;
  for (int column = 0; column < kUnknowns; ++column) {
    int pivot = column;
    for (int row = column + 1; row < kUnknowns; ++row) {
      if (std::abs(m[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)]) >
          std::abs(m[static_cast<std::size_t>(pivot)][static_cast<std::size_t>(column)])) {
        pivot = row;
      }
    }
    const auto c = static_cast<std::size_t>(column);
    std::swap(m[c], m[static_cast<std::size_t>(pivot)]);
    std::swap(y[c], y[static_cast<std::size_t>(pivot)]);
    if (!(std::abs(m[c][c]) > kSingular)) return false;
    for (std::size_t row = 0; row < kUnknowns; ++row) {
      if (row == c) continue;
      const double factor = m[row][c] / m[c][c];
      for (std::size_t k = c; k < kUnknowns; ++k) m[row][k] -= factor * m[c][k];
      y[row] -= factor * y[c];
    }
  }
  for (std::size_t i = 0; i < kUnknowns; ++i) x[i] = y[i] / m[i][i];
  return true;
}

struct Solution {
  Vector x{};
  double dead_time_s = 0.0;
  double squares = 1e300;
  std::size_t count = 0;
};

// Least squares with one dead time over all rows but those of a block.
bool fit_at(const std::vector<Row>& rows, std::size_t without, std::size_t d, Solution& best) {
  Matrix m{};
  Vector y{};
  double yy = 0.0;
  std::size_t count = 0;
  for (const Row& row : rows) {
    if (row.block == without) continue;
    const double right = row.tension - row.force[d];
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      for (std::size_t k = 0; k < kUnknowns; ++k) m[i][k] += row.a[i] * row.a[k];
      y[i] += row.a[i] * right;
    }
    yy += right * right;
    ++count;
  }
  if (count < kLeastWindows) return false;
  best.count = count;
  if (!solve(m, y, best.x)) return false;
  best.squares = yy;
  for (std::size_t i = 0; i < kUnknowns; ++i) best.squares -= best.x[i] * y[i];
  return true;
}

std::optional<Solution> fit(const std::vector<Row>& rows, std::size_t without,
                            std::size_t dead_times) {
  std::vector<Solution> tried(dead_times);
  std::size_t best = 0;
  for (std::size_t d = 0; d < dead_times; ++d) {
    if (!fit_at(rows, without, d, tried[d])) return std::nullopt;
    tried[d].dead_time_s = static_cast<double>(d) * kDeadTimeStepS;
    if (tried[d].squares < tried[best].squares) best = d;
  }
  Solution solution = tried[best];
  if (best == 0 || best + 1 == dead_times) return solution;
  // Between the steps: the bottom of the parabola, and the unknowns in proportion.
  const double below = tried[best - 1].squares - tried[best].squares;
  const double above = tried[best + 1].squares - tried[best].squares;
  const double shift = below + above > 0.0 ? 0.5 * (below - above) / (below + above) : 0.0;
  const Solution& other = tried[shift > 0.0 ? best + 1 : best - 1];
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    solution.x[i] += std::abs(shift) * (other.x[i] - solution.x[i]);
  }
  solution.dead_time_s += shift * kDeadTimeStepS;
  return solution;
}

// Jackknife: how far the result moves when one part of the record is left out.
Estimate estimate(double value, const std::vector<double>& without) {
  const auto n = static_cast<double>(without.size());
  if (n < 2.0) return {value, 0.0};
  double mean = 0.0;
  for (const double each : without) mean += each / n;
  double squares = 0.0;
  for (const double each : without) squares += (each - mean) * (each - mean);
  return {value, std::sqrt((n - 1.0) / n * squares)};
}

}  // namespace

std::optional<ModelFit> fit_model(std::span<const MotionSample> motion,
                                  std::span<const CommandStep> commands,
                                  const FitOptions& options) {
  if (motion.size() < 4 || motion.back().time_s - motion.front().time_s < 4.0 * options.window_s) {
    return std::nullopt;
  }
  const auto dead_times = static_cast<std::size_t>(options.dead_time_max_s / kDeadTimeStepS) + 1;
  const Grid grid = on_grid(motion);
  const CommandIntegral command(commands, motion.front().time_s - options.dead_time_max_s - kGridS,
                                motion.back().time_s + kGridS);
  const Rows rows = make_rows(grid, command, options, dead_times);
  const auto all = fit(rows.all, kBlocks, dead_times);
  if (!all) return std::nullopt;
  std::array<std::vector<double>, kUnknowns + 1> without;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    const auto part = fit(rows.all, block, dead_times);
    if (!part) continue;
    for (std::size_t i = 0; i < kUnknowns; ++i) without[i].push_back(part->x[i]);
    without[kUnknowns].push_back(part->dead_time_s);
  }
  ModelFit result;
  result.mass = estimate(all->x[0], without[0]);
  result.coulomb = estimate(all->x[1], without[1]);
  result.viscous = estimate(all->x[2], without[2]);
  result.bias = estimate(all->x[3], without[3]);
  result.dead_time_s = estimate(all->dead_time_s, without[kUnknowns]);
  result.windows = all->count;
  result.residual_rms = std::sqrt(std::max(0.0, all->squares) / static_cast<double>(all->count));
  result.speed_lowest = rows.slowest;
  result.speed_highest = rows.fastest;
  return result;
}

}  // namespace medius::hal
