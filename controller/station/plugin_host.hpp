// The plugin host: finds profiles, checks their version, holds their instances. The same host
// serves the profiles we ship and everyone else's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/profile.hpp"
#include "plugins/abi/medius/plugin.h"

namespace medius::station {

struct PluginError {
  std::string message;
};

struct ParameterInfo {
  std::uint32_t id = 0;
  std::uint32_t flags = 0;
  std::string name, unit, description;
  double min = 0.0, max = 0.0, default_value = 0.0, user_max = 0.0, slew_per_s = 0.0;
};

struct ProfileInfo {
  std::string id, name, vendor, version, description, path;
  std::uint32_t coordinates = 0;  // bit mask over medius_coordinate_t
  bool commands_motion = false;   // has medius.motion/1
  std::vector<ParameterInfo> parameters;
};

// Who asks for a parameter's value: above `user_max` only a therapist may.
enum class ParameterAuthority : std::uint8_t { kUser = 0, kTherapist = 1 };

class PluginHost {
 public:
  PluginHost();
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // [control] Loads every *.so of a directory, in name order. A file that cannot be used is
  // reported and skipped; libraries are never unloaded.
  std::vector<PluginError> load_directory(const std::string& directory);
  // [control] All profiles of the file or none.
  [[nodiscard]] tl::expected<void, PluginError> load_file(const std::string& path);

  [[nodiscard]] const std::map<std::string, ProfileInfo>& profiles() const;

  // [control] The id of a parameter and that it may have this value. Errors as in create().
  [[nodiscard]] tl::expected<std::uint32_t, PluginError> check_parameter(
      const std::string& profile, const std::string& parameter, double value,
      ParameterAuthority authority = ParameterAuthority::kUser) const;

  // [control] A new active instance with these parameter values (by name; missing = default).
  // Errors name the profile, the parameter, the value and its range. Instances outlive the host
  // safely. One whose step() was ended from outside (hang, crash) is never called again, not even
  // to destroy it.
  [[nodiscard]] tl::expected<std::unique_ptr<rt::ProfileInstance>, PluginError> create(
      const std::string& id, const std::map<std::string, double>& parameters,
      const medius_activation_t& activation,
      ParameterAuthority authority = ParameterAuthority::kUser);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::station
