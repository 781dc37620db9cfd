// The station's audit log: takes events from any thread, gives them to the store on the record
// thread, a batch a transaction, and tells who follows that there are new rows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "controller/record/audit.hpp"
#include "controller/record/store.hpp"
#include "controller/station/runtime.hpp"

namespace medius::station {

// Beyond this events are counted and the count is written down as a row of its own.
inline constexpr std::size_t kAuditWaitingMax = 4096;

class AuditTrail final : public record::AuditSink {
 public:
  // Runtime and store outlive it.
  AuditTrail(Runtime& runtime, record::Store& store);
  ~AuditTrail() override;

  // [any] Without waiting; in the store within milliseconds, or once the store works again.
  void record(record::AuditEvent event) override;

  // [record; main once the record thread is idle] Gives everything that waits to the store.
  void flush();

  // [any] Sequence of the newest stored row.
  [[nodiscard]] std::uint64_t stored() const;
  // [any] Waits for a row beyond `sequence`, or until then; the newest stored row.
  std::uint64_t wait_beyond(std::uint64_t sequence,
                            std::chrono::steady_clock::time_point until) const;

 private:
  struct Shared;
  static void schedule(Runtime& runtime, const std::shared_ptr<Shared>& shared);

  Runtime& runtime_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace medius::station
