#include "controller/record/store.hpp"

#include <algorithm>

#include "controller/record/sample_block.hpp"
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

// A profile has a handful; the row format refuses more.
constexpr std::size_t kMaxParameters = 1024;

tl::expected<void, StoreError> check_id(const char* what, const std::string& id) {
  if (is_id(id)) return {};
  return tl::unexpected(StoreError{std::string(what) + " '" + id +
                                   "': an id is 16 lower-case hexadecimal digits; use next_id()"});
}

tl::expected<void, StoreError> check_set(const SetRecord& set) {
  if (auto id = check_id("set", set.id); !id) return id;
  if (set.parameters.size() > kMaxParameters) {
    return tl::unexpected(
        StoreError{"set " + set.id + ": " + std::to_string(set.parameters.size()) +
                   " parameters, at most 1024 are kept; shorten the profile's list"});
  }
  return check_id("session", set.session_id);
}

}  // namespace

std::uint64_t chain_of(std::uint64_t before, std::uint64_t sequence, const std::string& id,
                       const std::string& payload) {
  return chain_after(before, sequence, row_crc("sets", id, sequence, payload));
}

std::uint64_t chain_after(std::uint64_t before, std::uint64_t sequence, std::uint32_t payload_crc) {
  return chained(chained(before, sequence), payload_crc);
}

std::uint32_t set_crc(const std::string& id, std::uint64_t sequence, std::uint64_t chain,
                      const std::string& payload) {
  return row_crc("sets", id, chained(sequence, chain), payload);
}

std::optional<SetRowFull> read_set_row(const Statement& row) {
  const std::string id = row.text(0);
  const std::string payload = row.text(4);
  SetRowFull full;
  full.sequence = as_unsigned(row.integer(2));
  full.chain = as_unsigned(row.integer(3));
  if (as_unsigned(row.integer(5)) != set_crc(id, full.sequence, full.chain, payload)) {
    return std::nullopt;
  }
  auto decoded = decode_set(payload);
  if (!decoded || decoded->set.id != id || decoded->set.session_id != row.text(1)) {
    return std::nullopt;
  }
  full.set = std::move(decoded->set);
  full.seal = decoded->seal;
  return full;
}

bool Store::Impl::read_failed() {
  if (!station->take_error()) return false;
  suspect = true;
  return true;
}

StoreError Store::Impl::broken(const std::string& doing, const DatabaseError& error) {
  if (!error.leaves_connection_sound()) suspect = true;
  return StoreError{"store " + (in_memory() ? "in memory" : directory) + ": " + doing +
                    " failed, nothing was acknowledged: " + error.text +
                    "; free space on this disk or replace it, then try again"};
}

void Store::Impl::note_damage(const std::string& id) {
  ++report.rows_damaged;
  if (std::find(report.damaged_ids.begin(), report.damaged_ids.end(), id) ==
      report.damaged_ids.end()) {
    report.damaged_ids.push_back(id);
  }
}

tl::expected<void, StoreError> Store::Impl::acknowledge() {
  if (in_memory()) return {};
  // Everything the manifest may have to name must be in its list: keep the WAL shorter than that.
  if (++writes_since_checkpoint >= kManifestNames / 2 && station->checkpoint()) {
    writes_since_checkpoint = 0;
  }
  if (auto written = manifest->write(committed); !written) {
    return tl::unexpected(StoreError{written.error()});
  }
  manifest_sequence = committed.sequence;
  return {};
}

tl::expected<void, StoreError> Store::Impl::reserve_ids(std::uint64_t count) {
  const std::uint64_t limit = next_id + count - 1;
  auto done = station->transact([&] {
    Statement(*station, "INSERT OR REPLACE INTO counters VALUES('ids',?,?)")
        .bind(as_signed(limit))
        .bind(row_crc("counters", "ids", limit, ""))
        .run();
  });
  if (!done) return tl::unexpected(broken("reserving ids", done.error()));
  const std::uint64_t before = committed.id_high_water;
  committed.id_high_water = limit;
  auto acknowledged = acknowledge();
  if (!acknowledged) committed.id_high_water = before;
  return acknowledged;
}

std::optional<SetRowFull> Store::Impl::set_row(const std::string& id) {
  Statement row(*station, std::string("SELECT ") + kSetColumns + " FROM sets WHERE id=?");
  row.bind(id);
  if (!row.next()) return std::nullopt;
  auto full = read_set_row(row);
  if (!full && !read_erased_set(row)) note_damage(id);
  return full;
}

