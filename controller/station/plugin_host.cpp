#include "controller/station/plugin_host.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include <dlfcn.h>

#include "controller/base/clamp.hpp"
#include "controller/station/plugin_file.hpp"
#include "controller/station/plugin_instance.hpp"

namespace medius::station {
namespace {

constexpr std::size_t kTextMax = 1000;      // of a plugin's strings
constexpr std::uint32_t kProfilesMax = 64;  // a library

std::string number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string with_unit(double value, const std::string& unit) {
  return unit == "1" ? number(value) : number(value) + " " + unit;
}

tl::unexpected<PluginError> failure(const std::string& message) {
  return tl::make_unexpected(PluginError{message});
}

const void* no_extension(const medius_host_t*, const char*) {
  return nullptr;
}

constexpr medius_host_t kHost{MEDIUS_ABI_VERSION, 0, "medius", "0.1.0", &no_extension};

// Destroys an instance that never became active.
struct Destroyer {
  void operator()(const medius_plugin_t* plugin) const { plugin->destroy(plugin); }
};
using InactivePlugin = std::unique_ptr<const medius_plugin_t, Destroyer>;

// ---- what a plugin says about itself ---------------------------------------------------------

bool text_ok(const char* text) {
  if (text == nullptr) return false;
  const std::size_t length = ::strnlen(text, kTextMax + 1);
  return length > 0 && length <= kTextMax;
}

// Lower-case letters and digits, words joined by `joint`, starting with a letter.
bool word_ok(const char* text, char joint) {
  if (!text_ok(text) || !(*text >= 'a' && *text <= 'z')) return false;
  for (const char* c = text; *c != '\0'; ++c) {
    const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
    if (!letter && (*c != joint || c[1] == joint || c[1] == '\0')) return false;
  }
  return true;
}

std::string version_text(std::uint32_t version) {
  return std::to_string(version >> 16) + "." + std::to_string(version & 0xffffu);
}

tl::expected<void, std::string> check_version(std::uint32_t version) {
  const bool same_major = version >> 16 == MEDIUS_ABI_MAJOR;
  const bool accepted = MEDIUS_ABI_MAJOR == 0 ? version == MEDIUS_ABI_VERSION : same_major;
  if (accepted) return {};
  return tl::unexpected("was built for plugin ABI " + version_text(version) +
                        ", this host speaks " + version_text(MEDIUS_ABI_VERSION) +
                        "; rebuild it with this host's plugins/abi/medius/plugin.h");
}

tl::expected<void, std::string> check_descriptor(const medius_descriptor_t& descriptor) {
  const auto version = check_version(descriptor.abi_version);
  if (!version) return version;
  if (!word_ok(descriptor.id, '-')) {
    return tl::unexpected(
        std::string("has a profile without a kebab-case id; set "
                    "medius_descriptor_t.id, e.g. \"constant-tension\""));
  }
  const std::string id = descriptor.id;
  for (const auto& [what, text] :
       {std::pair{"name", descriptor.name}, std::pair{"vendor", descriptor.vendor},
        std::pair{"version", descriptor.version},
        std::pair{"description", descriptor.description}}) {
    if (!text_ok(text)) {
      return tl::unexpected("profile '" + id + "' has no " + what + " of 1 to " +
                            std::to_string(kTextMax) + " bytes; set it in its descriptor");
    }
  }
  constexpr std::uint32_t kKnown = 1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER;
  if (descriptor.coordinates == 0 || (descriptor.coordinates & ~kKnown) != 0) {
    return tl::unexpected("profile '" + id + "' has the coordinate mask " +
                          std::to_string(descriptor.coordinates) +
                          ", known bits are 1 (cable) and 2 (lever); set at least one of these");
  }
  return {};
}

tl::expected<void, std::string> check_parameter_info(const medius_param_info_t& info) {
  if (!word_ok(info.name, '_')) {
    return tl::unexpected("parameter " + std::to_string(info.id) +
                          " has no snake_case name; set medius_param_info_t.name");
  }
  const std::string parameter = std::string("parameter '") + info.name + "'";
  if (!text_ok(info.unit) || !text_ok(info.description)) {
    return tl::unexpected(parameter +
                          " has no unit or no description; set both (unit \"1\" if it "
                          "has none)");
  }
  for (const double value : {info.min, info.max, info.default_value, info.user_max}) {
    if (!is_finite(value)) {
      return tl::unexpected(parameter +
                            " has a bound or default that is not a number; every value "
                            "must be finite");
    }
  }
  if (!(info.min <= info.default_value && info.default_value <= info.user_max &&
        info.user_max <= info.max)) {
    return tl::unexpected(parameter + " has min " + number(info.min) + ", default " +
                          number(info.default_value) + ", user_max " + number(info.user_max) +
                          ", max " + number(info.max) +
                          "; they must be in this order, smallest first");
  }
  if ((info.flags & MEDIUS_PARAM_THERAPIST) == 0 && info.user_max != info.max) {
    return tl::unexpected(parameter + " has user_max " + number(info.user_max) + " below max " +
                          number(info.max) +
                          " without MEDIUS_PARAM_THERAPIST; set that flag or "
                          "make them equal");
  }
  if ((info.flags & MEDIUS_PARAM_SLEW) != 0 &&
      !(info.slew_per_s > 0.0 && is_finite(info.slew_per_s))) {
    return tl::unexpected(parameter + " is to be ramped by " + number(info.slew_per_s) +
                          " per second; slew_per_s must be above 0");
  }
  return {};
}

tl::expected<void, std::string> check_functions(const medius_plugin_t* plugin,
                                                const std::string& id) {
  if (plugin == nullptr) {
    return tl::unexpected("profile '" + id +
                          "' gives no instance; its create() must return one for its own id");
  }
  if (plugin->destroy == nullptr || plugin->activate == nullptr || plugin->deactivate == nullptr ||
      plugin->reset == nullptr || plugin->step == nullptr || plugin->get_extension == nullptr) {
    return tl::unexpected("profile '" + id +
                          "' leaves a function of medius_plugin_t empty; all six are required");
  }
  return {};
}

const medius_params_t* params_of(const medius_plugin_t* plugin) {
  return static_cast<const medius_params_t*>(plugin->get_extension(plugin, MEDIUS_EXT_PARAMS));
}

// The parameter table of an inactive instance, checked.
tl::expected<std::vector<ParameterInfo>, std::string> read_parameters(
    const medius_plugin_t* plugin) {
  std::vector<ParameterInfo> parameters;
  const medius_params_t* params = params_of(plugin);
  if (params == nullptr) return parameters;
  if (params->count == nullptr || params->info == nullptr || params->get == nullptr ||
      params->set == nullptr) {
    return tl::unexpected(
        std::string("leaves a function of medius_params_t empty; all four are "
                    "required"));
  }
  const std::uint32_t count = params->count(plugin);
  if (count > MEDIUS_PARAMS_MAX) {
    return tl::unexpected("has " + std::to_string(count) + " parameters, at most " +
                          std::to_string(MEDIUS_PARAMS_MAX) + " are allowed; remove some");
  }
  std::set<std::uint32_t> ids;
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < count; ++i) {
    medius_param_info_t info{};
    if (params->info(plugin, i, &info) == 0) {
      return tl::unexpected("has no information about parameter " + std::to_string(i) + " of " +
                            std::to_string(count) + "; info() must know every index below count()");
    }
    const auto sane = check_parameter_info(info);
    if (!sane) return tl::unexpected(sane.error());
    if (!ids.insert(info.id).second || !names.insert(info.name).second) {
      return tl::unexpected(std::string("has parameter '") + info.name + "' (id " +
                            std::to_string(info.id) +
                            ") twice; ids and names must be unique, renumber or rename one");
    }
    double value = 0.0;
    if (params->get(plugin, info.id, &value) == 0 || !(value == info.default_value)) {
      return tl::unexpected(std::string("starts with parameter '") + info.name + "' at " +
                            number(value) + ", its default is " + number(info.default_value) +
                            "; a new instance must have the defaults");
    }
    parameters.push_back({info.id, info.flags, info.name, info.unit, info.description, info.min,
                          info.max, info.default_value, info.user_max, info.slew_per_s});
  }
  return parameters;
}

std::string names_of(const std::vector<ParameterInfo>& parameters) {
  if (parameters.empty()) return "it has none";
  std::string names = "it has ";
  for (const ParameterInfo& info : parameters) {
    if (&info != &parameters.front()) names += ", ";
    names += info.name;
  }
  return names;
}

tl::expected<void, PluginError> check_value(const std::string& profile, const ParameterInfo& info,
                                            double value, ParameterAuthority authority) {
  const std::string what =
      "profile '" + profile + "': " + info.name + " is " + with_unit(value, info.unit);
  if (!(value >= info.min && value <= info.max)) {
    return failure(
        what + ", allowed is " + number(info.min) + " to " +
        with_unit(authority == ParameterAuthority::kUser ? info.user_max : info.max, info.unit) +
        "; choose a value in this range");
  }
  if (value > info.user_max && authority != ParameterAuthority::kTherapist) {
    return failure(what + ", a user may set at most " + with_unit(info.user_max, info.unit) +
                   "; lower it or have a therapist raise it");
  }
  if ((info.flags & MEDIUS_PARAM_STEPPED) != 0 &&
      !(absolute(value) < 0x1p53 &&
        value == static_cast<double>(static_cast<std::int64_t>(value)))) {
    return failure(what + ", only whole numbers are allowed; round it");
  }
  return {};
}

const char* coordinate_name(std::uint32_t coordinate) {
  return coordinate == MEDIUS_COORDINATE_CABLE ? "cable" : "lever";
}

}  // namespace

