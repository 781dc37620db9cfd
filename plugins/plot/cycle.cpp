#include "plugins/plot/cycle.hpp"

namespace medius::plot {
namespace {

constexpr double kDtS = 1e-3;
constexpr int kKeepEvery = 10;  // ticks
// The host needs this long to be sure that the handle comes back.
constexpr double kLatchS = 0.2;

struct Motion {
  double position = 0.0, velocity = 0.0, acceleration = 0.0;
};

// From 0 to `way` in `time_s`, with the least jerk.
Motion minimum_jerk(double way, double time_s, double t_s) {
  const double t = t_s / time_s;
  const double tt = t * t;
  return {way * tt * t * (10.0 + t * (6.0 * t - 15.0)),
          way / time_s * tt * (30.0 + t * (30.0 * t - 60.0)),
          way / (time_s * time_s) * t * (60.0 + t * (120.0 * t - 180.0))};
}

class Runner {
 public:
  Runner(const Profile& profile, const CycleOptions& options)
      : profile_(profile), options_(options) {}

  void cycle(int number, double concentric_s, double stall_s) {
    number_ = number;
    const double range = options_.range;
    if (stall_s > 0.0) {
      move(Part::kLifting, MEDIUS_PHASE_CONCENTRIC, 0.0, 0.5 * range, 0.5 * concentric_s);
      stay(Part::kLifting, MEDIUS_PHASE_CONCENTRIC, 0.5 * range, stall_s);
      move(Part::kLifting, MEDIUS_PHASE_CONCENTRIC, 0.5 * range, 0.5 * range, 0.5 * concentric_s);
    } else {
      move(Part::kLifting, MEDIUS_PHASE_CONCENTRIC, 0.0, range, concentric_s);
    }
    stay(Part::kHolding, MEDIUS_PHASE_HOLD, range, options_.hold_s);
    move(Part::kLowering, MEDIUS_PHASE_ECCENTRIC, range, -range, options_.eccentric_s);
    ++in_.repetition;
    stay(Part::kBottom, MEDIUS_PHASE_BOTTOM, 0.0, options_.bottom_s);
  }

  std::vector<Sample> samples;

 private:
  void move(Part part, medius_phase_t phase, double from, double way, double time_s) {
    const int ticks = static_cast<int>(time_s / kDtS + 0.5);
    for (int i = 1; i <= ticks; ++i) {
      const double t_s = i * kDtS;
      Motion motion = minimum_jerk(way, time_s, t_s);
      motion.position += from;
      const bool latched = phase != MEDIUS_PHASE_ECCENTRIC || t_s >= kLatchS;
      step(part, latched ? phase : MEDIUS_PHASE_HOLD, motion, i % kKeepEvery == 0);
    }
  }

  void stay(Part part, medius_phase_t phase, double position, double time_s) {
    const int ticks = static_cast<int>(time_s / kDtS + 0.5);
    for (int i = 1; i <= ticks; ++i) step(part, phase, {position, 0.0, 0.0}, i % kKeepEvery == 0);
  }

  void step(Part part, medius_phase_t phase, const Motion& motion, bool keep) {
    in_.size = sizeof in_;
    in_.phase = phase;
    ++in_.tick;
    in_.dt_s = kDtS;
    in_.base_force = options_.load;
    in_.position = motion.position;
    in_.velocity = motion.velocity;
    in_.acceleration = motion.acceleration;
    in_.range = options_.range;
    in_.force = profile_.step(in_);  // the next tick's measured force: a perfect machine
    if (keep) samples.push_back({part, number_, motion.position, motion.velocity, in_.force});
  }

  const Profile& profile_;
  const CycleOptions& options_;
  medius_step_in_t in_{};
  int number_ = 0;
};

// Somebody at a handle whose speed is commanded.
class Puller {
 public:
  Puller(const Profile& profile, const CycleOptions& options)
      : profile_(profile), options_(options) {}

  void cycle() {
    const double pull = 0.5 * options_.load;
    const auto limit = [](double seconds) { return static_cast<int>(seconds / kDtS + 0.5); };
    for (int i = 0; i < limit(kLongestS) && in_.position < options_.range; ++i) {
      step(Part::kLifting, MEDIUS_PHASE_CONCENTRIC, pull);
      follow();
    }
    in_.velocity = 0.0;
    for (int i = 0; i < limit(options_.hold_s); ++i) {
      step(Part::kHolding, MEDIUS_PHASE_HOLD, pull);
    }
    const double top = in_.position;
    const bool pulled = profile_.wish().velocity < 0.0;
    for (int i = 1; i <= limit(pulled ? kLongestS : options_.eccentric_s); ++i) {
      if (pulled) {
        follow();
        if (!(in_.position > 0.0) || !(profile_.wish().velocity < 0.0)) break;
      } else {
        const Motion motion = minimum_jerk(-top, options_.eccentric_s, i * kDtS);
        in_.position = top + motion.position;
        in_.velocity = motion.velocity;
      }
      step(Part::kLowering, MEDIUS_PHASE_ECCENTRIC, pulled ? pull : 0.0);
    }
  }

  std::vector<Sample> samples;

 private:
  static constexpr double kLongestS = 30.0;

  void follow() {
    in_.velocity = profile_.wish().velocity;
    in_.position += in_.velocity * kDtS;
  }

  void step(Part part, medius_phase_t phase, double pull) {
    in_.size = sizeof in_;
    in_.phase = phase;
    ++in_.tick;
    in_.dt_s = kDtS;
    in_.base_force = options_.load;
    in_.range = options_.range;
    in_.force = pull;
    (void)profile_.step(in_);
    if (in_.tick % kKeepEvery != 0) return;
    samples.push_back({part, 1, in_.position, profile_.wish().velocity, profile_.wish().force_max,
                       static_cast<double>(in_.tick) * kDtS});
  }

  const Profile& profile_;
  const CycleOptions& options_;
  medius_step_in_t in_{};
};

}  // namespace

std::vector<Sample> run_motion(const Profile& profile, const CycleOptions& options) {
  Puller puller(profile, options);
  puller.cycle();
  return puller.samples;
}

std::vector<Sample> run_hold(const Profile& profile, const CycleOptions& options) {
  constexpr int kTicks = 1500;
  std::vector<Sample> samples;
  medius_step_in_t in{};
  for (int i = 1; i <= kTicks; ++i) {
    in.size = sizeof in;
    in.phase = MEDIUS_PHASE_HOLD;
    ++in.tick;
    in.dt_s = kDtS;
    in.base_force = options.load;
    in.range = options.range;
    const double pull = 1.5 * options.load * i / kTicks;
    in.force = pull;
    (void)profile.step(in);
    const medius_motion_wish_t wish = profile.wish();
    if (i % kKeepEvery != 0) continue;
    const bool held = pull <= wish.force_max;
    samples.push_back({held ? Part::kHolding : Part::kLifting, 1, pull, wish.velocity,
                       held ? pull : wish.force_max, i * kDtS});
  }
  return samples;
}

std::vector<Sample> run_cycles(const Profile& profile, const CycleOptions& options) {
  Runner runner(profile, options);
  runner.cycle(0, options.concentric_s, 0.0);
  runner.samples.clear();
  double concentric_s = options.concentric_s;
  for (int i = 1; i <= options.cycles; ++i) {
    runner.cycle(i, concentric_s, options.stall_s);
    concentric_s *= options.slowing;
  }
  return runner.samples;
}

}  // namespace medius::plot
