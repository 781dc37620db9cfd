#include "controller/record/disk.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace medius::record {
namespace {

namespace fs = std::filesystem;

void sync_directory(const fs::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

class DirectoryLock final : public FolderLock {
 public:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  ~DirectoryLock() override { ::close(descriptor_); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_;
};

class RealDisk final : public Disk {
 public:
  [[nodiscard]] const char* vfs() const noexcept override { return nullptr; }
  tl::expected<std::unique_ptr<FolderLock>, std::string> lock(
      const std::string& directory) override;
  [[nodiscard]] std::optional<std::uint64_t> size(const std::string& path) const override;
  [[nodiscard]] std::size_t quarantine_count(const std::string& directory) const override;
  tl::expected<std::string, std::string> quarantine(const std::string& directory,
                                                    const std::vector<std::string>& files,
                                                    const std::string& reason) override;
};

tl::expected<std::unique_ptr<FolderLock>, std::string> RealDisk::lock(
    const std::string& directory) {
  std::error_code error;
  const fs::path path(directory);
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), error);
  if (!error && ::mkdir(path.c_str(), 0700) == 0) sync_directory(path.parent_path());
  if (error || !fs::is_directory(path, error)) {
    return tl::unexpected("store " + directory +
                          ": cannot be created; name a folder that this user "
                          "may write to");
  }
  const std::string name = directory + "/lock";
  const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return tl::unexpected(name + ": cannot be opened for writing (" + reason_of(errno) +
                          "); check the folder's owner and mode");
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t length = ::read(descriptor, holder.data(), holder.size() - 1);
    ::close(descriptor);
    return tl::unexpected(
        "store " + directory + ": in use by process " +
        (length > 0 ? std::string(holder.data()) : "(unknown)") +
        ", one process at a time may open it; stop that one or name another folder");
  }
  // For the sentence above only; the lock itself is the kernel's.
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, pid.data(), pid.size(), 0);
  }
  return std::make_unique<DirectoryLock>(descriptor);
}

std::optional<std::uint64_t> RealDisk::size(const std::string& path) const {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) return std::nullopt;
  return bytes;
}

std::size_t RealDisk::quarantine_count(const std::string& directory) const {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with("quarantine-")) ++count;
  }
  return count;
}

tl::expected<std::string, std::string> RealDisk::quarantine(const std::string& directory,
                                                            const std::vector<std::string>& files,
                                                            const std::string& reason) {
  std::error_code error;
  fs::path folder;
  for (std::size_t number = quarantine_count(directory) + 1;; ++number) {
    std::array<char, 40> name{};
    std::snprintf(name.data(), name.size(), "quarantine-%04zu", number);
    folder = fs::path(directory) / name.data();
    if (fs::create_directory(folder, error)) break;
    if (error) {
      return tl::unexpected(folder.string() + ": cannot be created (" + error.message() +
                            "); free space or check the folder's mode");
    }
  }
  std::string moved;
  for (const std::string& file : files) {
    const fs::path from = fs::path(directory) / file;
    if (!fs::exists(from, error)) continue;
    fs::rename(from, folder / file, error);
    if (error) {
      return tl::unexpected(from.string() + ": damaged, and cannot be moved aside (" +
                            error.message() + "); move it by hand");
    }
    moved += "  " + file + '\n';
  }
  std::ofstream report(folder / "report.txt");
  report << "Put aside because: " << reason << "\nFiles:\n"
         << moved << "Nothing was deleted. A new file was begun in its place.\n";
  report.close();
  sync_directory(folder);
  sync_directory(directory);
  return folder.string();
}

}  // namespace

Disk& real_disk() {
  static RealDisk disk;
  return disk;
}

}  // namespace medius::record