struct PluginHost::Impl {
  struct Loaded {
    const medius_entry_t* entry = nullptr;
  };
  std::map<std::string, ProfileInfo> profiles;
  std::map<std::string, Loaded> loaded;

  tl::expected<ProfileInfo, std::string> examine(const medius_entry_t& entry, std::uint32_t index);
  tl::expected<std::uint32_t, PluginError> check(const std::string& id,
                                                 const std::string& parameter, double value,
                                                 ParameterAuthority authority) const;
};

tl::expected<ProfileInfo, std::string> PluginHost::Impl::examine(const medius_entry_t& entry,
                                                                 std::uint32_t index) {
  const medius_descriptor_t* descriptor = entry.descriptor(index);
  if (descriptor == nullptr) {
    return tl::unexpected("has no descriptor " + std::to_string(index) + " of " +
                          std::to_string(entry.plugin_count) +
                          "; descriptor() must know every index below plugin_count");
  }
  const auto sane = check_descriptor(*descriptor);
  if (!sane) return tl::unexpected(sane.error());
  ProfileInfo info;
  info.id = descriptor->id;
  info.name = descriptor->name;
  info.vendor = descriptor->vendor;
  info.version = descriptor->version;
  info.description = descriptor->description;
  info.coordinates = descriptor->coordinates;
  const medius_plugin_t* instance = entry.create(&kHost, descriptor->id);
  const auto functions = check_functions(instance, info.id);
  if (!functions) return tl::unexpected(functions.error());
  const InactivePlugin plugin(instance);
  auto parameters = read_parameters(plugin.get());
  if (!parameters) return tl::unexpected("profile '" + info.id + "' " + parameters.error());
  info.parameters = std::move(*parameters);
  const auto* motion =
      static_cast<const medius_motion_t*>(plugin->get_extension(plugin.get(), MEDIUS_EXT_MOTION));
  if (motion != nullptr && motion->wish == nullptr) {
    return tl::unexpected("profile '" + info.id +
                          "' leaves wish() of medius_motion_t empty; fill it in or leave the "
                          "extension away");
  }
  info.commands_motion = motion != nullptr;
  return info;
}

