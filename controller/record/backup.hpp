// Copies of a store: made by SQLite's backup interface while it is in use, put back while it is
// not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/store.hpp"
#include "controller/record/verify.hpp"

namespace medius::record {

class DatabaseCopy;

// A copy under way. It is begun by Store::begin_backup() and belongs to the store's thread, to its
// end. Sets that are closed while it runs are in it or not, as whole sets.
class StoreBackup {
 public:
  struct Progress {
    std::uint64_t pages_done = 0;
    std::uint64_t pages_total = 0;
    bool finished = false;
  };

  ~StoreBackup();
  // Copies up to about a megabyte; the last step makes the copy durable under its final name.
  [[nodiscard]] tl::expected<Progress, StoreError> step();
  // Gives the copy up; its unfinished folder stays with ".partial" in its name.
  void abandon();
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  friend class Store;
  StoreBackup() = default;
  [[nodiscard]] tl::expected<void, StoreError> finish();

  Store* store_ = nullptr;
  std::string folder_;   // final name
  std::string partial_;  // while under way
  std::unique_ptr<DatabaseCopy> station_;
  std::unique_ptr<DatabaseCopy> samples_;
  std::string gone_;  // why it cannot go on
};

struct BackupInfo {
  std::string name;
  std::uint64_t bytes = 0;
};

// [any] Finished copies in a folder, by name.
[[nodiscard]] std::vector<BackupInfo> list_backups(const std::string& folder);

// [any] Letters, digits, '-', '_' and '.', at most 64, beginning with a letter or digit: a name of
// a folder that leads nowhere else.
[[nodiscard]] bool is_backup_name(const std::string& name);

// Looks at a copy without touching it: a copy of the copy is opened and verified whole.
[[nodiscard]] tl::expected<VerifyReport, StoreError> verify_copy(const std::string& folder);

struct Restored {
  VerifyReport report;
  std::string kept;  // where the store that was there before is now; empty: there was none
};
// Puts a copy in the place of the store in `directory`, which no daemon may use. The copy is
// verified first; with anything wrong in it nothing is changed. Nothing is deleted.
[[nodiscard]] tl::expected<Restored, StoreError> restore(const std::string& backup,
                                                         const std::string& directory);

struct Migrated {
  int from = 0;
  int to = 0;
  VerifyReport report;
  std::string kept;  // copy of the files as they were; empty when nothing had to be done
};
// Brings a store that no daemon uses to this program's schema, keeping a copy of its files first. A
// store of a newer program is refused.
[[nodiscard]] tl::expected<Migrated, StoreError> migrate_folder(const std::string& directory);

}  // namespace medius::record
