#include "controller/record/backup.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "controller/record/schema.hpp"
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

namespace fs = std::filesystem;

// 1 MiB of 4 KiB pages: a few milliseconds, which the samples' queue of 32 s does not notice.
constexpr int kPagesPerStep = 256;
constexpr const char* kFiles[] = {"station.db", "samples.db", "manifest.bin"};

StoreError failed(const std::string& path, const std::string& why, const char* next_step) {
  return {path + ": " + why + "; " + next_step};
}

// What was written is on the disk, and its name in the folder too.
tl::expected<void, StoreError> sync_path(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (done) return {};
  return tl::unexpected(failed(path, std::strerror(error), "check the disk and begin again"));
}

tl::expected<void, StoreError> sync_folder(const std::string& folder) {
  for (const char* name : kFiles) {
    if (auto done = sync_path(folder + "/" + name); !done) return done;
  }
  return sync_path(folder);
}

// The store's files and nothing else.
tl::expected<void, StoreError> copy_files(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  fs::permissions(to, fs::perms::owner_all, error);
  for (const char* name : kFiles) {
    for (const char* suffix : {"", "-wal"}) {
      const std::string file = std::string(name) + suffix;
      if (!fs::exists(from + "/" + file, error)) continue;
      fs::copy_file(from + "/" + file, to + "/" + file, error);
      if (error) {
        return tl::unexpected(failed(to + "/" + file, error.message(), "free space on this disk"));
      }
    }
  }
  return {};
}

// A name beside `path` that is not taken.
std::string free_name(const std::string& path, const std::string& what) {
  std::error_code error;
  for (int number = 1;; ++number) {
    std::string name = path + "." + what + "-" + std::to_string(number);
    if (!fs::exists(name, error)) return name;
  }
}

tl::expected<VerifyReport, StoreError> verify_opened(const std::string& folder) {
  auto store = Store::open(folder);
  if (!store) return tl::unexpected(store.error());
  VerifyReport report = verify_whole(**store);
  for (const std::string& aside : (*store)->opening_report().quarantined) {
    report.problems.push_back("a file is so damaged that it was put aside (" + aside + ")");
  }
  return report;
}

tl::expected<int, StoreError> version_of_file(const std::string& path) {
  auto opened = Database::open(path, Database::Kind::kFile);
  if (!opened) return tl::unexpected(failed(path, opened.error().text, "restore a backup"));
  const auto version = (*opened)->integer_of("SELECT max(version) FROM migrations");
  if (const auto error = (*opened)->take_error()) {
    return tl::unexpected(failed(path, error->text, "restore a backup"));
  }
  return static_cast<int>(version);
}

// A folder with a database in it, however damaged that may be.
tl::expected<void, StoreError> check_is_store(const std::string& folder) {
  std::error_code error;
  if (fs::is_regular_file(folder + "/station.db", error)) return {};
  return tl::unexpected(failed(folder, "there is no station.db in it",
                               "name a folder that 'medius store backup' made"));
}

}  // namespace

StoreBackup::~StoreBackup() {
  abandon();
}

void StoreBackup::abandon() {
  station_.reset();
  samples_.reset();
  if (gone_.empty()) gone_ = "it was given up";
}

