#include "controller/record/schema.hpp"

#include <array>

#include "controller/record/rows.hpp"

namespace medius::record {
namespace {

constexpr std::array<Migration, 6> kStation{{
    {"sessions, sets and repetitions",
     // sequence: of the acknowledged write; 0 while a set is open.
     "CREATE TABLE sessions(id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, payload BLOB NOT NULL,"
     " crc INTEGER NOT NULL) WITHOUT ROWID;"
     // chain: of all closed sets up to this one.
     "CREATE TABLE sets(id TEXT PRIMARY KEY, session_id TEXT NOT NULL, sequence INTEGER NOT NULL,"
     " chain INTEGER NOT NULL, payload BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE INDEX sets_by_session ON sets(session_id, id);"
     "CREATE TABLE reps(set_id TEXT NOT NULL, ordinal INTEGER NOT NULL, payload BLOB NOT NULL,"
     " crc INTEGER NOT NULL, PRIMARY KEY(set_id, ordinal)) WITHOUT ROWID;"
     "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL)"
     " WITHOUT ROWID;"
     // What was found missing once stays named.
     "CREATE TABLE losses(id TEXT PRIMARY KEY, crc INTEGER NOT NULL) WITHOUT ROWID;"},
    {"recomputed metrics, beside the sets as they were sealed",
     "CREATE TABLE recomputed(set_id TEXT PRIMARY KEY, payload BLOB NOT NULL, crc INTEGER NOT NULL)"
     " WITHOUT ROWID;"},
    {"exercises without the machine, as they were confirmed",
     "CREATE TABLE guided(id TEXT PRIMARY KEY, session_id TEXT NOT NULL, sequence INTEGER NOT NULL,"
     " payload BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE INDEX guided_by_session ON guided(session_id, id);"},
    {"the audit log, which is only ever appended to",
     "CREATE TABLE audit(sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL, before BLOB NOT NULL,"
     " hash BLOB NOT NULL);"
     "CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN"
     " SELECT RAISE(ABORT, 'the audit log is only appended to'); END;"
     "CREATE TRIGGER audit_undeleted BEFORE DELETE ON audit BEGIN"
     " SELECT RAISE(ABORT, 'the audit log is only appended to'); END;"},
    {"people, their plans, and what was erased",
     "CREATE TABLE clients(id TEXT PRIMARY KEY, payload BLOB NOT NULL, crc INTEGER NOT NULL)"
     " WITHOUT ROWID;"
     "CREATE TABLE plans(id TEXT PRIMARY KEY, client_id TEXT NOT NULL, payload BLOB NOT NULL,"
     " crc INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE INDEX plans_by_client ON plans(client_id, id);"
     "CREATE TABLE plan_days(plan_id TEXT NOT NULL, ordinal INTEGER NOT NULL, payload BLOB NOT"
     " NULL, crc INTEGER NOT NULL, PRIMARY KEY(plan_id, ordinal)) WITHOUT ROWID;"
     // Ids of erased sessions and guided exercises: asked for, and known not to be lost.
     "CREATE TABLE erased(id TEXT PRIMARY KEY, crc INTEGER NOT NULL) WITHOUT ROWID;"},
    // No table changes: a program that knows no such rows must refuse, not call them damaged.
    {"what the loop was told about a set, at the end of its row", ""},
}};

constexpr std::array<Migration, 1> kSamples{{
    {"blocks of samples",
     "CREATE TABLE blocks(number INTEGER PRIMARY KEY, set_id TEXT NOT NULL, ordinal INTEGER NOT "
     "NULL,"
     " payload BLOB NOT NULL);"
     "CREATE UNIQUE INDEX blocks_by_set ON blocks(set_id, ordinal);"},
}};

constexpr const char* kMigrationsTable =
    "CREATE TABLE migrations(version INTEGER PRIMARY KEY, name TEXT NOT NULL, crc INTEGER NOT "
    "NULL)";

std::uint32_t migration_crc(std::int64_t version, const std::string& name) {
  return row_crc("migrations", name, static_cast<std::uint64_t>(version), "");
}

SchemaError error_of(DatabaseError error) {
  const SchemaProblem problem =
      error.is_corruption() ? SchemaProblem::kDamaged : SchemaProblem::kError;
  return SchemaError{problem, 0, std::move(error)};
}

SchemaError damaged(const std::string& what) {
  return SchemaError{SchemaProblem::kDamaged, 0, DatabaseError{0, what}};
}

// Every table and index as SQLite remembers its text.
std::string schema_text(Database& database) {
  std::string text;
  Statement rows(database,
                 "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"
                 " WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name");
  while (rows.next()) {
    for (int column = 0; column < 4; ++column) text += rows.text(column) + '\n';
  }
  return text;
}

tl::expected<int, SchemaError> version_of(Database& database) {
  int version = 0;
  std::string damage;
  if (database.integer_of("SELECT count(*) FROM sqlite_schema") == 0) {
    database.execute(kMigrationsTable);
  }
  {
    Statement rows(database, "SELECT version, name, crc FROM migrations ORDER BY version");
    while (rows.next()) {
      if (rows.integer(2) != migration_crc(rows.integer(0), rows.text(1))) {
        damage = "the table of migrations is damaged";
        break;
      }
      version = static_cast<int>(rows.integer(0));
    }
  }
  if (auto error = database.take_error()) {
    // A database without our table of migrations is not ours: put it aside, not over it.
    if (error->code == 1) return tl::unexpected(damaged("it has no table of migrations"));
    return tl::unexpected(error_of(std::move(*error)));
  }
  if (!damage.empty()) return tl::unexpected(damaged(damage));
  return version;
}

tl::expected<void, SchemaError> apply(Database& database, std::span<const Migration> migrations,
                                      int from) {
  for (std::size_t i = static_cast<std::size_t>(from); i < migrations.size(); ++i) {
    const Migration& migration = migrations[i];
    const auto version = static_cast<std::int64_t>(i + 1);
    auto done = database.transact([&] {
      database.execute(migration.sql);
      Statement(database, "INSERT INTO migrations VALUES(?,?,?)")
          .bind(version)
          .bind(std::string_view(migration.name))
          .bind(static_cast<std::int64_t>(migration_crc(version, migration.name)))
          .run();
    });
    if (!done) return tl::unexpected(error_of(std::move(done.error())));
  }
  return {};
}

}  // namespace

std::span<const Migration> station_migrations() {
  return kStation;
}
std::span<const Migration> samples_migrations() {
  return kSamples;
}

tl::expected<int, SchemaError> migrate(Database& database, std::span<const Migration> migrations) {
  const int last = static_cast<int>(migrations.size());
  const auto version = version_of(database);
  if (!version) return version;
  if (*version > last) return tl::unexpected(SchemaError{SchemaProblem::kNewer, *version, {}});
  if (auto applied = apply(database, migrations, *version); !applied) {
    return tl::unexpected(std::move(applied.error()));
  }
  auto model = Database::open("", Database::Kind::kMemory);
  if (!model) return tl::unexpected(error_of(std::move(model.error())));
  (*model)->execute(kMigrationsTable);
  if (auto applied = apply(**model, migrations, 0); !applied) {
    return tl::unexpected(std::move(applied.error()));
  }
  const bool same = schema_text(**model) == schema_text(database);
  if (auto error = database.take_error()) return tl::unexpected(error_of(std::move(*error)));
  if (!same) return tl::unexpected(damaged("its tables are not the ones this program made"));
  return last;
}

}  // namespace medius::record
