// The tables of the store's two databases, as numbered migrations that are only ever appended to.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "controller/record/database.hpp"

namespace medius::record {

struct Migration {
  const char* name;
  const char* sql;
};

// station.db: sessions, sets, repetitions. samples.db: blocks of samples, apart, so that the
// history is checked whole at every start however long the recordings grow.
[[nodiscard]] std::span<const Migration> station_migrations();
[[nodiscard]] std::span<const Migration> samples_migrations();

enum class SchemaProblem : std::uint8_t {
  kNewer,    // written by a newer program: leave it alone
  kDamaged,  // put it aside
  kError,    // the disk failed
};

struct SchemaError {
  SchemaProblem problem = SchemaProblem::kError;
  int version = 0;
  DatabaseError error;
};

// Brings the database up to the last migration, each in its own transaction, and compares the
// tables with what the migrations make. Returns the version.
[[nodiscard]] tl::expected<int, SchemaError> migrate(Database& database,
                                                     std::span<const Migration> migrations);

}  // namespace medius::record
