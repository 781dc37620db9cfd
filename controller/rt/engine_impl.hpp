// The engine's inside, shared by the file that runs in the loop and the one that allocates.
#pragma once

#include <array>

#include "controller/rt/axis_loop.hpp"
#include "controller/rt/engine.hpp"

namespace medius::rt {

inline constexpr int kMaxCommandsPerTick = 32;

struct Engine::Impl {
  // [control, before the loop runs]
  Impl(const EngineConfig& config, hal::MachineImage& machine_image,
       EngineChannels& engine_channels, ProfileGuard* guard);

  // [rt]
  void cycle(const Tick& tick) noexcept;
  void drain_commands() noexcept;
  void settle_reaction(const safety::SuperviseOutput& worst) noexcept;
  void put_out() noexcept;
  void publish() noexcept;

  int axis_count;
  hal::MachineImage& image;
  EngineChannels& channels;
  Outbox outbox;
  std::array<AxisLoop, hal::kMaxAxes> axes;
  std::int64_t panel_age_ns = 0;  // the tightest of the axes' bounds

  hal::MachineInput input;
  hal::MachineOutput output;
  LoopState loop;
  safety::LatchState latch;
  safety::SuperviseOutput carried;  // causes found after this tick's reaction was settled
  std::uint64_t missed_total = 0;
  std::uint64_t samples_dropped = 0;
  std::uint64_t last_command_id = 0;
};

}  // namespace medius::rt
