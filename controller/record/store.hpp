// The station's store: embedded SQLite (WAL, synchronous FULL, one read-write connection, CRC per
// row, manifest). A set that was acknowledged survives kill, crash and power cut. Thread: every
// function runs on one thread (the record thread; in the world, the world's).
//
// Errors: whatever a function returns an error for was not acknowledged and is not half done;
// calling it again with the same arguments is safe, and completes it once the disk is well. After a
// failed sync the store reopens its files and checkpoints them before it believes them again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/audit.hpp"
#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

class Disk;
[[nodiscard]] Disk& real_disk();  // the computer's own files; disk.hpp

struct StoreError {
  std::string message;  // the thing, the value, the limit, the next step
};

struct StoreReport {
  std::string path;
  int schema_version = 0;
  std::uint64_t sessions = 0;
  std::uint64_t sets = 0;
  std::uint64_t guided = 0;        // exercises without the machine
  std::uint64_t rows_damaged = 0;  // CRC mismatch
  std::vector<std::string> damaged_ids;
  std::vector<std::string> missing_ids;      // acknowledged once, not in the database; stays named
  std::vector<std::string> interrupted_ids;  // open sets found at start, now marked interrupted
  std::vector<std::string> quarantined;      // folders that damaged files were moved to
  std::vector<std::string> notes;            // sentences for the log: what was found, what was done
};

class Store {
 public:
  // Opens or creates the store in a directory (created with mode 0700). Sets left open by a crash
  // are closed as kInterrupted with the repetitions that were journaled. Damaged files are moved
  // aside and new ones begun, so that the machine still trains. Refused: a directory another
  // process uses, a schema that a newer program wrote. `disk` outlives the store.
  static tl::expected<std::unique_ptr<Store>, StoreError> open(const std::string& directory,
                                                               Disk& disk = real_disk());
  // In memory, for simulations that keep nothing. Samples of the newest sets only (2.4 million).
  static tl::expected<std::unique_ptr<Store>, StoreError> open_in_memory();
  ~Store();

  // What opening found; damage that reading finds later is added.
  [[nodiscard]] const StoreReport& opening_report() const;

  [[nodiscard]] tl::expected<void, StoreError> put_session(const SessionRecord& session);
  // Journals an open set and then each repetition, so that a crash loses at most one repetition.
  [[nodiscard]] tl::expected<void, StoreError> open_set(const SetRecord& set);
  [[nodiscard]] tl::expected<void, StoreError> add_rep(const std::string& set_id,
                                                       const measure::RepMetrics& rep);
  // A block of samples of an open set, in tick order, at most 1 s (kMaxBlockSamples).
  [[nodiscard]] tl::expected<void, StoreError> add_samples(
      const std::string& set_id, std::span<const rt::SampleRecord> samples);
  // One transaction: when it returns, the set is durable ("acknowledged"). `set.reps` is the whole
  // list; when it is empty, the journaled repetitions stand. Closing a set again that an earlier,
  // failed call has closed only completes the acknowledgement; an acknowledged set is never
  // changed.
  [[nodiscard]] tl::expected<StoredSet, StoreError> close_set(const SetRecord& set);

  // An exercise without the machine that is over. One transaction: when it returns, it is durable
  // ("acknowledged") and never changed; the same record again only completes the acknowledgement.
  [[nodiscard]] tl::expected<void, StoreError> put_guided(const GuidedRecord& guided);

  // Keeps other metrics for a closed set, as recompute() made them: set() and sets_of() give them
  // from then on. The sealed rows stay. `set` has the same repetitions as the stored one.
  [[nodiscard]] tl::expected<void, StoreError> put_recomputed(const SetRecord& set);

  // Newest first, below `before_id` unless that is empty. Damaged rows are left out and named in
  // the report, here and below.
  [[nodiscard]] std::vector<SessionRecord> sessions(std::size_t limit,
                                                    const std::string& before_id);
  [[nodiscard]] std::optional<SessionRecord> session(const std::string& id);
  [[nodiscard]] std::vector<SetRecord> sets_of(const std::string& session_id);  // with repetitions
  [[nodiscard]] std::vector<GuidedRecord> guided_of(const std::string& session_id);
  [[nodiscard]] std::optional<SetRecord> set(const std::string& id);
  // All samples of a set; error if a block is damaged (names it).
  [[nodiscard]] tl::expected<std::vector<rt::SampleRecord>, StoreError> samples(
      const std::string& set_id);
  // The audit log. One transaction for all events: when it returns, they are durable; the newest
  // row. An error: none of them is stored. Rows can be neither changed nor removed by this program.
  [[nodiscard]] tl::expected<AuditHead, StoreError> append_audit(
      std::span<const AuditEvent> events);
  // Rows after a sequence, oldest first, as they stand; AuditVerifier judges them.
  [[nodiscard]] std::vector<AuditRow> audit_rows(std::uint64_t after, std::size_t limit);
  // The newest row that was acknowledged, as the manifest has it.
  [[nodiscard]] AuditHead audit_head() const;

  // Ids for new sessions and sets: strictly increasing over restarts, never reused.
  [[nodiscard]] tl::expected<std::string, StoreError> next_id();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::record
