// MachineImage onto the simulated station: a tick reads what the plant did in the tick before, and
// its output acts during the tick that follows, as over a lockstep bus.
#pragma once

#include "hal/image/machine_image.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class WorldImage final : public hal::MachineImage {
 public:
  explicit WorldImage(SimulatedStation& machine) : machine_(machine) {}

  void read(const Tick& tick, hal::MachineInput& input) noexcept override;
  void write(const Tick& tick, const hal::MachineOutput& output) noexcept override;

 private:
  SimulatedStation& machine_;
  std::uint32_t sequence_ = 0;
};

}  // namespace medius::sim
