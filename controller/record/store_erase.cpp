// Taking one person out of the store. What other records vouch for keeps a checksum in its place;
// everything else is deleted with the space overwritten, the write-ahead log included.
#include <algorithm>

#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

constexpr std::string_view kErasedMark = "erased";

}  // namespace

std::string encode_erased_set(std::uint32_t payload_crc) {
  std::string payload(kErasedMark);
  for (int shift = 0; shift < 32; shift += 8) {
    payload += static_cast<char>((payload_crc >> shift) & 0xffu);
  }
  return payload;
}

std::optional<ErasedSet> read_erased_set(const Statement& row) {
  const std::string payload = row.text(4);
  if (payload.size() != kErasedMark.size() + 4 || !payload.starts_with(kErasedMark)) {
    return std::nullopt;
  }
  ErasedSet erased;
  erased.sequence = as_unsigned(row.integer(2));
  erased.chain = as_unsigned(row.integer(3));
  const std::uint32_t crc = set_crc(row.text(0), erased.sequence, erased.chain, payload);
  if (as_unsigned(row.integer(5)) != crc) return std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto byte = static_cast<unsigned char>(payload[kErasedMark.size() + i]);
    erased.payload_crc |= static_cast<std::uint32_t>(byte) << (8 * i);
  }
  return erased;
}

bool Store::Impl::was_erased(const std::string& id) {
  Statement row(*station, "SELECT crc FROM erased WHERE id=?");
  return row.bind(id).next() && as_unsigned(row.integer(0)) == row_crc("erased", id, 0, "");
}

// Within a transaction.
void Store::Impl::erase_session(const std::string& session_id,
                                const std::vector<std::string>& set_ids) {
  const auto forget = [this](const std::string& id) {
    Statement(*station, "INSERT OR REPLACE INTO erased VALUES(?,?)")
        .bind(id)
        .bind(row_crc("erased", id, 0, ""))
        .run();
  };
  for (const std::string& id : set_ids) {
    std::uint64_t sequence = 0, chain = 0;
    std::uint32_t payload_crc = 0;
    {
      Statement row(*station, std::string("SELECT ") + kSetColumns + " FROM sets WHERE id=?");
      if (!row.bind(id).next()) continue;
      sequence = as_unsigned(row.integer(2));
      chain = as_unsigned(row.integer(3));
      payload_crc = row_crc("sets", id, sequence, row.text(4));
    }
    const std::string payload = encode_erased_set(payload_crc);
    Statement(*station, "UPDATE sets SET session_id='', payload=?, crc=? WHERE id=?")
        .bind_blob(payload)
        .bind(set_crc(id, sequence, chain, payload))
        .bind(id)
        .run();
    Statement(*station, "DELETE FROM reps WHERE set_id=?").bind(id).run();
    Statement(*station, "DELETE FROM recomputed WHERE set_id=?").bind(id).run();
  }
  std::vector<std::string> guided;
  {
    Statement rows(*station, "SELECT id FROM guided WHERE session_id=?");
    rows.bind(session_id);
    while (rows.next()) guided.push_back(rows.text(0));
  }
  for (const std::string& id : guided) forget(id);
  Statement(*station, "DELETE FROM guided WHERE session_id=?").bind(session_id).run();
  Statement(*station, "DELETE FROM sessions WHERE id=?").bind(session_id).run();
  forget(session_id);
}

tl::expected<Store::Erased, StoreError> Store::erase_client(const std::string& client_id) {
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  Erased erased;
  std::vector<std::pair<std::string, std::vector<std::string>>> sessions;
  for (const SessionRecord& session : sessions_of_client(client_id)) {
    std::vector<std::string> sets;
    Statement rows(*impl.station, "SELECT id FROM sets WHERE session_id=? AND sequence<>0");
    rows.bind(session.id);
    while (rows.next()) sets.push_back(rows.text(0));
    erased.sets += sets.size();
    Statement guided(*impl.station, "SELECT count(*) FROM guided WHERE session_id=?");
    if (guided.bind(session.id).next()) erased.guided += as_unsigned(guided.integer(0));
    sessions.emplace_back(session.id, std::move(sets));
  }
  erased.sessions = sessions.size();
  // Samples first: should this stop half way, the rows still say whose they were.
  if (!impl.in_memory()) {
    auto done = impl.blocks->transact([&] {
      for (const auto& [session, sets] : sessions) {
        for (const std::string& id : sets) {
          Statement(*impl.blocks, "DELETE FROM blocks WHERE set_id=?").bind(id).run();
        }
      }
    });
    if (!done) return tl::unexpected(impl.broken("erasing samples", done.error()));
  }
  std::vector<PlanRecord> of_client = plans(SIZE_MAX >> 1, "", client_id);
  erased.plans = of_client.size();
  auto done = impl.station->transact([&] {
    for (const auto& [session, sets] : sessions) impl.erase_session(session, sets);
    for (const PlanRecord& plan : of_client) {
      Statement(*impl.station, "DELETE FROM plan_days WHERE plan_id=?").bind(plan.id).run();
    }
    Statement(*impl.station, "DELETE FROM plans WHERE client_id=?").bind(client_id).run();
    Statement(*impl.station, "DELETE FROM clients WHERE id=?").bind(client_id).run();
  });
  if (!done) return tl::unexpected(impl.broken("erasing client " + client_id, done.error()));
  impl.report.sessions -= std::min(impl.report.sessions, erased.sessions);
  impl.report.sets -= std::min(impl.report.sets, erased.sets);
  impl.report.guided -= std::min(impl.report.guided, erased.guided);
  for (const auto& [session, sets] : sessions) {
    for (const std::string& id : sets) {
      const auto kept = impl.memory_samples.find(id);
      if (kept == impl.memory_samples.end()) continue;
      impl.memory_samples_count -= kept->second.count;
      impl.memory_samples.erase(kept);
    }
  }
  if (impl.in_memory()) return erased;
  // The write-ahead logs still have the old pages until they are copied and cut.
  for (Database* database : {impl.blocks.get(), impl.station.get()}) {
    if (auto cut = database->checkpoint(); !cut) {
      return tl::unexpected(impl.broken("overwriting the write-ahead log", cut.error()));
    }
  }
  impl.writes_since_checkpoint = 0;
  return erased;
}

}  // namespace medius::record
