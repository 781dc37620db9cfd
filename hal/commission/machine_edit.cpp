#include "hal/commission/machine_edit.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hal/modbus/toml_reader.hpp"

namespace medius::hal {
namespace {

namespace fs = std::filesystem;
using Problem = tl::unexpected<std::string>;

constexpr double kDeadTimeStepS = 0.0005;
// The most that the loop's model of a drive holds.
constexpr double kDeadTimeMostS = 0.02;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  std::string line;
  while (std::getline(stream, line)) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// "[axis.control]" of a header line, without blanks and comment; empty for any other line.
std::string header_of(const std::string& line) {
  const std::string text = trimmed(line.substr(0, line.find('#')));
  if (text.empty() || text.front() != '[' || text.back() != ']') return {};
  std::string header;
  std::copy_if(text.begin(), text.end(), std::back_inserter(header),
               [](char c) { return c != ' ' && c != '\t'; });
  return header;
}

// Key, value and comment of a line "key = value  # comment"; empty key for any other line. Values
// of these tables are numbers and plain texts: a '#' within one does not occur.
struct KeyLine {
  std::string key, value, comment;
};
KeyLine key_line(const std::string& line) {
  const std::size_t equals = line.find('=');
  const std::size_t hash = line.find('#');
  if (equals == std::string::npos || (hash != std::string::npos && hash < equals)) return {};
  KeyLine out;
  out.key = trimmed(line.substr(0, equals));
  const std::size_t end = hash == std::string::npos ? line.size() : hash;
  out.value = trimmed(line.substr(equals + 1, end - equals - 1));
  if (hash != std::string::npos) out.comment = trimmed(line.substr(hash + 1));
  return out;
}

// First and one behind the last line of the [[axis]] of this name; first = npos: there is none.
struct Part {
  std::size_t first = std::string::npos, end = 0;
};
Part axis_part(const std::vector<std::string>& lines, const std::string& axis) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (header_of(lines[i]) != "[[axis]]") continue;
    Part part{i, i + 1};
    bool named = false;
    bool own = true;  // still the axis' own keys, not those of a table of it
    for (; part.end < lines.size(); ++part.end) {
      const std::string header = header_of(lines[part.end]);
      if (!header.empty() && header.rfind("[axis.", 0) != 0) break;
      own = own && header.empty();
      const KeyLine key = key_line(lines[part.end]);
      named = named || (own && key.key == "name" && key.value == "\"" + axis + "\"");
    }
    if (named) return part;
    i = part.end - 1;
  }
  return {};
}

Part table_part(const std::vector<std::string>& lines, const Part& axis, const std::string& table) {
  for (std::size_t i = axis.first; i < axis.end; ++i) {
    if (header_of(lines[i]) != "[axis." + table + "]") continue;
    Part part{i, i + 1};
    while (part.end < axis.end && header_of(lines[part.end]).empty()) ++part.end;
    return part;
  }
  return {};
}

std::string with_comment(std::string line, const std::string& comment) {
  constexpr std::size_t kCommentColumn = 30;  // where the files in hal/machines have theirs
  if (comment.empty()) return line;
  if (line.size() + 1 < kCommentColumn) line.resize(kCommentColumn - 1, ' ');
  return line + " # " + comment;
}

double number_in(const toml::table& axis, const char* table, const char* key, double missing) {
  return axis[table][key].value_or(missing);
}

const toml::table* axis_table(const toml::table& root, const std::string& name) {
  const toml::array* const axes = root["axis"].as_array();
  if (axes == nullptr) return nullptr;
  for (const toml::node& node : *axes) {
    const toml::table* const axis = node.as_table();
    if (axis != nullptr && (*axis)["name"].value_or(std::string()) == name) return axis;
  }
  return nullptr;
}

}  // namespace

double mass_for_file(const Estimate& mass) noexcept {
  constexpr double kAtMost = 1.15;
  // On the simulated station the result is up to 4 % low, of which 2 % are the drive's torque
  // constant.
  constexpr double kAbove = 1.08;
  const double wanted = std::max(mass.value * kAbove, mass.value + 2.0 * mass.sigma);
  const double step = std::pow(10.0, std::floor(std::log10(std::max(wanted, 1e-3))) - 1.0);
  // Two digits, so that files stay readable.
  const double rounded = std::ceil(wanted / step - 1e-9) * step;
  return std::min(rounded, mass.value * kAtMost);
}

