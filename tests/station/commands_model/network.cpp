#include "tests/station/commands_model/network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace medius::station::model {
namespace {

constexpr std::int64_t kMs = 1'000'000;

struct Client {
  const char* name;
  Role role;
  bool remote;
};
// A trainer at the machine, a therapist across town, somebody who only looks on.
constexpr Client kClients[] = {{"ada", Role::kTrainer, false},
                               {"bob", Role::kTherapist, true},
                               {"eve", Role::kObserver, true}};

}  // namespace

// Mostly a good link, now and then one that stalls for longer than a command or a lease lives.
std::int64_t Network::delay_ns() {
  const double u = random_.uniform();
  if (u < 0.90) return static_cast<std::int64_t>(random_.below(40)) * kMs;
  if (u < 0.995) return static_cast<std::int64_t>(random_.below(400)) * kMs;
  return static_cast<std::int64_t>(random_.below(5'000)) * kMs;
}

void Network::fill(Message& m, const Heard& heard) {
  static constexpr double kLoads[] = {0.0, 20.0, 50.0, 60.0, 65.0, 75.0, 89.0, 120.0, 150.0, 500.0};
  switch (m.kind) {
    case Kind::kStart:
      m.text = random_.chance(0.95) ? "two-sides" : "none";
      break;
    case Kind::kAdjust:
      m.value = random_.chance(0.5) ? kLoads[random_.below(std::size(kLoads))]
                                    : heard.load + static_cast<double>(random_.below(41)) - 20.0;
      if (random_.chance(0.01)) m.value = std::numeric_limits<double>::quiet_NaN();
      m.axis = random_.chance(0.01) ? 3 : 0;
      m.in_newton = !random_.chance(0.01);
      break;
    case Kind::kParameter:
      m.text = random_.chance(0.95) ? "eccentric_ratio" : "nope";
      m.value = 0.1 * static_cast<double>(3 + random_.below(20));
      break;
    case Kind::kAcquire:
      m.duration_ns = random_.chance(0.03)  ? 100 * kMs
                      : random_.chance(0.5) ? 2'000 * kMs
                                            : 15'000 * kMs;
      m.new_epoch = random_.chance(0.2);
      break;
    case Kind::kHandOver:
      m.text = m.client == "ada" ? "bob" : "ada";
      break;
    default:
      break;
  }
}

// Mostly something new; now and then what a client sent long ago and thinks unanswered.
Message Network::message(const Heard& heard) {
  if (!all_.empty() && random_.chance(0.02)) {
    return all_[random_.below(static_cast<std::uint32_t>(all_.size()))];
  }
  all_.push_back(new_message(heard));
  return all_.back();
}

Message Network::new_message(const Heard& heard) {
  static constexpr Kind kKinds[] = {
      Kind::kStart,   Kind::kStart,   Kind::kAdjust,    Kind::kAdjust,    Kind::kAdjust,
      Kind::kAdjust,  Kind::kAdjust,  Kind::kParameter, Kind::kParameter, Kind::kPause,
      Kind::kResume,  Kind::kResume,  Kind::kAcquire,   Kind::kAcquire,   Kind::kRenew,
      Kind::kRenew,   Kind::kRelease, Kind::kHandOver,  Kind::kLost,      Kind::kReturned,
      Kind::kReturned};
  const double who = random_.uniform();
  const Client& client = kClients[who < 0.5 ? 0 : who < 0.9 ? 1 : 2];
  Message m;
  m.kind = random_.chance(0.01) ? Kind::kStop : kKinds[random_.below(std::size(kKinds))];
  m.client = client.name;
  m.role = client.role;
  m.remote = client.remote;
  m.id = "r" + std::to_string(next_id_++);
  m.time_to_live_ns = random_.chance(0.1) ? 20 * kMs : 2'000 * kMs;
  if (random_.chance(0.3)) m.version = heard.version;
  if (heard.holder == m.client) {
    epoch_of_[m.client] = heard.epoch;
  } else if (random_.chance(0.3)) {
    epoch_of_.erase(m.client);  // it has been told by now
  }
  // What it believes, though it may be over by now or have been somebody else's all along.
  const auto own = epoch_of_.find(m.client);
  if (own != epoch_of_.end() && random_.chance(0.85)) m.epoch = own->second;
  if (random_.chance(0.03)) m.epoch = heard.epoch;
  if (m.kind == Kind::kRenew || m.kind == Kind::kRelease || m.kind == Kind::kHandOver) {
    m.epoch = m.epoch.value_or(heard.epoch);
  }
  fill(m, heard);
  if (random_.chance(0.005)) m.id = random_.chance(0.5) ? "" : "a b";
  // A client that reuses an id for something else.
  const auto last = last_of_.find(m.client);
  if (last != last_of_.end() && random_.chance(0.01)) m.id = last->second.id;
  last_of_[m.client] = m;
  return m;
}

std::vector<InFlight> Network::interleaving(const Heard& heard) {
  std::vector<InFlight> flight;
  const std::uint32_t messages = 2 + random_.below(6);
  std::int64_t sent_ns = heard.now_ns;
  for (std::uint32_t i = 0; i < messages; ++i) {
    sent_ns += static_cast<std::int64_t>(random_.below(30)) * kMs;
    InFlight one;
    one.order = i;
    one.message = message(heard);
    // A retry of a client that has heard nothing: the same message again, also a third time.
    const int copies = random_.chance(0.2) ? 2 + static_cast<int>(random_.below(2)) : 1;
    for (int copy = 0; copy < copies; ++copy) {
      if (random_.chance(0.03)) {
        ++lost;
        continue;
      }
      one.repeat = copy > 0;
      repeated += copy > 0 ? 1 : 0;
      one.arrives_ns = sent_ns + delay_ns() + copy * 10 * kMs;
      const bool stalled = random_.chance(0.02);  // the executor has other things to do
      one.taken_ns =
          one.arrives_ns + (stalled ? static_cast<std::int64_t>(random_.below(60)) * kMs : 0);
      flight.push_back(one);
    }
  }
  std::stable_sort(flight.begin(), flight.end(),
                   [](const InFlight& a, const InFlight& b) { return a.taken_ns < b.taken_ns; });
  for (std::size_t i = 1; i < flight.size(); ++i) {
    reordered += flight[i].order < flight[i - 1].order ? 1 : 0;
  }
  return flight;
}

}  // namespace medius::station::model
