#include "bench/fidelity/corpus.hpp"

#include <algorithm>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"

namespace medius::bench {
namespace {

constexpr double kCleanShare = 0.2;  // of the sets
// What a person does with a load: a jump is no repetition, the machine brakes what runs in faster
// than 0.8 m/s, and a movement that takes a third of the load to accelerate what the machine moves
// (drive and cable path, 2.95 kg) would slacken the cable: a leg of 4.4 kg held with 4 kN/m swings
// at 3.7 Hz on it and doubles what is asked of it.
struct Pace {
  double lift_mps, lowering_mps, acceleration_max, inertia_share;
};
constexpr Pace kUsual{1.2, 0.75, 5.0, 0.3}, kExplosive{2.0, 1.5, 9.0, 1.0};
constexpr double kMachineKg = 2.95;
// Of a minimum-jerk movement: largest speed x time / way, largest acceleration x time^2 / way.
constexpr double kPeakSpeed = 1.875, kPeakAcceleration = 5.7735;

class Author {
 public:
  Author(CorpusSet& set, Random& random, const Pace& pace)
      : set_(set), random_(random), pace_(pace) {}

  void hold(double seconds) { move_to(here_m_, seconds); }
  void move_to(double target_m, double seconds) {
    set_.script.push_back({target_m, std::max(seconds, least_s(target_m - here_m_))});
    here_m_ = target_m;
    time_s_ += set_.script.back().duration_s;
  }
  void bump(double size_m, double seconds) {
    const double from_m = here_m_;
    move_to(from_m + size_m, 0.5 * seconds);
    move_to(from_m, 0.5 * seconds);
  }
  [[nodiscard]] double time_s() const { return time_s_; }

  // Setting up: somebody tugs at the cable.
  void tug() {
    bump(set_.range_m * random_.uniform(0.05, 0.15), random_.uniform(0.6, 1.2));
    set_.meant.push_back(Meant::kNone);
    hold(random_.uniform(0.3, 1.5));
  }

  void clean_rep(double range_m) {
    move_to(range_m * around(1.0, 0.03), time(2.0));
    hold(time(1.0));
    move_to(0.0, time(3.0));
    set_.meant.push_back(Meant::kFull);
    hold(time(0.6));
  }

  // 0.5-0-0.5 s, as fast as the pace allows.
  void explosive_rep(double range_m) {
    move_to(range_m, random_.uniform(0.5, 0.8));
    move_to(0.0, random_.uniform(0.5, 0.8));
    set_.meant.push_back(Meant::kFull);
    hold(random_.uniform(0.1, 0.8));
  }

  void mixed_rep(double range_m, double slowness) {
    double rise_m = range_m * std::max(0.88, around(1.0, 0.04));
    const bool partial = random_.chance(0.10);
    if (partial) rise_m = set_.range_m * random_.uniform(0.30, 0.55);
    set_.meant.push_back(partial ? Meant::kPartial : Meant::kFull);
    up(rise_m, slowness * (random_.chance(0.08) ? random_.uniform(0.5, 0.9) : time(2.0)));
    if (!random_.chance(0.06)) {  // else it turns back early, without a pause
      hold(random_.chance(0.1) ? random_.uniform(0.0, 4.0) : time(1.0));
    }
    if (random_.chance(0.06)) double_bounce(rise_m);
    down(range_m * 0.01 * random_.normal());
    hold(random_.chance(0.1) ? random_.uniform(1.0, 4.0) : time(0.5));
  }

  // Up, stuck, and down again.
  void failure() {
    move_to(here_m_ + set_.range_m * random_.uniform(0.35, 0.50), 2.0);
    hold(random_.uniform(0.2, 1.0));
    move_to(0.0, 2.0);
    set_.meant.push_back(Meant::kPartial);
  }

  // Lets go on the way up or at the peak.
  void release() {
    const double rise_m = set_.range_m * random_.uniform(0.5, 1.0);
    const double start_s = time_s_;
    move_to(rise_m, time(2.0));
    const double there_s = time_s_ - start_s;
    hold(2.0);
    set_.meant.push_back(Meant::kNone);
    set_.release_after_s = start_s + there_s * random_.uniform(0.6, 1.3);
  }

 private:
  double around(double mean, double share) { return mean * (1.0 + share * random_.normal()); }
  double time(double seconds) { return around(seconds, 0.08); }
  [[nodiscard]] double least_s(double way_m) const {
    const double fastest_mps = way_m > 0.0 ? pace_.lift_mps : pace_.lowering_mps;
    const double hardest =
        std::min(pace_.acceleration_max, pace_.inertia_share * set_.load_n / kMachineKg);
    const double distance_m = absolute(way_m);
    return std::max({0.02, kPeakSpeed * distance_m / fastest_mps,
                     det::sqrt(kPeakAcceleration * distance_m / hardest)});
  }

