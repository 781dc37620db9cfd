// Load-velocity profiles of points on standard input, for a judge that shares no code: a line a
// profile "load velocity load velocity ...", a line of results each.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "controller/measure/load_velocity.hpp"

int main() {
  using namespace medius::measure;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream numbers(line);
    std::vector<LoadVelocityPoint> points;
    LoadVelocityPoint point;
    while (numbers >> point.load >> point.velocity) points.push_back(point);
    const LoadVelocityProfile p = load_velocity(points, kVelocityAtMaximumMps);
    std::printf("%d %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", static_cast<int>(p.problem),
                p.slope, p.velocity_at_no_load, p.r_squared, p.one_rm, p.one_rm_low, p.one_rm_high,
                p.slope_low, p.slope_high);
  }
  return 0;
}
