#include "controller/station/audit_trail.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace medius::station {
namespace {

// One transaction; a busy second of orders fits into it.
constexpr std::size_t kBatchMax = 256;
// After the store failed; the record side tries its sets as often.
constexpr std::int64_t kRetryNs = 2'000'000'000;

record::AuditEvent lost_events(std::uint64_t count, std::int64_t unix_ns) {
  record::AuditEvent event;
  event.kind = record::AuditKind::kStore;
  event.result = record::AuditResult::kFailed;
  event.unix_ns = unix_ns;
  event.who = event.role = "station";
  event.action = "audit_events_lost";
  event.reason = std::to_string(count) + " events found no room while " +
                 std::to_string(kAuditWaitingMax) + " waited for the store; see the daemon's log";
  return event;
}

}  // namespace

struct AuditTrail::Shared {
  explicit Shared(record::Store& the_store) : store(the_store) {}

  record::Store& store;
  mutable std::mutex mutex;
  mutable std::condition_variable grew;
  std::deque<record::AuditEvent> waiting;
  std::uint64_t lost = 0;
  std::uint64_t stored = 0;
  bool scheduled = false;

  // [record] True when nothing waits any more.
  bool flush_some(std::int64_t unix_ns) {
    std::vector<record::AuditEvent> batch;
    std::uint64_t counted = 0;
    {
      const std::lock_guard lock(mutex);
      const auto count = static_cast<std::ptrdiff_t>(std::min(waiting.size(), kBatchMax));
      batch.assign(waiting.begin(), waiting.begin() + count);
      counted = lost;
    }
    const std::size_t taken = batch.size();
    if (counted > 0) batch.push_back(lost_events(counted, unix_ns));
    if (batch.empty()) return true;
    const auto head = store.append_audit(batch);
    if (!head) return false;
    const std::lock_guard lock(mutex);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(taken));
    lost -= counted;
    stored = head->sequence;
    grew.notify_all();
    return waiting.empty();
  }
};

AuditTrail::AuditTrail(Runtime& runtime, record::Store& store)
    : runtime_(runtime), shared_(std::make_shared<Shared>(store)) {
  shared_->stored = store.audit_head().sequence;
}

AuditTrail::~AuditTrail() = default;

void AuditTrail::record(record::AuditEvent event) {
  if (event.unix_ns == 0) event.unix_ns = runtime_.wall_unix_ns();
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= kAuditWaitingMax) {
      ++shared_->lost;
    } else {
      shared_->waiting.push_back(std::move(event));
    }
    if (std::exchange(shared_->scheduled, true)) return;
  }
  schedule(runtime_, shared_);
}

// Posted, since only the control executor may hand work to the record thread.
void AuditTrail::schedule(Runtime& runtime, const std::shared_ptr<Shared>& shared) {
  const std::weak_ptr<Shared> weak = shared;
  runtime.post([&runtime, weak] {
    const auto well = std::make_shared<bool>(true);
    runtime.run_blocking(
        [&runtime, weak, well] {
          const auto alive = weak.lock();
          if (!alive) return;
          const std::uint64_t before = alive->stored;
          *well = alive->flush_some(runtime.wall_unix_ns()) || alive->stored != before;
        },
        [&runtime, weak, well] {
          const auto alive = weak.lock();
          if (!alive) return;
          {
            const std::lock_guard lock(alive->mutex);
            if (alive->waiting.empty() && alive->lost == 0) {
              alive->scheduled = false;
              return;
            }
          }
          if (*well) {
            schedule(runtime, alive);
            return;
          }
          runtime.at(runtime.monotonic_ns() + kRetryNs, [&runtime, weak] {
            if (const auto later = weak.lock()) schedule(runtime, later);
          });
        });
  });
}

void AuditTrail::flush() {
  const std::int64_t now = runtime_.wall_unix_ns();
  std::uint64_t before = 0;
  do {
    before = stored();
  } while (!shared_->flush_some(now) && stored() != before);
}

std::uint64_t AuditTrail::stored() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stored;
}

std::uint64_t AuditTrail::wait_beyond(std::uint64_t sequence,
                                      std::chrono::steady_clock::time_point until) const {
  std::unique_lock lock(shared_->mutex);
  shared_->grew.wait_until(lock, until, [&] { return shared_->stored > sequence; });
  return shared_->stored;
}

}  // namespace medius::station
