// The plot as SVG: force over position and force over speed, with axes, units and a legend; of laws
// that command motion the commanded speed, and of a handle that stands still what it is held with.
#pragma once

#include <string>
#include <vector>

#include "plugins/plot/cycle.hpp"

namespace medius::plot {

// `title` and `subtitle` are plain text.
[[nodiscard]] std::string draw(const std::vector<Sample>& samples, const CycleOptions& options,
                               const std::string& title, const std::string& subtitle);

// Commanded speed over position and over time, of run_motion().
[[nodiscard]] std::string draw_motion(const std::vector<Sample>& samples,
                                      const CycleOptions& options, const std::string& title,
                                      const std::string& subtitle);
// What the handle is held with and its commanded speed over the pull, of run_hold().
[[nodiscard]] std::string draw_hold(const std::vector<Sample>& samples, const CycleOptions& options,
                                    const std::string& title, const std::string& subtitle);

}  // namespace medius::plot
