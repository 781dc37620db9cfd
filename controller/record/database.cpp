#include "controller/record/database.hpp"

#include <cassert>
#include <utility>

#include <sqlite3.h>

namespace medius::record {
namespace {

int primary(int code) {
  return code & 0xff;
}

}  // namespace

bool DatabaseError::is_corruption() const noexcept {
  return primary(code) == SQLITE_CORRUPT || primary(code) == SQLITE_NOTADB ||
         code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA;
}

bool DatabaseError::content_is_unusable() const noexcept {
  // A flipped bit in the header makes SQLite call a writable file read-only or of an unknown
  // format.
  const int kind = primary(code);
  return is_corruption() || kind == SQLITE_ERROR || kind == SQLITE_READONLY ||
         kind == SQLITE_FORMAT || kind == SQLITE_SCHEMA || code == SQLITE_IOERR_READ ||
         code == SQLITE_IOERR_SHORT_READ;
}

bool DatabaseError::leaves_connection_sound() const noexcept {
  return primary(code) == SQLITE_FULL || primary(code) == SQLITE_CONSTRAINT ||
         primary(code) == SQLITE_TOOBIG;
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (database_.failed()) return;
  const int code = sqlite3_prepare_v2(database_.handle_, sql.data(), static_cast<int>(sql.size()),
                                      &statement_, nullptr);
  if (code != SQLITE_OK) database_.fail(code, std::string(sql));
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::check(int code) {
  if (code != SQLITE_OK && !database_.failed()) database_.fail(code, sqlite3_sql(statement_));
}

Statement& Statement::bind(std::int64_t value) {
  if (!database_.failed()) check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  if (!database_.failed()) {
    check(sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                            SQLITE_TRANSIENT));
  }
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  if (!database_.failed()) {
    check(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  }
  return *this;
}

Statement& Statement::bind_null() {
  if (!database_.failed()) check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Statement::next() {
  if (database_.failed()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) check(code);
  return false;
}

void Statement::run() {
  const bool returned_row = next();
  assert(!returned_row);
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || size <= 0) return {};
  return std::string(bytes, static_cast<std::size_t>(size));
}

tl::expected<std::unique_ptr<Database>, DatabaseError> Database::open(const std::string& path,
                                                                      Kind kind, const char* vfs) {
  std::unique_ptr<Database> database(new Database);
  const std::string name = kind == Kind::kMemory ? ":memory:" : path;
  const int code =
      sqlite3_open_v2(name.c_str(), &database->handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
  if (database->handle_ != nullptr) sqlite3_extended_result_codes(database->handle_, 1);
  if (code != SQLITE_OK) database->fail(code, "open");
  if (kind == Kind::kFile) {
    database->execute("PRAGMA locking_mode=EXCLUSIVE");
    database->execute("PRAGMA mmap_size=0");
    database->execute("PRAGMA cell_size_check=ON");
    database->execute("PRAGMA trusted_schema=OFF");
    // What is deleted or replaced is overwritten: a person who was erased leaves no older version.
    database->execute("PRAGMA secure_delete=ON");
    {
      Statement mode(*database, "PRAGMA journal_mode=WAL");
      if (mode.next() && mode.text(0) != "wal") database->fail(SQLITE_CANTOPEN, "journal_mode=WAL");
    }
    database->execute("PRAGMA synchronous=FULL");
    // 4 MB of WAL: the most that one damaged frame can take with it before it is in the main file.
    database->execute("PRAGMA wal_autocheckpoint=1000");
  }
  if (auto error = database->take_error()) return tl::unexpected(std::move(*error));
  return database;
}

Database::~Database() {
  // close_v2 cannot fail; every Statement is a local variable and gone by now.
  sqlite3_close_v2(handle_);
}

void Database::execute(const std::string& sql) {
  if (failed()) return;
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, sql);
}

tl::expected<void, DatabaseError> Database::transact(const std::function<void()>& body) {
  execute("BEGIN IMMEDIATE");  // an error of an earlier read makes this, and all after it, fail
  if (!failed()) body();
  execute("COMMIT");
  if (auto error = take_error()) {
    // A failed COMMIT may have rolled back by itself; a second rollback is then harmless.
    if (sqlite3_get_autocommit(handle_) == 0) {
      sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    return tl::unexpected(std::move(*error));
  }
  return {};
}

std::int64_t Database::integer_of(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.next() ? statement.integer(0) : 0;
}

tl::expected<void, DatabaseError> Database::checkpoint() {
  int frames = 0;
  int done = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done);
  if (code == SQLITE_OK) return {};
  fail(code, "checkpoint");
  return tl::unexpected(*take_error());
}

std::optional<std::string> Database::integrity_problem() {
  std::string finding;
  {
    Statement check(*this, "PRAGMA integrity_check(1)");
    if (check.next()) finding = check.text(0);
  }
  if (auto error = take_error()) return error->text;
  if (finding == "ok") return std::nullopt;
  return finding;
}

void Database::keep_wal_on_close() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

std::optional<DatabaseError> Database::take_error() {
  return std::exchange(error_, std::nullopt);
}

void Database::fail(int code, const std::string& doing) {
  if (failed()) return;
  const char* words = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  error_ = DatabaseError{
      code, std::string(words) + " (SQLite " + std::to_string(code) + ") at '" + doing + "'"};
}

tl::expected<std::unique_ptr<DatabaseCopy>, DatabaseError> DatabaseCopy::begin(
    Database& source, const std::string& path) {
  std::unique_ptr<DatabaseCopy> copy(new DatabaseCopy);
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &copy->target_, kFlags, nullptr);
  if (code == SQLITE_OK) {
    // A copy that is cut off is thrown away, so it needs no journal; the caller syncs a whole one.
    sqlite3_exec(copy->target_, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nullptr, nullptr,
                 nullptr);
    copy->backup_ = sqlite3_backup_init(copy->target_, "main", source.handle_, "main");
  }
  if (copy->backup_ != nullptr) return copy;
  return tl::unexpected(DatabaseError{code, sqlite3_errmsg(copy->target_)});
}

DatabaseCopy::~DatabaseCopy() {
  sqlite3_backup_finish(backup_);
  sqlite3_close_v2(target_);
}

tl::expected<void, DatabaseError> DatabaseCopy::step(int pages) {
  const int code = sqlite3_backup_step(backup_, pages);
  begun_ = true;
  if (code == SQLITE_OK || code == SQLITE_DONE) return {};
  return tl::unexpected(DatabaseError{code, std::string(sqlite3_errstr(code)) + " (SQLite " +
                                                std::to_string(code) + ") while copying"});
}

tl::expected<void, DatabaseError> DatabaseCopy::finish() {
  if (auto stepped = step(-1); !stepped) return stepped;
  const int code = sqlite3_backup_finish(std::exchange(backup_, nullptr));
  if (code != SQLITE_OK) return tl::unexpected(DatabaseError{code, sqlite3_errstr(code)});
  const int closed = sqlite3_close(std::exchange(target_, nullptr));
  if (closed != SQLITE_OK) return tl::unexpected(DatabaseError{closed, sqlite3_errstr(closed)});
  return {};
}

int DatabaseCopy::remaining() const noexcept {
  return backup_ == nullptr ? 0 : sqlite3_backup_remaining(backup_);
}

int DatabaseCopy::total() const noexcept {
  return backup_ == nullptr ? 0 : sqlite3_backup_pagecount(backup_);
}

}  // namespace medius::record
