// People, plans and progress as lines for people and as a picture. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "medius/v1/machine.pb.h"
#include "medius/v1/people.pb.h"

namespace medius::client {

// "60N", "EXERCISE=60N", "EXERCISE=40Nm".
[[nodiscard]] tl::expected<v1::LoadCap, std::string> parse_cap(const std::string& text);

[[nodiscard]] std::vector<std::string> client_lines(const v1::Client& client);
[[nodiscard]] std::string client_line(const v1::Client& client);  // of a list
[[nodiscard]] std::vector<std::string> plan_lines(const v1::Plan& plan,
                                                  std::span<const v1::PlanDay> days);
[[nodiscard]] std::string plan_line(const v1::Plan& plan);
[[nodiscard]] std::vector<std::string> next_lines(const v1::NextSession& next);
[[nodiscard]] std::vector<std::string> progress_lines(const v1::Progress& progress);
[[nodiscard]] std::vector<std::string> machine_lines(const v1::Machine& machine);
[[nodiscard]] std::string decision_line(const v1::PlanDecision& decision);
[[nodiscard]] std::string prescription_line(const v1::Prescription& block);

// Tests with the error band of their first value, working loads, right against left; SVG 1.1.
[[nodiscard]] std::string progress_svg(const v1::Progress& progress);

// A CSV of earlier sets: header with the columns date, exercise, side, reps and load_n or load_nm
// (also "load [N]", "load [Nm]"; both are possible; a row fills one), commas between, or semicolons
// and then decimals with a point or a comma. The errors name their lines; with one of them nothing
// is given.
[[nodiscard]] tl::expected<std::vector<v1::EarlierSet>, std::vector<std::string>> parse_earlier_csv(
    const std::string& text);

[[nodiscard]] std::string date_of(const google::protobuf::Timestamp& time);  // "2026-03-01"

}  // namespace medius::client
