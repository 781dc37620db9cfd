// For authors of resistance profiles in C++: a profile is a table of parameters and a pure step
// function; everything else of the C ABI (instances, events, size prefixes, save and load) is here.
// Header only; no heap, no exceptions, no RTTI, no libc function.
//
//   struct MyProfile {
//     static constexpr medius_descriptor_t kDescriptor = medius::sdk::descriptor({...});
//     static constexpr std::array<medius_param_info_t, N> kParameters = {...};   // N may be 0
//     struct Setup { double dt_s = 0.0; };   // constants computed by activate()
//     struct State { double filter = 0.0; }; // run-time state; 8-byte members only, so that saved
//                                            // bytes have no padding; State{} is a fresh start
//     static bool activate(const medius_activation_t& activation, Setup& setup) noexcept;
//     // or, for constants that depend on parameters with MEDIUS_PARAM_NEEDS_RESTART:
//     static bool activate(const medius_activation_t& activation,
//                          const std::array<double, N>& values, Setup& setup) noexcept;
//     static bool valid(const State& state) noexcept;  // may a loaded state be used?
//     static double step(const Setup&, const std::array<double, N>& values, State&,
//                        const medius_step_in_t&) noexcept;       // the wished force
//   };
//   MEDIUS_PROFILE(MyProfile)
//
// A profile that commands motion returns medius::sdk::Motion from step() instead of a force.
//
// step() may return any number: the SDK bounds it to 0..force_max of the activation and turns one
// that is not finite into MEDIUS_STEP_ERROR.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "plugins/abi/medius/plugin.h"

