// The lease of control: at most one trainer leads at a time. Each lease has an epoch that only
// grows; an order that carries it is refused once another epoch is in force, however late it
// arrives. (C. Gray, D. Cheriton, "Leases", 1989; the epoch is a fencing token.)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "controller/station/refusal.hpp"

namespace medius::station {

// Shorter and a link that stutters loses it; longer and a tablet that broke keeps others out.
inline constexpr std::int64_t kLeaseMinNs = 2'000'000'000;
inline constexpr std::int64_t kLeaseDefaultNs = 15'000'000'000;
inline constexpr std::int64_t kLeaseMaxNs = 60'000'000'000;

struct Lease {
  std::string holder;
  std::uint64_t epoch = 0;
  std::int64_t duration_ns = 0;  // what a renewal gives
  std::int64_t expires_ns = 0;   // monotonic
};

struct LeaseRequest {
  std::string holder;
  std::int64_t duration_ns = kLeaseDefaultNs;
  // For a holder that comes back: what it sent before is not to be carried out any more.
  bool new_epoch = false;
};

// Who says that a lease is theirs.
struct LeaseClaim {
  std::string holder;
  std::uint64_t epoch = 0;
  std::int64_t duration_ns = 0;  // of a renewal; 0 = as before
};

struct LeaseGrant {
  Lease lease;
  bool created = false;  // false: it was the holder's already, and is prolonged
};

// What an order needs. An epoch that is given is checked for all but kNone.
enum class LeaseNeed : std::uint8_t {
  kNone = 0,   // takes load off: anybody who may order at all
  kEpochOnly,  // lowers: without an epoch too
  kWhenHeld,   // raises: the holder's, if there is a holder
  kAlways,     // raises, from elsewhere: nobody leads unseen
};

// [control] Every call takes the time; a lease ends by itself at its `expires_ns`.
class LeaseBook {
 public:
  // `next_epoch` gives numbers that grow, also from one run of the daemon to the next.
  explicit LeaseBook(std::function<std::uint64_t()> next_epoch)
      : next_epoch_(std::move(next_epoch)) {}

  template <typename T>
  using Outcome = tl::expected<T, Refusal>;

  // The holder's own lease is prolonged, so that a repeated request is harmless.
  [[nodiscard]] Outcome<LeaseGrant> acquire(const LeaseRequest& request, std::int64_t now_ns);
  [[nodiscard]] Outcome<Lease> renew(const LeaseClaim& claim, std::int64_t now_ns);
  // A lease that is over already is released: true only when this call ended it.
  [[nodiscard]] Outcome<bool> release(const LeaseClaim& claim, std::int64_t now_ns);
  // To somebody else, under a new epoch and for the same duration from now.
  [[nodiscard]] Outcome<Lease> hand_over(const LeaseClaim& claim, const std::string& to,
                                         std::int64_t now_ns);

  // Nothing: the order may go on.
  [[nodiscard]] std::optional<Refusal> check(const std::string& who,
                                             std::optional<std::uint64_t> epoch, LeaseNeed need,
                                             std::int64_t now_ns) const;

  // The lease in force; null: nobody leads.
  [[nodiscard]] const Lease* current(std::int64_t now_ns) const {
    return lease_ && now_ns < lease_->expires_ns ? &*lease_ : nullptr;
  }
  // The lease that has run out since the last call; it is forgotten.
  [[nodiscard]] std::optional<Lease> take_expired(std::int64_t now_ns);

 private:
  [[nodiscard]] std::optional<Refusal> check_claim(const LeaseClaim& claim,
                                                   std::int64_t now_ns) const;
  const Lease& grant(const std::string& holder, std::int64_t duration_ns, std::int64_t now_ns);

  std::function<std::uint64_t()> next_epoch_;
  std::uint64_t last_epoch_ = 0;
  std::optional<Lease> lease_;
};

}  // namespace medius::station
