// Earlier loads from a spreadsheet.
#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "client/people_text.hpp"

namespace medius::client {
namespace {

// As many as a plan keeps.
constexpr std::size_t kRowsMax = 500;
constexpr std::size_t kErrorsMax = 20;

std::vector<std::string> cells_of(const std::string& line, char separator) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  for (std::string& cell : cells) {
    const auto begin = cell.find_first_not_of(" \t");
    const auto end = cell.find_last_not_of(" \t");
    cell = begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1);
  }
  return cells;
}

template <typename T>
bool number_from(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return !text.empty() && result.ec == std::errc{} && result.ptr == end;
}

// Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, "chrono-compatible
// low-level date algorithms").
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

bool date_from(const std::string& text, std::int64_t& seconds) {
  int year = 0, month = 0, day = 0;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (!number_from(text.substr(0, 4), year) || !number_from(text.substr(5, 2), month) ||
      !number_from(text.substr(8, 2), day)) {
    return false;
  }
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1950 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1]) return false;
  seconds = days_from_civil(year, month, day) * 86'400;
  return true;
}

class Reader {
 public:
  // A spreadsheet that separates by semicolons writes its decimals with a comma.
  Reader(std::map<std::string, std::size_t> columns, char separator)
      : columns_(std::move(columns)), decimal_comma_(separator == ';') {}

  // A sentence, or nothing when the row is good.
  std::string read(const std::vector<std::string>& cells, v1::EarlierSet& set) const {
    if (cells.size() != columns_.size()) {
      return fmt::format("{} cells, the header has {}", cells.size(), columns_.size());
    }
    std::int64_t seconds = 0;
    if (!date_from(cell(cells, "date"), seconds)) {
      return fmt::format("date '{}' is no day; write 2026-03-01", cell(cells, "date"));
    }
    set.mutable_day()->set_seconds(seconds);
    if (cell(cells, "exercise").empty()) return "exercise is empty; 'medius plan show' names them";
    set.set_exercise(cell(cells, "exercise"));
    const std::string side = cell(cells, "side");
    if (side == "left") {
      set.set_side(v1::SIDE_LEFT);
    } else if (side == "right") {
      set.set_side(v1::SIDE_RIGHT);
    } else if (side == "both") {
      set.set_side(v1::SIDE_BOTH);
    } else if (!side.empty()) {
      return fmt::format("side '{}'; write left, right or both, or leave it empty", side);
    }
    std::uint32_t reps = 0;
    if (!number_from(cell(cells, "reps"), reps) || reps == 0 || reps > 100) {
      return fmt::format("reps '{}'; write a whole number, 1 to 100", cell(cells, "reps"));
    }
    set.set_reps(reps);
    return read_load(cells, set);
  }

 private:
  std::string read_load(const std::vector<std::string>& cells, v1::EarlierSet& set) const {
    const std::string n = cell(cells, "load_n"), nm = cell(cells, "load_nm");
    if (n.empty() == nm.empty()) return "load_n or load_nm is needed, and not both";
    const std::string written = n.empty() ? nm : n;
    std::string number = written;
    if (decimal_comma_) std::replace(number.begin(), number.end(), ',', '.');
    double value = 0.0;
    if (!number_from(number, value) || !(value > 0.0) || value > 600.0) {
      return fmt::format("load '{}'; write a number above 0, at most 600, with a decimal {}",
                         written, decimal_comma_ ? "point or comma" : "point");
    }
    if (n.empty()) {
      set.mutable_load()->set_load_nm(value);
    } else {
      set.mutable_load()->set_load_n(value);
    }
    return "";
  }

  [[nodiscard]] std::string cell(const std::vector<std::string>& cells, const char* name) const {
    const auto column = columns_.find(name);
    return column == columns_.end() ? "" : cells[column->second];
  }

  std::map<std::string, std::size_t> columns_;
  bool decimal_comma_;
};

// The way our own tables write a unit is read, too.
std::string column_name(const std::string& header) {
  if (header == "load [N]") return "load_n";
  if (header == "load [Nm]") return "load_nm";
  return header;
}

std::vector<std::string> header_errors(const std::vector<std::string>& header,
                                       std::map<std::string, std::size_t>& columns) {
  std::vector<std::string> errors;
  constexpr const char* kKnown[] = {"date", "exercise", "side", "load_n", "load_nm", "reps"};
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool known =
        std::find(std::begin(kKnown), std::end(kKnown), header[i]) != std::end(kKnown);
    if (!known) {
      const bool unitless = header[i] == "load" || header[i].starts_with("load");
      errors.push_back(fmt::format(
          "line 1: column '{}'{}", header[i],
          unitless ? " has no unit that we read; write load_n (newtons) or load_nm (newton "
                     "metres); load [N] and load [Nm] are read, too"
                   : " is not read; leave it out. Columns: date, exercise, side, load_n or "
                     "load_nm, reps"));
    } else if (!columns.emplace(header[i], i).second) {
      errors.push_back(fmt::format("line 1: column '{}' is there twice", header[i]));
    }
  }
  for (const char* needed : {"date", "exercise", "reps"}) {
    if (!columns.contains(needed)) {
      errors.push_back(fmt::format("line 1: column '{}' is missing", needed));
    }
  }
  if (!columns.contains("load_n") && !columns.contains("load_nm") && errors.empty()) {
    errors.emplace_back("line 1: a column load_n or load_nm is missing");
  }
  return errors;
}

}  // namespace

tl::expected<std::vector<v1::EarlierSet>, std::vector<std::string>> parse_earlier_csv(
    const std::string& text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::istringstream in(text.starts_with(kByteOrderMark) ? text.substr(3) : text);
  std::string line;
  std::vector<std::string> errors;
  std::vector<v1::EarlierSet> rows;
  std::map<std::string, std::size_t> columns;
  char separator = ',';
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (number == 1) {
      if (line.find(';') != std::string::npos) separator = ';';
      std::vector<std::string> header = cells_of(line, separator);
      std::transform(header.begin(), header.end(), header.begin(), column_name);
      errors = header_errors(header, columns);
      if (!errors.empty()) return tl::make_unexpected(errors);
      continue;
    }
    if (line.empty()) continue;
    v1::EarlierSet set;
    const std::string wrong = Reader(columns, separator).read(cells_of(line, separator), set);
    if (!wrong.empty()) errors.push_back(fmt::format("line {}: {}", number, wrong));
    if (errors.size() >= kErrorsMax) break;
    rows.push_back(std::move(set));
  }
  if (errors.empty() && rows.empty()) errors.emplace_back("there is no row behind the header");
  if (errors.empty() && rows.size() > kRowsMax) {
    errors.push_back(
        fmt::format("{} rows, at most {} are kept; leave the oldest out", rows.size(), kRowsMax));
  }
  if (!errors.empty()) return tl::make_unexpected(errors);
  return rows;
}

}  // namespace medius::client
