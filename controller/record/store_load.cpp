// Opening the store: put aside what is damaged, verify every row, name what is missing, close what
// a crash left open.
#include <algorithm>

#include "controller/measure/set_metrics.hpp"
#include "controller/record/sample_block.hpp"
#include "controller/record/schema.hpp"
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

constexpr const char* kStationFile = "station.db";
constexpr const char* kSamplesFile = "samples.db";
constexpr const char* kManifestFile = "manifest.bin";

// Beyond this only the tables' definitions of samples.db are checked at start (reading it all would
// take longer than a second); each block's CRC is checked when it is read, whatever the size.
constexpr std::uint64_t kWholeCheckBytesMax = 256u << 20;

// A read error may be over at the next attempt (a cable, a controller that was reset); SQLite may
// call it damage.
constexpr int kReadAttempts = 3;

// A store whose counters are all lost goes on in a new range of ids, above any that it can have
// used.
constexpr int kIdGenerationShift = 48;

std::string ids_in_words(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void add_once(std::vector<std::string>& list, const std::string& id) {
  if (std::find(list.begin(), list.end(), id) == list.end()) list.push_back(id);
}

// Why a database could not be used.
struct OpenProblem {
  bool damaged = false;  // what the disk answers is wrong; else: not ours to touch, or no room
  std::string text;
};

tl::expected<std::unique_ptr<Database>, OpenProblem> try_open(const std::string& path,
                                                              const Disk* disk,
                                                              std::span<const Migration> migrations,
                                                              bool whole_check) {
  const auto kind = disk == nullptr ? Database::Kind::kMemory : Database::Kind::kFile;
  auto opened = Database::open(path, kind, disk == nullptr ? nullptr : disk->vfs());
  if (!opened) {
    return tl::unexpected(OpenProblem{opened.error().content_is_unusable(), opened.error().text});
  }
  Database& database = **opened;
  const auto version = migrate(database, migrations);
  std::optional<OpenProblem> problem;
  if (!version && version.error().problem == SchemaProblem::kNewer) {
    problem = {false, "schema version " + std::to_string(version.error().version) +
                          ", this program knows up to " + std::to_string(migrations.size()) +
                          "; start the newer program that wrote it"};
  } else if (!version) {
    const SchemaError& error = version.error();
    problem = {error.problem != SchemaProblem::kError || error.error.content_is_unusable(),
               error.error.text};
  } else if (auto finding = whole_check ? database.integrity_problem() : std::nullopt) {
    problem = {true, std::move(*finding)};
  }
  if (!problem) return std::move(*opened);
  database.keep_wal_on_close();
  return tl::unexpected(std::move(*problem));
}

}  // namespace

tl::expected<void, StoreError> Store::Impl::put_aside(const std::vector<std::string>& files,
                                                      const std::string& reason) {
  auto folder = disk->quarantine(directory, files, reason);
  if (!folder) return tl::unexpected(StoreError{folder.error()});
  report.notes.push_back(directory + "/" + files.front() + ": damaged (" + reason + "), moved to " +
                         *folder + "; a new one was begun");
  report.quarantined.push_back(std::move(*folder));
  return {};
}

tl::expected<void, StoreError> Store::Impl::open_database(std::unique_ptr<Database>& database,
                                                          const std::string& name,
                                                          bool whole_check) {
  const std::string path = in_memory() ? "" : directory + "/" + name;
  const auto migrations = name == kStationFile ? station_migrations() : samples_migrations();
  // Once as it is, once more anew if what was there is damaged.
  for (bool fresh : {false, true}) {
    OpenProblem problem;
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
      auto opened = try_open(path, disk, migrations, whole_check);
      if (opened) {
        if (name == kStationFile) report.schema_version = static_cast<int>(migrations.size());
        database = std::move(*opened);
        return {};
      }
      problem = std::move(opened.error());
      if (!problem.damaged) break;
    }
    // A disk that does not work at all is no reason to put a good file aside.
    if (fresh || !problem.damaged || in_memory() || !disk_answers(*disk, directory)) {
      return tl::unexpected(
          StoreError{path + ": cannot be opened: " + problem.text +
                     "; check the folder's mode and the disk, or name another folder"});
    }
    if (auto aside =
            put_aside({name, name + "-wal", name + "-shm", name + "-journal"}, problem.text);
        !aside) {
      return aside;
    }
  }
  return {};
}

