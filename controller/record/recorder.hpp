// The recorder drains the loop's samples, cuts them into repetitions, computes their metrics, and
// keeps the open set in the store. Thread: the record thread (in the world, the world's).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_record.hpp"
#include "controller/record/store.hpp"
#include "controller/rt/channels.hpp"

namespace medius::record {

class Recorder {
 public:
  struct Callbacks {
    // [record] A repetition was measured and journaled (or, on a store error, only measured).
    std::function<void(const std::string& set_id, const measure::RepMetrics&)> on_rep;
    // [record] Each drained block, for live streams. The span is valid during the call.
    std::function<void(std::span<const rt::SampleRecord>)> on_samples;
    // [record] The store failed; the set goes on in memory and is not acknowledged.
    std::function<void(const StoreError&)> on_store_error;
  };

  Recorder(Store& store, rt::EngineChannels& channels, Callbacks callbacks);
  ~Recorder();

  // [record] Moves what the loop has pushed since the last call. Call at least every 100 ms.
  void drain();
  // [record] Samples from set.start_tick on with this serial belong to the set.
  void open_set(const SetRecord& set, std::uint16_t set_serial,
                const measure::MetricConfig& config);
  // [record] A boundary found by the loop's tracker; its metrics follow once its samples are
  // drained.
  void rep_closed(std::uint16_t set_serial, const measure::RepBoundary& boundary);
  // [record] Drains the rest, closes the set durably. The error case keeps the set in memory and
  // retries with the next call.
  [[nodiscard]] tl::expected<StoredSet, StoreError> close_set(const SetRecord& summary);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::record