tl::expected<StoreBackup::Progress, StoreError> StoreBackup::step() {
  if (!gone_.empty()) {
    return tl::unexpected(failed(folder_, "the backup cannot go on: " + gone_, "begin it again"));
  }
  // Samples first: whatever set station.db then speaks of has its samples in the copy.
  for (DatabaseCopy* copy : {samples_.get(), station_.get()}) {
    if (copy->remaining() <= kPagesPerStep && copy->begun()) continue;
    if (auto copied = copy->step(kPagesPerStep); !copied) {
      abandon();
      return tl::unexpected(
          failed(partial_, copied.error().text, "free space on this disk and begin again"));
    }
    break;
  }
  Progress progress;
  bool nearly = true;
  for (const DatabaseCopy* copy : {samples_.get(), station_.get()}) {
    progress.pages_total += static_cast<std::uint64_t>(copy->total());
    progress.pages_done += static_cast<std::uint64_t>(copy->total() - copy->remaining());
    nearly = nearly && copy->begun() && copy->remaining() <= kPagesPerStep;
  }
  if (!nearly) return progress;
  // The rest of both in one go, with nothing written in between: one moment of the store.
  if (auto finished = finish(); !finished) {
    abandon();
    return tl::unexpected(finished.error());
  }
  progress.pages_done = progress.pages_total;
  progress.finished = true;
  return progress;
}

tl::expected<void, StoreError> StoreBackup::finish() {
  for (DatabaseCopy* copy : {samples_.get(), station_.get()}) {
    if (auto copied = copy->finish(); !copied) {
      return tl::unexpected(
          failed(partial_, copied.error().text, "free space on this disk and begin again"));
    }
  }
  auto manifest = Manifest::open(partial_ + "/manifest.bin");
  if (!manifest) return tl::unexpected(StoreError{manifest.error()});
  if (auto written = manifest->manifest->write(store_->impl_->committed); !written) {
    return tl::unexpected(StoreError{written.error()});
  }
  manifest->manifest.reset();
  station_.reset();
  samples_.reset();
  if (auto synced = sync_folder(partial_); !synced) return synced;
  std::error_code error;
  fs::rename(partial_, folder_, error);
  if (error) return tl::unexpected(failed(folder_, error.message(), "choose another name"));
  gone_ = "it is finished";
  return sync_path(fs::path(folder_).parent_path().string());
}

tl::expected<std::shared_ptr<StoreBackup>, StoreError> Store::begin_backup(
    const std::string& folder) {
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  if (impl_->in_memory()) {
    return tl::unexpected(
        StoreError{"this store is in memory and keeps nothing; there is nothing "
                   "to back up, start the daemon with a data directory"});
  }
  if (const auto running = impl_->backup.lock(); running && running->gone_.empty()) {
    return tl::unexpected(failed(running->folder_, "this backup is under way", "wait for its end"));
  }
  std::error_code error;
  if (fs::exists(folder, error)) {
    return tl::unexpected(failed(folder, "it exists already", "choose another name"));
  }
  std::shared_ptr<StoreBackup> backup(new StoreBackup);
  backup->store_ = this;
  backup->folder_ = folder;
  backup->partial_ = free_name(folder, "partial");
  fs::create_directories(backup->partial_, error);
  if (error) {
    return tl::unexpected(failed(backup->partial_, error.message(), "check its owner and mode"));
  }
  fs::permissions(backup->partial_, fs::perms::owner_all, error);
  const auto begin = [&](Database& source, const char* name,
                         std::unique_ptr<DatabaseCopy>& copy) -> tl::expected<void, StoreError> {
    auto begun = DatabaseCopy::begin(source, backup->partial_ + "/" + name);
    if (!begun) {
      return tl::unexpected(
          failed(backup->partial_ + "/" + name, begun.error().text, "check the disk"));
    }
    copy = std::move(*begun);
    return {};
  };
  if (auto begun = begin(*impl_->blocks, "samples.db", backup->samples_); !begun) {
    return tl::unexpected(begun.error());
  }
  if (auto begun = begin(*impl_->station, "station.db", backup->station_); !begun) {
    return tl::unexpected(begun.error());
  }
  impl_->backup = backup;
  return backup;
}

bool is_backup_name(const std::string& name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 64 &&
         std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         std::all_of(name.begin(), name.end(), plain) && name.find(".partial") == std::string::npos;
}