namespace medius::sdk {

// Two arms, a spare for the swap at rest, and room for tests; create() gives NULL when all are in
// use.
inline constexpr std::size_t kInstances = 16;

[[nodiscard]] constexpr bool finite(double x) noexcept {
  return (std::bit_cast<std::uint64_t>(x) & 0x7ff0'0000'0000'0000u) != 0x7ff0'0000'0000'0000u;
}

[[nodiscard]] constexpr bool same(const char* a, const char* b) noexcept {
  if (a == nullptr || b == nullptr) return false;
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

// FNV-1a: finds damage of saved state, and names the profile it belongs to.
[[nodiscard]] constexpr std::uint64_t fnv1a(const unsigned char* data, std::size_t size) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 0x100000001b3u;
  return hash;
}

[[nodiscard]] constexpr std::uint64_t fnv1a(const char* text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (; *text != '\0'; ++text) hash = (hash ^ static_cast<unsigned char>(*text)) * 0x100000001b3u;
  return hash;
}

// A fixed buffer that is written or read as a whole.
template <std::size_t kSize>
class Buffer {
 public:
  template <class T>
  constexpr void put(const T& value) noexcept {
    const auto bytes = std::bit_cast<std::array<unsigned char, sizeof(T)>>(value);
    for (const unsigned char byte : bytes) bytes_[used_++] = byte;
  }
  template <class T>
  [[nodiscard]] constexpr T take() noexcept {
    std::array<unsigned char, sizeof(T)> bytes{};
    for (unsigned char& byte : bytes) byte = bytes_[used_++];
    return std::bit_cast<T>(bytes);
  }
  [[nodiscard]] std::uint64_t hash(std::size_t size) const noexcept {
    return fnv1a(bytes_.data(), size);
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

  [[nodiscard]] bool write(const medius_ostream_t& stream) const noexcept {
    std::size_t done = 0;
    while (done < used_) {
      const std::int64_t n = stream.write(&stream, bytes_.data() + done, used_ - done);
      if (n <= 0 || static_cast<std::uint64_t>(n) > used_ - done) return false;
      done += static_cast<std::size_t>(n);
    }
    return true;
  }
  // Exactly `size` bytes and then the end of the stream.
  [[nodiscard]] bool read(const medius_istream_t& stream, std::size_t size) noexcept {
    std::size_t done = 0;
    while (done < size) {
      const std::int64_t n = stream.read(&stream, bytes_.data() + done, size - done);
      if (n <= 0 || static_cast<std::uint64_t>(n) > size - done) return false;
      done += static_cast<std::size_t>(n);
    }
    unsigned char beyond = 0;
    return stream.read(&stream, &beyond, 1) == 0;
  }

 private:
  std::array<unsigned char, kSize> bytes_{};
  std::size_t used_ = 0;
};

// What a profile that commands motion wishes; see medius_motion_wish_t.
struct Motion {
  double velocity = 0.0;
  double force_max = 0.0;
  double force_min = 0.0;
};

template <class Profile>
class Adapter {
  using State = typename Profile::State;
  using Setup = typename Profile::Setup;
  static constexpr std::size_t kCount = Profile::kParameters.size();
  using Values = std::array<double, kCount>;

  // Does the profile command motion?
  static constexpr bool kMoves =
      std::is_same_v<decltype(Profile::step(std::declval<const Setup&>(),
                                            std::declval<const Values&>(), std::declval<State&>(),
                                            std::declval<const medius_step_in_t&>())),
                     Motion>;

  static_assert(kCount <= MEDIUS_PARAMS_MAX);
  static_assert(std::is_trivially_copyable_v<State> && sizeof(State) % 8 == 0);

  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kHeaderSize = 4 * sizeof(std::uint32_t) + sizeof(std::uint64_t);
  static constexpr std::size_t kValueSize = sizeof(std::uint64_t) + sizeof(double);
  static constexpr std::size_t kTailSize = sizeof(std::uint64_t);
  using StateBuffer = Buffer<kHeaderSize + kCount * kValueSize + sizeof(State) + kTailSize>;

  struct Instance {
    medius_plugin_t plugin{};
    bool used = false;
    Values values{};
    Values held_back{};  // NEEDS_RESTART values wait here for the next activate()
    Setup setup{};
    State state{};
    Motion motion{};  // of the last step
    double force_max = 0.0;
  };

 public:
  static constexpr medius_entry_t entry() noexcept {
    return {MEDIUS_ABI_VERSION, 1, &get_descriptor, &create};
  }

 private:
  static Instance& self(const medius_plugin_t* plugin) noexcept {
    return *static_cast<Instance*>(plugin->instance);
  }

  static const medius_descriptor_t* get_descriptor(std::uint32_t index) noexcept {
    return index == 0 ? &Profile::kDescriptor : nullptr;
  }

  static const medius_plugin_t* create(const medius_host_t* host, const char* id) noexcept {
    if (host == nullptr || !same(id, Profile::kDescriptor.id)) return nullptr;
    for (Instance& instance : pool_) {
      if (instance.used) continue;
      instance = Instance{};
      instance.used = true;
      for (std::size_t i = 0; i < kCount; ++i) {
        instance.values[i] = Profile::kParameters[i].default_value;
      }
      instance.held_back = instance.values;
      instance.plugin = {&Profile::kDescriptor, &instance, &destroy, &activate,
                         &deactivate,           &reset,    &step,    &get_extension};
      return &instance.plugin;
    }
    return nullptr;
  }

  static void destroy(const medius_plugin_t* plugin) noexcept { self(plugin).used = false; }

  static std::int32_t activate(const medius_plugin_t* plugin,
                               const medius_activation_t* activation) noexcept {
    Instance& instance = self(plugin);
    if (!MEDIUS_HAS(activation, medius_activation_t, velocity_max)) return 0;
    const bool known = activation->coordinate < 32 &&
                       (Profile::kDescriptor.coordinates >> activation->coordinate & 1u) != 0;
    if (!known || !(activation->dt_s > 0.0) || !finite(activation->dt_s) ||
        !(activation->force_max >= 0.0) || !finite(activation->force_max) ||
        !(activation->velocity_max > 0.0)) {
      return 0;
    }
    Setup setup{};
    bool runs = false;
    if constexpr (requires { Profile::activate(*activation, instance.held_back, setup); }) {
      runs = Profile::activate(*activation, instance.held_back, setup);
    } else {
      runs = Profile::activate(*activation, setup);
    }
    if (!runs) return 0;
    instance.setup = setup;
    instance.force_max = activation->force_max;
    instance.values = instance.held_back;
    return 1;
  }

  static void deactivate(const medius_plugin_t*) noexcept {}

  static void reset(const medius_plugin_t* plugin) noexcept {
    self(plugin).state = State{};
    self(plugin).motion = Motion{};
  }

  static std::int32_t step(const medius_plugin_t* plugin, const medius_step_in_t* in,
                           medius_step_out_t* out) noexcept {
    if (!MEDIUS_HAS(in, medius_step_in_t, events) || !MEDIUS_HAS(out, medius_step_out_t, force)) {
      return MEDIUS_STEP_ERROR;
    }
    Instance& instance = self(plugin);
    for (std::uint32_t i = 0; i < in->event_count && i < MEDIUS_EVENTS_MAX; ++i) {
      accept(instance, in->events[i].param_id, in->events[i].value, true);
    }
    double force = 0.0;
    if constexpr (kMoves) {
      instance.motion = Profile::step(instance.setup, instance.values, instance.state, *in);
      if (!finite(instance.motion.velocity) || !finite(instance.motion.force_min)) {
        return MEDIUS_STEP_ERROR;
      }
      force = instance.motion.force_max;
    } else {
      force = Profile::step(instance.setup, instance.values, instance.state, *in);
    }
    if (!finite(force)) return MEDIUS_STEP_ERROR;
    if (!(force >= 0.0)) force = 0.0;
    if (!(force <= instance.force_max)) force = instance.force_max;
    out->force = force;
    return MEDIUS_STEP_OK;
  }

  static std::int32_t wish(const medius_plugin_t* plugin, medius_motion_wish_t* wish) noexcept {
    const Instance& instance = self(plugin);
    if (!MEDIUS_HAS(wish, medius_motion_wish_t, force_min)) return MEDIUS_STEP_ERROR;
    wish->velocity = instance.motion.velocity;
    wish->force_max = instance.motion.force_max;
    if (!(wish->force_max >= 0.0)) wish->force_max = 0.0;
    if (!(wish->force_max <= instance.force_max)) wish->force_max = instance.force_max;
    wish->force_min = instance.motion.force_min;
    return MEDIUS_STEP_OK;
  }

  static const void* get_extension(const medius_plugin_t*, const char* id) noexcept {
    if (kMoves && same(id, MEDIUS_EXT_MOTION)) return &kMotion;
    if (same(id, MEDIUS_EXT_PARAMS)) return &kParams;
    if (same(id, MEDIUS_EXT_STATE)) return &kState;
    return nullptr;
  }

  static bool in_range(const medius_param_info_t& info, double value) noexcept {
    return value >= info.min && value <= info.max;  // false for NaN
  }

  static bool accept(Instance& instance, std::uint32_t id, double value, bool active) noexcept {
    for (std::size_t i = 0; i < kCount; ++i) {
      const medius_param_info_t& info = Profile::kParameters[i];
      if (info.id != id) continue;
      if (!in_range(info, value)) return false;
      instance.held_back[i] = value;
      if (!active || (info.flags & MEDIUS_PARAM_NEEDS_RESTART) == 0) instance.values[i] = value;
      return true;
    }
    return false;
  }

  static std::uint32_t count(const medius_plugin_t*) noexcept { return kCount; }

  static std::int32_t info(const medius_plugin_t*, std::uint32_t index,
                           medius_param_info_t* info) noexcept {
    if (index >= kCount) return 0;
    *info = Profile::kParameters[index];
    return 1;
  }

  static std::int32_t get(const medius_plugin_t* plugin, std::uint32_t id, double* value) noexcept {
    for (std::size_t i = 0; i < kCount; ++i) {
      if (Profile::kParameters[i].id != id) continue;
      *value = self(plugin).held_back[i];
      return 1;
    }
    return 0;
  }

  static std::int32_t set(const medius_plugin_t* plugin, std::uint32_t id, double value) noexcept {
    return accept(self(plugin), id, value, false) ? 1 : 0;
  }

  // Layout: version, context, number of values, size of state, hash of the profile's id; then id
  // and value of each parameter; then the state if the context has one; then a hash of all that.
  static std::int32_t save(const medius_plugin_t* plugin, std::uint32_t context,
                           const medius_ostream_t* stream) noexcept {
    if (context > MEDIUS_STATE_SESSION) return 0;
    const Instance& instance = self(plugin);
    StateBuffer buffer;
    buffer.put(kStateVersion);
    buffer.put(context);
    buffer.put(static_cast<std::uint32_t>(kCount));
    buffer.put(state_size(context));
    buffer.put(fnv1a(Profile::kDescriptor.id));
    for (std::size_t i = 0; i < kCount; ++i) {
      buffer.put(std::uint64_t{Profile::kParameters[i].id});
      buffer.put(instance.held_back[i]);
    }
    if (context == MEDIUS_STATE_SESSION) buffer.put(instance.state);
    buffer.put(buffer.hash(buffer.used()));
    return buffer.write(*stream) ? 1 : 0;
  }

  static std::int32_t load(const medius_plugin_t* plugin, std::uint32_t context,
                           const medius_istream_t* stream) noexcept {
    if (context > MEDIUS_STATE_SESSION) return 0;
    StateBuffer buffer;
    const std::size_t body = kHeaderSize + kCount * kValueSize + state_size(context);
    if (!buffer.read(*stream, body + kTailSize)) return 0;
    bool good = buffer.template take<std::uint32_t>() == kStateVersion;
    good = buffer.template take<std::uint32_t>() == context && good;
    good = buffer.template take<std::uint32_t>() == kCount && good;
    good = buffer.template take<std::uint32_t>() == state_size(context) && good;
    good = buffer.template take<std::uint64_t>() == fnv1a(Profile::kDescriptor.id) && good;
    Values values{};
    for (std::size_t i = 0; i < kCount; ++i) {
      good = buffer.template take<std::uint64_t>() == Profile::kParameters[i].id && good;
      values[i] = buffer.template take<double>();
      good = in_range(Profile::kParameters[i], values[i]) && good;
    }
    State state{};
    if (context == MEDIUS_STATE_SESSION) {
      state = buffer.template take<State>();
      good = Profile::valid(state) && good;
    }
    good = buffer.hash(body) == buffer.template take<std::uint64_t>() && good;
    if (!good) return 0;
    Instance& instance = self(plugin);
    instance.values = instance.held_back = values;
    if (context == MEDIUS_STATE_SESSION) instance.state = state;
    return 1;
  }

  static constexpr std::uint32_t state_size(std::uint32_t context) noexcept {
    return context == MEDIUS_STATE_SESSION ? std::uint32_t{sizeof(State)} : 0u;
  }

  static constexpr medius_params_t kParams{&count, &info, &get, &set};
  static constexpr medius_state_t kState{&save, &load};
  static constexpr medius_motion_t kMotion{&wish};
  inline static std::array<Instance, kInstances> pool_{};
};

}  // namespace medius::sdk

// Once a library, at namespace scope.
#define MEDIUS_PROFILE(Profile)                                               \
  extern "C" {                                                                \
  extern MEDIUS_EXPORT const medius_entry_t medius_entry;                     \
  const medius_entry_t medius_entry = medius::sdk::Adapter<Profile>::entry(); \
  }                                                                           \
  static_assert(true)
