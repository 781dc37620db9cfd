// The reference model of the command path: what an order at a moment must be answered, written from
// the API's own comments (proto/medius/v1) and sharing no code with the station. What the machine
// does by itself (states, the loop's loads) is given to it as facts; who leads, what has been
// answered, what is ordered and what is frozen it keeps by itself.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace medius::station::model {

enum class Kind : std::uint8_t {
  kStart = 0,
  kAdjust,
  kParameter,
  kPause,
  kResume,
  kStop,
  kAcquire,
  kRenew,
  kRelease,
  kHandOver,
  kLost,      // a client's last watch has ended
  kReturned,  // one is open again
  kCount
};

enum class Role : std::uint8_t { kObserver, kTrainer, kTherapist };

// One message as it arrives.
struct Message {
  Kind kind = Kind::kStop;
  std::string client;
  Role role = Role::kTrainer;
  bool remote = false;  // with a certificate: raising needs the lease always
  std::string id;
  std::string text;  // a program, a parameter, who leads next
  double value = 0.0;
  int axis = 0;
  bool in_newton = true;
  bool new_epoch = false;
  std::int64_t duration_ns = 0;
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> version;
  std::int64_t received_ns = 0, time_to_live_ns = 0;
};

enum class Verdict : std::uint8_t {
  kAccepted = 0,
  kInvalid,
  kNotFound,
  kWrongState,
  kVersionConflict,
  kOverLimit,
  kExpired,
  kNoLease,
  kStaleLease,
  kDenied,  // by role, before the station is asked
  kOther,   // nothing that the model ever expects
  kCount
};
[[nodiscard]] const char* to_string(Verdict verdict);

// What the machine is doing, read from outside just before a message is delivered.
struct Facts {
  std::int64_t now_ns = 0;
  std::uint64_t version = 0;
  bool idle = false, fault = false, resting = false, working = false, unloading = false;
  bool paused = false;
  bool session = false;
  bool set_started = false;  // the loop has been told of the set
  bool in_take_up = false;   // unloaded, cuff on
  double loop_applied = 0.0;
  std::string set;  // under way or to come
};

// The first answers to request ids, as many as the API promises; the oldest is forgotten.
class Answers {
 public:
  struct First {
    std::string content;
    Verdict verdict;
  };
  [[nodiscard]] const First* find(const std::string& key) const;
  void keep(const std::string& key, const First& first);

 private:
  std::map<std::string, First> first_;
  std::deque<std::string> oldest_;
};

class Model {
 public:
  struct Answer {
    Verdict verdict = Verdict::kAccepted;
    bool duplicate = false;
    bool forgotten = false;  // was carried out so long ago that only its id is known
  };
  // A load or parameter that the loop must be told next, exactly once and in this order.
  struct LoopOrder {
    bool is_load = true;
    double value = 0.0;
    bool maybe =
        false;  // a lease ran out in the very step in which the set ended: either came first
  };

  // After each step of the station.
  void observe(const Facts& facts);
  // What the message must be answered; the model takes it as so answered.
  Answer deliver(const Message& message, const Facts& facts);
  // The station has answered it: from now on it is the newest that is remembered.
  void answered(const Message& message);
  // After each tick of the loop in which the load is the one that was ordered.
  void load_came_in(double applied) { came_in_ = applied; }
  // The epoch that the station gave to a lease that the model expected it to give.
  void granted(std::uint64_t epoch);
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] const std::string& holder() const { return holder_; }
  [[nodiscard]] double load() const { return load_; }
  [[nodiscard]] bool epochs_grew() const { return epochs_grew_; }
  std::deque<LoopOrder> loop_orders;
  std::uint64_t times_frozen = 0, leases_run_out = 0, increases_taken_back = 0, forgotten = 0;

 private:
  void run_out(const Facts& facts);
  void settle(const Facts& facts);
  [[nodiscard]] bool gone_lately(const std::string& client, std::int64_t now_ns) const;
  void stop(const Message& message);
  [[nodiscard]] Verdict lead(const Message& message, const Facts& facts);
  [[nodiscard]] std::optional<Answer> answered_before(const Message& message);
  [[nodiscard]] Verdict order(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict lease_of(const Message& message, bool raises, bool exempt) const;
  [[nodiscard]] Verdict start(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict adjust(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict parameter(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict resume(const Facts& facts) const;
  [[nodiscard]] Verdict acquire(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict claim(const Message& message) const;
  [[nodiscard]] Verdict renew(const Message& message, const Facts& facts);
  [[nodiscard]] Verdict hand_over(const Message& message, const Facts& facts);

  Answers accepted_, refused_;
  std::map<std::string, Answers::First> under_way_;  // not answered yet
  std::set<std::string> used_;                       // everything that was carried out
  // The lease; no holder = free.
  std::string holder_;
  std::uint64_t epoch_ = 0;
  std::int64_t ends_ns_ = 0, lasts_ns_ = 0;
  bool awaits_epoch_ = false, epochs_grew_ = true;
  // Who leads the session when nobody holds the lease.
  std::string starter_;
  bool starter_gone_ = false, holder_gone_ = false, ran_out_ = false;
  std::map<std::string, std::int64_t> gone_;
  bool frozen_ = false;
  // The set under way or to come.
  std::string set_;
  bool was_resting_ = false, had_session_ = false, was_under_way_ = false;
  std::optional<double> came_in_;  // since the last step of the station
  double load_ = 0.0, in_force_ = 0.0, ratio_ = 1.0;
};

}  // namespace medius::station::model
