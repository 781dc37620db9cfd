// Metrics that were computed again: kept beside the sealed rows of a set, never in their place.
#include <algorithm>

#include "controller/record/store_impl.hpp"

namespace medius::record {

tl::expected<void, StoreError> Store::put_recomputed(const SetRecord& set) {
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  Impl& impl = *impl_;
  const auto stored = impl.whole_set(set.id);
  if (impl.read_failed() || !stored || stored->end == SetEnd::kOpen) {
    return tl::unexpected(
        StoreError{"set " + set.id +
                   ": not in the store, damaged or still open; only a closed set is recomputed"});
  }
  const bool same = std::equal(stored->reps.begin(), stored->reps.end(), set.reps.begin(),
                               set.reps.end(), [](const auto& a, const auto& b) {
                                 return a.start_tick == b.start_tick && a.end_tick == b.end_tick;
                               });
  if (!same) {
    return tl::unexpected(StoreError{"set " + set.id +
                                     ": recomputed with other repetitions than the stored ones; "
                                     "read it with set() and recompute that"});
  }
  const std::string payload = encode_recomputed(set);
  auto done = impl.station->transact([&] {
    Statement(*impl.station, "INSERT OR REPLACE INTO recomputed VALUES(?,?,?)")
        .bind(set.id)
        .bind_blob(payload)
        .bind(row_crc("recomputed", set.id, 0, payload))
        .run();
  });
  if (!done) return tl::unexpected(impl.broken("recomputing set " + set.id, done.error()));
  if (!impl.in_memory() && ++impl.writes_since_checkpoint >= kManifestNames / 2 &&
      impl.station->checkpoint()) {
    impl.writes_since_checkpoint = 0;
  }
  return {};
}

void Store::Impl::apply_recomputed(SetRecord& set) {
  Statement row(*station, "SELECT payload, crc FROM recomputed WHERE set_id=?");
  if (!row.bind(set.id).next()) return;
  const std::string payload = row.text(0);
  // A damaged one can be made anew from the samples: the sealed values stand meanwhile.
  if (as_unsigned(row.integer(1)) != row_crc("recomputed", set.id, 0, payload) ||
      !decode_recomputed(payload, set)) {
    report.notes.push_back("store " + directory + ": the recomputed metrics of set " + set.id +
                           " are damaged, the first ones are shown; recompute it again");
  }
}

}  // namespace medius::record
