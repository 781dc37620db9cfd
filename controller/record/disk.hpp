// The disk under a store: a SQLite VFS that every byte goes through, and the few things that a VFS
// cannot do. The simulated one (sim/disk) loses power, fails and fills up when told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace medius::record {

// Holds a folder for one owner until it is destroyed.
class FolderLock {
 public:
  virtual ~FolderLock() = default;
};

class Disk {
 public:
  virtual ~Disk() = default;

  // The name under which the VFS is registered; null: SQLite's own default.
  [[nodiscard]] virtual const char* vfs() const noexcept = 0;
  // Creates the folder (mode 0700) if it is missing, and locks it. Errors: a sentence.
  [[nodiscard]] virtual tl::expected<std::unique_ptr<FolderLock>, std::string> lock(
      const std::string& directory) = 0;
  // Nothing: there is no such file.
  [[nodiscard]] virtual std::optional<std::uint64_t> size(const std::string& path) const = 0;
  // Moves those of `files` that exist from `directory` into a new folder quarantine-NNNN in it,
  // writes `reason` into a report.txt beside them, and returns the folder's path. Nothing is ever
  // deleted.
  [[nodiscard]] virtual tl::expected<std::string, std::string> quarantine(
      const std::string& directory, const std::vector<std::string>& files,
      const std::string& reason) = 0;
  // How many quarantine folders a directory has.
  [[nodiscard]] virtual std::size_t quarantine_count(const std::string& directory) const = 0;
};

// The computer's own files; the lock is flock(2)'s.
[[nodiscard]] Disk& real_disk();

}  // namespace medius::record
