#include "controller/access/token_bucket.hpp"

#include <algorithm>

namespace medius::access {
namespace {

// Peers are known by their certificate, so there are as many as were issued; the bound only keeps
// years of them from piling up. After so long every bucket is full again and says nothing.
constexpr std::size_t kPeersKept = 256;
constexpr double kSilentS = 60.0;

}  // namespace

void PeerRates::forget_silent(double now_s) {
  std::erase_if(peers_,
                [now_s](const auto& peer) { return now_s - peer.second.heard_s > kSilentS; });
}

bool PeerRates::take(const std::string& peer, Rate rate, double now_s) {
  const std::lock_guard lock(mutex_);
  if (peers_.size() >= kPeersKept && !peers_.contains(peer)) forget_silent(now_s);
  Peer& known = peers_[peer];
  known.heard_s = now_s;
  Level& level = known.level[static_cast<std::size_t>(rate)];
  const Bucket bucket = bucket_of(rate);
  if (!level.known) level = {bucket.burst, now_s, true};
  const double passed_s = std::max(0.0, now_s - level.at_s);
  level.tokens = std::min(bucket.burst, level.tokens + passed_s * bucket.per_second);
  level.at_s = now_s;
  if (level.tokens < 1.0) return false;
  level.tokens -= 1.0;
  return true;
}

}  // namespace medius::access