tl::expected<void, StoreError> Store::Impl::open_manifest(ManifestState& state, bool& found) {
  manifest.reset();
  const std::string path = directory + "/" + kManifestFile;
  for (bool fresh : {false, true}) {
    auto opened = Manifest::open(path, disk->vfs());
    for (int attempt = 1; attempt < kReadAttempts && opened && opened->unreadable; ++attempt) {
      opened->manifest.reset();
      opened = Manifest::open(path, disk->vfs());
    }
    if (!opened) return tl::unexpected(StoreError{opened.error()});
    if (opened->unreadable && (fresh || !disk_answers(*disk, directory))) {
      return tl::unexpected(StoreError{path + ": cannot be read; check or replace the disk"});
    }
    const bool useless = opened->existed && !opened->found && !opened->first_write_torn;
    if (!fresh && (useless || opened->unreadable)) {
      opened->manifest.reset();
      const char* why = opened->unreadable ? "it cannot be read" : "neither slot has a valid CRC";
      if (auto aside = put_aside({kManifestFile}, why); !aside) return aside;
      continue;
    }
    if (opened->damaged_slots > 0) {
      report.notes.push_back(path +
                             ": one of its two slots was damaged, or torn when power went; what "
                             "the other one says stands, and the next write mends it");
    }
    state = std::move(opened->state);
    found = opened->found;
    manifest = std::move(opened->manifest);
    return {};
  }
  return {};
}

void Store::Impl::scan_sessions(std::vector<AcknowledgedWrite>& seen) {
  Statement rows(*station, "SELECT id, sequence, payload, crc FROM sessions ORDER BY sequence");
  while (rows.next()) {
    const std::string id = rows.text(0);
    const auto sequence = as_unsigned(rows.integer(1));
    const std::string payload = rows.text(2);
    ++report.sessions;
    if (as_unsigned(rows.integer(3)) != row_crc("sessions", id, sequence, payload) ||
        !decode_session(payload)) {
      note_damage(id);
      continue;
    }
    committed.sequence = std::max(committed.sequence, sequence);
    seen.push_back({sequence, id_number(id)});
  }
}

void Store::Impl::scan_sets(std::vector<AcknowledgedWrite>& seen,
                            std::vector<std::string>& open_ids) {
  bool chain_known = true;
  const auto take_erased = [&](const ErasedSet& erased) {
    if (chain_known &&
        chain_after(committed.chain_head, erased.sequence, erased.payload_crc) != erased.chain) {
      report.notes.push_back("store " + directory +
                             ": the chain breaks before an erased set, so sets closed just before "
                             "it are missing; look for them in a backup");
    }
    chain_known = true;
    committed.chain_head = erased.chain;
    committed.sequence = std::max(committed.sequence, erased.sequence);
  };
  Statement rows(*station,
                 std::string("SELECT ") + kSetColumns + " FROM sets ORDER BY sequence, id");
  while (rows.next()) {
    const std::string id = rows.text(0);
    const auto row = read_set_row(rows);
    if (row && row->sequence == 0) {
      open_ids.push_back(id);
      continue;
    }
    ++committed.set_count;
    const auto erased = row ? std::nullopt : read_erased_set(rows);
    if (erased) {
      take_erased(*erased);
      seen.push_back({erased->sequence, id_number(id)});
      continue;
    }
    ++report.sets;
    if (!row) {
      note_damage(id);
      committed.chain_head = as_unsigned(rows.integer(3));
      chain_known = false;
      continue;
    }
    if (chain_known &&
        chain_of(committed.chain_head, row->sequence, id, rows.text(4)) != row->chain) {
      report.notes.push_back(
          "store " + directory + ": the chain breaks before set " + id +
          ", so sets closed just before it are missing; look for them in a backup");
    }
    chain_known = true;
    committed.chain_head = row->chain;
    committed.last_set_id = id_number(id);
    committed.sequence = std::max(committed.sequence, row->sequence);
    seen.push_back({row->sequence, id_number(id)});
  }
}