std::vector<measure::RepMetrics> Store::Impl::reps_of(const std::string& id, std::uint64_t& digest,
                                                      bool& damaged) {
  std::vector<measure::RepMetrics> reps;
  digest = 0;
  damaged = false;
  Statement rows(*station,
                 "SELECT ordinal, payload, crc FROM reps WHERE set_id=? ORDER BY ordinal");
  rows.bind(id);
  while (rows.next()) {
    const auto ordinal = as_unsigned(rows.integer(0));
    const std::string payload = rows.text(1);
    const std::uint32_t crc = row_crc("reps", id, ordinal, payload);
    auto rep = decode_rep(payload);
    // The journal counts from 0 without gaps: a hole is a repetition that was lost.
    if (as_unsigned(rows.integer(2)) != crc || !rep || ordinal != reps.size()) {
      damaged = true;
      break;
    }
    digest = chained(digest, crc);
    reps.push_back(*rep);
  }
  return reps;
}

std::optional<SetRecord> Store::Impl::whole_set(const std::string& id) {
  auto row = set_row(id);
  if (!row) return std::nullopt;
  std::uint64_t digest = 0;
  bool damaged = false;
  row->set.reps = reps_of(id, digest, damaged);
  const bool sealed = row->sequence != 0;
  if (damaged ||
      (sealed && (row->seal.reps != row->set.reps.size() || row->seal.reps_digest != digest))) {
    note_damage(id);
    return std::nullopt;
  }
  return std::move(row->set);
}

void Store::Impl::write_reps(const SetRecord& set, SetSeal& seal) {
  seal.reps = static_cast<std::uint32_t>(set.reps.size());
  seal.reps_digest = 0;
  Statement insert(*station, "INSERT OR REPLACE INTO reps VALUES(?,?,?,?)");
  for (std::size_t ordinal = 0; ordinal < set.reps.size(); ++ordinal) {
    const std::string payload = encode_rep(set.reps[ordinal]);
    const std::uint32_t crc = row_crc("reps", set.id, ordinal, payload);
    seal.reps_digest = chained(seal.reps_digest, crc);
    insert.bind(set.id).bind(as_signed(ordinal)).bind_blob(payload).bind(crc).run();
  }
  Statement(*station, "DELETE FROM reps WHERE set_id=? AND ordinal>=?")
      .bind(set.id)
      .bind(as_signed(set.reps.size()))
      .run();
}

void Store::Impl::write_closed(const SetRecord& set, SetSeal seal, ManifestState& state) {
  write_reps(set, seal);
  const std::uint64_t sequence = state.sequence + 1;
  const std::string payload = encode_set(set, seal);
  const std::uint64_t chain = chain_of(state.chain_head, sequence, set.id, payload);
  Statement(*station, "INSERT OR REPLACE INTO sets VALUES(?,?,?,?,?,?)")
      .bind(set.id)
      .bind(set.session_id)
      .bind(as_signed(sequence))
      .bind(as_signed(chain))
      .bind_blob(payload)
      .bind(set_crc(set.id, sequence, chain, payload))
      .run();
  state.sequence = sequence;
  state.chain_head = chain;
  state.last_set_id = id_number(set.id);
  ++state.set_count;
  state.remember({sequence, id_number(set.id)});
}

