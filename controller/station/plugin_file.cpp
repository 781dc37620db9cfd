#include "controller/station/plugin_file.hpp"

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/station/plugin_elf.hpp"

namespace medius::station {
namespace {

constexpr off_t kFileMax = 64 * 1024 * 1024;  // profiles are some 20 kB

// The file as it was checked is the file that is opened: both go through this descriptor. It stays
// open with the library, because the loader knows the library by the descriptor's name.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  void keep_open() { fd_ = -1; }

 private:
  int fd_;
};

tl::expected<std::vector<unsigned char>, std::string> read_all(int fd, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return tl::unexpected(std::string("is not a file"));
  if (info.st_size > kFileMax) {
    return tl::unexpected("has " + std::to_string(info.st_size) + " bytes, at most " +
                          std::to_string(kFileMax) + " are read");
  }
  std::vector<unsigned char> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n <= 0) return tl::unexpected(std::string("cannot be read to its end"));
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

tl::expected<void, std::string> check_references(const std::vector<unsigned char>& bytes) {
  const auto references = read_elf_references(bytes);
  if (!references) return tl::unexpected(references.error());
  for (const std::string& library : references->libraries) {
    if (library_allowed(library)) continue;
    return tl::unexpected("needs the library " + library +
                          ", a profile may need only the C library; link it in statically or "
                          "do without it");
  }
  for (const std::string& symbol : references->symbols) {
    if (symbol_allowed(symbol)) continue;
    return tl::unexpected("uses " + symbol +
                          ", which is not on the list of what a profile may call (no heap, lock, "
                          "thread, clock or I/O in the 1 kHz loop); remove the call");
  }
  return {};
}

using FileKey = std::pair<dev_t, ino_t>;
// A library that is already in the process is not opened again, whichever host asks. [control]
// only.
std::map<FileKey, void*>& opened_libraries() {
  static std::map<FileKey, void*> libraries;
  return libraries;
}

}  // namespace

tl::expected<void*, std::string> open_library(const std::string& path) {
  File file(path);
  if (file.fd() < 0) {
    return tl::unexpected("cannot be opened: " + std::generic_category().message(errno));
  }
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return tl::unexpected(std::string("cannot be examined"));
  const FileKey key{info.st_dev, info.st_ino};
  const auto known = opened_libraries().find(key);
  if (known != opened_libraries().end()) return known->second;

  const auto bytes = read_all(file.fd(), info);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto allowed = check_references(*bytes);
  if (!allowed) return tl::unexpected(allowed.error());

  const std::string name = "/proc/self/fd/" + std::to_string(file.fd());
  void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    return tl::unexpected("cannot be loaded: " + std::string(reason ? reason : "no reason given") +
                          "; rebuild it for this machine");
  }
  file.keep_open();
  opened_libraries().emplace(key, library);
  return library;
}

}  // namespace medius::station
