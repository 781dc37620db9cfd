// Progress as plain lines, for pipes and logs: one for each change of state, each repetition, each
// change of the load, each new warning or fault.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "medius/v1/station.pb.h"

namespace medius::client {

class Progress {
 public:
  // The lines that this state adds to what was said before.
  [[nodiscard]] std::vector<std::string> update(const v1::Station& station);

 private:
  void say_state(const v1::Station& station, std::vector<std::string>& lines);
  void say_guided(const v1::Station& station, std::vector<std::string>& lines);
  void say_repetitions(const v1::Station& station, std::vector<std::string>& lines);
  // What was said of one set.
  struct Followed {
    std::string set;
    std::uint32_t repetition = 0;  // last one said
    bool end_said = false;
  };
  void say_side(const v1::Station& station, const v1::Set& set, Followed& followed,
                std::vector<std::string>& lines);
  void say_load(const v1::Station& station, std::vector<std::string>& lines);
  void say_troubles(const v1::Station& station, std::vector<std::string>& lines);

  std::string state_;
  std::string guided_said_, guided_over_said_;
  Followed first_, other_;  // the other arm of a set of both
  double load_requested_ = -1.0;
  double load_applied_ = -1.0;
  bool frozen_ = false;
  std::string fault_;
  std::set<std::string> warnings_;
};

}  // namespace medius::client
