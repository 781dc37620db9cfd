// What a watch has found: the first ten, in words.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace medius::sim {

struct Violation {
  std::uint64_t tick = 0;
  std::string what;  // "I2 rise: 14.2, at most 10"
};

class Violations {
 public:
  void report(std::uint64_t tick, const char* what, double value, double limit) {
    if (found_.size() >= kKept) return;
    char text[160];
    std::snprintf(text, sizeof text, "%s: %.4g, at most %.4g", what, value, limit);
    found_.push_back({tick, text});
  }
  [[nodiscard]] const std::vector<Violation>& found() const { return found_; }

 private:
  static constexpr std::size_t kKept = 10;
  std::vector<Violation> found_;
};

}  // namespace medius::sim