void Store::Impl::scan_reps() {
  // One pass in key order: every row's CRC, and per closed set the count and digest it vouches for.
  std::string current;
  std::uint64_t digest = 0;
  std::uint32_t count = 0;
  std::map<std::string, std::pair<std::uint32_t, std::uint64_t>> found;
  const auto finish = [&] {
    if (!current.empty()) found[current] = {count, digest};
  };
  {
    Statement rows(*station,
                   "SELECT set_id, ordinal, payload, crc FROM reps ORDER BY set_id, ordinal");
    while (rows.next()) {
      const std::string id = rows.text(0);
      if (id != current) {
        finish();
        current = id;
        digest = 0;
        count = 0;
      }
      const std::uint32_t crc = row_crc("reps", id, as_unsigned(rows.integer(1)), rows.text(2));
      if (as_unsigned(rows.integer(3)) != crc) note_damage(id);
      digest = chained(digest, crc);
      ++count;
    }
    finish();
  }
  Statement sets(*station, std::string("SELECT ") + kSetColumns + " FROM sets WHERE sequence<>0");
  while (sets.next()) {
    const auto row = read_set_row(sets);
    if (!row) continue;  // named by scan_sets()
    const auto reps = found.find(row->set.id);
    const std::uint32_t reps_found = reps == found.end() ? 0 : reps->second.first;
    const std::uint64_t reps_digest = reps == found.end() ? 0 : reps->second.second;
    if (reps_found != row->seal.reps || reps_digest != row->seal.reps_digest) {
      note_damage(row->set.id);
    }
  }
}

void Store::Impl::read_losses() {
  Statement rows(*station, "SELECT id, crc FROM losses ORDER BY id");
  while (rows.next()) {
    const std::string id = rows.text(0);
    if (as_unsigned(rows.integer(1)) != row_crc("losses", id, 0, "")) note_damage(id);
    add_once(report.missing_ids, id);
  }
}

void Store::Impl::find_missing(const ManifestState& known) {
  std::uint64_t sets_named = 0;
  for (const AcknowledgedWrite& write : known.recent) {
    const std::string id = id_text(write.id);
    bool there = false;
    bool is_session = false;
    {
      Statement row(*station, "SELECT sequence FROM sets WHERE id=?");
      there = row.bind(id).next() && as_unsigned(row.integer(0)) == write.sequence;
    }
    if (!there) {
      Statement row(*station, "SELECT sequence FROM sessions WHERE id=?");
      is_session = row.bind(id).next();
      there = is_session && as_unsigned(row.integer(0)) >= write.sequence;
    }
    there = there || has_guided(id, write.sequence) || was_erased(id);
    const bool damaged = std::find(report.damaged_ids.begin(), report.damaged_ids.end(), id) !=
                         report.damaged_ids.end();
    if (there || damaged) continue;
    if (!is_session) ++sets_named;
    add_once(report.missing_ids, id);
  }
  if (known.set_count > committed.set_count + sets_named) {
    report.notes.push_back(
        "store " + directory + ": " +
        ids_in_words(known.set_count - committed.set_count - sets_named, "older set") +
        " of the manifest's " + std::to_string(known.set_count) +
        " not in the database and too old to be named; look for them in quarantine or a backup");
  }
  // A set whose session is nowhere: the session was lost.
  Statement orphans(*station,
                    "SELECT DISTINCT session_id FROM sets WHERE sequence<>0 AND session_id<>''"
                    " AND session_id NOT IN (SELECT id FROM sessions)");
  while (orphans.next()) {
    const auto session = orphans.text(0);
    report.notes.push_back("store " + directory + ": sets name session " + session +
                           ", which is not in the database");
  }
}

