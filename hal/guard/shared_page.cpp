#include "hal/guard/shared_page.hpp"

#include <cctype>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace medius::guard {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

SharedMemory::SharedMemory(SharedMemory&& other) noexcept {
  *this = std::move(other);
}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(inode_, other.inode_);
  std::swap(owner_, other.owner_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (owner_ && !replaced()) ::shm_unlink(name_.c_str());
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

tl::expected<SharedMemory, std::string> SharedMemory::create(const std::string& name,
                                                             std::size_t bytes) {
  const auto failure = [&name](const char* what) {
    const int error = errno;
    return tl::make_unexpected(
        fmt::format("shared memory {}: {} failed ({}); see that /dev/shm "
                    "can be written by this user",
                    name, what, reason(error)));
  };
  ::shm_unlink(name.c_str());
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failure("creating it");
  SharedMemory memory;
  struct stat facts {};
  void* data = MAP_FAILED;
  if (::ftruncate(file, static_cast<off_t>(bytes)) == 0 && ::fstat(file, &facts) == 0) {
    data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  }
  if (data == MAP_FAILED) {
    auto result = failure("mapping it");
    ::close(file);
    ::shm_unlink(name.c_str());
    return result;
  }
  ::close(file);
  memory.name_ = name;
  memory.data_ = data;
  memory.bytes_ = bytes;
  memory.inode_ = facts.st_ino;
  memory.owner_ = true;
  // Without the right to lock memory only a simulated machine runs anyway.
  static_cast<void>(::mlock(data, bytes));
  return memory;
}

std::optional<SharedMemory> SharedMemory::open(const std::string& name, std::size_t bytes) {
  const int file = ::shm_open(name.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return std::nullopt;
  struct stat facts {};
  const bool ours = ::fstat(file, &facts) == 0 && facts.st_uid == ::geteuid() &&
                    (facts.st_mode & 077u) == 0 && facts.st_size >= static_cast<off_t>(bytes);
  void* data = MAP_FAILED;
  if (ours) data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  ::close(file);
  if (data == MAP_FAILED) return std::nullopt;
  SharedMemory memory;
  memory.name_ = name;
  memory.data_ = data;
  memory.bytes_ = bytes;
  memory.inode_ = facts.st_ino;
  static_cast<void>(::mlock(data, bytes));
  return memory;
}

bool SharedMemory::replaced() const noexcept {
  const int file = ::shm_open(name_.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return true;
  struct stat facts {};
  const bool same = ::fstat(file, &facts) == 0 && facts.st_ino == inode_;
  ::close(file);
  return !same;
}

bool valid_name(const std::string& name) {
  constexpr std::size_t kLongest = 64;
  if (name.empty() || name.size() > kLongest) return false;
  for (const char letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-' && letter != '_') {
      return false;
    }
  }
  return true;
}

std::string heartbeat_name(const std::string& name) {
  return "/medius-heartbeat." + name;
}

std::string report_name(const std::string& name) {
  return "/medius-guard." + name;
}

}  // namespace medius::guard