tl::expected<std::uint32_t, PluginError> PluginHost::Impl::check(
    const std::string& id, const std::string& parameter, double value,
    ParameterAuthority authority) const {
  const auto profile = profiles.find(id);
  if (profile == profiles.end()) {
    std::string known;
    for (const auto& entry : profiles) known += (known.empty() ? "" : ", ") + entry.first;
    return failure("profile '" + id + "' is not loaded; choose one of: " +
                   (known.empty() ? "none, the plugin directory is empty" : known));
  }
  for (const ParameterInfo& info : profile->second.parameters) {
    if (info.name != parameter) continue;
    const auto ok = check_value(id, info, value, authority);
    if (!ok) return tl::unexpected(ok.error());
    return info.id;
  }
  return failure("profile '" + id + "' has no parameter '" + parameter + "', " +
                 names_of(profile->second.parameters) + "; remove or rename it");
}

PluginHost::PluginHost() : impl_(std::make_unique<Impl>()) {}
PluginHost::~PluginHost() = default;

std::vector<PluginError> PluginHost::load_directory(const std::string& directory) {
  std::vector<PluginError> errors;
  std::vector<std::string> paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(directory, failed), end; !failed && it != end;
       it.increment(failed)) {
    if (it->path().extension() == ".so") paths.push_back(it->path().string());
  }
  if (failed) {
    errors.push_back({directory + ": cannot be read: " + failed.message() +
                      "; give the directory that holds the profiles"});
    return errors;
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    const auto loaded = load_file(path);
    if (!loaded) errors.push_back(loaded.error());
  }
  return errors;
}

