// Construction and destruction: the only part of the engine that touches the heap, kept in an
// object file of its own so that the symbols of the rest can be checked.
#include "controller/rt/engine_impl.hpp"

namespace medius::rt {

Engine::Impl::Impl(const EngineConfig& config, hal::MachineImage& machine_image,
                   EngineChannels& engine_channels, ProfileGuard* guard)
    : axis_count(config.axis_count < 0               ? 0
                 : config.axis_count > hal::kMaxAxes ? hal::kMaxAxes
                                                     : config.axis_count),
      image(machine_image),
      channels(engine_channels),
      outbox(engine_channels.events) {
  for (int i = 0; i < axis_count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    axes[at].configure(config.axis[at], static_cast<std::uint8_t>(i), outbox, guard);
    const std::int64_t age_ns = config.axis[at].bounds.panel_age_ns;
    if (i == 0 || age_ns < panel_age_ns) panel_age_ns = age_ns;
  }
  loop.reaction = latch.reaction;
}

Engine::Engine(const EngineConfig& config, hal::MachineImage& image, EngineChannels& channels,
               ProfileGuard* guard)
    : impl_(std::make_unique<Impl>(config, image, channels, guard)) {}

Engine::~Engine() = default;

}  // namespace medius::rt
