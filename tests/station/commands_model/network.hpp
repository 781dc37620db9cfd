// Who sends what, and what a bad link makes of it: late, twice, in another order, never.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/base/random.hpp"
#include "tests/station/commands_model/model.hpp"

namespace medius::station::model {

// What clients have heard from the station when they write a message.
struct Heard {
  std::int64_t now_ns = 0;
  std::uint64_t version = 0;
  std::string holder;
  std::uint64_t epoch = 0;
  double load = 0.0;
};

struct InFlight {
  std::int64_t arrives_ns = 0;  // at the server
  std::int64_t taken_ns = 0;    // by the control executor
  std::uint64_t order = 0;      // of sending
  bool repeat = false;
  Message message;
};

class Network {
 public:
  Network(std::uint64_t seed, std::uint64_t stream) : random_(seed, stream) {}

  // One interleaving: some messages of some clients, and what becomes of them. Sorted by taken_ns.
  [[nodiscard]] std::vector<InFlight> interleaving(const Heard& heard);
  std::uint64_t repeated = 0, reordered = 0, lost = 0;

 private:
  [[nodiscard]] Message message(const Heard& heard);
  [[nodiscard]] Message new_message(const Heard& heard);
  void fill(Message& message, const Heard& heard);
  [[nodiscard]] std::int64_t delay_ns();

  Random random_;
  std::uint64_t next_id_ = 1;
  std::map<std::string, std::uint64_t> epoch_of_;  // the last that a client knew to be its own
  std::map<std::string, Message> last_of_;
  std::vector<Message> all_;  // since the station is new
};

}  // namespace medius::station::model
