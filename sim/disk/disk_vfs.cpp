#include "sim/disk/disk_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <sqlite3.h>

#include "sim/disk/simulated_disk.hpp"

namespace medius::sim {

// The operations of open files. A friend by nesting: it may judge and touch the disk's files.
class SimulatedDisk::File {
 public:
  sqlite3_file base{};  // first: SQLite sees this
  SimulatedDisk* disk = nullptr;
  std::shared_ptr<Inode> inode;
  bool syncs_folder = false;  // a journal just created: its first sync is the folder's too

  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

  static int code(Verdict verdict, int io_code) {
    return verdict == Verdict::kFull ? SQLITE_FULL : io_code;
  }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* memory, int flags,
                  int* flags_out);
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder);
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer);

  static int close(sqlite3_file* file) {
    of(file).~File();
    return SQLITE_OK;
  }

  static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
    File& self = of(file);
    if (self.disk->judge(DiskCall::kRead) != Verdict::kDo) return SQLITE_IOERR_READ;
    const std::string& content = self.inode->cached;
    const auto at = std::min(static_cast<std::size_t>(offset), content.size());
    const std::size_t there = std::min(content.size() - at, static_cast<std::size_t>(count));
    std::memcpy(bytes, content.data() + at, there);
    if (there == static_cast<std::size_t>(count)) return SQLITE_OK;
    std::memset(static_cast<char*>(bytes) + there, 0, static_cast<std::size_t>(count) - there);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    File& self = of(file);
    std::string& content = self.inode->cached;
    const auto at = static_cast<std::size_t>(offset);
    const auto end = at + static_cast<std::size_t>(count);
    const std::size_t grows_by = end > content.size() ? end - content.size() : 0;
    const Verdict verdict = self.disk->judge(DiskCall::kWrite, grows_by);
    if (verdict != Verdict::kDo) return code(verdict, SQLITE_IOERR_WRITE);
    if (end > content.size()) content.resize(end, '\0');
    std::memcpy(content.data() + at, bytes, static_cast<std::size_t>(count));
    note_write(*self.inode, at, static_cast<std::size_t>(count));
    return SQLITE_OK;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& self = of(file);
    if (self.disk->judge(DiskCall::kTruncate) != Verdict::kDo) return SQLITE_IOERR_TRUNCATE;
    self.inode->cached.resize(static_cast<std::size_t>(size), '\0');
    self.inode->unsynced.push_back({true, static_cast<std::uint64_t>(size), {}});
    return SQLITE_OK;
  }

  static int sync(sqlite3_file* file, int) {
    File& self = of(file);
    Inode& inode = *self.inode;
    const bool had_power = self.disk->powered_;
    if (self.disk->judge(DiskCall::kSync) != Verdict::kDo) {
      // Some of it may have arrived; none of it will be tried again. Without power the cut decides.
      if (had_power && self.disk->powered_) self.disk->crash(inode, 0.5);
      return SQLITE_IOERR_FSYNC;
    }
    if (self.disk->lies_) return SQLITE_OK;
    for (const Change& change : inode.unsynced) apply(inode.durable, change);
    inode.unsynced.clear();
    if (self.syncs_folder) self.disk->sync_folder();
    self.syncs_folder = false;
    return SQLITE_OK;
  }

  static int size(sqlite3_file* file, sqlite3_int64* size) {
    File& self = of(file);
    if (self.disk->judge(DiskCall::kSize) != Verdict::kDo) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>(self.inode->cached.size());
    return SQLITE_OK;
  }
};

namespace {

SimulatedDisk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<SimulatedDisk*>(vfs->pAppData);
}