void Store::Impl::find_orphaned_samples() {
  // Ids only grow: samples above the newest known set belong to one whose rows were lost.
  std::string last;
  {
    Statement newest(*station, "SELECT max(id) FROM sets");
    if (newest.next()) last = newest.text(0);
  }
  while (!blocks->failed()) {
    Statement next(*blocks, "SELECT min(set_id) FROM blocks WHERE set_id>?");
    next.bind(last);
    if (!next.next() || next.is_null(0)) break;
    last = next.text(0);
    if (is_id(last) && !open_sets.contains(last)) add_once(report.missing_ids, last);
  }
}

std::optional<std::uint64_t> Store::Impl::stored_id_counter() {
  Statement row(*station, "SELECT value, crc FROM counters WHERE name='ids'");
  if (!row.next()) return std::nullopt;
  const auto value = as_unsigned(row.integer(0));
  if (as_unsigned(row.integer(1)) != row_crc("counters", "ids", value, "")) return std::nullopt;
  return value;
}

void Store::Impl::settle_ids(const ManifestState& known, bool manifest_found,
                             bool anything_before) {
  const auto counter = stored_id_counter();
  std::uint64_t floor = std::max(known.id_high_water, counter.value_or(0));
  if (anything_before && !manifest_found && !counter) {
    floor = std::max<std::uint64_t>(floor, (disk->quarantine_count(directory) + 1)
                                               << kIdGenerationShift);
  }
  // A manifest whose newest slot was damaged is one reservation behind: skip one more.
  if (anything_before) floor += kIdsInARowMax;
  next_id = std::max(next_id, floor + 1);
  committed.id_high_water = next_id - 1;  // nothing reserved: the next id reserves anew
}

tl::expected<void, StoreError> Store::Impl::close_interrupted(const std::string& id) {
  auto row = set_row(id);
  if (!row) return {};
  SetRecord& set = row->set;
  std::uint64_t reps_digest = 0;
  bool damaged = false;
  set.reps = reps_of(id, reps_digest, damaged);
  if (damaged) note_damage(id);
  set.reps_counted = 0;
  set.reps_partial = 0;
  for (const measure::RepMetrics& rep : set.reps) {
    if (rep.kind == measure::RepKind::kFull) ++set.reps_counted;
    if (rep.kind == measure::RepKind::kPartial) ++set.reps_partial;
    set.end_tick = rep.end_tick;
  }
  SetSeal seal;
  set.samples = 0;
  set.samples_dropped = 0;
  std::uint64_t last_tick = 0;
  Statement rows(*blocks, "SELECT ordinal, payload FROM blocks WHERE set_id=? ORDER BY ordinal");
  rows.bind(id);
  while (rows.next()) {
    const std::string block = rows.text(1);
    const auto part = decode_sample_block({id_number(id), seal.blocks}, block);
    if (!part || rows.integer(0) != seal.blocks) {
      note_damage(id);
      break;
    }
    for (const rt::SampleRecord& sample : *part) {
      ++set.samples;
      if (sample.axis != set.axis) continue;
      const std::uint64_t gap = last_tick == 0 ? 0 : sample.tick - last_tick - 1;
      if (gap > sample.missed) set.samples_dropped += gap - sample.missed;
      last_tick = sample.tick;
    }
    seal.blocks_digest = chained(seal.blocks_digest, block_crc(block));
    ++seal.blocks;
  }
  set.end_tick = std::max({set.end_tick, last_tick, set.start_tick});
  // No clock here: the last recorded tick says when it ended.
  set.end_unix_ns = unix_ns_at(set, set.end_tick);
  set.end = SetEnd::kInterrupted;
  set.metrics = measure::set_metrics({set.reps, false});
  ManifestState next = committed;
  auto done = station->transact([&] { write_closed(set, seal, next); });
  if (!done) return tl::unexpected(broken("closing interrupted set " + id, done.error()));
  committed = std::move(next);
  ++report.sets;
  report.interrupted_ids.push_back(id);
  return {};
}

tl::expected<void, StoreError> Store::Impl::record_losses() {
  auto done = station->transact([&] {
    Statement insert(*station, "INSERT OR REPLACE INTO losses VALUES(?,?)");
    for (const std::string& id : report.missing_ids) {
      insert.bind(id).bind(row_crc("losses", id, 0, "")).run();
    }
  });
  if (!done) return tl::unexpected(broken("noting missing ids", done.error()));
  return {};
}

