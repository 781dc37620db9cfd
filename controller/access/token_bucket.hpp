// How often one peer calls. A bucket each of its rate classes; peers that were not heard of for
// long are forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "controller/access/method_table.hpp"

namespace medius::access {

class PeerRates {
 public:
  // [any] Takes one call; false: too many. Time in seconds of any steady clock.
  [[nodiscard]] bool take(const std::string& peer, Rate rate, double now_s);

 private:
  struct Level {
    double tokens = 0.0;
    double at_s = 0.0;
    bool known = false;
  };
  struct Peer {
    std::array<Level, static_cast<std::size_t>(Rate::kCount)> level{};
    double heard_s = 0.0;
  };
  void forget_silent(double now_s);

  std::mutex mutex_;
  std::map<std::string, Peer> peers_;
};

}  // namespace medius::access
