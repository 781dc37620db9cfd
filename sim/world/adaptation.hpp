// How a simulated person gets stronger from training: enough to exercise a plan, not physiology.
#pragma once

#include <array>
#include <span>

#include "controller/record/set_record.hpp"

namespace medius::sim {

// strength = 1 + gain_max (1 - exp(-days / days_scale)), days counted by their dose. Six weeks of
// three days raised hip abduction strength by 13 % (Snyder et al. 2009, Clin Biomech 24:26-34):
// 0.30 (1 - exp(-18 / 31.7)) = 0.13. That gains flatten is general experience; the ceiling of 30 %
// is an assumption.
struct AdaptationConfig {
  double gain_max = 0.30;
  double days_scale = 31.7;
  double full_dose_reps = 18.0;  // three sets of six; more adds nothing
  // Share of the strength that an effort takes: below the first nothing is gained, from the second
  // on the dose is full (American College of Sports Medicine 2009: novices gain from 40 to 60 % of
  // the maximum on).
  double share_none = 0.30, share_full = 0.60;
};

struct AdaptationState {
  std::array<double, 2> days{};  // left, right; by dose
};

// [any] Strength of each leg over that of the first day.
[[nodiscard]] std::array<double, 2> strength_of(const AdaptationConfig& config,
                                                const AdaptationState& state) noexcept;
// [any] A day's sets act on each leg; `torque_nm` is what the legs can do today.
void train(const AdaptationConfig& config, AdaptationState& state,
           std::span<const record::SetRecord> sets, const std::array<double, 2>& torque_nm);

}  // namespace medius::sim
