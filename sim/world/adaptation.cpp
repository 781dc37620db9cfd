#include "sim/world/adaptation.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

// At the hip, of a newton at the cuff: 80 N take 83 Nm at 30 degrees, the leg's weight included.
constexpr double kHipNmPerCuffN = 83.0 / 80.0;

}  // namespace

std::array<double, 2> strength_of(const AdaptationConfig& config,
                                  const AdaptationState& state) noexcept {
  std::array<double, 2> strength{};
  for (std::size_t leg = 0; leg < strength.size(); ++leg) {
    strength[leg] = 1.0 + config.gain_max * (1.0 - det::exp(-state.days[leg] / config.days_scale));
  }
  return strength;
}

void train(const AdaptationConfig& config, AdaptationState& state,
           std::span<const record::SetRecord> sets, const std::array<double, 2>& torque_nm) {
  for (std::size_t leg = 0; leg < torque_nm.size(); ++leg) {
    double dose_reps = 0.0;
    for (const record::SetRecord& set : sets) {
      const record::Side own = leg == 0 ? record::Side::kLeft : record::Side::kRight;
      if (set.side != own && set.side != record::Side::kBoth) continue;
      const bool cable = set.coordinate == hal::CoordinateKind::kCable;
      const double share = (cable ? kHipNmPerCuffN : 1.0) * set.load_end / torque_nm[leg];
      const double effort =
          clamped((share - config.share_none) / (config.share_full - config.share_none), 0.0, 1.0);
      dose_reps += effort * set.reps_counted;
    }
    state.days[leg] += at_most(dose_reps / config.full_dose_reps, 1.0);
  }
}

}  // namespace medius::sim
