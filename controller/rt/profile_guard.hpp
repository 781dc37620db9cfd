// The seam through which the loop calls a profile, so that a call that never returns or that
// crashes can be ended from outside. The engine itself makes no system call for it; without a guard
// it calls the profile directly.
#pragma once

#include <cstdint>

#include "controller/rt/profile.hpp"

namespace medius::rt {

enum class GuardVerdict : std::uint8_t {
  kReturned = 0,  // the call came back; `output` is the profile's
  kOverBudget,    // it did not, and was ended
  kCrashed,       // it raised a processor fault, and was ended
};

class ProfileGuard {
 public:
  virtual ~ProfileGuard() = default;
  // [rt] Calls profile.step(input) once. After a verdict other than kReturned the profile's memory
  // is in an unknown state: it must never be called again, not even to destroy it.
  virtual GuardVerdict call(ProfileInstance& profile, const medius_step_in_t& input,
                            ProfileOutput& output) noexcept = 0;
  // [rt] Calls profile.reset() once, under the same rules.
  virtual GuardVerdict reset(ProfileInstance& profile) noexcept = 0;
};

}  // namespace medius::rt
