// What pages to print share: their look, tables, and the words at their end. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medius::client {

// From the document type to the first heading, which is the caller's.
[[nodiscard]] std::string page_head(std::string_view title);
// It describes what was measured. It never says what a person has or lacks.
[[nodiscard]] std::string page_end();

[[nodiscard]] std::string page_cell(std::string_view text, bool is_text = false);
[[nodiscard]] std::string page_header_row(const std::vector<std::string>& names);
[[nodiscard]] std::string page_note(std::string_view text);
// "–" for what is no number.
[[nodiscard]] std::string page_number(double value, int digits);

}  // namespace medius::client
