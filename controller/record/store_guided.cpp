// Exercises without the machine: one row each, written once when it is over, acknowledged like a
// set.
#include <algorithm>

#include "controller/record/guided_record.hpp"
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

std::uint32_t guided_crc(const std::string& id, std::uint64_t sequence,
                         const std::string& payload) {
  return row_crc("guided", id, sequence, payload);
}

constexpr const char* kGuidedColumns = "id, session_id, sequence, payload, crc";

struct GuidedRow {
  GuidedRecord guided;
  std::uint64_t sequence = 0;
  std::string payload;
};

std::optional<GuidedRow> read_guided_row(const Statement& row) {
  GuidedRow out;
  out.sequence = as_unsigned(row.integer(2));
  out.payload = row.text(3);
  const std::string id = row.text(0);
  if (as_unsigned(row.integer(4)) != guided_crc(id, out.sequence, out.payload)) return std::nullopt;
  auto decoded = decode_guided(out.payload);
  if (!decoded || decoded->id != id || decoded->session_id != row.text(1)) return std::nullopt;
  out.guided = std::move(*decoded);
  return out;
}

tl::expected<void, StoreError> check_guided(const GuidedRecord& guided) {
  if (!is_id(guided.id) || !is_id(guided.session_id)) {
    return tl::unexpected(
        StoreError{"guided exercise '" + guided.id + "' of session '" + guided.session_id +
                   "': an id is 16 lower-case hexadecimal digits; use next_id()"});
  }
  if (guided.end == GuidedEnd::kOpen) {
    return tl::unexpected(StoreError{"guided exercise " + guided.id +
                                     ": stored without saying how it ended; fill "
                                     "GuidedRecord::end"});
  }
  return {};
}

}  // namespace

tl::expected<void, StoreError> Store::put_guided(const GuidedRecord& guided) {
  if (auto checked = check_guided(guided); !checked) return checked;
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  const std::string payload = encode_guided(guided);
  {
    Statement known(*impl.station,
                    std::string("SELECT ") + kGuidedColumns + " FROM guided WHERE id=?");
    if (known.bind(guided.id).next()) {
      const auto row = read_guided_row(known);
      if (row && row->payload == payload) {
        // Written by an earlier call whose acknowledgement failed.
        return row->sequence > impl.manifest_sequence ? impl.acknowledge()
                                                      : tl::expected<void, StoreError>{};
      }
      return tl::unexpected(StoreError{"guided exercise " + guided.id +
                                       ": stored before with other values; what was acknowledged "
                                       "is never changed, take a new id"});
    }
  }
  ManifestState next = impl.committed;
  ++next.sequence;
  next.remember({next.sequence, id_number(guided.id)});
  auto done = impl.station->transact([&] {
    Statement(*impl.station, "INSERT INTO guided VALUES(?,?,?,?,?)")
        .bind(guided.id)
        .bind(guided.session_id)
        .bind(as_signed(next.sequence))
        .bind_blob(payload)
        .bind(guided_crc(guided.id, next.sequence, payload))
        .run();
  });
  if (!done) return tl::unexpected(impl.broken("storing exercise " + guided.id, done.error()));
  ++impl.report.guided;
  impl.committed = std::move(next);
  return impl.acknowledge();
}

std::vector<GuidedRecord> Store::guided_of(const std::string& session_id) {
  std::vector<GuidedRecord> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station, std::string("SELECT ") + kGuidedColumns +
                                        " FROM guided WHERE session_id=? ORDER BY id");
    rows.bind(session_id);
    while (rows.next()) {
      if (auto row = read_guided_row(rows)) {
        result.push_back(std::move(row->guided));
      } else {
        impl_->note_damage(rows.text(0));
      }
    }
  }
  impl_->read_failed();
  return result;
}

void Store::Impl::scan_guided(std::vector<AcknowledgedWrite>& seen) {
  Statement rows(*station,
                 std::string("SELECT ") + kGuidedColumns + " FROM guided ORDER BY sequence");
  while (rows.next()) {
    ++report.guided;
    const std::string id = rows.text(0);
    const auto row = read_guided_row(rows);
    if (!row) {
      note_damage(id);
      continue;
    }
    committed.sequence = std::max(committed.sequence, row->sequence);
    seen.push_back({row->sequence, id_number(id)});
  }
}

bool Store::Impl::has_guided(const std::string& id, std::uint64_t sequence) {
  Statement row(*station, "SELECT sequence FROM guided WHERE id=?");
  return row.bind(id).next() && as_unsigned(row.integer(0)) == sequence;
}

}  // namespace medius::record
