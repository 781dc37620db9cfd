#include "tests/record/broken_disk.hpp"

#include <cstring>
#include <memory>
#include <new>

#include <sqlite3.h>

#include "controller/base/random.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

BrokenDisk* disk = nullptr;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs vfs;

struct File {
  sqlite3_file base;
  char* path;  // null for SQLite's own temporary files
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real();
}

int code_of(BrokenDisk::Verdict verdict, int io_code) {
  return verdict == BrokenDisk::Verdict::kFull ? SQLITE_FULL : io_code;
}

int close_file(sqlite3_file* file) {
  auto* ours = reinterpret_cast<File*>(file);
  const int code = ours->real()->pMethods->xClose(ours->real());
  delete[] ours->path;
  return code;
}

int write_bytes(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  sqlite3_int64 size = 0;
  real(file)->pMethods->xFileSize(real(file), &size);
  const auto verdict = disk->judge(false, offset + count > size);
  if (verdict != BrokenDisk::Verdict::kDo) return code_of(verdict, SQLITE_IOERR_WRITE);
  const int code = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  const auto* ours = reinterpret_cast<File*>(file);
  if (ours->path != nullptr) {
    disk->written(ours->path, static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }
  return code;
}

int sync_file(sqlite3_file* file, int flags) {
  const auto* ours = reinterpret_cast<File*>(file);
  const std::string path = ours->path != nullptr ? ours->path : "";
  const auto verdict = disk->judge(true, false);
  if (verdict != BrokenDisk::Verdict::kDo) {
    disk->sync_failed(path);
    return code_of(verdict, SQLITE_IOERR_FSYNC);
  }
  const int code = real(file)->pMethods->xSync(real(file), flags);
  disk->synced(path);
  return code;
}

const sqlite3_io_methods kMethods = {
    1,  // no shared memory, no mmap: the store uses neither
    close_file,
    [](sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
      return real(file)->pMethods->xRead(real(file), bytes, count, offset);
    },
    write_bytes,
    [](sqlite3_file* file, sqlite3_int64 size) {
      return real(file)->pMethods->xTruncate(real(file), size);
    },
    sync_file,
    [](sqlite3_file* file, sqlite3_int64* size) {
      return real(file)->pMethods->xFileSize(real(file), size);
    },
    [](sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); },
    [](sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); },
    [](sqlite3_file* file, int* held) {
      return real(file)->pMethods->xCheckReservedLock(real(file), held);
    },
    [](sqlite3_file* file, int operation, void* argument) {
      return real(file)->pMethods->xFileControl(real(file), operation, argument);
    },
    [](sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); },
    [](sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  auto* ours = reinterpret_cast<File*>(file);
  ours->base.pMethods = nullptr;
  ours->path = nullptr;
  const int code = real_vfs->xOpen(real_vfs, path, ours->real(), flags, flags_out);
  if (code != SQLITE_OK) return code;
  ours->base.pMethods = &kMethods;
  if (path != nullptr) {
    ours->path = new char[std::strlen(path) + 1];
    std::strcpy(ours->path, path);
  }
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int sync) {
  disk->removed(path);
  return real_vfs->xDelete(real_vfs, path, sync);
}

}  // namespace

BrokenDisk::BrokenDisk() {
  disk = this;
  real_vfs = sqlite3_vfs_find("unix");
  vfs = *real_vfs;
  vfs.zName = "broken";
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  sqlite3_vfs_register(&vfs, 1);
}

BrokenDisk::~BrokenDisk() {
  sqlite3_vfs_unregister(&vfs);
  sqlite3_vfs_register(real_vfs, 1);
  disk = nullptr;
}

void BrokenDisk::fail_at(std::uint64_t n, bool lasting) {
  fail_at_ = operations_ + n;
  lasting_ = lasting;
}

void BrokenDisk::fill() {
  full_ = true;
}

void BrokenDisk::heal() {
  fail_at_ = 0;
  full_ = false;
}

void BrokenDisk::cut_power_at(std::uint64_t n) {
  fail_at(n, true);
}

BrokenDisk::Verdict BrokenDisk::judge(bool is_sync, bool grows) {
  ++operations_;
  if (fail_at_ != 0 && (operations_ == fail_at_ || (lasting_ && operations_ > fail_at_))) {
    ++failures_;
    return Verdict::kIoError;
  }
  if (full_ && grows && !is_sync) {
    ++failures_;
    return Verdict::kFull;
  }
  return Verdict::kDo;
}

void BrokenDisk::written(const std::string& path, std::size_t offset, std::size_t size) {
  dirty_[path].push_back({offset, size});
}

void BrokenDisk::synced(const std::string& path) {
  const std::string now = read_file(path);
  std::string& durable = durable_[path];
  durable.resize(now.size(), '\0');
  for (const Range& range : dirty_[path]) {
    if (range.offset >= now.size()) continue;  // cut off since
    const std::string part = now.substr(range.offset, range.size);
    durable.replace(range.offset, part.size(), part);
  }
  dirty_[path].clear();
}

void BrokenDisk::sync_failed(const std::string& path) {
  dirty_[path].clear();
}

void BrokenDisk::removed(const std::string& path) {
  durable_.erase(path);
  dirty_.erase(path);
}

void BrokenDisk::leave_durable(const std::filesystem::path& from, const std::filesystem::path& to,
                               std::uint64_t torn_seed) const {
  Random random(torn_seed);
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const auto found = durable_.find(entry.path().string());
    std::string content = found == durable_.end() ? std::string() : found->second;
    // Any 512-byte sector written since the last sync may or may not have made it.
    const std::string now = read_file(entry.path());
    for (std::size_t at = 0; at < now.size(); at += 512) {
      const std::string sector = now.substr(at, 512);
      if (content.compare(std::min(at, content.size()), 512, sector) == 0) continue;
      if (!random.chance(0.5)) continue;
      if (content.size() < at + sector.size()) content.resize(at + sector.size(), '\0');
      content.replace(at, sector.size(), sector);
    }
    write_file(to / entry.path().filename(), content);
  }
}

}  // namespace medius::record::test
