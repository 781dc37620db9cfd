// The profiles that are shipped, for the tests that hold for each.
#pragma once

#include <algorithm>
#include <string>

namespace medius::test {

inline constexpr const char* kShippedProfiles[] = {"band",
                                                   "chains",
                                                   "constant_hip_torque",
                                                   "constant_tension",
                                                   "custom_curve",
                                                   "drop_set",
                                                   "flywheel",
                                                   "eccentric_emphasis",
                                                   "inverse_chains",
                                                   "isokinetic",
                                                   "isometric",
                                                   "quadratic_air",
                                                   "spotter",
                                                   "stack",
                                                   "tempo_eccentric",
                                                   "viscous",
                                                   "weight_stack"};

// The folder and the library have underscores, the id has hyphens.
inline std::string profile_id(std::string folder) {
  std::replace(folder.begin(), folder.end(), '_', '-');
  return folder;
}

}  // namespace medius::test
