#include "client/page.hpp"

#include <cmath>

#include <fmt/format.h>

#include "client/svg.hpp"

namespace medius::client {
namespace {

constexpr const char* kStyle = R"(
body{font:14px/1.45 sans-serif;color:#111;max-width:980px;margin:24px auto;padding:0 16px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:24px 0 6px;border-bottom:1px solid #bbb}
table{border-collapse:collapse;width:100%;margin:6px 0;font-size:12px}
th,td{padding:3px 6px;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th:first-child,td:first-child,td.text,th.text{text-align:left;white-space:normal}
svg{max-width:100%;height:auto;display:block;margin:8px 0}
.facts{color:#444}.note{color:#444;font-size:12px}
section{break-inside:avoid}section.long{break-inside:auto}tr{break-inside:avoid}
@media print{@page{size:A4;margin:14mm}body{max-width:none;margin:0;padding:0;font-size:11px}
h2{break-after:avoid}section,table,svg{break-inside:avoid}
section.long,section.long table{break-inside:auto}thead{display:table-header-group}
a{color:inherit;text-decoration:none}}
)";

}  // namespace

std::string page_head(std::string_view title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width'><title>{}</title><style>{}</style></head><body>",
      escaped(title), kStyle);
}

std::string page_end() {
  return "<p class='note'>This page describes what the machine measured. It is no diagnosis; what "
         "it "
         "means for a person is for them and those who treat them to judge.</p></body></html>\n";
}

std::string page_cell(std::string_view text, bool is_text) {
  return fmt::format("<td{}>{}</td>", is_text ? " class='text'" : "", escaped(text));
}

std::string page_header_row(const std::vector<std::string>& names) {
  std::string out = "<thead><tr>";
  for (const std::string& name : names) out += "<th>" + escaped(name) + "</th>";
  return out + "</tr></thead>";
}

std::string page_note(std::string_view text) {
  return "<p class='note'>" + escaped(text) + "</p>";
}

std::string page_number(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "–";
}

}  // namespace medius::client
