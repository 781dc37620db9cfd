// A thin, owning wrapper of one SQLite connection. Errors stick: after the first one every call is
// ignored until take_error(), so that a sequence of statements is checked once, at its end.
// Thread: one, the record thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;

namespace medius::record {

struct DatabaseError {
  int code = 0;      // SQLite's extended result code
  std::string text;  // SQLite's words and what was being done

  // The file's content is damaged: no retry will help, the file has to be put aside.
  [[nodiscard]] bool is_corruption() const noexcept;
  // While opening: what the file holds cannot be used, though the disk answers.
  [[nodiscard]] bool content_is_unusable() const noexcept;
  // Nothing was written and the connection stays sound (disk full, a constraint, a file size limit
  // met by write()). Everything else makes the connection suspect: after a failed fsync the kernel
  // marks the pages clean, so that only a reopened connection and a full checkpoint tell the truth.
  [[nodiscard]] bool leaves_connection_sound() const noexcept;
};

class Database;

// One prepared statement, bound from left to right. Keeps the connection's sticky error.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind_null();

  // True while there is a row to read.
  [[nodiscard]] bool next();
  // Runs a statement that returns no rows; binds start anew.
  void run();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;  // also a blob's bytes

 private:
  void check(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

class Database {
 public:
  enum class Kind : std::uint8_t { kFile, kMemory };

  // WAL, synchronous FULL, exclusive locking (no second process can write or checkpoint: SQLite
  // 3.7.0-3.51.2 corrupts the file when two do), no mmap. `vfs`: a registered VFS, null for the
  // default.
  static tl::expected<std::unique_ptr<Database>, DatabaseError> open(const std::string& path,
                                                                     Kind kind,
                                                                     const char* vfs = nullptr);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);
  // BEGIN, body, COMMIT; rolled back if anything in it failed.
  [[nodiscard]] tl::expected<void, DatabaseError> transact(const std::function<void()>& body);
  // The first row's first column; 0 when there is no row.
  [[nodiscard]] std::int64_t integer_of(std::string_view sql);
  // Copies everything from the WAL into the main file and syncs it.
  [[nodiscard]] tl::expected<void, DatabaseError> checkpoint();
  // Nothing if every page and index is in order, else SQLite's first finding.
  [[nodiscard]] std::optional<std::string> integrity_problem();

  // Leaves the WAL as evidence when a damaged database is closed.
  void keep_wal_on_close();

  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  [[nodiscard]] std::optional<DatabaseError> take_error();
  void fail(int code, const std::string& doing);

 private:
  friend class Statement;
  friend class DatabaseCopy;
  Database() = default;

  sqlite3* handle_ = nullptr;
  std::optional<DatabaseError> error_;
};

// A copy of a database into another file, page by page, by SQLite's backup interface: what this
// connection writes meanwhile is in it. The source outlives it. Durable only once synced by the
// caller.
class DatabaseCopy {
 public:
  static tl::expected<std::unique_ptr<DatabaseCopy>, DatabaseError> begin(Database& source,
                                                                          const std::string& path);
  ~DatabaseCopy();
  DatabaseCopy(const DatabaseCopy&) = delete;
  DatabaseCopy& operator=(const DatabaseCopy&) = delete;

  [[nodiscard]] tl::expected<void, DatabaseError> step(int pages);
  // The rest at once, then closes the copy.
  [[nodiscard]] tl::expected<void, DatabaseError> finish();
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  // As of the last step.
  [[nodiscard]] int remaining() const noexcept;
  [[nodiscard]] int total() const noexcept;

 private:
  DatabaseCopy() = default;

  sqlite3* target_ = nullptr;
  sqlite3_backup* backup_ = nullptr;
  bool begun_ = false;
};

}  // namespace medius::record
