// One active instance of a profile, as the loop calls it: queue of parameter events, host-side
// ramps, size prefixes. Made by PluginHost::create().
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "controller/base/clamp.hpp"
#include "controller/rt/profile.hpp"
#include "controller/station/plugin_host.hpp"

namespace medius::station {

// What a profile may write, with a margin behind it that it must leave alone: a profile built for a
// larger structure than the host's `size` says, or an index that is off, is found by it. A write
// beyond the margin cannot be contained; the allow-list of hashes and medius-plugin-check are for
// that.
template <typename T>
class Fenced {
 public:
  Fenced() noexcept {
    value.size = sizeof value;
    margin_.fill(kFence);
  }
  [[nodiscard]] bool intact() const noexcept {
    std::uint64_t difference = 0;
    for (const std::uint64_t word : margin_) difference |= word ^ kFence;
    return difference == 0;
  }
  T value{};

 private:
  // As a double it is a signalling pattern nobody writes by chance.
  static constexpr std::uint64_t kFence = 0xfe4ced0ffe4ced0fU;
  std::array<std::uint64_t, 16> margin_;
};

class PluginInstance final : public rt::ProfileInstance {
 public:
  PluginInstance(const medius_plugin_t* plugin, const std::vector<ParameterInfo>& parameters,
                 const std::vector<double>& values, double dt_s)
      : plugin_(plugin),
        motion_(
            static_cast<const medius_motion_t*>(plugin->get_extension(plugin, MEDIUS_EXT_MOTION))),
        parameter_count_(parameters.size()) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const ParameterInfo& info = parameters[i];
      const bool slewed = (info.flags & MEDIUS_PARAM_SLEW) != 0;
      parameters_[i] = {info.id,   slewed,   info.slew_per_s * dt_s, info.min, info.max,
                        values[i], values[i]};
      if (slewed) ++slewed_count_;
    }
  }

  // [control] A call that never returned leaves `calling_` set: its instance may be in any state.
  ~PluginInstance() override {
    if (calling_) return;
    plugin_->deactivate(plugin_);
    plugin_->destroy(plugin_);
  }

  rt::ProfileOutput step(const medius_step_in_t& input) noexcept override {
    if (calling_) return {};
    std::array<medius_param_event_t, MEDIUS_EVENTS_MAX> events;
    medius_step_in_t in = input;
    in.size = sizeof(in);
    in.events = events.data();
    in.event_count = take_events(events);
    Fenced<medius_step_out_t> out;
    Fenced<medius_motion_wish_t> wish;
    calling_ = true;
    std::int32_t status = plugin_->step(plugin_, &in, &out.value);
    if (motion_ != nullptr && status == MEDIUS_STEP_OK) {
      status = motion_->wish(plugin_, &wish.value);
      out.value.force = wish.value.force_max;
    }
    calling_ = false;
    const bool ok = status == MEDIUS_STEP_OK && out.intact() && wish.intact();
    return {out.value.force, ok, wish.value.velocity, wish.value.force_min};
  }

  [[nodiscard]] bool commands_motion() const noexcept override { return motion_ != nullptr; }

  void reset() noexcept override {
    if (calling_) return;
    calling_ = true;
    plugin_->reset(plugin_);
    calling_ = false;
  }

  bool queue_parameter(std::uint32_t id, double value) noexcept override {
    const Parameter* parameter = find(id);
    if (parameter == nullptr || !(value >= parameter->min && value <= parameter->max)) return false;
    if (queued_ == queue_.size()) return false;
    queue_[queued_++] = {id, 0, value};
    return true;
  }

 private:
  struct Parameter {
    std::uint32_t id = 0;
    bool slewed = false;
    double step_max = 0.0;  // a tick
    double min = 0.0, max = 0.0;
    double value = 0.0, target = 0.0;  // of slewed ones
  };

  Parameter* find(std::uint32_t id) noexcept {
    for (std::size_t i = 0; i < parameter_count_; ++i) {
      if (parameters_[i].id == id) return &parameters_[i];
    }
    return nullptr;
  }

  // Queued changes in order, then one event for each parameter that is on its way. There is always
  // room for the latter; a queued change without room waits for the next tick.
  std::uint32_t take_events(std::array<medius_param_event_t, MEDIUS_EVENTS_MAX>& events) noexcept {
    std::uint32_t count = 0;
    std::size_t taken = 0;
    for (; taken < queued_ && count + slewed_count_ < MEDIUS_EVENTS_MAX; ++taken) {
      Parameter* parameter = find(queue_[taken].param_id);
      if (parameter->slewed) {
        parameter->target = queue_[taken].value;
      } else {
        events[count++] = queue_[taken];
      }
    }
    for (std::size_t i = taken; i < queued_; ++i) queue_[i - taken] = queue_[i];
    queued_ -= taken;
    for (std::size_t i = 0; i < parameter_count_; ++i) {
      Parameter& parameter = parameters_[i];
      if (!parameter.slewed || parameter.value == parameter.target) continue;
      const double difference = parameter.target - parameter.value;
      parameter.value =
          absolute(difference) <= parameter.step_max
              ? parameter.target
              : parameter.value + clamped(difference, -parameter.step_max, parameter.step_max);
      events[count++] = {parameter.id, 0, parameter.value};
    }
    return count;
  }

  const medius_plugin_t* plugin_;
  const medius_motion_t* motion_;  // null: wishes a force
  volatile bool calling_ = false;  // read after a jump out of the call
  std::size_t parameter_count_;
  std::uint32_t slewed_count_ = 0;
  std::array<Parameter, MEDIUS_PARAMS_MAX> parameters_{};
  std::array<medius_param_event_t, rt::kMaxParameterEvents> queue_{};
  std::size_t queued_ = 0;
};

}  // namespace medius::station
