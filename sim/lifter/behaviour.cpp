#include "sim/lifter/behaviour.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

constexpr double kDegree = det::kPi / 180.0;
constexpr double kSwingBackS = 0.3;
constexpr double kBounces[2] = {0.12, 0.06};  // of the range
constexpr double kBounceS = 0.3;
constexpr double kRegripShare = 0.25, kRegripInS = 0.1;
constexpr double kDropS = 0.35;
constexpr double kTugS = 0.4;   // each way
constexpr double kFootS = 0.3;  // down, and up again
// A swing the other way in heights: 0.5 rad of range is a usual one.
constexpr double kSwingRangeRad = 0.5;

}  // namespace

Behaviour completed(const Behaviour& event, Random& random) noexcept {
  Behaviour full = event;
  const auto open = [&](double& value, double least, double most) {
    const double drawn = random.uniform(least, most);
    if (value == 0.0) value = drawn;
  };
  switch (event.act) {
    case Act::kPartial:
      full.phase = Phase::kConcentric;
      open(full.amount, 0.30, 0.55);
      break;
    case Act::kMomentum:
      full.phase = Phase::kConcentric;
      open(full.amount, 5.0 * kDegree, 10.0 * kDegree);
      open(full.seconds, 0.5, 0.9);
      break;
    case Act::kPause:
      open(full.seconds, event.phase == Phase::kHold ? 0.0 : 0.5,
           event.phase == Phase::kHold ? 4.0 : 2.0);
      break;
    case Act::kDoubleBounce:
    case Act::kRegrip:
      full.phase = Phase::kBottom;
      break;
    case Act::kSpasm:
      open(full.amount, 1.0, 2.0);
      break;
    case Act::kCoContraction:
      open(full.amount, 4.0, 4.0);
      open(full.seconds, 0.5, 0.5);
      break;
    case Act::kFailure:
      open(full.amount, 0.2, 0.4);
      break;
    case Act::kDrop:
      full.phase = Phase::kEccentric;
      break;
    case Act::kPelvicDrop:
      open(full.amount, 2.0 * kDegree, 8.0 * kDegree);
      break;
    case Act::kSetupTug:
      full.rep = 0;
      full.phase = Phase::kRest;
      open(full.amount, 0.05, 0.15);
      break;
    case Act::kFoot:
      full.phase = Phase::kBottom;
      open(full.seconds, 0.5, 1.5);
      break;
    case Act::kReversal:
    case Act::kRelease:
      break;
  }
  return full;
}

std::vector<Behaviour> random_behaviours(std::uint64_t seed, int reps) {
  Random random(seed, 0xbe4a);
  std::vector<Behaviour> events;
  if (random.chance(0.4)) events.push_back({Act::kSetupTug, 0});
  constexpr Act kActs[] = {Act::kPartial, Act::kMomentum,      Act::kPause,        Act::kPause,
                           Act::kPause,   Act::kReversal,      Act::kDoubleBounce, Act::kDrop,
                           Act::kSpasm,   Act::kCoContraction, Act::kPelvicDrop,   Act::kFoot};
  for (int rep = 1; rep <= reps; ++rep) {
    if (!random.chance(0.35)) continue;
    Behaviour event;
    event.act = kActs[random.below(std::size(kActs))];
    event.rep = rep;
    event.fraction = random.uniform(0.25, 0.75);
    const double where = random.uniform();
    event.phase = where < 0.4 ? Phase::kConcentric : where < 0.6 ? Phase::kHold : Phase::kEccentric;
    // Turning back so high up is a repetition with a short hold; lower down it is a partial one.
    if (event.act == Act::kReversal) {
      event.phase = Phase::kConcentric;
      event.fraction = random.chance(0.5) ? random.uniform(0.85, 0.97) : random.uniform(0.35, 0.55);
    }
    events.push_back(completed(event, random));
  }
  return events;
}

HeightPlan plan_phase(const Behaviour& event, double from, double to, double duration_s) noexcept {
  HeightPlan plan;
  const double way = to - from;
  switch (event.act) {
    case Act::kPartial:
      plan.add(from + event.amount * way, duration_s * det::sqrt(event.amount));
      return plan;
    case Act::kMomentum:
      plan.add(from - event.amount / kSwingRangeRad, kSwingBackS);
      plan.add(to, event.seconds);
      return plan;
    case Act::kPause:
      if (event.phase == Phase::kHold) {
        plan.add(to, event.seconds);
        return plan;
      }
      plan.add(from + event.fraction * way, event.fraction * duration_s);
      plan.add(from + event.fraction * way, event.seconds);
      plan.add(to, (1.0 - event.fraction) * duration_s);
      return plan;
    case Act::kReversal:
      plan.add(from + event.fraction * way, event.fraction * duration_s);
      plan.turns_back = way > 0.0;
      if (way > 0.0) return plan;
      plan.add(from, event.fraction * duration_s);
      plan.add(to, duration_s);
      return plan;
    case Act::kDoubleBounce:
      for (const double size : kBounces) {
        plan.add(from + size, kBounceS);
        plan.add(from, kBounceS);
      }
      plan.add(to, duration_s);
      return plan;
    case Act::kRegrip:
      plan.add(from + kRegripShare, 4.0 * kRegripInS);
      plan.add(from, kRegripInS);
      plan.add(to, duration_s);
      return plan;
    case Act::kDrop:
      plan.add(to, kDropS);
      return plan;
    case Act::kSetupTug:
      plan.add(from + event.amount, kTugS);
      plan.add(from, kTugS);
      return plan;
    case Act::kFoot:
      plan.add(from - 1.0, kFootS);  // as far down as there is room
      plan.add(from - 1.0, event.seconds);
      plan.add(from, kFootS);
      plan.add(to, duration_s);
      return plan;
    case Act::kRelease:
    case Act::kSpasm:
    case Act::kCoContraction:
    case Act::kFailure:
    case Act::kPelvicDrop:
      break;
  }
  plan.add(to, duration_s);
  return plan;
}

}  // namespace medius::sim
