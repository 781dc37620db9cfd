// The two datagrams between medius-guard and medius-sim's relay, on the loopback.
#pragma once

#include <cstdint>
#include <type_traits>

namespace medius::guard {

inline constexpr std::uint32_t kRelayMagic = 0x4D475231;  // "MGR1"

// medius-sim -> guard, once a tick of the plant.
struct RelayTime {
  std::uint32_t magic = kRelayMagic;
  std::uint32_t reserved = 0;
  std::uint64_t tick = 0;
};

// guard -> medius-sim: the tick that it has seen, and the pump's level. Only a change of the level
// pumps. The first one, with tick 0, says that a guard is there.
struct RelayPump {
  std::uint32_t magic = kRelayMagic;
  std::uint32_t level = 0;
  std::uint64_t tick = 0;
};
static_assert(std::is_trivially_copyable_v<RelayTime> && sizeof(RelayTime) == 16);
static_assert(std::is_trivially_copyable_v<RelayPump> && sizeof(RelayPump) == 16);

}  // namespace medius::guard
