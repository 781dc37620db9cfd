#include "controller/measure/pads.hpp"

#include <array>

#include "controller/base/clamp.hpp"
#include "controller/measure/set_metrics.hpp"

namespace medius::measure {
namespace {

constexpr std::size_t kPhaseMin = 2;

// Of one pad in one phase, with what noise and quantisation leave open.
struct Pad {
  double mean = 0.0, mean_error = 0.0;
  double peak = 0.0, peak_error = 0.0;
  double work = 0.0, work_error = 0.0;
};

template <typename Force>
Pad measure_pad(Samples samples, double travel_error, Force force) {
  Pad pad;
  pad.peak_error = noise_of(samples, force);
  double area = 0.0, steps = 0.0;
  std::uint64_t ticks = 0;
  pad.peak = force(samples.front());
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double mean = 0.5 * (force(samples[i]) + force(samples[i - 1]));
    const double step = samples[i].position - samples[i - 1].position;
    const std::uint64_t passed = samples[i].tick - samples[i - 1].tick;
    area += mean * static_cast<double>(passed);
    ticks += passed;
    pad.work += mean * step;
    steps += step * step;
    pad.peak = at_least(force(samples[i]), pad.peak);
  }
  pad.work = absolute(pad.work);
  pad.mean = area / static_cast<double>(ticks);
  pad.mean_error = pad.peak_error / det::sqrt(static_cast<double>(samples.size()));
  pad.work_error = hypotenuse(pad.peak_error * det::sqrt(steps), pad.mean * travel_error);
  return pad;
}

MetricValue symmetry_of(const Pad& left, const Pad& right, MetricId id, std::uint32_t flags) {
  const double sum = left.work + right.work;
  const double index = 200.0 * (right.work - left.work) / sum;
  const double error =
      400.0 / (sum * sum) * hypotenuse(left.work * right.work_error, right.work * left.work_error);
  return make_value(id, index, error, flags);
}

void add_phase(Samples samples, const PadPhases& phases, std::uint16_t offset,
               std::vector<MetricValue>& out) {
  const auto id = [offset](MetricId concentric) {
    return static_cast<MetricId>(static_cast<std::uint16_t>(concentric) + offset);
  };
  if (samples.size() < kPhaseMin) {
    for (const MetricId each :
         {MetricId::kLeftForceMean, MetricId::kLeftForcePeak, MetricId::kLeftWork,
          MetricId::kRightForceMean, MetricId::kRightForcePeak, MetricId::kRightWork,
          MetricId::kPadSymmetry}) {
      out.push_back(missing_value(id(each), kValueTooShort | phases.flags));
    }
    return;
  }
  const auto left_of = [](const MetricSample& s) { return s.pad_left; };
  const auto right_of = [](const MetricSample& s) { return s.pad_right; };
  const Pad left = measure_pad(samples, phases.travel_error, left_of);
  const Pad right = measure_pad(samples, phases.travel_error, right_of);
  const auto add = [&](MetricId each, double value, double error) {
    out.push_back(make_value(id(each), value, error, phases.flags));
  };
  add(MetricId::kLeftForceMean, left.mean, left.mean_error);
  add(MetricId::kLeftForcePeak, left.peak, left.peak_error);
  add(MetricId::kLeftWork, left.work, left.work_error);
  add(MetricId::kRightForceMean, right.mean, right.mean_error);
  add(MetricId::kRightForcePeak, right.peak, right.peak_error);
  add(MetricId::kRightWork, right.work, right.work_error);
  out.push_back(symmetry_of(left, right, id(MetricId::kPadSymmetry), phases.flags));
}

bool has_pads(Samples samples) {
  return !samples.empty() && (samples.front().pad_left != 0.0 || samples.front().pad_right != 0.0);
}

struct Column {
  std::vector<double> values;
  double sum = 0.0, squares = 0.0;

  void add(const RepMetrics& rep, MetricId id) {
    const MetricValue* value = find_value(rep.values, id);
    if (value == nullptr || (value->flags & kValueMissing) != 0) return;
    values.push_back(value->value);
    sum += value->value;
    squares += value->uncertainty * value->uncertainty;
  }
  [[nodiscard]] MetricValue mean(MetricId id) const {
    if (values.empty()) return missing_value(id, kValueTooShort);
    const auto count = static_cast<double>(values.size());
    double scatter = 0.0;
    for (const double value : values) scatter += (value - sum / count) * (value - sum / count);
    const double error = count > 1.0 ? det::sqrt(scatter / (count - 1.0) / count) : 0.0;
    return make_value(id, sum / count, error);
  }
  [[nodiscard]] MetricValue total(MetricId id) const {
    return values.empty() ? missing_value(id, kValueTooShort)
                          : make_value(id, sum, det::sqrt(squares));
  }
};

}  // namespace

std::vector<MetricValue> pad_values(const PadPhases& phases) {
  std::vector<MetricValue> out;
  if (!has_pads(phases.concentric) && !has_pads(phases.eccentric)) return out;
  add_phase(phases.concentric, phases, 0, out);
  add_phase(phases.eccentric, phases, kEccentricOffset, out);
  return out;
}

std::vector<MetricValue> pad_set_values(std::span<const RepMetrics> reps) {
  // Left, right: forces and works of full repetitions, all work of counted ones.
  std::array<Column, kSidesOfPads> force, work, all_work;
  constexpr std::array<MetricId, kSidesOfPads> kForce{MetricId::kLeftForceMean,
                                                      MetricId::kRightForceMean};
  constexpr std::array<MetricId, kSidesOfPads> kWork{MetricId::kLeftWork, MetricId::kRightWork};
  bool any = false;
  for (const RepMetrics& rep : reps) {
    any = any || find_value(rep.values, MetricId::kLeftWork) != nullptr;
    for (std::size_t side = 0; side < kSidesOfPads; ++side) {
      if (rep.kind != RepKind::kRejected) {
        all_work[side].add(rep, kWork[side]);
        all_work[side].add(rep, eccentric(kWork[side]));
      }
      if (rep.kind != RepKind::kFull) continue;
      force[side].add(rep, kForce[side]);
      work[side].add(rep, kWork[side]);
    }
  }
  if (!any) return {};
  const Symmetry sides = symmetry(work[0].values, work[1].values);
  return {force[0].mean(MetricId::kSetLeftForce),
          force[1].mean(MetricId::kSetRightForce),
          all_work[0].total(MetricId::kSetLeftWork),
          all_work[1].total(MetricId::kSetRightWork),
          sides.index,
          sides.limb_index,
          sides.change};
}

}  // namespace medius::measure
