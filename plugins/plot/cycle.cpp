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

}  // namespace

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
