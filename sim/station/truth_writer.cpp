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

bool is_lever(const SimulatedStation& station) {
  return station.coordinate() == hal::CoordinateKind::kLever;
}

const char* machine_name(const SimulatedStation& station) {
  if (station.linked()) return "seated-linked";
  return is_lever(station) ? "seated" : "cable";
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
}

TruthWriter::~TruthWriter() {
  if (csv_ != nullptr) std::fclose(csv_);
}

void TruthWriter::sample(const SimulatedStation& station, const TickTruth& tick) {
  if (csv_ == nullptr || !tick.controlled) return;
  write_heads(station);
  fmt::print(csv_, "{},{}", tick.wall_ns, tick.cmd_seq);
  for (std::size_t axis = 0; axis < station.axis_count(); ++axis) {
    const HandleTruth truth = station.handle(axis);
    fmt::print(csv_, ",{:.6f},{:.6f},{:.3f},{:.3f}", truth.position, truth.velocity, truth.force,
               truth.motor_force);
    if (is_lever(station)) fmt::print(csv_, ",{:.3f}", truth.force / truth.metres_per_unit);
  }
  if (station.linked()) {
    for (const LeverTruth::Leg& leg : station.lever_truth(0).leg) {
      fmt::print(csv_, ",{:.3f},{:.3f}", leg.pad_torque_nm, leg.pad_force_n);
    }
  }
  std::fputc('\n', csv_);
}

void TruthWriter::write_heads(const SimulatedStation& station) {
  if (heads_written_) return;
  heads_written_ = true;
  if (!is_lever(station)) {
    std::fputs("wall_ns,cmd_seq,ring_m,ring_mps,cuff_n,motor_n\n", csv_);
    return;
  }
  std::fputs("wall_ns,cmd_seq", csv_);
  if (station.linked()) {
    std::fputs(
        ",both_rad,both_radps,both_nm,both_motor_nm,both_pad_n,left_nm,left_pad_n,right_nm,"
        "right_pad_n\n",
        csv_);
    return;
  }
  for (const char* side : {"left", "right"}) {
    fmt::print(csv_, ",{0}_rad,{0}_radps,{0}_nm,{0}_motor_nm,{0}_pad_n", side);
  }
  std::fputc('\n', csv_);
}

void TruthWriter::write(const SimulatedStation& station) {
  if (csv_ == nullptr) return;
  write_heads(station);
  std::fflush(csv_);
  nlohmann::ordered_json document;
  document["machine"] = machine_name(station);
  // Of position: turns a lever's rad into metres of the pad, and the other way round.
  document["metres_per_unit"] = station.handle(0).metres_per_unit;
  document["seed"] = seed_;
  document["time_s"] = station.time_s();
  document["samples"] = csv_path_;
  document["sets"] = nlohmann::ordered_json::array();
  for (std::size_t axis = 0; axis < station.axis_count(); ++axis) {
    for (const SetTruth& set : station.set_truth(axis)) {
      document["sets"].push_back({{"number", set.number},
                                  {"side", station.linked() ? "both" : side_name(set.side)},
                                  {"reps", set.reps},
                                  {"direction_changes", set.direction_changes},
                                  {"range_m", set.range_m},
                                  {"concentric_s", set.concentric_s},
                                  {"hold_s", set.hold_s},
                                  {"eccentric_s", set.eccentric_s}});
    }
  }
  // Readers never see half a file.
  const std::string fresh = json_path_ + ".new";
  std::ofstream(fresh) << document.dump(2) << '\n';
  std::error_code ignored;
  std::filesystem::rename(fresh, json_path_, ignored);
}

}  // namespace medius::sim
