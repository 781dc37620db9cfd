// Opening a profile's library, after a look at what it would pull in.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace medius::station {

// [control] A handle for dlsym(); never closed. The error says what is wrong with the file and what
// to do about it, without its path.
[[nodiscard]] tl::expected<void*, std::string> open_library(const std::string& path);

}  // namespace medius::station