// No shared memory and no mmap: the store uses neither. Locks are the folder's.
const sqlite3_io_methods kMethods = {
    1,
    &SimulatedDisk::File::close,
    &SimulatedDisk::File::read,
    &SimulatedDisk::File::write,
    &SimulatedDisk::File::truncate,
    &SimulatedDisk::File::sync,
    &SimulatedDisk::File::size,
    [](sqlite3_file*, int) { return SQLITE_OK; },
    [](sqlite3_file*, int) { return SQLITE_OK; },
    [](sqlite3_file*, int* held) {
      *held = 0;
      return SQLITE_OK;
    },
    [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
    // As SQLite's own VFS for Linux says: so the same code runs above it.
    [](sqlite3_file*) { return 4096; },
    [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

// 2026-01-01 00:00 UTC as a Julian day in milliseconds.
constexpr sqlite3_int64 kNowJulianMs = 212'634'028'800'000;

int randomness(sqlite3_vfs*, int count, char* out) {
  std::memset(out, 0x5a, static_cast<std::size_t>(count));
  return count;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  const std::size_t length = std::strlen(path) + 1;
  if (length > static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, length);
  return SQLITE_OK;
}

}  // namespace

int SimulatedDisk::File::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* memory, int flags,
                              int* flags_out) {
  memory->pMethods = nullptr;
  SimulatedDisk& disk = disk_of(vfs);
  if (disk.judge(DiskCall::kOpen) != Verdict::kDo) return SQLITE_CANTOPEN;
  std::shared_ptr<Inode> inode;
  bool is_new = false;
  if (path == nullptr) {
    inode = std::make_shared<Inode>();  // a temporary file without a name
  } else if (const auto found = disk.names_.find(path); found != disk.names_.end()) {
    inode = found->second;
  } else {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    is_new = true;
    inode = std::make_shared<Inode>();
    disk.names_[path] = inode;
    disk.unsynced_names_.push_back({path, inode});
  }
  auto* file = new (memory) File;
  file->base.pMethods = &kMethods;
  file->disk = &disk;
  file->inode = std::move(inode);
  // As SQLite's own VFS for Linux does.
  constexpr int kJournals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  file->syncs_folder = is_new && (flags & kJournals) != 0;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int SimulatedDisk::File::remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  SimulatedDisk& disk = disk_of(vfs);
  if (disk.judge(DiskCall::kRemove) != Verdict::kDo) return SQLITE_IOERR_DELETE;
  if (disk.names_.erase(path) == 0) return SQLITE_IOERR_DELETE_NOENT;
  disk.unsynced_names_.push_back({path, nullptr});
  if (sync_folder != 0) disk.sync_folder();
  return SQLITE_OK;
}

int SimulatedDisk::File::access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
  const auto size = disk_of(vfs).size(path);
  // As SQLite's own VFS: an empty file does not "exist".
  *answer = size && (flags != SQLITE_ACCESS_EXISTS || *size > 0) ? 1 : 0;
  return SQLITE_OK;
}

std::unique_ptr<sqlite3_vfs> make_disk_vfs(SimulatedDisk& disk, const std::string& name) {
  auto vfs = std::make_unique<sqlite3_vfs>();
  vfs->iVersion = 2;
  vfs->szOsFile = static_cast<int>(sizeof(SimulatedDisk::File));
  vfs->mxPathname = 512;
  vfs->zName = name.c_str();
  vfs->pAppData = &disk;
  vfs->xOpen = &SimulatedDisk::File::open;
  vfs->xDelete = &SimulatedDisk::File::remove;
  vfs->xAccess = &SimulatedDisk::File::access;
  vfs->xFullPathname = full_path;
  vfs->xRandomness = randomness;
  vfs->xSleep = [](sqlite3_vfs*, int us) { return us; };
  vfs->xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64* now) {
    *now = kNowJulianMs;
    return SQLITE_OK;
  };
  vfs->xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  sqlite3_vfs_register(vfs.get(), 0);
  return vfs;
}

void unregister_disk_vfs(sqlite3_vfs& vfs) {
  sqlite3_vfs_unregister(&vfs);
}

}  // namespace medius::sim
