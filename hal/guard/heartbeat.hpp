// The tick heartbeat: what mediusd's loop tells the guard, in one page of shared memory. The loop
// writes it with plain atomic stores after each tick; the guard maps it read-only.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "controller/base/tick.hpp"
#include "controller/rt/exchange.hpp"

namespace medius::guard {

// One tick as the loop tells of it.
struct Beat {
  std::uint64_t epoch = 0;  // of this start of the daemon; 0 = nothing was ever written
  std::uint64_t index = 0;  // Tick::index
  std::int64_t nominal_ns = 0;
  std::uint32_t resets = 0;   // local resets seen since the daemon's start, by their edge
  std::uint8_t reaction = 0;  // safety::Reaction
  bool hold_relay = false;    // the loop wants torque to be possible
  bool prove = false;         // proof test: starve, although all is well
  std::uint8_t lockstep = 0;  // the ticks count a simulated machine's rounds, not time
};
static_assert(std::is_trivially_copyable_v<Beat> && sizeof(Beat) == 32);

enum class Phase : std::uint8_t { kWaiting = 0, kWatching, kLatched };

// Why the output is starved.
enum class Doubt : std::uint8_t {
  kNone = 0,   // asserted
  kNoDaemon,   // nobody beats yet
  kNoReset,    // a local reset is missing
  kNotHeld,    // the loop itself wants no torque
  kProof,      // the daemon asked for it: proof test
  kStopped,    // no beat for longer than the window
  kAhead,      // a tick index ahead of the clock
  kBackwards,  // a tick index that went back, or does not fit its time
  kClock,      // the guard's own clock went back
  kEpoch,      // another daemon started without this one having ended its beat
  kOutput,     // the output device failed
};
[[nodiscard]] const char* to_string(Doubt doubt) noexcept;

// What the guard tells of itself; mediusd and `medius-guard --status` map it read-only.
struct Report {
  std::uint64_t looks = 0;  // grows with every look: the guard lives
  std::uint64_t epoch = 0;  // of the heartbeat it watches
  std::uint64_t index = 0;  // of the last beat it saw
  std::uint64_t starves = 0;
  std::int64_t clock_ns = 0;
  std::int32_t pid = 0;
  Phase phase = Phase::kWaiting;
  Doubt doubt = Doubt::kNoDaemon;
  Doubt latched_for = Doubt::kNone;
  bool asserting = false;
};
static_assert(std::is_trivially_copyable_v<Report>);

// A page of shared memory. Versioned: whoever maps another layout must not guess.
template <typename Content>
struct Page {
  static constexpr std::uint64_t kMagic = 0x4D45444755415244;  // "MEDGUARD"
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t content_bytes = sizeof(Content);
  rt::SeqLock<Content> content;

  [[nodiscard]] bool ours() const noexcept {
    return magic == kMagic && version == kVersion && content_bytes == sizeof(Content);
  }
};
using HeartbeatPage = Page<Beat>;
using ReportPage = Page<Report>;

// The loop's side.
class HeartbeatWriter {
 public:
  // [control, before the loop runs] The page outlives the writer; null: nobody listens.
  void attach(HeartbeatPage* page, std::uint64_t epoch, bool lockstep) noexcept {
    page_ = page;
    beat_ = Beat{};
    beat_.epoch = epoch;
    beat_.lockstep = lockstep ? 1 : 0;
    reset_before_ = true;  // a button that is held from the start is no edge
  }
  // [any] Asks the guard to starve although all is well.
  void prove(bool on) noexcept { prove_.store(on, std::memory_order_relaxed); }

  // [rt] wait-free: a few stores, no system call.
  void beat(const Tick& tick, std::uint8_t reaction, bool hold_relay, bool reset) noexcept {
    if (page_ == nullptr) return;
    beat_.index = tick.index;
    beat_.nominal_ns = tick.nominal_ns;
    beat_.reaction = reaction;
    beat_.hold_relay = hold_relay;
    beat_.prove = prove_.load(std::memory_order_relaxed);
    if (reset && !reset_before_) ++beat_.resets;
    reset_before_ = reset;
    page_->content.store(beat_);
  }

 private:
  HeartbeatPage* page_ = nullptr;
  Beat beat_;
  bool reset_before_ = true;
  std::atomic<bool> prove_{false};
};

}  // namespace medius::guard
