// What the simulated drives pull at: plant, person and the truth of their sets, one object a
// machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/machine/set_truth_tracker.hpp"
#include "sim/machine/simulated_drive.hpp"

namespace medius::sim {

// Measurements as the drive and the load-cell amplifier of an axis give them, in its units.
struct AxisReading {
  double position = 0.0, velocity = 0.0, drive_force = 0.0;
  double load_cell = 0.0;
  std::array<double, hal::kPads> pad{};  // instead of it, of arms that are linked
};

class Mechanics {
 public:
  virtual ~Mechanics() = default;
  // One tick: ten plant steps under the drives, then the person and the truth.
  virtual void step_tick(std::span<const SimulatedDrive> drives) = 0;
  [[nodiscard]] virtual AxisReading reading(std::size_t axis) const = 0;
  [[nodiscard]] virtual HandleTruth handle(std::size_t axis) const = 0;
  // Of the axis, or of a leg where one axis carries both; so are release, grip and held.
  [[nodiscard]] virtual const LifterTruth& lifter(std::size_t axis) const = 0;
  [[nodiscard]] virtual const SetTruthTracker& sets(std::size_t axis) const = 0;
  // The cuff slips off the ankle; a leg leaves its pad.
  // See SimulatedStation::rest().
  [[nodiscard]] virtual bool rest(double seconds) = 0;
  virtual void release(std::size_t axis) = 0;
  virtual void grip(std::size_t axis) = 0;
  [[nodiscard]] virtual bool held(std::size_t axis) const = 0;
  // False: this machine cannot suffer it.
  virtual bool suffer(Mishap, std::size_t /*axis*/, double /*amount*/) { return false; }
  [[nodiscard]] virtual std::uint64_t state_hash() const = 0;
};

}  // namespace medius::sim
