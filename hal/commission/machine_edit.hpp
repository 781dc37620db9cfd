// Writes identified values into a machine file: only those lines change, comments and order stay,
// and the file is there whole at every moment.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/commission/identify.hpp"

namespace medius::hal {

struct KeyEdit {
  std::string table;    // of the axis: "control"
  std::string key;      // "reflected_mass_kg"
  std::string value;    // as TOML
  std::string comment;  // behind it; empty: the old one stays
  std::string before;   // out: the old value; empty = the key was not there
};

// The edits that a result asks for, with the file's present values considered.
[[nodiscard]] tl::expected<std::vector<KeyEdit>, std::string> edits_of(const IdentifyResult& result,
                                                                       const std::string& file,
                                                                       const std::string& date);

// [any] The text with the edits made; `edits` get their `before`. The error is a sentence.
[[nodiscard]] tl::expected<std::string, std::string> edited(const std::string& text,
                                                            const std::string& axis,
                                                            std::vector<KeyEdit>& edits);

// [control] Checks the new text as a machine file (beside the old one, so that its descriptors are
// found), keeps the old file as FILE.before-identify (.1, .2, ...) and renames. Returns the
// backup's path.
[[nodiscard]] tl::expected<std::string, std::string> replace_machine_file(
    const MachineSource& source, const std::string& text);

[[nodiscard]] tl::expected<std::string, std::string> read_text(const std::string& path);
// Through a temporary file beside it.
[[nodiscard]] tl::expected<void, std::string> write_text(const std::string& path,
                                                         const std::string& text);

}  // namespace medius::hal
