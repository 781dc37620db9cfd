#include "sim/station/truth_writer.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace medius::sim {
namespace {

const char* side_name(int side) {
  return side == 1 ? "left" : side == 2 ? "right" : "rig";
}

}  // namespace

TruthWriter::TruthWriter(std::string json_path, std::uint64_t seed)
    : json_path_(std::move(json_path)), seed_(seed) {
  if (json_path_.empty()) return;
  csv_path_ = std::filesystem::path(json_path_).replace_extension(".csv").string();
  csv_ = std::fopen(csv_path_.c_str(), "w");
  if (csv_ == nullptr) {
    problem_ = fmt::format("--truth {}: cannot write {}: {}; choose a folder that can be written",
                           json_path_, csv_path_, std::strerror(errno));
    return;
  }
  std::fputs("wall_ns,cmd_seq,ring_m,ring_mps,cuff_n,motor_n\n", csv_);
}

TruthWriter::~TruthWriter() {
  if (csv_ != nullptr) std::fclose(csv_);
}

void TruthWriter::sample(const SimulatedStation& station, const TickTruth& tick) {
  if (csv_ == nullptr || !tick.controlled) return;
  const CableTruth& truth = station.truth();
  fmt::print(csv_, "{},{},{:.6f},{:.6f},{:.3f},{:.3f}\n", tick.wall_ns, tick.cmd_seq,
             truth.ring_position_m, truth.ring_velocity_mps, truth.cuff_tension_n,
             truth.motor_force_n);
}

void TruthWriter::write(const SimulatedStation& station) {
  if (csv_ == nullptr) return;
  std::fflush(csv_);
  nlohmann::ordered_json document;
  document["machine"] = "cable";
  document["seed"] = seed_;
  document["time_s"] = station.time_s();
  document["samples"] = csv_path_;
  document["sets"] = nlohmann::ordered_json::array();
  for (const SetTruth& set : station.set_truth()) {
    document["sets"].push_back({{"side", side_name(set.side)},
                                {"reps", set.reps},
                                {"direction_changes", set.direction_changes},
                                {"range_m", set.range_m},
                                {"concentric_s", set.concentric_s},
                                {"hold_s", set.hold_s},
                                {"eccentric_s", set.eccentric_s}});
  }
  // Readers never see half a file.
  const std::string fresh = json_path_ + ".new";
  std::ofstream(fresh) << document.dump(2) << '\n';
  std::error_code ignored;
  std::filesystem::rename(fresh, json_path_, ignored);
}

}  // namespace medius::sim
