// A session as a page of HTML that prints well: self-contained, with SVG plots. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::client {

struct ReportedSet {
  record::SetRecord set;
  std::vector<rt::SampleRecord> samples;  // may be empty: nothing was recorded
};

// It describes what was measured and how sure that is. It never says what a person has or lacks.
[[nodiscard]] std::string session_report_html(const record::SessionRecord& session,
                                              std::span<const ReportedSet> sets,
                                              std::span<const record::GuidedRecord> guided);

}  // namespace medius::client