  void up(double rise_m, double seconds) {
    if (random_.chance(0.08)) {
      with_pause(rise_m, seconds);
    } else {
      move_to(here_m_ + rise_m, seconds);
    }
  }
  void down(double rest_m) {
    if (random_.chance(0.08)) {
      with_pause(rest_m - here_m_, time(3.0));
    } else {
      move_to(rest_m, random_.chance(0.04) ? 0.6 : time(3.0));
    }
    if (random_.chance(0.06)) {  // it swings on the cable
      hold(0.1);
      bump(0.12 * set_.range_m, 0.5);
      bump(0.06 * set_.range_m, 0.4);
    }
  }
  void with_pause(double way_m, double seconds) {
    const double part = random_.uniform(0.25, 0.75);
    move_to(here_m_ + part * way_m, part * seconds);
    hold(random_.uniform(0.5, 2.0));
    move_to(here_m_ + (1.0 - part) * way_m, (1.0 - part) * seconds);
  }
  void double_bounce(double rise_m) {
    for (int i = 0; i < 2; ++i) {
      const double dip_m = rise_m * random_.uniform(0.10, 0.35);
      move_to(here_m_ - dip_m, 0.5);
      move_to(here_m_ + dip_m, 0.5);
    }
  }

  CorpusSet& set_;
  Random& random_;
  const Pace& pace_;
  double here_m_ = 0.0, time_s_ = 0.0;
};

}  // namespace

int CorpusSet::count(Meant kind) const {
  return static_cast<int>(std::count(meant.begin(), meant.end(), kind));
}

CorpusSet random_set(std::uint64_t seed, Corpus corpus) {
  Random random(seed, 11);
  CorpusSet set;
  set.range_m = random.uniform(0.20, 0.50);
  if (random.chance(0.75)) {
    set.told_range_m = set.range_m * std::clamp(1.0 + 0.05 * random.normal(), 0.88, 1.12);
  }
  set.load_n = random.uniform(20.0, 90.0);
  if (random.chance(0.5)) set.eccentric_ratio = random.uniform(1.0, 1.5);
  set.clean = random.chance(kCleanShare);
  set.sway_phase_rad = random.uniform(0.0, 2.0 * det::kPi);
  Author author(set, random, corpus == Corpus::kExplosive ? kExplosive : kUsual);
  author.hold(random.uniform(0.5, 2.0));
  const int reps = 6 + static_cast<int>(random.below(10));
  if (set.clean) {
    for (int i = 0; i < reps; ++i) author.clean_rep(set.range_m);
    author.hold(2.0);
    return set;
  }
  set.sway_m = random.uniform(0.0, 0.004);
  set.tremor_m = random.uniform(0.0, 0.0002);
  if (random.chance(0.5)) author.tug();
  const double tiring = random.uniform(0.0, 0.012);
  for (int i = 0; i < reps; ++i) {
    if (corpus == Corpus::kExplosive && random.chance(0.5)) {
      author.explosive_rep(set.range_m * (1.0 - tiring * i));
      continue;
    }
    author.mixed_rep(set.range_m * (1.0 - tiring * i), 1.0 + 80.0 * tiring * i / reps);
    if (random.chance(0.04)) author.bump(random.uniform(-0.02, 0.02), 0.3);  // a jerk
  }
  if (random.chance(0.15)) {
    author.failure();
  } else if (random.chance(0.15)) {
    author.release();
    return set;
  }
  author.hold(2.0);
  return set;
}

LifterSet random_lifter_set(sim::Exercise exercise, sim::Preset preset, std::uint64_t seed) {
  Random random(seed, 12);
  LifterSet set;
  const sim::Sex sex = random.chance(0.5) ? sim::Sex::kMale : sim::Sex::kFemale;
  const sim::LifterConfig lifter = sim::preset_lifter(preset, sim::body_of(sex));
  set.lifting.person = {lifter, lifter};
  set.clean = random.chance(kCleanShare);
  // What the person can do for a set: a fifth to a third of the strength at the ankle, less when
  // the leg's own weight lies across it.
  const double strongest_n = lifter.isometric_torque_nm / lifter.cuff_radius_m;
  const bool lying = exercise == sim::Exercise::kSideLyingAbduction;
  set.load_n = std::max(15.0, strongest_n * random.uniform(0.12, lying ? 0.15 : 0.28));
  sim::PlannedSet& planned = set.lifting.set;
  planned.load_n = set.load_n;
  planned.exercise = exercise;
  planned.intent.reps = 6 + static_cast<int>(random.below(7));
  planned.intent.tempo = {random.uniform(1.2, 2.5), random.uniform(0.5, 1.5),
                          random.uniform(1.5, 3.5), 0.0};
  planned.intent.bottom_s = random.uniform(0.4, 1.0);
  if (!set.clean) planned.intent.events = sim::random_behaviours(seed, planned.intent.reps);
  const sim::ExerciseMotion motion = sim::motion_of(exercise);
  const double range_rad = motion.range_rad > 0.0 ? motion.range_rad : lifter.range_rad;
  const auto out_m = [&](double height) {
    const sim::BodyPlace at = sim::place_at(motion, lifter.start_rad, range_rad, height);
    return sim::cable_at(sim::cable_geometry(lifter, exercise), at.angle_rad).length_m + at.body_m;
  };
  set.range_m = out_m(1.0) - out_m(0.0);
  if (random.chance(0.75)) {
    set.told_range_m = set.range_m * std::clamp(1.0 + 0.05 * random.normal(), 0.88, 1.12);
  }
  return set;
}

}  // namespace medius::bench
