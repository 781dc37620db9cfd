// Faults on a simulated machine while it is served: set and cleared by hand, or struck by a
// scenario where it says. Signals, drive and orders are bent by the injectors of sim/faults, frames
// by FrameFaults, machine and person suffer mishaps. What happens to the controller's computer, its
// profiles, trainers and disk is out of reach here. Belongs to the server's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "sim/faults/fault_menu.hpp"
#include "sim/faults/faulty_image.hpp"
#include "sim/machine/simulated_station.hpp"
#include "sim/station/frame_faults.hpp"
#include "sim/swarm/scenario.hpp"

namespace medius::sim {

// What is to happen.
struct FaultWish {
  int row = 0;
  std::uint8_t axis = 0;
  double intensity = 0.5;
  std::uint64_t seed = 1;
  double seconds = 0.0;  // 0: until it is cleared
};

struct BenchFault {
  std::uint32_t id = 0;
  FaultWish wish;
  std::uint64_t since_tick = 0;
};

// A fault of the scenario that has struck.
struct Strike {
  int row = 0;
  FaultPhase phase = FaultPhase::kIdle;
  std::uint64_t tick = 0;
  std::uint16_t cmd_seq = 0;  // the controller's count of its ticks when it struck
};

class FaultBench final : private hal::MachineImage {
 public:
  explicit FaultBench(SimulatedStation& station);

  // Errors say what to do instead.
  tl::expected<std::uint32_t, std::string> set(const FaultWish& wish);
  // 0: all of them. How many ended.
  std::size_t clear(std::uint32_t id);
  // From now on; the repetitions that count are those still to be done.
  tl::expected<void, std::string> play(const Scenario& scenario);
  // Of the machine that is served: which faults of a scenario it cannot play, in a sentence.
  [[nodiscard]] static std::string cannot(int row);

  [[nodiscard]] const std::vector<BenchFault>& active() const noexcept { return active_; }
  [[nodiscard]] const std::vector<Strike>& strikes() const noexcept { return strikes_; }
  [[nodiscard]] FaultPhase phase() const noexcept { return phase_; }
  [[nodiscard]] std::uint64_t tick() const noexcept { return tick_; }
  [[nodiscard]] FrameFaults& frames() noexcept { return frames_; }
  [[nodiscard]] SimulatedStation& station() noexcept { return station_; }
  [[nodiscard]] int reps() const;

  // After each tick of the machine.
  void after_tick(std::uint16_t cmd_seq);

  // What a controller reads and writes of the machine instead of the machine itself.
  [[nodiscard]] const hal::DriveInput& drive(std::size_t axis) const noexcept;
  [[nodiscard]] const hal::LoadCellInput& load_cell(std::size_t axis) const noexcept;
  [[nodiscard]] const hal::LoadCellInput& pad_cell(std::size_t pad) const noexcept;
  void write_drive(const DriveCommand& command, std::size_t axis) noexcept;

 private:
  struct Pending {
    FaultEvent event;
    int phase_ticks = 0;
    std::uint64_t struck_tick = 0;
    bool struck = false;
  };
  void read(const Tick& tick, hal::MachineInput& input) noexcept override;
  void write(const Tick& tick, const hal::MachineOutput& output) noexcept override;
  [[nodiscard]] Tick now() const noexcept;
  [[nodiscard]] FaultPhase look_at_phase() noexcept;
  void strike_due(std::uint16_t cmd_seq);
  [[nodiscard]] bool due(std::size_t index);
  void mend_unless_others();

  SimulatedStation& station_;
  FaultyImage image_;
  FrameFaults frames_;
  std::vector<BenchFault> active_;
  bool bent_ = false;  // the image has something to bend
  hal::MachineInput seen_;
  hal::MachineOutput orders_;
  std::optional<hal::MachineOutput> passed_;
  std::uint64_t tick_ = 1;
  std::uint32_t last_id_ = 0;
  std::uint64_t steps_back_at_ = 0;
  // the scenario
  std::vector<Pending> pending_;
  std::vector<Strike> strikes_;
  double load_ = 0.0;
  bool seated_ = false;
  FaultPhase phase_ = FaultPhase::kIdle;
  bool worked_ = false;
  double lowest_ = 0.0, highest_ = 0.0;
  int reps_before_ = 0;
};

}  // namespace medius::sim
