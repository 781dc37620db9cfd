#include "sim/proxy/frame_faults.hpp"

#include <algorithm>

namespace medius::sim::proxy {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerUs = 1'000;
constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::size_t kRemembered = 17;  // the present answer and 16 before it
constexpr std::size_t kHeaderAndFunction = 8;
constexpr int kBitsACharacter = 10;  // start, 8 data, stop

}  // namespace

bool FrameFaults::remove(std::uint32_t id) {
  return std::erase_if(faults_, [id](const Standing& each) { return each.id == id; }) > 0;
}

bool FrameFaults::stands(FaultKind kind) const noexcept {
  return std::any_of(faults_.begin(), faults_.end(),
                     [kind](const Standing& each) { return each.spec.kind == kind; });
}

std::vector<std::uint32_t> FrameFaults::ids() const {
  std::vector<std::uint32_t> all;
  for (const Standing& each : faults_) all.push_back(each.id);
  return all;
}

Verdict FrameFaults::judge(Way way, const Bytes& frame) {
  const FrameInfo info = inspect(wire_, frame);
  if (way == Way::kReply) remember(info, frame);
  Verdict verdict;
  verdict.bytes = frame;
  for (Standing& each : faults_) {
    const FaultSpec& spec = each.spec;
    const bool both_ways = spec.kind == FaultKind::kBlackHole;
    const bool meant = both_ways || (way == Way::kRequest ? spec.requests : spec.replies);
    if (!meant || (spec.unit >= 0 && spec.unit != info.unit)) continue;
    if (spec.chance < 1.0 && !random_.chance(spec.chance)) continue;
    act(spec, info, verdict);
    verdict.done += verdict.done.empty() ? "" : " ";
    verdict.done += name(spec.kind);
    if (spec.count > 0 && ++each.used >= spec.count) verdict.ended.push_back(each.id);
  }
  return verdict;
}

void FrameFaults::act(const FaultSpec& fault, const FrameInfo& info, Verdict& verdict) {
  switch (fault.kind) {
    case FaultKind::kDelay:
      verdict.delay_ns += fault.delay_ms * kNsPerMs;
      verdict.delay_ns += static_cast<std::int64_t>(
          random_.uniform() * static_cast<double>(fault.jitter_ms * kNsPerMs));
      break;
    case FaultKind::kDrop:
    case FaultKind::kBlackHole:
    case FaultKind::kRefuse:
      verdict.bytes.clear();
      break;
    case FaultKind::kDuplicate:
      verdict.copies = 2;
      break;
    case FaultKind::kReorder:
      verdict.held = true;
      break;
    case FaultKind::kTruncate: {
      const std::size_t wanted =
          fault.bytes > 0 ? static_cast<std::size_t>(fault.bytes) : verdict.bytes.size() / 2;
      verdict.bytes.resize(std::min(wanted, verdict.bytes.size()));
      break;
    }
    case FaultKind::kCorrupt:
      turn_bits(fault.bits, verdict.bytes);
      break;
    case FaultKind::kTrickle:
      verdict.gap_ns = fault.gap_us * kNsPerUs;
      break;
    case FaultKind::kStale:
      make_stale(fault.stale_by, info, verdict.bytes);
      break;
    case FaultKind::kThrottle:
      verdict.wire_ns +=
          static_cast<std::int64_t>(verdict.bytes.size()) * kBitsACharacter * kNsPerS / fault.baud;
      break;
    case FaultKind::kReset:
      verdict.cut = Verdict::Cut::kReset;
      break;
    case FaultKind::kHalfClose:
      verdict.cut = Verdict::Cut::kHalfClose;
      break;
  }
}

void FrameFaults::turn_bits(int bits, Bytes& bytes) {
  const std::size_t reach =
      wire_ == Wire::kTcp ? std::min(bytes.size(), kHeaderAndFunction) : bytes.size();
  if (reach == 0) return;
  std::vector<std::uint32_t> turned;
  const auto most = static_cast<std::uint32_t>(reach * 8);
  while (turned.size() < std::min<std::size_t>(static_cast<std::size_t>(bits), most)) {
    const std::uint32_t bit = random_.below(most);
    if (std::find(turned.begin(), turned.end(), bit) != turned.end()) continue;
    turned.push_back(bit);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
  }
}

void FrameFaults::make_stale(int by, const FrameInfo& info, Bytes& bytes) {
  const auto found = replies_.find({info.unit, info.function, bytes.size()});
  if (found == replies_.end() || found->second.size() < 2) return;
  const std::deque<Bytes>& known = found->second;
  const std::size_t back = std::min(static_cast<std::size_t>(by), known.size() - 1);
  const Bytes& old = known[known.size() - 1 - back];
  const Bytes present = bytes;
  bytes = old;
  if (wire_ != Wire::kTcp) return;
  bytes[0] = present[0];
  bytes[1] = present[1];
}

void FrameFaults::remember(const FrameInfo& info, const Bytes& frame) {
  if (!info.whole) return;
  std::deque<Bytes>& known = replies_[{info.unit, info.function, frame.size()}];
  known.push_back(frame);
  if (known.size() > kRemembered) known.pop_front();
}

}  // namespace medius::sim::proxy
