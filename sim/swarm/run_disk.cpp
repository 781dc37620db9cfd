// What a run's store must keep: whatever becomes of its disk, a set that was acknowledged is there
// afterwards, bit for bit, and one that was under way is there as far as it had come.
#include <algorithm>

#include <fmt/format.h>

#include "controller/record/rows.hpp"
#include "controller/record/store.hpp"
#include "sim/swarm/run_impl.hpp"

namespace medius::sim {
namespace {

constexpr double kRoomBytes = 256.0 * 1024.0;  // of a disk that is as good as full
constexpr double kLastingAbove = 0.1;          // of the intensity: half of the failures stay
constexpr double kChangesAtMost = 19.0;        // of the disk, before the power goes
// Samples are written every second: by then something has changed on the disk.
constexpr int kPowerStaysTicks = 1500;
constexpr std::uint64_t kStoredWithinTicks = 5000;  // the station tries again every 2 s
constexpr std::uint64_t kLookEveryTicks = 100;      // reading a store that fails costs most

// Every bit of it, repetitions included.
std::string content_of(const record::SetRecord& set) {
  record::SetRecord plain = set;
  plain.reps.clear();
  std::string content = record::encode_set(plain, {});
  for (const measure::RepMetrics& rep : set.reps) content += record::encode_rep(rep);
  return content;
}

}  // namespace

// False: not of the disk's kind.
bool Run::strike_disk(const Pending& pending) {
  const double intensity = pending.event.intensity;
  switch (pending.row->injector) {
    case Injector::kDiskFull:
      disk_->set_capacity(disk_->bytes() + static_cast<std::uint64_t>(kRoomBytes * intensity));
      return true;
    case Injector::kDiskFails:
      disk_->fail({mask(DiskCall::kSync), 1 + pending.event.seed % 4, intensity > kLastingAbove});
      return true;
    case Injector::kPowerLost:
      disk_->cut_power_at(1 + static_cast<std::uint64_t>(kChangesAtMost * intensity));
      for (int i = 0; i < kPowerStaysTicks && disk_->powered(); ++i) tick();
      disk_->cut_power();
      strike_loop(pending);
      return true;
    default:
      return false;
  }
}

void Run::note_acknowledged() {
  if (disk_ == nullptr) return;
  if (disk_->failures() > 0) verdict_.storage |= kDiskCallFailed;
  const station::Snapshot& now = world_->station().snapshot();
  if (disk_->failures() > 0 && (verdict_.storage & kAcknowledgementWithheld) == 0 &&
      std::any_of(now.warnings.begin(), now.warnings.end(), [](const std::string& warning) {
        return warning.starts_with("not stored yet");
      })) {
    verdict_.storage |= kAcknowledgementWithheld;
  }
  const auto& stored = now.stored_set_ids;
  if (stored.size() == stored_seen_ && ticks_ % kLookEveryTicks != 0) return;
  stored_seen_ = stored.size();
  for (const std::string& id : stored) {
    std::string& content = acknowledged_[id];
    if (!content.empty()) continue;
    // A store that doubts its disk gives nothing back; it is asked again.
    if (const auto set = world_->store().set(id)) content = content_of(*set);
  }
}

// Once the disk is well again the station stores what it has kept.
void Run::judge_healed_disk() {
  if (disk_ == nullptr || session_id_.empty()) return;
  const auto waits = [this] {
    const auto sets = world_->store().sets_of(session_id_);
    const bool begun =
        (verdict_.states >> static_cast<unsigned>(station::StationState::kWorking) & 1u) != 0;
    return (sets.empty() && begun) ||
           std::any_of(sets.begin(), sets.end(), [](const record::SetRecord& set) {
             return set.end == record::SetEnd::kOpen;
           });
  };
  for (std::uint64_t i = 0; i < kStoredWithinTicks; i += kLookEveryTicks) {
    if (!waits()) return;
    for (std::uint64_t j = 0; j < kLookEveryTicks; ++j) tick();
  }
  if (waits()) violate("I11 the set is not stored 5 s after the disk was well again");
}

// The power goes, if it has not gone yet, and somebody starts the daemon anew.
void Run::judge_disk() {
  disk_->cut_power();
  world_.reset();
  disk_->restart();
  const auto store = record::Store::open(kStationFolder, *disk_);
  if (!store) {
    violate("I11 the store does not open after the power was cut: " + store.error().message);
    return;
  }
  for (const std::string& id : (*store)->opening_report().missing_ids) {
    violate("I11 set " + id + " was acknowledged and is missing");
  }
  for (const auto& [id, content] : acknowledged_) {
    const auto set = (*store)->set(id);
    if (!set) {
      violate("I11 set " + id + " was acknowledged and is lost");
    } else if (!content.empty() && content_of(*set) != content) {
      violate("I11 set " + id + " was acknowledged and has changed");
    } else {
      verdict_.storage |= kSetKept;
    }
  }
  if (session_id_.empty()) return;
  for (const record::SetRecord& set : (*store)->sets_of(session_id_)) {
    if (set.end == record::SetEnd::kOpen) violate("I11 set " + set.id + " is still open");
    if (set.end == record::SetEnd::kInterrupted) verdict_.storage |= kSetInterrupted;
  }
}

}  // namespace medius::sim
