// A machine in full use for tests of the loop's purity: what it does in a tick is marked, so that
// nets can tell it from what the test does between ticks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <dlfcn.h>

#include "hal/guard/heartbeat.hpp"
#include "tests/rt/fake_machine.hpp"

namespace medius::rt::test {

inline constinit thread_local bool t_in_tick = false;

// A profile through the C ABI, as the plugin host runs it.
class AbiProfile final : public ProfileInstance {
 public:
  explicit AbiProfile(const char* path) {
    library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) return;
    const auto* entry = static_cast<const medius_entry_t*>(dlsym(library_, MEDIUS_ENTRY_SYMBOL));
    if (entry == nullptr || entry->abi_version != MEDIUS_ABI_VERSION) return;
    plugin_ = entry->create(&host_, entry->descriptor(0)->id);
    const medius_activation_t activation{sizeof activation, MEDIUS_COORDINATE_CABLE, kTickPeriodS,
                                         600.0, 1.5};
    if (plugin_ != nullptr && plugin_->activate(plugin_, &activation) == 0) plugin_ = nullptr;
  }
  ~AbiProfile() override {
    if (plugin_ == nullptr) return;
    plugin_->deactivate(plugin_);
    plugin_->destroy(plugin_);
  }
  [[nodiscard]] bool ready() const { return plugin_ != nullptr; }

  ProfileOutput step(const medius_step_in_t& input) noexcept override {
    medius_step_out_t output{sizeof output, 0, 0.0};
    const bool ok = plugin_->step(plugin_, &input, &output) == MEDIUS_STEP_OK;
    ++calls;
    return {output.force, ok};
  }
  void reset() noexcept override { plugin_->reset(plugin_); }
  bool queue_parameter(std::uint32_t, double) noexcept override { return true; }

  std::uint64_t calls = 0;

 private:
  static const void* no_extension(const medius_host_t*, const char*) { return nullptr; }
  void* library_ = nullptr;
  medius_host_t host_{MEDIUS_ABI_VERSION, 0, "medius", "test", &no_extension};
  const medius_plugin_t* plugin_ = nullptr;
};

// Runs ticks of a machine in full use: repetitions, load changes, pauses, sets, late ticks, faults
// and resets. Nothing outside engine.cycle() allocates either, so that it may run under a filter.
class Exercise {
 public:
  Exercise(ProfileInstance& profile, ProfileGuard* guard)
      : profile_(profile), bench_(fake_config(), guard) {
    heartbeat_.attach(&page_, 1, false);
    bench_.take_up();
    bench_.send(CommandKind::kStartSet, 40.0, 0.0, 0, &profile_);
    bench_.send(CommandKind::kEngage);
    bench_.run(1000);
  }

  void run(std::uint64_t ticks) {
    for (std::uint64_t i = 0; i < ticks; ++i) {
      disturb(i);
      Tick tick;
      if (!bench_.source.wait_next(tick)) return;
      t_in_tick = true;
      bench_.engine.cycle(tick);
      const Engine::Outcome outcome = bench_.engine.outcome();
      heartbeat_.beat(tick, static_cast<std::uint8_t>(outcome.reaction), outcome.hold_relay,
                      outcome.reset_pressed);
      t_in_tick = false;
      bench_.machine.step();
      Event event;
      while (bench_.channels->events.pop(event)) ++kinds_[static_cast<std::size_t>(event.kind)];
      SampleRecord sample;
      while (bench_.channels->samples.pop(sample)) ++samples_;
    }
  }
  [[nodiscard]] std::uint64_t events(EventKind kind) const {
    return kinds_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }

 private:
  void disturb(std::uint64_t i) {
    const double angle = 2.0 * det::kPi * static_cast<double>(i % 4000) / 4000.0;
    bench_.machine.hand_position[0] = 0.2 - 0.2 * det::cos(angle);
    bench_.machine.hand_velocity[0] = 0.2 * det::sin(angle) * 2.0 * det::kPi / 4.0;
    switch (i % 48'000) {  // whole movements of 4 s
      case 10'000:
        bench_.send(CommandKind::kSetLoad, 50.0);
        break;
      case 20'000:
        bench_.send(CommandKind::kSetLoad, 30.0);
        bench_.send(CommandKind::kSetParameter, 1.0);
        break;
      case 25'000:
        bench_.source.disturb(900'000, 1);
        break;
      case 30'000:
        bench_.send(CommandKind::kUnload);
        break;
      case 32'000:  // the hand is at the bottom: nobody takes a load half-way
        bench_.send(CommandKind::kEndSet);
        bench_.send(CommandKind::kStartSet, 40.0, 0.0, 0, &profile_);
        bench_.send(CommandKind::kEngage);
        break;
      case 40'000:
        bench_.machine.state.axis[0].load_cell.saturated = true;
        break;
      case 40'100:
        bench_.machine.state.axis[0].load_cell.saturated = false;
        bench_.machine.state.panel.reset_pressed = true;
        break;
      case 40'200:
        bench_.machine.state.panel.reset_pressed = false;
        bench_.send(CommandKind::kEnable);
        break;
      case 40'300:
        bench_.send(CommandKind::kTakeUp, 10.0);
        break;
      case 44'000:
        bench_.send(CommandKind::kEngage);
        break;
      default:
        break;
    }
  }

  ProfileInstance& profile_;
  Bench bench_;
  guard::HeartbeatPage page_;
  guard::HeartbeatWriter heartbeat_;
  std::array<std::uint64_t, 16> kinds_{};
  std::uint64_t samples_ = 0;
};

inline std::unique_ptr<AbiProfile> shipped_profile() {
  return std::make_unique<AbiProfile>(MEDIUS_PLUGIN_DIR "/eccentric_emphasis.so");
}

}  // namespace medius::rt::test
