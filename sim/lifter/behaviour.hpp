// What a person does beside clean repetitions: scripted events that say when, and what. What an
// event leaves open (0) is drawn from the range people show, by the lifter's own seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/measure/phase.hpp"

namespace medius::sim {

// `amount` and `seconds` as each act takes them, with the range they are drawn from.
enum class Act : std::uint8_t {
  kPartial = 0,  // amount 0.30-0.55 of the range is all the way up
  // A swing the other way (amount 5-10 degrees, in 0.3 s), then up in 0.5-0.9 s, and the trunk
  // leans: the pelvis rises by up to 8 degrees, which the machine takes for range.
  kMomentum,
  kPause,          // stops in mid-phase at `fraction` for 0.5-2 s; in a hold: holds for 0-4 s
  kReversal,       // turns back at `fraction`; on the way down: up again to the peak and down
  kDoubleBounce,   // at the bottom: 12 % and then 6 % of the range, 0.3 s each way
  kRelease,        // lets go at `fraction`
  kRegrip,         // at the bottom: in faster (0.1 s) than the cable is reeled in, and out again
  kSpasm,          // a jerk of amount +-2 rad/s within 80 ms
  kCoContraction,  // stiffness x 4 for 0.5 s
  kFailure,        // amount 0.2-0.4 of the strength is left: sinks
  kDrop,           // lets the leg fall: the way down in 0.35 s
  kPelvicDrop,     // the pelvis drops by amount 2-8 degrees for the rest of the phase
  kSetupTug,       // before the first repetition (rep 0): amount 5-15 % of the range
  kFoot,           // at the bottom: down onto the floor or the other leg for 0.5-1.5 s
};

struct Behaviour {
  Act act = Act::kPartial;
  int rep = 1;                                         // from 1; 0 = before the first
  measure::Phase phase = measure::Phase::kConcentric;  // where the act leaves a choice
  double fraction = 0.5;                               // of the phase
  double amount = 0.0, seconds = 0.0;                  // 0: drawn
};

// [any] What the event left open is drawn; the phase of acts that belong to one is set.
[[nodiscard]] Behaviour completed(const Behaviour& event, Random& random) noexcept;

// A seeded mix for sets of `reps` repetitions: about every third repetition has an event of its
// own. Nothing that ends the set.
[[nodiscard]] std::vector<Behaviour> random_behaviours(std::uint64_t seed, int reps);

// A repetition's way as heights (0 bottom, 1 intended peak), each reached from rest to rest.
struct HeightMove {
  double height = 0.0;
  double duration_s = 0.0;
};
struct HeightPlan {
  static constexpr std::size_t kMost = 8;
  std::array<HeightMove, kMost> moves{};
  std::size_t count = 0;
  bool turns_back = false;  // no hold at the peak
  void add(double height, double duration_s) noexcept {
    if (count < kMost) moves[count++] = {height, duration_s};
  }
};

// [any] The way of a phase from `from` to `to` within `duration_s` under one event.
[[nodiscard]] HeightPlan plan_phase(const Behaviour& event, double from, double to,
                                    double duration_s) noexcept;

}  // namespace medius::sim
