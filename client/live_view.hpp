// The live view: from the latest state of the station to lines of text. Pure; the terminal's
// business is in terminal.hpp.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "medius/v1/station.pb.h"

namespace medius::client {

struct ForcePoint {
  double measured = 0.0;
  double target = 0.0;
};

// Points of force kept for the trace: 2 a column of a wide terminal.
inline constexpr std::size_t kTracePoints = 320;

struct LiveModel {
  v1::Station station;
  std::deque<ForcePoint> trace;  // newest last
  std::string notice;            // e.g. "stopping: the load is going out"
  bool connected = true;
};

struct Screen {
  std::size_t columns = 80;
  std::size_t rows = 24;
  bool color = true;
};

// The axis that a view is about: the set's, else the first. Null when the station has none.
[[nodiscard]] const v1::AxisState* axis_of(const v1::Station& station);

// What a person should do about their pace now: "on pace", "slower", "faster", "hold 0.6 s", or
// empty.
[[nodiscard]] std::string pace_advice(const v1::Station& station);

// Every line fits the columns; there are at most `rows` of them.
[[nodiscard]] std::vector<std::string> live_lines(const LiveModel& model, const Screen& screen);

}  // namespace medius::client
