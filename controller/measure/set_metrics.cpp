#include "controller/measure/set_metrics.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/measure/pads.hpp"

namespace medius::measure {
namespace {

struct Mean {
  std::size_t count = 0;
  double value = 0.0;
  double error = 0.0;  // standard error; 0 for a single one
};

Mean mean_of(std::span<const double> values) {
  Mean mean;
  mean.count = values.size();
  if (values.empty()) return mean;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) mean.value += value;
  mean.value /= count;
  if (values.size() < 2) return mean;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean.value) * (value - mean.value);
  mean.error = det::sqrt(squares / (count - 1.0) / count);
  return mean;
}

using Reps = std::vector<const RepMetrics*>;

std::vector<double> column(const Reps& reps, MetricId id) {
  std::vector<double> values;
  for (const RepMetrics* rep : reps) {
    const MetricValue* value = find_value(rep->values, id);
    if (value != nullptr && (value->flags & kValueMissing) == 0) values.push_back(value->value);
  }
  return values;
}

std::uint32_t flags_of(const Reps& reps) {
  for (const RepMetrics* rep : reps) {
    if ((rep->quality & kQualitySamplesMissing) != 0) return kValueSamplesMissing;
  }
  return 0;
}

MetricValue mean_value(MetricId of_set, const Reps& reps, MetricId of_rep) {
  const Mean mean = mean_of(column(reps, of_rep));
  return mean.count > 0 ? make_value(of_set, mean.value, mean.error, flags_of(reps))
                        : missing_value(of_set, kValueTooShort);
}

// Sum over the repetitions of several of their metrics.
MetricValue sum_value(MetricId of_set, const Reps& reps, std::span<const MetricId> of_rep) {
  double sum = 0.0;
  double squares = 0.0;
  bool any = false;
  for (const RepMetrics* rep : reps) {
    for (const MetricId id : of_rep) {
      const MetricValue* value = find_value(rep->values, id);
      if (value == nullptr || (value->flags & kValueMissing) != 0) continue;
      sum += value->value;
      squares += value->uncertainty * value->uncertainty;
      any = true;
    }
  }
  return any ? make_value(of_set, sum, det::sqrt(squares), flags_of(reps))
             : missing_value(of_set, kValueTooShort);
}

void add_velocity(const Reps& reps, std::vector<MetricValue>& out) {
  const MetricValue* best = nullptr;
  const MetricValue* last = nullptr;
  for (const RepMetrics* rep : reps) {
    const MetricValue* value = find_value(rep->values, MetricId::kVelocityMean);
    if (value == nullptr || (value->flags & kValueMissing) != 0) continue;
    last = value;
    if (best == nullptr || value->value > best->value) best = value;
  }
  if (best == nullptr || !(best->value > 0.0)) {
    out.push_back(missing_value(MetricId::kSetVelocityBest, kValueTooShort));
    out.push_back(missing_value(MetricId::kSetVelocityLoss, kValueTooShort));
    return;
  }
  const std::uint32_t flags = flags_of(reps);
  out.push_back(make_value(MetricId::kSetVelocityBest, best->value, best->uncertainty, flags));
  const double share = last->value / best->value;
  const double from_last = last->uncertainty / best->value;
  const double from_best = share * best->uncertainty / best->value;
  // The last one can be the best: then there is nothing to be wrong about.
  const double error =
      last == best ? 0.0 : det::sqrt(from_last * from_last + from_best * from_best);
  out.push_back(
      make_value(MetricId::kSetVelocityLoss, 100.0 * (1.0 - share), 100.0 * error, flags));
}

