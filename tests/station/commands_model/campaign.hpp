// Random interleavings of what two trainers and an onlooker send, against the station's own code on
// simulated time, judged by the reference model after every message and every tick.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/station/commands_model/model.hpp"

namespace medius::station::model {

// A defect put between network and station, which the model must notice.
enum class Plant : std::uint8_t {
  kNone = 0,
  kNoTimeToLive,  // orders never expire
  kNoLease,       // whoever orders is taken for the holder
  kNoVersion,     // expected versions are not looked at
  kNoIds,         // a repeated order is a new one
  kNoRoles,       // the door lets everybody in
  kNoOldIds       // an order whose answer is forgotten is a new one
};

// A new station now and then: its books are bounded, the test's are not. Each has random numbers of
// its own, so that an interleaving is reached from the first of its station.
inline constexpr std::uint64_t kInterleavingsAStation = 10'000;

struct CampaignConfig {
  std::uint64_t first = 0;               // where to begin, rounded down to the first of its station
  std::uint64_t interleavings = 10'000;  // up to this one, which is left out
  std::uint64_t seed = 1;
  Plant plant = Plant::kNone;
  // Interleavings whose story is told whether or not something is wrong in them.
  std::uint64_t tell_from = UINT64_MAX, tell_to = UINT64_MAX;
  std::function<void(std::uint64_t)> progress;  // interleavings done
};

inline constexpr std::size_t kStoriesMax = 32;

struct CampaignResult {
  std::uint64_t interleavings = 0, messages = 0, repeated = 0, reordered = 0, lost = 0;
  std::uint64_t simulated_ms = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Verdict::kCount)> expected{};
  // Applied though the model says no, by why it should not have been.
  std::uint64_t stale = 0, duplicate = 0, conflicting = 0, unauthorised = 0, other = 0;
  std::uint64_t refused_wrongly = 0;  // the model says yes
  std::uint64_t wrong_refusals = 0;   // refused with another reason
  std::uint64_t loop_disagrees = 0;  // the loop was told something else, more, less, or in disorder
  std::uint64_t freeze_disagrees = 0;  // increases frozen without a reason, or not frozen with one
  std::uint64_t lease_disagrees = 0;   // two holders, or an epoch that did not grow
  std::uint64_t answers_missing = 0;   // not answered exactly once
  std::uint64_t times_frozen = 0, leases_run_out = 0, increases_taken_back = 0, sessions = 0;
  std::uint64_t forgotten = 0;  // came again after its answer was forgotten
  std::uint64_t hash = 0;       // of all verdicts in order
  std::string first_wrong;      // the first disagreement, in a sentence
  // What happened in interleavings with a disagreement, line by line, the first kStoriesMax of
  // them, and in those that were asked for.
  std::vector<std::string> stories;

  [[nodiscard]] std::uint64_t disagreements() const {
    return stale + duplicate + conflicting + unauthorised + other + refused_wrongly +
           wrong_refusals + loop_disagrees + freeze_disagrees + lease_disagrees + answers_missing;
  }
};

[[nodiscard]] CampaignResult run_campaign(const CampaignConfig& config);

}  // namespace medius::station::model
