// Profiles that misbehave: stands between loop and profile and spoils what it wishes, or pretends
// that the watch had to end its call.
#pragma once

#include "controller/rt/profile_guard.hpp"
#include "sim/faults/fault_table.hpp"

namespace medius::sim {

class FaultyGuard final : public rt::ProfileGuard {
 public:
  // Injector::kNone heals.
  void inject(Injector injector, double intensity) noexcept {
    injector_ = injector;
    intensity_ = intensity;
    ticks_ = 0;
  }
  rt::GuardVerdict call(rt::ProfileInstance& profile, const medius_step_in_t& input,
                        rt::ProfileOutput& output) noexcept override;
  rt::GuardVerdict reset(rt::ProfileInstance& profile) noexcept override {
    profile.reset();
    return rt::GuardVerdict::kReturned;
  }

 private:
  Injector injector_ = Injector::kNone;
  double intensity_ = 0.0;
  int ticks_ = 0;
};

}  // namespace medius::sim
