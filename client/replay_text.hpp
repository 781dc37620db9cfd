// A replay as lines for people, as JSON, as a table and as a picture. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/replay.hpp"
#include "client/svg.hpp"

namespace medius::client {

struct ReplayedText {
  const record::SetRecord& set;
  std::span<const rt::SampleRecord> samples;
  const Replay& replay;
  std::span<const ParameterUse> parameters;
  std::string profile;
  int metric_changes = 0;  // of recomputation over the stored boundaries
};

[[nodiscard]] std::vector<std::string> replay_lines(const ReplayedText& text);
[[nodiscard]] std::string replay_json(const ReplayedText& text);
[[nodiscard]] std::string replay_csv(const ReplayedText& text);
[[nodiscard]] SvgPlot replay_plot(const ReplayedText& text);

}  // namespace medius::client
