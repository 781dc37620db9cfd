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
#include "controller/record/people.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

class Disk;
class StoreBackup;
[[nodiscard]] Disk& real_disk();  // the computer's own files; disk.hpp

struct StoreError {
  std::string message;  // the thing, the value, the limit, the next step
};

struct StoreReport {
  std::string path;
  int schema_version = 0;
  std::uint64_t sessions = 0;
  std::uint64_t sets = 0;
  std::uint64_t guided = 0;   // exercises without the machine
  std::uint64_t clients = 0;  // people who train
  std::uint64_t plans = 0;
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

  // People and plans: the newest value under its id, durable when the call returns. Their rows are
  // checked at every start; a damaged one is named "clients/ID" or "plans/ID".
  [[nodiscard]] tl::expected<void, StoreError> put_client(const ClientRecord& client);
  [[nodiscard]] std::optional<ClientRecord> client(const std::string& id);
  // By id, above `after_id` unless that is empty.
  [[nodiscard]] std::vector<ClientRecord> clients(std::size_t limit, const std::string& after_id);
  // The client's row alone: for somebody who has neither plans nor sessions.
  [[nodiscard]] tl::expected<void, StoreError> remove_client(const std::string& id);
  // The plan and, in the same transaction, a day of it.
  [[nodiscard]] tl::expected<void, StoreError> put_plan(const PlanRecord& plan,
                                                        const PlanDayRecord* day = nullptr);
  [[nodiscard]] std::optional<PlanRecord> plan(const std::string& id);
  // By id, above `after_id`; of one client unless `client_id` is empty.
  [[nodiscard]] std::vector<PlanRecord> plans(std::size_t limit, const std::string& after_id,
                                              const std::string& client_id = {});
  [[nodiscard]] std::vector<PlanDayRecord> plan_days(const std::string& plan_id);  // oldest first
  [[nodiscard]] tl::expected<void, StoreError> remove_plan(const std::string& id);
  // Oldest first. Reads every session's row: some 10 us each.
  [[nodiscard]] std::vector<SessionRecord> sessions_of_client(const std::string& client_id);
  // Takes everything of one person out of the databases, samples included, and overwrites the
  // space: their client row, plans, sessions, sets, repetitions and guided exercises. Of each set
  // an empty row with its checksum stays, so that the others' chain still holds. Nothing is undone
  // by an error; calling it again completes it. Backups are not reached.
  struct Erased {
    std::uint64_t plans = 0, sessions = 0, sets = 0, guided = 0;
  };
  [[nodiscard]] tl::expected<Erased, StoreError> erase_client(const std::string& client_id);

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
  // Newest first, below `before` unless that is 0.
  [[nodiscard]] std::vector<AuditRow> audit_rows_before(std::uint64_t before, std::size_t limit);
  // The newest row that was acknowledged, as the manifest has it.
  [[nodiscard]] AuditHead audit_head() const;

  // Begins a copy of the whole store as a folder of that name, which must not exist; backup.hpp.
  // One at a time. A store that reopens its files after a failed write ends it.
  [[nodiscard]] tl::expected<std::shared_ptr<StoreBackup>, StoreError> begin_backup(
      const std::string& folder);
  // SQLite's own check of station.db; nothing if all is well.
  [[nodiscard]] std::optional<std::string> integrity_problem();

  // Ids for new sessions and sets: strictly increasing over restarts, never reused.
  [[nodiscard]] tl::expected<std::string, StoreError> next_id();
  // The first of `count` ids in a row (1 to kIdsInARowMax), for somebody who hands them out
  // without asking again.
  static constexpr std::uint64_t kIdsInARowMax = 1u << 20;
  [[nodiscard]] tl::expected<std::string, StoreError> next_ids(std::uint64_t count);

 private:
  friend class StoreBackup;
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::record
