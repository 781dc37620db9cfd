// A disk in memory that fails, fills up and loses power when told to: a SQLite VFS with a
// page cache. What was written is in the cache; what was synced is on the disk. Same seed, same
// calls, same damage. One thread at a time; several disks may live at once.
//
// What it assumes of a disk (and of Linux): a sector of 512 bytes arrives whole or not at all;
// sectors written since a sync arrive in any order or not at all; a new or removed name is on the
// disk once its folder was synced; after a failed sync the pages count as clean, so that a later
// sync brings only what was written since.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/record/disk.hpp"

struct sqlite3_vfs;

namespace medius::sim {

enum class DiskCall : std::uint8_t { kOpen, kRead, kWrite, kSync, kTruncate, kRemove, kSize };
inline constexpr int kDiskCalls = 7;
using DiskCallMask = std::uint8_t;
[[nodiscard]] constexpr DiskCallMask mask(DiskCall call) noexcept {
  return static_cast<DiskCallMask>(1u << static_cast<unsigned>(call));
}
// Those that change the disk.
inline constexpr DiskCallMask kDiskChanges = mask(DiskCall::kWrite) | mask(DiskCall::kSync) |
                                             mask(DiskCall::kTruncate) | mask(DiskCall::kRemove);

struct DiskFailure {
  DiskCallMask calls = kDiskChanges;  // which calls are counted and fail
  std::uint64_t at = 1;               // the n-th from now, 1 = the next
  bool lasting = false;               // all later ones too, until heal()
};

class SimulatedDisk final : public record::Disk {
 public:
  explicit SimulatedDisk(std::uint64_t seed);
  ~SimulatedDisk() override;
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // record::Disk
  [[nodiscard]] const char* vfs() const noexcept override { return name_.c_str(); }
  tl::expected<std::unique_ptr<record::FolderLock>, std::string> lock(
      const std::string& directory) override;
  [[nodiscard]] std::optional<std::uint64_t> size(const std::string& path) const override;
  [[nodiscard]] std::size_t quarantine_count(const std::string& directory) const override;
  tl::expected<std::string, std::string> quarantine(const std::string& directory,
                                                    const std::vector<std::string>& files,
                                                    const std::string& reason) override;

  // ---- faults
  void fail(const DiskFailure& failure);
  // Writes that would make all files together longer than this fail as on a full disk.
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  // No room for another byte from now on.
  void fill();
  // From now on a sync answers and brings nothing to the disk: no store can stand that.
  void lie() { lies_ = true; }
  // Ends failures and fullness; not a power cut.
  void heal();

  // Power goes at the n-th changing call from now: from that one on every call fails.
  void cut_power_at(std::uint64_t n);
  void cut_power() { powered_ = false; }
  [[nodiscard]] bool powered() const noexcept { return powered_; }
  // Power is back, and with it what the cut has left. Every file must have been closed.
  void restart();

  // ---- for those who look
  [[nodiscard]] std::uint64_t calls(DiskCall call) const noexcept;
  [[nodiscard]] std::uint64_t changes() const noexcept;  // calls that change the disk
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  [[nodiscard]] std::uint64_t bytes() const;
  // The content of every file by path, as a reader sees it, and putting one back.
  [[nodiscard]] std::map<std::string, std::string> files() const;
  void put(const std::string& path, std::string content);

  class File;  // an open file; for the VFS

 private:
  struct Change {
    bool truncates = false;
    std::uint64_t at = 0;  // offset, or the new size
    std::string bytes;     // a sector, as the cache held it after the write
  };
  struct Inode {
    std::string cached;
    std::string durable;
    std::vector<Change> unsynced;
  };
  struct Renaming {
    std::string path;
    std::shared_ptr<Inode> inode;  // null: removed
  };
  enum class Verdict : std::uint8_t { kDo, kIoError, kFull };

  Verdict judge(DiskCall call, std::uint64_t grows_by = 0);
  void sync_folder();
  static void note_write(Inode& inode, std::uint64_t offset, std::size_t count);
  static void apply(std::string& content, const Change& change);
  void crash(Inode& inode, double arrives);

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  Random random_;
  std::map<std::string, std::shared_ptr<Inode>> names_;    // as a reader sees them
  std::map<std::string, std::shared_ptr<Inode>> durable_;  // as they are on the disk
  std::vector<Renaming> unsynced_names_;
  std::set<std::string> locked_;
  std::array<std::uint64_t, kDiskCalls> calls_{};
  std::uint64_t failures_ = 0;
  DiskFailure failure_;
  std::uint64_t fail_in_ = 0;  // counted calls until the failure, 0: none is due
  bool failing_ = false;
  std::uint64_t capacity_ = UINT64_MAX;
  bool lies_ = false;
  bool powered_ = true;
  std::uint64_t cut_in_ = 0;
};

}  // namespace medius::sim
