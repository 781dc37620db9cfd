// The inside of the store, shared by its two halves: store.cpp (reads and writes) and
// store_load.cpp (opening, verifying, putting aside). Not for others.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/record/backup.hpp"
#include "controller/record/database.hpp"
#include "controller/record/disk.hpp"
#include "controller/record/manifest.hpp"
#include "controller/record/rows.hpp"
#include "controller/record/store.hpp"

namespace medius::record {

// Ids are reserved in the database and in the manifest by this many at a time, so that handing one
// out is free; a restart skips at most as many.
inline constexpr std::uint64_t kIdBatch = 64;
// A store in memory keeps this much of samples: forty minutes of one axis. The oldest sets' go
// first.
inline constexpr std::size_t kMemorySamplesMax = 2'400'000;

struct SetRowFull {
  SetRecord set;  // without repetitions
  SetSeal seal;
  std::uint64_t sequence = 0;  // 0 = open
  std::uint64_t chain = 0;
};

struct Store::Impl {
  // What is under way: how much of it is in the store.
  struct OpenSet {
    std::uint32_t reps = 0;
    std::uint32_t blocks = 0;
    std::uint64_t blocks_digest = 0;
  };

  std::string directory;  // empty: in memory
  StoreReport report;
  Disk* disk = nullptr;              // null in memory
  std::unique_ptr<FolderLock> lock;  // outlives the databases
  std::unique_ptr<Database> station;
  std::unique_ptr<Database> blocks;     // null in memory
  std::unique_ptr<Manifest> manifest;   // null in memory
  std::uint64_t manifest_sequence = 0;  // acknowledged up to here
  ManifestState committed;              // what the database holds
  std::uint64_t next_id = 1;
  std::size_t writes_since_checkpoint = 0;
  std::weak_ptr<StoreBackup> backup;  // reads the databases: it ends before they are closed
  bool suspect = false;  // a write or a sync failed: reopen before trusting the connection again
  std::map<std::string, OpenSet> open_sets;
  // Blocks as they came: one vector would be copied over and over while it grows.
  struct KeptSamples {
    std::vector<std::vector<rt::SampleRecord>> blocks;
    std::size_t count = 0;
  };
  std::map<std::string, KeptSamples> memory_samples;
  std::size_t memory_samples_count = 0;

  [[nodiscard]] bool in_memory() const noexcept { return directory.empty(); }

  // store_load.cpp
  // Opens what is closed, verifies everything, names what is missing. Without `at_start` open sets
  // stay open: their owner lives.
  [[nodiscard]] tl::expected<void, StoreError> load(bool at_start);
  [[nodiscard]] tl::expected<void, StoreError> ensure_sound();

  // store.cpp
  // True if the last reads met a database error; the next call then reopens.
  bool read_failed();
  [[nodiscard]] StoreError broken(const std::string& doing, const DatabaseError& error);
  [[nodiscard]] tl::expected<void, StoreError> acknowledge();
  [[nodiscard]] tl::expected<void, StoreError> reserve_ids(std::uint64_t count);
  void note_damage(const std::string& id);
  [[nodiscard]] std::optional<SetRowFull> set_row(const std::string& id);
  [[nodiscard]] std::vector<measure::RepMetrics> reps_of(const std::string& id,
                                                         std::uint64_t& digest, bool& damaged);
  [[nodiscard]] std::optional<SetRecord> whole_set(const std::string& id);
  void apply_recomputed(SetRecord& set);
  // store_guided.cpp
  void scan_guided(std::vector<AcknowledgedWrite>& seen);
  [[nodiscard]] bool has_guided(const std::string& id, std::uint64_t sequence);
  // store_people.cpp
  void scan_people();
  [[nodiscard]] tl::expected<void, StoreError> people_changed(const std::string& doing,
                                                              const std::function<void()>& body);
  // store_erase.cpp
  [[nodiscard]] bool was_erased(const std::string& id);
  void erase_session(const std::string& session_id, const std::vector<std::string>& set_ids);
  // store_audit.cpp
  // The newest row, and whether the end is the one that was acknowledged.
  void find_audit_head(const AuditHead& known);
  // Within a transaction: the repetitions and the closed row. Moves `state` on.
  void write_closed(const SetRecord& set, SetSeal seal, ManifestState& state);
  void write_reps(const SetRecord& set, SetSeal& seal);
  [[nodiscard]] tl::expected<StoredSet, StoreError> already_closed(const SetRecord& set,
                                                                   const SetRowFull& row);

 private:
  [[nodiscard]] tl::expected<void, StoreError> open_database(std::unique_ptr<Database>& database,
                                                             const std::string& name,
                                                             bool whole_check);
  [[nodiscard]] tl::expected<void, StoreError> put_aside(const std::vector<std::string>& files,
                                                         const std::string& reason);
  [[nodiscard]] tl::expected<void, StoreError> open_manifest(ManifestState& state, bool& found);
  void scan_sessions(std::vector<AcknowledgedWrite>& seen);
  void scan_sets(std::vector<AcknowledgedWrite>& seen, std::vector<std::string>& open_ids);
  void scan_reps();
  void find_missing(const ManifestState& known);
  void find_orphaned_samples();
  void read_losses();
  [[nodiscard]] std::optional<std::uint64_t> stored_id_counter();
  void settle_ids(const ManifestState& known, bool manifest_found, bool anything_before);
  [[nodiscard]] tl::expected<void, StoreError> close_interrupted(const std::string& id);
  [[nodiscard]] tl::expected<void, StoreError> record_losses();
  [[nodiscard]] tl::expected<void, StoreError> verify(const ManifestState& known,
                                                      std::vector<std::string>& open_ids);
  [[nodiscard]] tl::expected<void, StoreError> settle(bool at_start, const ManifestState& known,
                                                      const std::vector<std::string>& open_ids);
};

// The row's checksums, one place for writing and reading.
[[nodiscard]] std::uint64_t chain_of(std::uint64_t before, std::uint64_t sequence,
                                     const std::string& id, const std::string& payload);
[[nodiscard]] std::uint32_t set_crc(const std::string& id, std::uint64_t sequence,
                                    std::uint64_t chain, const std::string& payload);
[[nodiscard]] std::uint64_t chain_after(std::uint64_t before, std::uint64_t sequence,
                                        std::uint32_t payload_crc);
[[nodiscard]] std::optional<SetRowFull> read_set_row(const Statement& row);
// What stands in the place of an erased set: the checksum that its payload had in the chain.
[[nodiscard]] std::string encode_erased_set(std::uint32_t payload_crc);
struct ErasedSet {
  std::uint64_t sequence = 0, chain = 0;
  std::uint32_t payload_crc = 0;
};
[[nodiscard]] std::optional<ErasedSet> read_erased_set(const Statement& row);
inline constexpr const char* kSetColumns = "id, session_id, sequence, chain, payload, crc";

// SQLite's integers are signed; ours are bit patterns.
[[nodiscard]] constexpr std::int64_t as_signed(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value);
}
[[nodiscard]] constexpr std::uint64_t as_unsigned(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value);
}

}  // namespace medius::record
