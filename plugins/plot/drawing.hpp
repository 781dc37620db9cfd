// The plot as SVG: force over position and force over speed, with axes, units and a legend.
#pragma once

#include <string>
#include <vector>

#include "plugins/plot/cycle.hpp"

namespace medius::plot {

// `title` and `subtitle` are plain text.
[[nodiscard]] std::string draw(const std::vector<Sample>& samples, const CycleOptions& options,
                               const std::string& title, const std::string& subtitle);

}  // namespace medius::plot
