// Who trains, as far as a session needs to know it: whose sets they are, and what a therapist has
// limited.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/record/people.hpp"
#include "controller/station/program.hpp"

namespace medius::station {

struct Trainee {
  std::string client_id;  // a stored client, or any name; empty: nobody named
  std::string plan_id;    // empty: outside a plan
  std::vector<record::LoadCap> caps;
  std::vector<std::string> notes;  // what a trainer should know before the first set
};

// [any] The smaller of the limits that hold for an exercise; nothing = none. Of one arm on a lever
// machine.
[[nodiscard]] std::optional<double> cap_of(const std::vector<record::LoadCap>& caps,
                                           const std::string& exercise_id,
                                           hal::CoordinateKind coordinate);

// [any] Why a load is not for this person; nothing = it is. `arms`: 2 where one axis carries the
// load of both.
[[nodiscard]] std::optional<std::string> over_cap(const Trainee& trainee,
                                                  const std::string& exercise_id,
                                                  hal::CoordinateKind coordinate, double load,
                                                  double arms);

// [any] Lowers what is above a limit; a sentence for each exercise that was.
[[nodiscard]] std::vector<std::string> lower_to_caps(const std::vector<record::LoadCap>& caps,
                                                     Program& program);

}  // namespace medius::station
