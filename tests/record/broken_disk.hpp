// A disk that fails when told to: while it lives it is SQLite's default VFS, in front of the real
// one, and so sees every byte the store writes, the manifest's too. It fails the n-th write or
// sync, fills up, or loses power: then only what was synced is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace medius::record::test {

class BrokenDisk {
 public:
  BrokenDisk();
  ~BrokenDisk();
  BrokenDisk(const BrokenDisk&) = delete;
  BrokenDisk& operator=(const BrokenDisk&) = delete;

  // The n-th write or sync from now on (1 = the next) fails with an I/O error. `lasting`: all later
  // ones too, until heal().
  void fail_at(std::uint64_t n, bool lasting);
  // Writes that would make a file longer fail as on a full disk, until heal().
  void fill();
  void heal();
  // From the n-th write or sync on nothing reaches the disk any more, and all of them fail.
  void cut_power_at(std::uint64_t n);

  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  // Calls that were made to fail.
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  // Writes what a power cut leaves of the files in `from` to `to`: what was synced, and of each
  // sector that differs from it in the page cache one half or the other. As Linux does, a failed
  // sync marks its pages clean: a later sync that succeeds does not bring them to the disk, unless
  // they were written again.
  void leave_durable(const std::filesystem::path& from, const std::filesystem::path& to,
                     std::uint64_t torn_seed) const;

  // For the VFS methods.
  enum class Verdict : std::uint8_t { kDo, kIoError, kFull };
  Verdict judge(bool is_sync, bool grows);
  void written(const std::string& path, std::size_t offset, std::size_t size);
  void synced(const std::string& path);
  void sync_failed(const std::string& path);
  void removed(const std::string& path);

 private:
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  bool lasting_ = false;
  bool full_ = false;
  std::uint64_t failures_ = 0;
  struct Range {
    std::size_t offset;
    std::size_t size;
  };
  std::map<std::string, std::string> durable_;
  std::map<std::string, std::vector<Range>> dirty_;  // written since the last sync
};

}  // namespace medius::record::test
