// A disk that fails when told to: while it lives it is SQLite's default VFS, in front of the real
// one, and so sees every byte the store writes, the manifest's too. It fails the n-th write or
// sync, fills up, or loses power: then only what was synced is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

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
  // At least one call was made to fail.
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
  // Writes what a power cut leaves of the files in `from` to `to`: each file's content at its last
  // sync; with `torn`, a random part of what came after it as well.
  void leave_durable(const std::filesystem::path& from, const std::filesystem::path& to,
                     std::uint64_t torn_seed) const;

  // For the VFS methods.
  enum class Verdict : std::uint8_t { kDo, kIoError, kFull };
  Verdict judge(bool is_sync, bool grows);
  void synced(const std::string& path, const std::string& content);
  void removed(const std::string& path);

 private:
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  bool lasting_ = false;
  bool full_ = false;
  bool has_failed_ = false;
  std::map<std::string, std::string> durable_;
};

}  // namespace medius::record::test