tl::expected<void, PluginError> PluginHost::load_file(const std::string& path) {
  const auto library = open_library(path);
  if (!library) return failure(path + ": " + library.error());
  const auto* entry = static_cast<const medius_entry_t*>(::dlsym(*library, MEDIUS_ENTRY_SYMBOL));
  if (entry == nullptr) {
    return failure(path + ": exports no symbol '" MEDIUS_ENTRY_SYMBOL
                          "', so it is not a profile; define it as plugins/abi/medius/plugin.h "
                          "says or take the file out of the directory");
  }
  const auto version = check_version(entry->abi_version);
  if (!version) return failure(path + ": " + version.error());
  if (entry->plugin_count == 0 || entry->plugin_count > kProfilesMax ||
      entry->descriptor == nullptr || entry->create == nullptr) {
    return failure(path + ": its entry has " + std::to_string(entry->plugin_count) +
                   " profiles, 1 to " + std::to_string(kProfilesMax) +
                   " with descriptor() and create() are expected; fill in medius_entry_t");
  }
  std::vector<ProfileInfo> found;
  for (std::uint32_t i = 0; i < entry->plugin_count; ++i) {
    auto info = impl_->examine(*entry, i);
    if (!info) return failure(path + ": " + info.error());
    info->path = path;
    const auto twice = [&](const ProfileInfo& other) { return other.id == info->id; };
    const auto before = impl_->profiles.find(info->id);
    if (before != impl_->profiles.end() || std::any_of(found.begin(), found.end(), twice)) {
      return failure(path + ": profile '" + info->id + "' is already provided by " +
                     (before != impl_->profiles.end() ? before->second.path : path) +
                     "; remove one of the files or rename the profile");
    }
    found.push_back(std::move(*info));
  }
  for (ProfileInfo& info : found) {
    impl_->loaded[info.id] = {entry};
    impl_->profiles[info.id] = std::move(info);
  }
  return {};
}

const std::map<std::string, ProfileInfo>& PluginHost::profiles() const {
  return impl_->profiles;
}

tl::expected<std::uint32_t, PluginError> PluginHost::check_parameter(
    const std::string& profile, const std::string& parameter, double value,
    ParameterAuthority authority) const {
  return impl_->check(profile, parameter, value, authority);
}

tl::expected<std::unique_ptr<rt::ProfileInstance>, PluginError> PluginHost::create(
    const std::string& id, const std::map<std::string, double>& parameters,
    const medius_activation_t& activation, ParameterAuthority authority) {
  if (impl_->profiles.count(id) == 0)
    return tl::unexpected(impl_->check(id, "", 0, authority).error());
  const ProfileInfo& profile = impl_->profiles.at(id);
  for (const auto& [name, value] : parameters) {
    const auto ok = impl_->check(id, name, value, authority);
    if (!ok) return tl::unexpected(ok.error());
  }
  if (activation.coordinate > MEDIUS_COORDINATE_LEVER ||
      (profile.coordinates >> activation.coordinate & 1u) == 0) {
    return failure("profile '" + id + "' does not run on a " +
                   coordinate_name(activation.coordinate) +
                   " axis; choose a profile that lists this coordinate");
  }
  const medius_plugin_t* instance = impl_->loaded.at(id).entry->create(&kHost, id.c_str());
  if (instance == nullptr) {
    return failure("profile '" + id +
                   "' gives no further instance, all of its own are in use; end a set first");
  }
  InactivePlugin plugin(instance);
  const medius_params_t* params = params_of(plugin.get());
  std::vector<double> values;
  for (const ParameterInfo& info : profile.parameters) {
    const auto given = parameters.find(info.name);
    const double value = given == parameters.end() ? info.default_value : given->second;
    if (params->set(plugin.get(), info.id, value) == 0) {
      return failure("profile '" + id + "' refuses " + info.name + " " +
                     with_unit(value, info.unit) +
                     " though it is in its own range; choose another value");
    }
    values.push_back(value);
  }
  medius_activation_t sized = activation;
  sized.size = sizeof(sized);
  if (plugin->activate(plugin.get(), &sized) == 0) {
    return failure("profile '" + id + "' refuses to run on this axis (" +
                   coordinate_name(activation.coordinate) + ", force to " +
                   number(activation.force_max) + ", speed to " + number(activation.velocity_max) +
                   ", period " + number(activation.dt_s) + " s); check the machine file");
  }
  return std::make_unique<PluginInstance>(plugin.release(), profile.parameters, values,
                                          activation.dt_s);
}

}  // namespace medius::station
