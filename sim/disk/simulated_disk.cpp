#include "sim/disk/simulated_disk.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdio>
#include <utility>

#include <sqlite3.h>

#include "sim/disk/disk_vfs.hpp"

namespace medius::sim {
namespace {

constexpr std::uint64_t kSectorBytes = 512;  // the smallest unit that disks write whole

std::atomic<unsigned> disks_made{0};

}  // namespace

SimulatedDisk::SimulatedDisk(std::uint64_t seed)
    : name_("medius-simulated-disk-" + std::to_string(++disks_made)), random_(seed) {
  vfs_ = make_disk_vfs(*this, name_);
}

SimulatedDisk::~SimulatedDisk() {
  unregister_disk_vfs(*vfs_);
}

// ---- what a VFS cannot do -----------------------------------------------------------------------
namespace {

class SimulatedLock final : public record::FolderLock {
 public:
  SimulatedLock(std::set<std::string>& locked, std::string directory)
      : locked_(locked), directory_(std::move(directory)) {}
  ~SimulatedLock() override { locked_.erase(directory_); }
  SimulatedLock(const SimulatedLock&) = delete;
  SimulatedLock& operator=(const SimulatedLock&) = delete;

 private:
  std::set<std::string>& locked_;
  std::string directory_;
};

}  // namespace

tl::expected<std::unique_ptr<record::FolderLock>, std::string> SimulatedDisk::lock(
    const std::string& directory) {
  if (!powered_) return tl::unexpected("store " + directory + ": the simulated disk has no power");
  if (!locked_.insert(directory).second) {
    return tl::unexpected("store " + directory + ": in use; one store at a time may open it");
  }
  return std::make_unique<SimulatedLock>(locked_, directory);
}

std::optional<std::uint64_t> SimulatedDisk::size(const std::string& path) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return std::nullopt;
  return found->second->cached.size();
}

std::size_t SimulatedDisk::quarantine_count(const std::string& directory) const {
  const std::string start = directory + "/quarantine-";
  std::set<std::string> folders;
  for (auto at = names_.lower_bound(start); at != names_.end(); ++at) {
    if (!at->first.starts_with(start)) break;
    folders.insert(at->first.substr(0, at->first.find('/', start.size())));
  }
  return folders.size();
}

tl::expected<std::string, std::string> SimulatedDisk::quarantine(
    const std::string& directory, const std::vector<std::string>& files,
    const std::string& reason) {
  if (!powered_) return tl::unexpected(directory + ": the simulated disk has no power");
  char number[32];
  std::snprintf(number, sizeof number, "/quarantine-%04zu", quarantine_count(directory) + 1);
  const std::string folder = directory + number;
  for (const std::string& file : files) {
    auto node = names_.extract(directory + '/' + file);
    if (node.empty()) continue;
    unsynced_names_.push_back({node.key(), nullptr});
    node.key() = folder + '/' + file;
    unsynced_names_.push_back({node.key(), node.mapped()});
    names_.insert(std::move(node));
  }
  put(folder + "/report.txt", "Put aside because: " + reason + '\n');
  sync_folder();
  return folder;
}

// ---- faults -------------------------------------------------------------------------------------
void SimulatedDisk::fail(const DiskFailure& failure) {
  failure_ = failure;
  fail_in_ = failure.at;
  failing_ = false;
}

void SimulatedDisk::fill() {
  capacity_ = bytes();
}

void SimulatedDisk::heal() {
  fail_in_ = 0;
  failing_ = false;
  capacity_ = UINT64_MAX;
}

void SimulatedDisk::cut_power_at(std::uint64_t n) {
  cut_in_ = n;
}

SimulatedDisk::Verdict SimulatedDisk::judge(DiskCall call, std::uint64_t grows_by) {
  ++calls_[static_cast<std::size_t>(call)];
  if (cut_in_ > 0 && (mask(call) & kDiskChanges) != 0 && --cut_in_ == 0) powered_ = false;
  bool broken = !powered_;
  if ((mask(call) & failure_.calls) != 0) {
    const bool due = fail_in_ > 0 && --fail_in_ == 0;
    broken = broken || due || failing_;
    failing_ = failing_ || (due && failure_.lasting);
  }
  if (broken) {
    ++failures_;
    return Verdict::kIoError;
  }
  if (grows_by > 0 && capacity_ != UINT64_MAX && bytes() + grows_by > capacity_) {
    ++failures_;
    return Verdict::kFull;
  }
  return Verdict::kDo;
}

// ---- what is on the disk ------------------------------------------------------------------------
void SimulatedDisk::note_write(Inode& inode, std::uint64_t offset, std::size_t count) {
  for (std::uint64_t at = offset - offset % kSectorBytes; at < offset + count; at += kSectorBytes) {
    inode.unsynced.push_back({false, at, inode.cached.substr(at, kSectorBytes)});
  }
}

void SimulatedDisk::apply(std::string& content, const Change& change) {
  if (change.truncates) {
    content.resize(change.at, '\0');
    return;
  }
  if (content.size() < change.at + change.bytes.size()) {
    content.resize(change.at + change.bytes.size(), '\0');
  }
  content.replace(change.at, change.bytes.size(), change.bytes);
}

// Of what was not synced each change arrives with this probability.
void SimulatedDisk::crash(Inode& inode, double arrives) {
  for (const Change& change : inode.unsynced) {
    if (random_.chance(arrives)) apply(inode.durable, change);
  }
  inode.unsynced.clear();
}

void SimulatedDisk::sync_folder() {
  durable_ = names_;
  unsynced_names_.clear();
}

void SimulatedDisk::restart() {
  // Nothing, everything, or anything between: a drive with and without a cache of its own.
  constexpr std::array<double, 5> kArrives{0.0, 1.0, 0.1, 0.5, 0.9};
  const double arrives = kArrives[random_.below(kArrives.size())];
  for (const Renaming& renaming : unsynced_names_) {
    if (!random_.chance(arrives)) continue;
    if (renaming.inode == nullptr) {
      durable_.erase(renaming.path);
    } else {
      durable_[renaming.path] = renaming.inode;
    }
  }
  unsynced_names_.clear();
  // In the order of names, so that the damage does not depend on where memory lies.
  for (auto& [path, inode] : durable_) {
    crash(*inode, arrives);
    inode->cached = inode->durable;
  }
  names_ = durable_;
  powered_ = true;
  cut_in_ = 0;
  heal();
}

// ---- for those who look -------------------------------------------------------------------------
std::uint64_t SimulatedDisk::calls(DiskCall call) const noexcept {
  return calls_[static_cast<std::size_t>(call)];
}

std::uint64_t SimulatedDisk::changes() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t call = 0; call < calls_.size(); ++call) {
    if ((mask(static_cast<DiskCall>(call)) & kDiskChanges) != 0) sum += calls_[call];
  }
  return sum;
}

std::uint64_t SimulatedDisk::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [path, inode] : names_) sum += inode->cached.size();
  return sum;
}

std::map<std::string, std::string> SimulatedDisk::files() const {
  std::map<std::string, std::string> contents;
  for (const auto& [path, inode] : names_) contents.emplace(path, inode->cached);
  return contents;
}

void SimulatedDisk::put(const std::string& path, std::string content) {
  auto inode = std::make_shared<Inode>();
  inode->cached = content;
  inode->durable = std::move(content);
  names_[path] = inode;
  durable_[path] = std::move(inode);
}

}  // namespace medius::sim
