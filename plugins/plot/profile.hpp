// A profile's library, opened through the C ABI alone.
#pragma once

#include <string>
#include <vector>

#include "plugins/abi/medius/plugin.h"

namespace medius::plot {

struct Setting {
  std::string name;
  double value = 0.0;
};

// An error for people: the thing, the value, the limit, the next step.
struct Error {
  std::string message;
};

class Profile {
 public:
  // Throws Error. The first profile of the library, active with these settings.
  Profile(const std::string& path, const medius_activation_t& activation,
          const std::vector<Setting>& settings);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  [[nodiscard]] const medius_descriptor_t& descriptor() const { return *plugin_->descriptor; }
  // It commands motion: wish() says what, after each step().
  [[nodiscard]] bool commands_motion() const { return motion_ != nullptr; }
  // Throws Error.
  [[nodiscard]] medius_motion_wish_t wish() const;
  // Throws Error if the profile reports one.
  [[nodiscard]] double step(const medius_step_in_t& in) const;

 private:
  void set(const Setting& setting) const;

  std::string path_;
  const medius_plugin_t* plugin_ = nullptr;
  const medius_motion_t* motion_ = nullptr;
  bool active_ = false;
};

}  // namespace medius::plot
