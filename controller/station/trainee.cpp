#include "controller/station/trainee.hpp"

#include <fmt/format.h>

namespace medius::station {
namespace {

const char* unit_of(hal::CoordinateKind coordinate) {
  return coordinate == hal::CoordinateKind::kLever ? "Nm" : "N";
}

}  // namespace

std::optional<double> cap_of(const std::vector<record::LoadCap>& caps,
                             const std::string& exercise_id, hal::CoordinateKind coordinate) {
  std::optional<double> least;
  for (const record::LoadCap& cap : caps) {
    if (cap.coordinate != coordinate) continue;
    if (!cap.exercise_id.empty() && cap.exercise_id != exercise_id) continue;
    if (!least || cap.load < *least) least = cap.load;
  }
  return least;
}

std::optional<std::string> over_cap(const Trainee& trainee, const std::string& exercise_id,
                                    hal::CoordinateKind coordinate, double load, double arms) {
  const auto cap = cap_of(trainee.caps, exercise_id, coordinate);
  if (!cap || load <= *cap * arms) return std::nullopt;
  return fmt::format(
      "{}: {:g} {} is above {:g} {}, the therapist's limit for client '{}'; take less, or let a "
      "therapist raise it with 'medius client set'",
      exercise_id, load, unit_of(coordinate), *cap * arms, unit_of(coordinate), trainee.client_id);
}

std::vector<std::string> lower_to_caps(const std::vector<record::LoadCap>& caps, Program& program) {
  std::vector<std::string> notes;
  for (ProgramBlock& block : program.blocks) {
    const auto cap = cap_of(caps, block.exercise_id, block.coordinate);
    if (!cap || block.guided || block.load <= *cap) continue;
    notes.push_back(fmt::format("{}: {:g} lowered to {:g} {}, the therapist's limit",
                                block.exercise_id, block.load, *cap, unit_of(block.coordinate)));
    block.load = *cap;
    if (block.working_load > *cap) block.working_load = *cap;
  }
  return notes;
}

}  // namespace medius::station