tl::expected<StoredSet, StoreError> Store::Impl::already_closed(const SetRecord& set,
                                                                const SetRowFull& row) {
  if (row.sequence <= manifest_sequence) {
    SetRecord plain = set;
    plain.reps.clear();
    if (encode_set(plain, {}) != encode_set(row.set, {})) {
      return tl::unexpected(StoreError{"set " + set.id +
                                       ": closed and acknowledged before with other values; an "
                                       "acknowledged set is never changed, take a new id"});
    }
  } else if (auto acknowledged = acknowledge(); !acknowledged) {
    return tl::unexpected(acknowledged.error());
  }
  auto stored = whole_set(set.id);
  if (read_failed() || !stored) {
    return tl::unexpected(StoreError{"set " + set.id + ": closed, but damaged when read back"});
  }
  open_sets.erase(set.id);
  return StoredSet{std::move(*stored), row.sequence};
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() {
  if (const auto running = impl_->backup.lock()) running->abandon();
}

tl::expected<std::unique_ptr<Store>, StoreError> Store::open(const std::string& directory,
                                                             Disk& disk) {
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->disk = &disk;
  auto lock = disk.lock(directory);
  if (!lock) return tl::unexpected(StoreError{lock.error()});
  impl->lock = std::move(*lock);
  if (auto loaded = impl->load(true); !loaded) return tl::unexpected(loaded.error());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

tl::expected<std::unique_ptr<Store>, StoreError> Store::open_in_memory() {
  auto impl = std::make_unique<Impl>();
  if (auto loaded = impl->load(true); !loaded) return tl::unexpected(loaded.error());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const StoreReport& Store::opening_report() const {
  return impl_->report;
}

tl::expected<void, StoreError> Store::put_session(const SessionRecord& session) {
  if (auto id = check_id("session", session.id); !id) return id;
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  ManifestState next = impl.committed;
  ++next.sequence;
  next.remember({next.sequence, id_number(session.id)});
  const std::string payload = encode_session(session);
  bool is_new = false;
  auto done = impl.station->transact([&] {
    {
      Statement known(*impl.station, "SELECT 1 FROM sessions WHERE id=?");
      is_new = !known.bind(session.id).next();
    }
    Statement(*impl.station, "INSERT OR REPLACE INTO sessions VALUES(?,?,?,?)")
        .bind(session.id)
        .bind(as_signed(next.sequence))
        .bind_blob(payload)
        .bind(row_crc("sessions", session.id, next.sequence, payload))
        .run();
  });
  if (!done) {
    return tl::unexpected(impl.broken("writing session " + session.id, done.error()));
  }
  if (is_new) ++impl.report.sessions;
  impl.committed = std::move(next);
  return impl.acknowledge();
}

tl::expected<void, StoreError> Store::open_set(const SetRecord& set) {
  if (auto checked = check_set(set); !checked) return checked;
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  if (impl.open_sets.contains(set.id)) return {};
  // An open row that is not ours to know is what a failed call of ours left: it is written anew.
  if (const auto row = impl.set_row(set.id); row && row->sequence != 0) {
    return tl::unexpected(StoreError{"set " + set.id +
                                     ": this id was used before; ids are never "
                                     "used again, take next_id()"});
  }
  SetRecord opened = set;
  opened.end = SetEnd::kOpen;
  opened.reps.clear();
  const std::string payload = encode_set(opened, {});
  auto done = impl.station->transact([&] {
    Statement(*impl.station, "INSERT OR REPLACE INTO sets VALUES(?,?,0,0,?,?)")
        .bind(set.id)
        .bind(set.session_id)
        .bind_blob(payload)
        .bind(set_crc(set.id, 0, 0, payload))
        .run();
  });
  if (!done) return tl::unexpected(impl.broken("opening set " + set.id, done.error()));
  impl.open_sets[set.id] = {};
  return {};
}

tl::expected<void, StoreError> Store::add_rep(const std::string& set_id,
                                              const measure::RepMetrics& rep) {
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  const auto open = impl.open_sets.find(set_id);
  if (open == impl.open_sets.end()) {
    return tl::unexpected(StoreError{"set " + set_id + ": not open; open_set() comes first"});
  }
  const std::uint64_t ordinal = open->second.reps;
  const std::string payload = encode_rep(rep);
  auto done = impl.station->transact([&] {
    Statement(*impl.station, "INSERT OR REPLACE INTO reps VALUES(?,?,?,?)")
        .bind(set_id)
        .bind(as_signed(ordinal))
        .bind_blob(payload)
        .bind(row_crc("reps", set_id, ordinal, payload))
        .run();
  });
  if (!done)
    return tl::unexpected(impl.broken("adding a repetition to set " + set_id, done.error()));
  ++open->second.reps;
  return {};
}

tl::expected<void, StoreError> Store::add_samples(const std::string& set_id,
                                                  std::span<const rt::SampleRecord> samples) {
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  const auto open = impl.open_sets.find(set_id);
  if (open == impl.open_sets.end()) {
    return tl::unexpected(StoreError{"set " + set_id + ": not open; open_set() comes first"});
  }
  if (samples.empty() || samples.size() > kMaxBlockSamples) {
    return tl::unexpected(StoreError{"set " + set_id + ": a block of " +
                                     std::to_string(samples.size()) + " samples, 1 to " +
                                     std::to_string(kMaxBlockSamples) + " are taken; split it"});
  }
  if (impl.in_memory()) {
    auto& kept = impl.memory_samples[set_id];
    if (kept.count + samples.size() > kMemorySamplesMax) {
      return tl::unexpected(StoreError{"set " + set_id +
                                       ": longer than the 2.4 million samples that "
                                       "a store in memory keeps; use one in a folder"});
    }
    kept.blocks.emplace_back(samples.begin(), samples.end());
    kept.count += samples.size();
    impl.memory_samples_count += samples.size();
    while (impl.memory_samples_count > kMemorySamplesMax && impl.memory_samples.size() > 1) {
      const auto oldest = impl.memory_samples.begin();
      impl.memory_samples_count -= oldest->second.count;
      impl.memory_samples.erase(oldest);
    }
    return {};
  }
  const std::uint32_t ordinal = open->second.blocks;
  const std::string block = encode_sample_block({id_number(set_id), ordinal}, samples);
  auto done = impl.blocks->transact([&] {
    Statement(*impl.blocks, "INSERT OR REPLACE INTO blocks(set_id, ordinal, payload) VALUES(?,?,?)")
        .bind(set_id)
        .bind(ordinal)
        .bind_blob(block)
        .run();
  });
  if (!done) return tl::unexpected(impl.broken("adding samples to set " + set_id, done.error()));
  open->second.blocks_digest = chained(open->second.blocks_digest, block_crc(block));
  ++open->second.blocks;
  return {};
}

tl::expected<StoredSet, StoreError> Store::close_set(const SetRecord& set) {
  if (auto checked = check_set(set); !checked) return tl::unexpected(checked.error());
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  if (const auto row = impl.set_row(set.id); row && row->sequence != 0) {
    return impl.already_closed(set, *row);
  }
  SetRecord closed = set;
  if (closed.end == SetEnd::kOpen) {
    return tl::unexpected(StoreError{"set " + set.id +
                                     ": closed without saying how it ended; fill "
                                     "SetRecord::end"});
  }
  if (closed.reps.empty()) {
    std::uint64_t digest = 0;
    bool damaged = false;
    closed.reps = impl.reps_of(set.id, digest, damaged);
    if (damaged) impl.note_damage(set.id);
  }
  SetSeal seal;
  if (const auto open = impl.open_sets.find(set.id); open != impl.open_sets.end()) {
    seal.blocks = open->second.blocks;
    seal.blocks_digest = open->second.blocks_digest;
  }
  ManifestState next = impl.committed;
  auto done = impl.station->transact([&] { impl.write_closed(closed, seal, next); });
  if (!done) return tl::unexpected(impl.broken("closing set " + set.id, done.error()));
  impl.committed = std::move(next);
  ++impl.report.sets;
  const std::uint64_t sequence = impl.committed.sequence;
  if (auto acknowledged = impl.acknowledge(); !acknowledged) {
    return tl::unexpected(acknowledged.error());
  }
  impl.open_sets.erase(set.id);
  return StoredSet{std::move(closed), sequence};
}

std::vector<SessionRecord> Store::sessions(std::size_t limit, const std::string& before_id) {
  std::vector<SessionRecord> result;
  if (!impl_->ensure_sound()) return result;
  std::vector<std::string> ids;
  {
    Statement rows(*impl_->station,
                   "SELECT id FROM sessions WHERE ?='' OR id<? ORDER BY id DESC LIMIT ?");
    rows.bind(before_id).bind(before_id).bind(as_signed(limit));
    while (rows.next()) ids.push_back(rows.text(0));
  }
  for (const std::string& id : ids) {
    if (auto found = session(id)) result.push_back(std::move(*found));
  }
  impl_->read_failed();
  return result;
}

std::optional<SessionRecord> Store::session(const std::string& id) {
  if (!impl_->ensure_sound()) return std::nullopt;
  std::optional<SessionRecord> session;
  {
    Statement row(*impl_->station, "SELECT sequence, payload, crc FROM sessions WHERE id=?");
    if (row.bind(id).next()) {
      const std::string payload = row.text(1);
      session = decode_session(payload);
      if (as_unsigned(row.integer(2)) !=
          row_crc("sessions", id, as_unsigned(row.integer(0)), payload)) {
        session.reset();
      }
      if (!session) impl_->note_damage(id);
    }
  }
  impl_->read_failed();
  return session;
}

std::vector<SetRecord> Store::sets_of(const std::string& session_id) {
  std::vector<SetRecord> result;
  if (!impl_->ensure_sound()) return result;
  std::vector<std::string> ids;
  {
    Statement rows(*impl_->station, "SELECT id FROM sets WHERE session_id=? ORDER BY id");
    rows.bind(session_id);
    while (rows.next()) ids.push_back(rows.text(0));
  }
  for (const std::string& id : ids) {
    if (auto found = set(id)) result.push_back(std::move(*found));
  }
  impl_->read_failed();
  return result;
}

std::optional<SetRecord> Store::set(const std::string& id) {
  if (!impl_->ensure_sound()) return std::nullopt;
  auto found = impl_->whole_set(id);
  if (found) impl_->apply_recomputed(*found);
  if (impl_->read_failed()) return std::nullopt;
  return found;
}

tl::expected<std::vector<rt::SampleRecord>, StoreError> Store::samples(const std::string& set_id) {
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  const auto row = impl.set_row(set_id);
  if (impl.read_failed() || !row)
    return tl::unexpected(StoreError{"set " + set_id + ": not in the store, or damaged"});
  if (impl.in_memory()) {
    const auto kept = impl.memory_samples.find(set_id);
    if (kept != impl.memory_samples.end()) {
      std::vector<rt::SampleRecord> all;
      all.reserve(kept->second.count);
      for (const auto& block : kept->second.blocks)
        all.insert(all.end(), block.begin(), block.end());
      return all;
    }
    if (row->set.samples == 0) return std::vector<rt::SampleRecord>{};
    return tl::unexpected(StoreError{"set " + set_id +
                                     ": its samples made room for newer sets; a "
                                     "store in memory keeps 2.4 million, use one in a folder"});
  }

  std::vector<rt::SampleRecord> samples;
  std::uint32_t ordinal = 0;
  std::uint64_t digest = 0;
  const auto damaged = [&](const std::string& why) {
    return tl::unexpected(StoreError{"set " + set_id + ": sample block " + std::to_string(ordinal) +
                                     " of " + std::to_string(row->seal.blocks) +
                                     " is damaged: " + why + "; restore it from a backup"});
  };
  Statement rows(*impl.blocks,
                 "SELECT ordinal, payload FROM blocks WHERE set_id=? ORDER BY ordinal");
  rows.bind(set_id);
  const bool sealed = row->sequence != 0;
  while ((!sealed || ordinal < row->seal.blocks) && rows.next()) {
    if (rows.integer(0) != ordinal) return damaged("it is missing");
    const std::string block = rows.text(1);
    auto part = decode_sample_block({id_number(set_id), ordinal}, block);
    if (!part) return damaged(part.error());
    samples.insert(samples.end(), part->begin(), part->end());
    digest = chained(digest, block_crc(block));
    ++ordinal;
  }
  if (auto error = impl.blocks->take_error()) {
    impl.suspect = true;
    return damaged(error->text);
  }
  if (sealed && ordinal < row->seal.blocks) return damaged("it is missing");
  if (sealed && digest != row->seal.blocks_digest) {
    ordinal = 0;
    return damaged("the blocks are not the ones that were recorded");
  }
  return samples;
}

tl::expected<std::string, StoreError> Store::next_id() {
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  if (impl.next_id > impl.committed.id_high_water) {
    if (auto reserved = impl.reserve_ids(kIdBatch); !reserved) {
      return tl::unexpected(reserved.error());
    }
  }
  return id_text(impl.next_id++);
}

tl::expected<std::string, StoreError> Store::next_ids(std::uint64_t count) {
  if (count == 0 || count > kIdsInARowMax) {
    return tl::unexpected(StoreError{"store: " + std::to_string(count) +
                                     " ids in a row, possible are 1 to " +
                                     std::to_string(kIdsInARowMax) + "; ask for fewer"});
  }
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  if (impl.next_id + count - 1 > impl.committed.id_high_water) {
    if (auto reserved = impl.reserve_ids(count); !reserved) return tl::unexpected(reserved.error());
  }
  const std::uint64_t first = impl.next_id;
  impl.next_id += count;
  return id_text(first);
}

}  // namespace medius::record
