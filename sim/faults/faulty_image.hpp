// A machine image with something wrong between machine and loop: signals, link, drive. It changes
// what passes, never what is behind it; healed, it is as if it had never been there.
#pragma once

#include <array>
#include <cstdint>

#include "controller/base/random.hpp"
#include "hal/image/machine_image.hpp"
#include "sim/faults/fault_table.hpp"

namespace medius::sim {

// One fault while it acts.
struct ActiveFault {
  Injector injector = Injector::kNone;
  std::uint8_t axis = 0;
  double intensity = 0.5;  // 0 mild .. 1 severe; what it means is each injector's
  std::uint64_t seed = 1;
  int pad = -1;  // of linked arms: the cell that a load-cell fault bends, 0 left, 1 right
};

class FaultyImage final : public hal::MachineImage {
 public:
  explicit FaultyImage(hal::MachineImage& machine) noexcept : machine_(machine) {}

  // From the next read on. At most 8 at once; false when there is no room.
  bool inject(const ActiveFault& fault) noexcept;
  void heal() noexcept;  // all of them
  // The faults of one kind on an axis; the others go on. False: there was none.
  bool heal(Injector injector, std::uint8_t axis) noexcept;

  void read(const Tick& tick, hal::MachineInput& input) noexcept override;
  void write(const Tick& tick, const hal::MachineOutput& output) noexcept override;

  // What the controller put on the wire, before a drive's own fault changed it.
  [[nodiscard]] const hal::MachineOutput& written() const noexcept { return written_; }
  // How much of its order a drive makes, after its own faults, of the last that arrived; 1 where
  // the order is not to pull.
  [[nodiscard]] double drive_gain(std::size_t axis) const noexcept {
    const double word = written_.axis[axis].force;
    return word > 0.0 ? made_.axis[axis].force / word : 1.0;
  }

 private:
  struct Slot {
    ActiveFault fault;
    Random random{1};
    std::int64_t ticks = 0;
    hal::AxisInput held;  // as it was when the fault began
    double held_word = 0.0;
    double followed_word = 0.0;  // of a drive that lags
  };
  void bend(Slot& slot, const Tick& tick, hal::MachineInput& input) noexcept;
  void bend_encoder(Slot& slot, hal::DriveInput& drive) noexcept;
  void bend_load_cell(Slot& slot, const hal::LoadCellInput& held,
                      hal::LoadCellInput& cell) noexcept;
  void bend_drive(Slot& slot, hal::DriveInput& drive) noexcept;
  void bend_link(Slot& slot, const Tick& tick, hal::MachineInput& input) noexcept;
  // What a hand asks for on demand.
  void hold_samples(Slot& slot, hal::AxisInput& axis) noexcept;
  void bend_on_demand(Slot& slot, hal::AxisInput& axis) noexcept;
  void bend_state_on_demand(Slot& slot, hal::DriveInput& drive) noexcept;
  void bend_link_on_demand(Slot& slot, hal::MachineInput& input) noexcept;
  // False: the order does not arrive.
  [[nodiscard]] bool bend_order(Slot& slot, hal::AxisOutput& axis) noexcept;
  [[nodiscard]] const hal::AxisInput& past(const Slot& slot, double mild_ms,
                                           double severe_ms) const noexcept;

  static constexpr std::size_t kHistory = 64;  // ticks of delay that can be injected
  hal::MachineImage& machine_;
  std::array<Slot, 8> slots_{};
  std::size_t count_ = 0;
  hal::MachineOutput written_, made_;
  hal::MachineInput last_input_;  // as the loop last got it, for a link that is down
  std::array<hal::MachineInput, kHistory> history_{};
  std::uint64_t reads_ = 0;
  std::array<hal::MachineOutput, kHistory> orders_{};
  std::uint64_t writes_ = 0;
};

}  // namespace medius::sim