void add_one_rm(const Reps& full, bool ended_by_count, std::vector<MetricValue>& out) {
  const Mean force = mean_of(column(full, MetricId::kForceMeanDistance));
  const bool valid = force.count > 0 && full.size() <= kOneRmRepsMax;
  const auto n = static_cast<double>(full.size());
  const std::uint32_t flags =
      flags_of(full) | (ended_by_count ? std::uint32_t{kValueLowerBound} : 0u);
  const auto add = [&](MetricId id, double factor) {
    out.push_back(valid ? make_value(id, force.value * factor, force.error * factor, flags)
                        : missing_value(id, kValueOutOfRange));
  };
  add(MetricId::kOneRmEpley, 1.0 + n / 30.0);
  add(MetricId::kOneRmBrzycki, 36.0 / (37.0 - n));
  add(MetricId::kOneRmLombardi, det::pow(n, 0.10));
}

}  // namespace

std::vector<MetricValue> set_metrics(const SetMetricsInput& input) {
  Reps full, counted;
  for (const RepMetrics& rep : input.reps) {
    if (rep.kind == RepKind::kFull) full.push_back(&rep);
    if (rep.kind != RepKind::kRejected) counted.push_back(&rep);
  }
  constexpr MetricId kWorks[] = {MetricId::kWork, eccentric(MetricId::kWork)};
  constexpr MetricId kTensions[] = {MetricId::kTimeUnderTension};
  std::vector<MetricValue> out;
  add_velocity(full, out);
  out.push_back(mean_value(MetricId::kSetForceConcentric, full, MetricId::kForceMeanTime));
  out.push_back(
      mean_value(MetricId::kSetForceEccentric, full, eccentric(MetricId::kForceMeanTime)));
  out.push_back(mean_value(MetricId::kSetRenderedRatio, full, MetricId::kRenderedRatio));
  out.push_back(mean_value(MetricId::kSetRange, full, MetricId::kRange));
  out.push_back(mean_value(MetricId::kSetVelocity, full, MetricId::kVelocityMean));
  out.push_back(sum_value(MetricId::kSetWork, counted, kWorks));
  out.push_back(sum_value(MetricId::kSetTimeUnderTension, counted, kTensions));
  out.push_back(mean_value(MetricId::kSetTempoError, full, MetricId::kTempoError));
  add_one_rm(full, input.ended_by_count, out);
  const std::vector<MetricValue> pads = pad_set_values(input.reps);
  out.insert(out.end(), pads.begin(), pads.end());
  return out;
}

Symmetry symmetry(std::span<const double> left, std::span<const double> right) {
  const Mean l = mean_of(left);
  const Mean r = mean_of(right);
  const double sum = l.value + r.value;
  if (l.count < 2 || r.count < 2 || !(l.value > 0.0) || !(r.value > 0.0) || !is_finite(sum)) {
    return {missing_value(MetricId::kSymmetryIndex, kValueTooShort),
            missing_value(MetricId::kLimbSymmetryIndex, kValueTooShort),
            missing_value(MetricId::kMinimalDetectableChange, kValueTooShort)};
  }
  const double index = 200.0 * (r.value - l.value) / sum;
  const double index_error =
      400.0 / (sum * sum) *
      det::sqrt(l.value * l.value * r.error * r.error + r.value * r.value * l.error * l.error);
  const bool left_weaker = l.value < r.value;
  const Mean& weak = left_weaker ? l : r;
  const Mean& strong = left_weaker ? r : l;
  const double limb = weak.value / strong.value;
  const double weak_share = weak.error / weak.value;
  const double strong_share = strong.error / strong.value;
  const double limb_error = limb * det::sqrt(weak_share * weak_share + strong_share * strong_share);
  // Two sessions, each with this error; 95 % of a normal distribution is within 1.96 of it.
  const double change = 1.96 * det::sqrt(2.0) * index_error;
  const bool within = !(absolute(index) > at_least(change, kSymmetryFloorPercent));
  const std::uint32_t flags = within ? std::uint32_t{kValueWithinChange} : 0u;
  return {make_value(MetricId::kSymmetryIndex, index, index_error, flags),
          make_value(MetricId::kLimbSymmetryIndex, 100.0 * limb, 100.0 * limb_error, flags),
          make_value(MetricId::kMinimalDetectableChange, change, 0.0)};
}

}  // namespace medius::measure
