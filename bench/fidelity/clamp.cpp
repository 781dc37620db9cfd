#include "controller/base/clamp.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/fidelity/stability.hpp"
#include "controller/base/tick.hpp"
#include "controller/rt/force_control.hpp"
#include "controller/rt/observer.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::bench {
namespace {

constexpr double kLoadN = 80.0;
constexpr double kKickN = 60.0;
constexpr double kLoadRampNps = 100.0;
constexpr double kSettleS = 2.0, kRunS = 6.0, kWindowS = 0.5;
constexpr double kLeftN = 4.0, kLeftOverKicked = 0.7;
constexpr double kForceMaxN = 600.0;
// As the machine file of the simulated station has them.
constexpr double kObserverRadps = 160.0, kObserverLimitN = 80.0;
constexpr double kModelDeadS = 0.002, kModelLagS = 0.0008, kDerivativeRadps = 600.0;
// A rig as heavy and stiff as this is a wall beside any attachment.
constexpr double kWallNpm = 1e7, kWallNspm = 2e4, kWallKg = 100.0;
constexpr double kFrictionBlendMps = 0.03;

sim::CablePlantConfig plant_of(const ClampCase& what) {
  sim::CablePlantConfig plant;
  plant.drive_dead_time_s = what.dead_time_s;
  plant.cuff_stiffness_npm = what.attachment_npm;
  for (sim::FrictionConfig* friction : {&plant.drive_friction, &plant.path_friction}) {
    friction->coulomb_n *= what.friction;
    friction->load_fraction *= what.friction;
    friction->viscous_nspm *= what.friction;
  }
  if (what.friction < 1.0) {  // what is well greased also damps less
    plant.cable_damping_nspm *= std::max(what.friction, 1.0 / 6.0);
    plant.cuff_damping_nspm *= std::max(what.friction, 1.0 / 6.0);
  }
  return plant;
}

class Clamp {
 public:
  explicit Clamp(const ClampCase& what)
      : what_(what), plant_config_(plant_of(what)), plant_(plant_config_, sim::LegConfig{}) {
    // With the cell after the last pulley the observer's mass is all that moves between encoder and
    // cell: the drive's and the cable path's.
    const double mass_kg =
        (plant_config_.reflected_mass_kg + plant_config_.path_mass_kg) * what.mass_ratio;
    observer_config_ = rt::observer_config(kObserverRadps, mass_kg, kTickPeriodS, kForceMaxN);
    drive_config_ = rt::drive_model(kModelDeadS, kModelLagS, kTickPeriodS);
    derivative_gain_ = rt::low_pass_gain(kDerivativeRadps, kTickPeriodS);
    control_.kp = what.controller.kp;
    control_.kd_s = what.controller.kd_s;
    control_.observer_limit = what.controller.observer ? kObserverLimitN : 0.0;
    plant_.set_cuff_end(sim::CuffEnd::kRig);
  }

  ClampResult run() {
    for (double t = 0.0; t < kLoadN / kLoadRampNps + kSettleS; t += kTickPeriodS) {
      felt_n_ = std::min(felt_n_ + kLoadRampNps * kTickPeriodS, kLoadN);
      tick();
    }
    detector_ = rt::OscillationState{};
    const double compliance =
        1.0 / plant_config_.cuff_stiffness_npm + 1.0 / plant_config_.cable_stiffness_npm;
    wall_m_ += kKickN * compliance;
    std::vector<double> tension_n;
    for (double t = 0.0; t < kRunS; t += kTickPeriodS) {
      tick();
      tension_n.push_back(plant_.truth().cuff_tension_n);
    }
    const auto window = static_cast<std::size_t>(kWindowS / kTickPeriodS);
    ClampResult result;
    result.kicked_n = deviation(tension_n, 0, window);
    result.left_n = deviation(tension_n, tension_n.size() - window, tension_n.size());
    result.detected = detector_.latched;
    result.stable = !(result.left_n > kLeftN && result.left_n > kLeftOverKicked * result.kicked_n);
    return result;
  }

 private:
  // Largest deviation from where the tension is in the end, on average.
  static double deviation(const std::vector<double>& tension_n, std::size_t from, std::size_t to) {
    double mean = 0.0;
    for (std::size_t i = tension_n.size() / 2; i < tension_n.size(); ++i) mean += tension_n[i];
    mean /= static_cast<double>(tension_n.size() - tension_n.size() / 2);
    double worst = 0.0;
    for (std::size_t i = from; i < to; ++i) worst = std::max(worst, absolute(tension_n[i] - mean));
    return worst;
  }

  double friction_model_n() const {
    const sim::FrictionConfig nominal = sim::CablePlantConfig{}.drive_friction;
    return what_.controller.friction_share *
           ((nominal.coulomb_n + nominal.load_fraction * felt_n_) *
                saturated(observer_.velocity, kFrictionBlendMps) +
            nominal.viscous_nspm * observer_.velocity);
  }

  void tick() {
    rt::push_word(drive_, word_n_);
    rt::advance_drive(drive_config_, drive_);
    const double friction_n = friction_model_n();
    rt::ObserverInput seen;
    seen.position = plant_.encoder_position_m();
    seen.fresh = true;
    seen.tension = plant_.load_cell_n();
    seen.drive_force = drive_.force + friction_n;
    rt::observe(observer_config_, seen, observer_);

    rt::ForceControlInput input;
    input.felt_force = felt_n_;
    input.tension = seen.tension;
    input.tension_fresh = true;
    input.velocity = observer_.velocity;
    input.disturbance = observer_.disturbance;
    state_.oscillation = {};  // the detector must not rescue the loop here
    word_n_ = rt::control_force(control_, derivative_gain_, kTickPeriodS, input, state_);
    integral_n_ += what_.controller.integral_per_s * (felt_n_ - seen.tension) * kTickPeriodS;
    word_n_ += integral_n_ - friction_n;
    word_n_ -= what_.controller.inertia_share * observer_config_.mass * observer_.acceleration;
    word_n_ = clamped(word_n_, 0.0, kForceMaxN);
    rt::detect_oscillation(seen.tension, rt::ForceControlConfig{}.oscillation_rms, detector_);

    plant_.command(word_n_, true);
    for (int i = 0; i < sim::kPlantStepsPerTick; ++i) {
      plant_.set_rig(wall_m_, 0.0, kWallNpm, kWallNspm, kWallKg);
      plant_.step(0.0);
    }
  }

  ClampCase what_;
  sim::CablePlantConfig plant_config_;
  sim::CablePlant plant_;
  rt::ObserverConfig observer_config_;
  rt::DriveModelConfig drive_config_;
  rt::ForceControlConfig control_;
  double derivative_gain_ = 1.0;
  rt::ObserverState observer_;
  rt::DriveModelState drive_;
  rt::ForceControlState state_;
  rt::OscillationState detector_;
  double felt_n_ = 0.0, word_n_ = 0.0, integral_n_ = 0.0, wall_m_ = 0.0;
};

}  // namespace

ClampResult run_clamp(const ClampCase& what) {
  return Clamp(what).run();
}

}  // namespace medius::bench