std::vector<BackupInfo> list_backups(const std::string& folder) {
  std::vector<BackupInfo> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    BackupInfo info{entry.path().filename().string(), 0};
    if (!is_backup_name(info.name) || !check_is_store(entry.path().string())) continue;
    for (const char* name : kFiles) {
      const auto size = fs::file_size(entry.path() / name, error);
      if (!error) info.bytes += size;
    }
    found.push_back(std::move(info));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

tl::expected<VerifyReport, StoreError> verify_copy(const std::string& folder) {
  if (auto store = check_is_store(folder); !store) return tl::unexpected(store.error());
  const std::string look = free_name(folder, "verify");
  auto copied = copy_files(folder, look);
  auto report = copied ? verify_opened(look)
                       : tl::expected<VerifyReport, StoreError>(tl::unexpected(copied.error()));
  std::error_code error;
  fs::remove_all(look, error);
  return report;
}

tl::expected<Restored, StoreError> restore(const std::string& backup,
                                           const std::string& directory) {
  if (auto store = check_is_store(backup); !store) return tl::unexpected(store.error());
  std::error_code error;
  std::unique_ptr<FolderLock> lock;
  const bool there = fs::exists(directory, error);
  if (there) {
    auto locked = real_disk().lock(directory);
    if (!locked) return tl::unexpected(StoreError{locked.error()});
    lock = std::move(*locked);
  }
  const std::string fresh = free_name(directory, "restoring");
  if (auto copied = copy_files(backup, fresh); !copied) return tl::unexpected(copied.error());
  auto report = verify_opened(fresh);
  if (!report || !report->sound()) {
    fs::remove_all(fresh, error);
    if (!report) return tl::unexpected(report.error());
    return tl::unexpected(failed(backup, "it is not sound (" + report->problems.front() + ")",
                                 "choose another backup; nothing was changed"));
  }
  if (auto synced = sync_folder(fresh); !synced) return tl::unexpected(synced.error());
  Restored restored{std::move(*report), ""};
  if (there) {
    restored.kept = free_name(directory, "before-restore");
    fs::rename(directory, restored.kept, error);
    if (error)
      return tl::unexpected(failed(directory, error.message(), "check its owner and mode"));
    // Copies made by the daemon belong to the station, whichever store is in use.
    if (fs::exists(restored.kept + "/backups", error)) {
      fs::rename(restored.kept + "/backups", fresh + "/backups", error);
    }
  }
  fs::rename(fresh, directory, error);
  if (error) return tl::unexpected(failed(directory, error.message(), "check its owner and mode"));
  if (auto synced = sync_path(fs::path(fs::absolute(directory)).parent_path().string()); !synced) {
    return tl::unexpected(synced.error());
  }
  return restored;
}

tl::expected<Migrated, StoreError> migrate_folder(const std::string& directory) {
  if (auto store = check_is_store(directory); !store) return tl::unexpected(store.error());
  Migrated migrated;
  {
    auto locked = real_disk().lock(directory);
    if (!locked) return tl::unexpected(StoreError{locked.error()});
    const auto version = version_of_file(directory + "/station.db");
    if (!version) return tl::unexpected(version.error());
    migrated.from = *version;
    migrated.to = static_cast<int>(station_migrations().size());
    if (migrated.from == migrated.to) return migrated;
    if (migrated.from > migrated.to) {
      return tl::unexpected(failed(directory,
                                   "schema version " + std::to_string(migrated.from) +
                                       ", this program knows up to " + std::to_string(migrated.to),
                                   "use the newer program that wrote it"));
    }
    migrated.kept = free_name(directory, "schema-" + std::to_string(migrated.from));
    if (auto copied = copy_files(directory, migrated.kept); !copied) {
      return tl::unexpected(copied.error());
    }
    if (auto synced = sync_folder(migrated.kept); !synced) return tl::unexpected(synced.error());
  }
  auto report = verify_opened(directory);
  if (!report) return tl::unexpected(report.error());
  migrated.report = std::move(*report);
  return migrated;
}

}  // namespace medius::record