tl::expected<std::vector<KeyEdit>, std::string> edits_of(const IdentifyResult& result,
                                                         const std::string& file,
                                                         const std::string& date) {
  if (!result.fitted) return Problem("nothing was identified; nothing to write");
  std::vector<KeyEdit> edits;
  try {
    const toml::table root = modbus::parse_toml(file);
    const toml::table* const axis = axis_table(root, result.axis);
    if (axis == nullptr) return Problem(fmt::format("{}: no [[axis]] '{}'", file, result.axis));
    const bool lever = result.lever;
    const ModelFit& fit = result.fit;
    edits.push_back({"control", lever ? "reflected_mass_kgm2" : "reflected_mass_kg",
                     fmt::format("{:.3g}", mass_for_file(fit.mass)),
                     fmt::format("identified {:.3g} +- {:.2g} on {}, rounded up; friction {:.3g} + "
                                 "{:.3g} v, +- {:.2g} and {:.2g}",
                                 fit.mass.value, fit.mass.sigma, date, fit.coulomb.value,
                                 fit.viscous.value, fit.coulomb.sigma, fit.viscous.sigma),
                     ""});
    const double lag_s = number_in(*axis, "control", "drive_lag_s", 0.0);
    const double dead_s = std::max(0.0, fit.dead_time_s.value - lag_s);
    const double rounded_s = std::ceil(dead_s / kDeadTimeStepS - 0.2) * kDeadTimeStepS;
    edits.push_back({"control", "dead_time_s",
                     fmt::format("{:.4f}", std::min(rounded_s, kDeadTimeMostS)),
                     fmt::format("identified {:.4f} +- {:.4f} on {}, drive_lag_s in it",
                                 fit.dead_time_s.value, fit.dead_time_s.sigma, date),
                     ""});
    const char* const offset_key = lever ? "offset_nm" : "offset_n";
    const double zero = std::abs(result.cell_zero.value);
    if (zero > number_in(*axis, "load_cell_error", offset_key, 0.0) &&
        (*axis)["load_cell_error"].is_table()) {
      edits.push_back({"load_cell_error", offset_key, fmt::format("{:.2f}", zero + 0.005),
                       fmt::format("read without load on {}", date), ""});
    }
  } catch (const modbus::BusError& error) {
    return tl::make_unexpected(error.message);
  }
  return edits;
}

tl::expected<std::string, std::string> edited(const std::string& text, const std::string& axis,
                                              std::vector<KeyEdit>& edits) {
  std::vector<std::string> lines = lines_of(text);
  for (KeyEdit& edit : edits) {
    const Part whole = axis_part(lines, axis);
    const Part table =
        whole.first == std::string::npos ? Part{} : table_part(lines, whole, edit.table);
    if (table.first == std::string::npos) {
      return Problem(
          fmt::format("no table [axis.{}] of axis '{}' is written as lines; write {} = "
                      "{} there by hand",
                      edit.table, axis, edit.key, edit.value));
    }
    bool found = false;
    for (std::size_t i = table.first + 1; i < table.end && !found; ++i) {
      const KeyLine old = key_line(lines[i]);
      if (old.key != edit.key) continue;
      found = true;
      edit.before = old.value;
      lines[i] = with_comment(fmt::format("{} = {}", edit.key, edit.value),
                              edit.comment.empty() ? old.comment : edit.comment);
    }
    if (!found) {
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(table.first) + 1,
                   with_comment(fmt::format("{} = {}", edit.key, edit.value), edit.comment));
    }
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

tl::expected<std::string, std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Problem(fmt::format("{}: cannot be read; correct the path", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

tl::expected<void, std::string> write_text(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Problem(
        fmt::format("{}: cannot be written: {}; check the directory", fresh, std::strerror(errno)));
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t now = ::write(fd, text.data() + done, text.size() - done);
    if (now <= 0) break;
    done += static_cast<std::size_t>(now);
  }
  const bool whole = done == text.size() && ::fsync(fd) == 0;
  const bool closed = ::close(fd) == 0;
  std::error_code problem;
  if (whole && closed) fs::rename(fresh, path, problem);
  if (whole && closed && !problem) return {};
  fs::remove(fresh, problem);
  return Problem(
      fmt::format("{}: was not written whole; the old one is as it was; is the disk full?", path));
}

tl::expected<std::string, std::string> replace_machine_file(const MachineSource& source,
                                                            const std::string& text) {
  const auto old = read_text(source.file);
  if (!old) return tl::make_unexpected(old.error());
  // Beside the old file: its descriptors are found from there.
  const fs::path trial = fs::path(source.file).parent_path() /
                         fmt::format(".{}.trial.toml", fs::path(source.file).stem().string());
  if (auto written = write_text(trial.string(), text); !written) {
    return tl::make_unexpected(written.error());
  }
  MachineSource checked = source;
  checked.file = trial.string();
  const auto machine = load_machine(checked, modbus::PlanUse::kCheck);
  std::error_code ignored;
  fs::remove(trial, ignored);
  if (!machine) {
    return Problem(
        fmt::format("{} was left as it is, for with the new values it would be refused: "
                    "{}",
                    source.file, machine.error()));
  }
  std::string backup = source.file + ".before-identify";
  for (int number = 1; fs::exists(backup, ignored); ++number) {
    backup = fmt::format("{}.before-identify.{}", source.file, number);
  }
  if (auto kept = write_text(backup, *old); !kept) return tl::make_unexpected(kept.error());
  if (auto written = write_text(source.file, text); !written) {
    return tl::make_unexpected(written.error());
  }
  return backup;
}

}  // namespace medius::hal
