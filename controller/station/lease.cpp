#include "controller/station/lease.hpp"

#include <fmt/format.h>

namespace medius::station {
namespace {

double seconds(std::int64_t ns) {
  return 1e-9 * static_cast<double>(ns);
}

std::optional<Refusal> check_duration(std::int64_t duration_ns) {
  if (duration_ns >= kLeaseMinNs && duration_ns <= kLeaseMaxNs) return std::nullopt;
  return Refusal{
      RefusalCode::kInvalid,
      fmt::format("a lease of {:.3f} s was asked for, {:.0f} to {:.0f} s are possible; leave the "
                  "duration out for {:.0f} s and renew it",
                  seconds(duration_ns), seconds(kLeaseMinNs), seconds(kLeaseMaxNs),
                  seconds(kLeaseDefaultNs))};
}

std::optional<Refusal> check_holder(const std::string& holder) {
  if (!holder.empty()) return std::nullopt;
  return Refusal{RefusalCode::kInvalid,
                 "a lease needs a name of 1 to 64 characters to be held by; give client_name"};
}

std::string who_holds(const Lease& lease, std::int64_t now_ns) {
  return fmt::format("'{}' holds the lease of control for another {:.1f} s (epoch {})",
                     lease.holder, seconds(lease.expires_ns - now_ns), lease.epoch);
}

Refusal stale(std::uint64_t epoch, const Lease* now, std::int64_t now_ns) {
  return {RefusalCode::kStaleLease,
          now == nullptr
              ? fmt::format("the lease of epoch {} is over and nobody holds one; look at the "
                            "station, take a lease and order again",
                            epoch)
              : fmt::format("the lease of epoch {} is over: {}; look at the station and ask for a "
                            "hand-over",
                            epoch, who_holds(*now, now_ns))};
}

}  // namespace

const Lease& LeaseBook::grant(const std::string& holder, std::int64_t duration_ns,
                              std::int64_t now_ns) {
  const std::uint64_t next = next_epoch_();
  last_epoch_ = next > last_epoch_ ? next : last_epoch_ + 1;
  lease_ = Lease{holder, last_epoch_, duration_ns, now_ns + duration_ns};
  return *lease_;
}

LeaseBook::Outcome<LeaseGrant> LeaseBook::acquire(const LeaseRequest& request,
                                                  std::int64_t now_ns) {
  if (auto wrong = check_holder(request.holder)) return tl::make_unexpected(std::move(*wrong));
  if (auto wrong = check_duration(request.duration_ns)) {
    return tl::make_unexpected(std::move(*wrong));
  }
  const Lease* held = current(now_ns);
  if (held != nullptr && held->holder != request.holder) {
    return tl::make_unexpected(Refusal{
        RefusalCode::kNoLease,
        who_holds(*held, now_ns) + "; ask for a hand-over, or wait until it is released or ends"});
  }
  if (held == nullptr || request.new_epoch) {
    return LeaseGrant{grant(request.holder, request.duration_ns, now_ns), true};
  }
  lease_->duration_ns = request.duration_ns;
  if (now_ns + request.duration_ns > lease_->expires_ns) {
    lease_->expires_ns = now_ns + request.duration_ns;
  }
  return LeaseGrant{*lease_, false};
}

std::optional<Refusal> LeaseBook::check_claim(const LeaseClaim& claim, std::int64_t now_ns) const {
  const Lease* held = current(now_ns);
  if (held == nullptr || held->epoch != claim.epoch) return stale(claim.epoch, held, now_ns);
  if (held->holder != claim.holder) {
    return Refusal{RefusalCode::kNoLease,
                   who_holds(*held, now_ns) +
                       fmt::format(", not '{:.64}'; ask for a hand-over", claim.holder)};
  }
  return std::nullopt;
}

LeaseBook::Outcome<Lease> LeaseBook::renew(const LeaseClaim& claim, std::int64_t now_ns) {
  if (auto wrong = check_claim(claim, now_ns)) return tl::make_unexpected(std::move(*wrong));
  const std::int64_t duration_ns = claim.duration_ns != 0 ? claim.duration_ns : lease_->duration_ns;
  if (auto wrong = check_duration(duration_ns)) return tl::make_unexpected(std::move(*wrong));
  lease_->duration_ns = duration_ns;
  lease_->expires_ns = now_ns + duration_ns;
  return *lease_;
}

LeaseBook::Outcome<bool> LeaseBook::release(const LeaseClaim& claim, std::int64_t now_ns) {
  const Lease* held = current(now_ns);
  // Over already, whoever ended it: a repeated release is harmless.
  if (held == nullptr || held->epoch != claim.epoch) return false;
  if (auto wrong = check_claim(claim, now_ns)) return tl::make_unexpected(std::move(*wrong));
  lease_.reset();
  return true;
}

LeaseBook::Outcome<Lease> LeaseBook::hand_over(const LeaseClaim& claim, const std::string& to,
                                               std::int64_t now_ns) {
  if (auto wrong = check_holder(to)) return tl::make_unexpected(std::move(*wrong));
  if (auto wrong = check_claim(claim, now_ns)) return tl::make_unexpected(std::move(*wrong));
  return grant(to, lease_->duration_ns, now_ns);
}

std::optional<Refusal> LeaseBook::check(const std::string& who, std::optional<std::uint64_t> epoch,
                                        LeaseNeed need, std::int64_t now_ns) const {
  if (need == LeaseNeed::kNone) return std::nullopt;
  if (epoch) return check_claim({who, *epoch}, now_ns);
  if (need == LeaseNeed::kEpochOnly) return std::nullopt;
  const Lease* held = current(now_ns);
  if (held == nullptr) {
    if (need == LeaseNeed::kWhenHeld) return std::nullopt;
    return Refusal{RefusalCode::kNoLease,
                   "this order needs the lease of control and carries no lease_epoch; take the "
                   "lease first (AcquireLease)"};
  }
  if (held->holder == who) {
    return Refusal{RefusalCode::kNoLease,
                   fmt::format("'{:.64}' holds the lease of control, but the order carries no "
                               "lease_epoch; give {}",
                               who, held->epoch)};
  }
  return Refusal{RefusalCode::kNoLease, who_holds(*held, now_ns) +
                                            "; ask for a hand-over. Lowering, pause and stop need "
                                            "no lease"};
}

std::optional<Lease> LeaseBook::take_expired(std::int64_t now_ns) {
  if (!lease_ || current(now_ns) != nullptr) return std::nullopt;
  std::optional<Lease> ended = std::move(lease_);
  lease_.reset();
  return ended;
}

}  // namespace medius::station
