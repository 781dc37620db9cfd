// The daemon's side of medius-guard: the heartbeat, the proof test, and why the machine must not be
// armed while the guard is not there or its relay does not do as it should.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <tl/expected.hpp>

#include "controller/rt/exchange_types.hpp"
#include "hal/guard/shared_page.hpp"

namespace medius {

class GuardLink {
 public:
  // [main, before the loop runs] `lockstep`: the ticks count a simulated machine's rounds.
  static tl::expected<std::unique_ptr<GuardLink>, std::string> create(const std::string& name,
                                                                      bool lockstep);

  // [main] For the loop; lives as long as this.
  [[nodiscard]] guard::HeartbeatWriter* heartbeat() noexcept { return &writer_; }
  // [any but rt] Goes on with the proof test. Why the machine must not be armed, in one sentence;
  // empty: it may.
  [[nodiscard]] std::string refusal(const rt::Status& status);
  // [any but rt] The proof test has ended, well or badly.
  [[nodiscard]] bool proof_ended();

 private:
  enum class Proof : std::uint8_t { kWanted, kPassed, kFailed };
  GuardLink(std::string name, guard::OwnPage<guard::Beat> page, std::uint64_t epoch, bool lockstep);
  [[nodiscard]] bool guard_lives(const rt::Status& status);
  [[nodiscard]] std::string prove(const rt::Status& status);

  std::mutex mutex_;
  std::string name_;
  guard::OwnPage<guard::Beat> page_;
  std::uint64_t epoch_;
  guard::HeartbeatWriter writer_;
  guard::ForeignPage<guard::Report> foreign_;
  guard::Report report_;
  Proof proof_ = Proof::kWanted;
  std::uint64_t looks_ = 0;
  std::uint64_t looked_tick_ = 0;   // when the guard's looks last grew
  std::uint64_t starved_tick_ = 0;  // when the guard first said that it starves for the proof
  std::uint64_t open_tick_ = 0;     // when the relay was last seen closed since
};

}  // namespace medius
