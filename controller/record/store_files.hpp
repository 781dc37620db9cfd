// The store's directory: who may use it, and where damaged files go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace medius::record {

// Creates the directory (mode 0700, parents too) and locks it for this process until destroyed. The
// lock goes with the process, however it ends.
class DirectoryLock {
 public:
  static tl::expected<std::unique_ptr<DirectoryLock>, std::string> take(
      const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Moves the named files, as far as they exist, to DIRECTORY/quarantine-NNNN with a report.txt that
// says why. Nothing is ever deleted. Returns the new folder.
[[nodiscard]] tl::expected<std::string, std::string> quarantine(
    const std::string& directory, const std::vector<std::string>& files, const std::string& reason);

// How many quarantine folders there are.
[[nodiscard]] std::size_t quarantine_count(const std::string& directory);

}  // namespace medius::record
