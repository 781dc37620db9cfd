// The machine as its registers show it: itself, or through the faults that are on the bench.
#pragma once

#include "sim/station/fault_bench.hpp"

namespace medius::sim {

class StationView {
 public:
  StationView(SimulatedStation& station) : station_(station) {}  // NOLINT: the plain case
  explicit StationView(FaultBench& bench) : station_(bench.station()), bench_(&bench) {}

  // What no fault changes.
  [[nodiscard]] SimulatedStation& station() const noexcept { return station_; }
  [[nodiscard]] FrameFaults* frames() const noexcept {
    return bench_ != nullptr ? &bench_->frames() : nullptr;
  }

  [[nodiscard]] const hal::DriveInput& drive(std::size_t axis) const noexcept {
    return bench_ != nullptr ? bench_->drive(axis) : station_.drive(axis);
  }
  [[nodiscard]] const hal::LoadCellInput& load_cell(std::size_t axis) const noexcept {
    return bench_ != nullptr ? bench_->load_cell(axis) : station_.load_cell(axis);
  }
  [[nodiscard]] const hal::LoadCellInput& pad_cell(std::size_t pad) const noexcept {
    return bench_ != nullptr ? bench_->pad_cell(pad) : station_.pad_cell(pad);
  }
  void write_drive(const DriveCommand& command, std::size_t axis) const noexcept {
    if (bench_ != nullptr) {
      bench_->write_drive(command, axis);
    } else {
      station_.write_drive(command, axis);
    }
  }

 private:
  SimulatedStation& station_;
  FaultBench* bench_ = nullptr;
};

}  // namespace medius::sim
