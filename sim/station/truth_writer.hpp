// Writes the plant's truth for judges of the controller: FILE as JSON (sets so far), and FILE's
// name with .csv for 1 kHz samples while a controller is connected.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "sim/machine/simulated_station.hpp"
#include "sim/station/station_server.hpp"

namespace medius::sim {

class TruthWriter {
 public:
  // Nothing is written for an empty path.
  TruthWriter(std::string json_path, std::uint64_t seed);
  ~TruthWriter();
  TruthWriter(const TruthWriter&) = delete;
  TruthWriter& operator=(const TruthWriter&) = delete;

  // Empty = well; otherwise why nothing can be written there.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  void sample(const SimulatedStation& station, const TickTruth& tick);
  // Puts the JSON in place of the old one, whole; flushes the samples.
  void write(const SimulatedStation& station);

 private:
  void write_heads(const SimulatedStation& station);

  std::string json_path_, csv_path_;
  std::uint64_t seed_;
  std::FILE* csv_ = nullptr;
  bool heads_written_ = false;
  std::string problem_;
};

}  // namespace medius::sim
