// A plan as a page of HTML that prints well: self-contained, with SVG plots. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "medius/v1/people.pb.h"

namespace medius::client {

struct PlanReport {
  v1::Plan plan;
  v1::Client client;
  std::vector<v1::PlanDay> days;  // oldest first
  v1::NextSession next;
  v1::Progress progress;         // of the client
  std::int64_t made_unix_s = 0;  // when the page was made
};

// It says what was asked, done, decided and measured, under a pseudonym. It never says what a
// person has or lacks.
[[nodiscard]] std::string plan_report_html(const PlanReport& report);

}  // namespace medius::client
