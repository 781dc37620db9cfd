// Plots of a fidelity run as SVG: what was asked for and what was felt, and all rows at a glance.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "bench/fidelity/rows.hpp"

namespace medius::bench {

// [any] One file a row that kept its samples (force over time and over position, one repetition),
// and `summary.svg` (RMS in per cent by law and load, with the aim). Returns the files written, or
// the one that could not be.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> write_plots(
    const std::string& directory, const std::vector<Row>& rows);

// [any] Is this row worth a file of its own? Constant tension, eccentric emphasis 1.30 and viscous
// at 80 and 200 N on the rig at the aim's tempo.
[[nodiscard]] bool plotted(const Case& what);

}  // namespace medius::bench
