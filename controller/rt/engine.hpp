// The engine: one tick of the whole machine, in the fixed order of the architecture.
//
//   image in -> commands (bounded) -> observer -> phase and repetition tracker -> profile: wished
//   force
//   -> kernel stage 1 -> force control -> kernel stage 2 -> image out -> status -> samples
#pragma once

#include <memory>

#include "controller/base/tick.hpp"
#include "controller/rt/channels.hpp"
#include "controller/rt/engine_config.hpp"
#include "controller/rt/profile_guard.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::rt {

class Engine {
 public:
  // [control, before the loop runs] All memory is allocated here. All references outlive the
  // engine. Without a guard a profile that hangs or crashes takes the loop with it.
  Engine(const EngineConfig& config, hal::MachineImage& image, EngineChannels& channels,
         ProfileGuard* guard = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // [rt] One tick. No heap, lock, system call, exception or clock.
  void cycle(const Tick& tick) noexcept;

  // What the last tick came to, for the heartbeat.
  struct Outcome {
    safety::Reaction reaction = safety::Reaction::kNone;
    bool hold_relay = false;
    bool reset_pressed = false;  // at the operator panel, by fresh data
  };
  // [rt]
  [[nodiscard]] Outcome outcome() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::rt
