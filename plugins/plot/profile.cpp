#include "plugins/plot/profile.hpp"

#include <dlfcn.h>

#include "plugins/plot/number.hpp"

namespace medius::plot {
namespace {

const void* no_extension(const medius_host_t*, const char*) {
  return nullptr;
}

constexpr medius_host_t kHost{MEDIUS_ABI_VERSION, 0, "medius-profile-plot", "1.0.0", &no_extension};

const medius_entry_t& entry_of(const std::string& path) {
  // A name without a slash would be looked up in the system's library folders.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error{path + ": cannot be opened: " + ::dlerror() +
                "; give the library of a profile, e.g. build/default/plugins.d/chains.so"};
  }
  const auto* entry = static_cast<const medius_entry_t*>(::dlsym(library, MEDIUS_ENTRY_SYMBOL));
  if (entry == nullptr) {
    throw Error{path + ": exports no symbol '" MEDIUS_ENTRY_SYMBOL
                       "', so it is not a profile; give the library of a profile"};
  }
  if (entry->abi_version != MEDIUS_ABI_VERSION) {
    throw Error{path +
                ": was built for another version of the plugin ABI; rebuild it with this "
                "tree's plugins/abi/medius/plugin.h"};
  }
  return *entry;
}

}  // namespace

Profile::Profile(const std::string& path, const medius_activation_t& activation,
                 const std::vector<Setting>& settings)
    : path_(path) {
  const medius_entry_t& entry = entry_of(path);
  const medius_descriptor_t* descriptor = entry.descriptor(0);
  if (descriptor != nullptr) plugin_ = entry.create(&kHost, descriptor->id);
  if (plugin_ == nullptr) throw Error{path + ": gives no profile; ask its author"};
  motion_ = static_cast<const medius_motion_t*>(plugin_->get_extension(plugin_, MEDIUS_EXT_MOTION));
  try {
    for (const Setting& setting : settings) set(setting);
    active_ = plugin_->activate(plugin_, &activation) != 0;
    if (!active_) {
      throw Error{path +
                  ": refuses to run on this axis and with these values; try another "
                  "--coordinate or other values of --set"};
    }
  } catch (...) {
    plugin_->destroy(plugin_);
    throw;
  }
}

medius_motion_wish_t Profile::wish() const {
  medius_motion_wish_t wish{};
  wish.size = sizeof wish;
  if (motion_->wish(plugin_, &wish) != MEDIUS_STEP_OK) {
    throw Error{path_ +
                ": reports an error in wish(); look for a value that is not a number in it"};
  }
  return wish;
}

Profile::~Profile() {
  plugin_->deactivate(plugin_);
  plugin_->destroy(plugin_);
}

void Profile::set(const Setting& setting) const {
  const auto* params =
      static_cast<const medius_params_t*>(plugin_->get_extension(plugin_, MEDIUS_EXT_PARAMS));
  const std::uint32_t count = params == nullptr ? 0 : params->count(plugin_);
  std::string known;
  for (std::uint32_t i = 0; i < count; ++i) {
    medius_param_info_t info{};
    if (params->info(plugin_, i, &info) == 0) continue;
    if (setting.name != info.name) {
      known += (known.empty() ? "" : ", ") + std::string(info.name);
      continue;
    }
    if (params->set(plugin_, info.id, setting.value) != 0) return;
    throw Error{path_ + ": " + setting.name + " is " + plain(setting.value) + ", allowed is " +
                plain(info.min) + " to " + plain(info.max) + " (" + info.unit +
                "); choose a value in this range"};
  }
  throw Error{path_ + ": has no parameter '" + setting.name + "'; it has " +
              (known.empty() ? "none" : known)};
}

double Profile::step(const medius_step_in_t& in) const {
  medius_step_out_t out{};
  out.size = sizeof out;
  if (plugin_->step(plugin_, &in, &out) != MEDIUS_STEP_OK) {
    throw Error{path_ + ": reports an error at tick " + std::to_string(in.tick) +
                "; look for a value that is not a number in its step()"};
  }
  return out.force;
}

}  // namespace medius::plot