tl::expected<void, StoreError> Store::Impl::verify(const ManifestState& known,
                                                   std::vector<std::string>& open_ids) {
  const std::uint64_t id_high_water = committed.id_high_water;
  committed = {};
  committed.id_high_water = id_high_water;
  std::vector<AcknowledgedWrite> seen;
  scan_sessions(seen);
  scan_sets(seen, open_ids);
  scan_reps();
  scan_guided(seen);
  scan_people();
  find_audit_head(known.audit);
  std::sort(seen.begin(), seen.end(),
            [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  const std::size_t old = seen.size() - std::min(seen.size(), kManifestNames);
  committed.recent.assign(seen.begin() + static_cast<std::ptrdiff_t>(old), seen.end());
  read_losses();
  find_missing(known);
  find_orphaned_samples();
  committed.sequence = std::max(committed.sequence, known.sequence);
  if (auto error = blocks->take_error()) {
    // The rows stand without their samples; reading those will say so.
    report.notes.push_back("store " + directory + ": " + error->text);
  }
  if (auto error = station->take_error()) return tl::unexpected(broken("verifying", *error));
  return {};
}

tl::expected<void, StoreError> Store::Impl::load(bool at_start) {
  StoreReport before = std::move(report);
  report = {};
  report.path = directory;
  report.interrupted_ids = std::move(before.interrupted_ids);
  report.quarantined = std::move(before.quarantined);
  report.notes = std::move(before.notes);
  if (const auto running = backup.lock()) running->abandon();
  station.reset();
  blocks.reset();
  if (in_memory()) return open_database(station, kStationFile, false);

  bool anything_before = false;
  for (const char* name : {kStationFile, kSamplesFile, kManifestFile}) {
    anything_before = anything_before || disk->size(directory + "/" + name);
  }
  ManifestState known;
  bool manifest_found = false;
  if (auto opened = open_manifest(known, manifest_found); !opened) return opened;
  const auto samples_bytes = disk->size(directory + "/" + kSamplesFile);
  const bool small = samples_bytes && *samples_bytes <= kWholeCheckBytesMax;
  if (auto opened = open_database(station, kStationFile, true); !opened) return opened;
  if (auto opened = open_database(blocks, kSamplesFile, small); !opened) return opened;
  // What an earlier process wrote but could not sync exists in the page cache only: copying it to
  // the main files and syncing those makes it true.
  for (Database* database : {station.get(), blocks.get()}) {
    auto done = database->checkpoint();
    if (!done && !(at_start && done.error().leaves_connection_sound())) {
      return tl::unexpected(broken("checkpointing", done.error()));
    }
  }
  writes_since_checkpoint = 0;

  std::vector<std::string> open_ids;
  if (auto verified = verify(known, open_ids); !verified) return verified;
  if (at_start) settle_ids(known, manifest_found, anything_before);
  return settle(at_start, known, open_ids);
}

tl::expected<void, StoreError> Store::Impl::settle(bool at_start, const ManifestState& known,
                                                   const std::vector<std::string>& open_ids) {
  tl::expected<void, StoreError> done;
  if (!report.missing_ids.empty()) done = record_losses();
  if (at_start) {
    for (const std::string& id : open_ids) {
      if (done) done = close_interrupted(id);
    }
  }
  const bool manifest_is_right =
      known.sequence == committed.sequence && known.set_count == committed.set_count &&
      known.chain_head == committed.chain_head && known.id_high_water >= committed.id_high_water &&
      known.audit == committed.audit;
  manifest_sequence = known.sequence;
  if (done && (!at_start || !manifest_is_right)) done = acknowledge();
  if (!done && at_start) {
    // A full disk must not stop the history from being read; the next write says it again.
    report.notes.push_back(done.error().message);
    return {};
  }
  return done;
}

tl::expected<void, StoreError> Store::Impl::ensure_sound() {
  if (!suspect || in_memory()) return {};
  auto loaded = load(false);
  if (loaded) suspect = false;
  return loaded;
}

}  // namespace medius::record
