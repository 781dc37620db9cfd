// Live samples of one axis for one stream: a ring of fixed size between the record thread and the
// stream's thread. When it is full the oldest row makes room and is counted as dropped: the live
// view loses rows, the recording does not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <vector>

#include "controller/rt/exchange_types.hpp"

namespace medius::api {

struct TapRow {
  std::uint64_t tick = 0;
  double position = 0.0;
  double velocity = 0.0;
  double force_measured = 0.0;
  double force_target = 0.0;
  double force_output = 0.0;
  std::uint8_t phase = 0;
};

struct TapConfig {
  std::uint8_t axis = 0;
  std::uint32_t divider = 1;    // every n-th tick
  std::size_t batch_rows = 20;  // a reader waits for so many
  // Last tick that an earlier stream of the same reader has seen: rows between it and the first one
  // count as dropped. 0 = a new reader.
  std::uint64_t after_tick = 0;
};

class SampleTap {
 public:
  // Room for two batches and for the block that one drain of the loop's ring brings.
  static constexpr std::size_t kDrainRows = 256;
  static constexpr std::size_t kMaxRows = 1024;  // of one batch

  explicit SampleTap(const TapConfig& config);

  // [record] Takes what concerns this tap out of a drained block; never waits for the reader.
  void push(std::span<const rt::SampleRecord> samples);
  // [any] Wakes the reader, for good.
  void close();

  struct Batch {
    std::vector<TapRow> rows;   // in tick order, at most kMaxRows
    std::uint64_t dropped = 0;  // so far
    bool closed = false;
  };
  // [grpc] Waits for a batch; nothing when there is none by the time.
  Batch take(std::chrono::steady_clock::time_point until);

  [[nodiscard]] std::size_t capacity() const { return ring_.size(); }

 private:
  void count_missed_before(std::uint64_t first_tick);

  const TapConfig config_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<TapRow> ring_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t dropped_ = 0;
  bool begun_ = false;
  bool closed_ = false;
};

}  // namespace medius::api
