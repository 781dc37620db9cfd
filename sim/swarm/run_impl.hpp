// One run while it is played. Its stories: run.cpp the course of a scenario, run_strike.cpp what
// befalls it, run_judge.cpp what is made of it, run_disk.cpp what its store must keep. Nobody else
// includes this.
#pragma once

#include <map>
#include <memory>

#include "controller/base/random.hpp"
#include "controller/base/tick.hpp"
#include "sim/checkers/pull_watch.hpp"
#include "sim/disk/simulated_disk.hpp"
#include "sim/swarm/faulty_guard.hpp"
#include "sim/swarm/run.hpp"
#include "sim/world/sim_runtime.hpp"
#include "sim/world/world.hpp"

namespace medius::sim {

inline constexpr const char* kTrainer = "trainer";
inline constexpr const char* kStationFolder = "/station";
// Of the disk under the store: full, failing or without power.
[[nodiscard]] constexpr bool harms_disk(Injector injector) noexcept {
  return injector >= Injector::kDiskFull && injector <= Injector::kPowerLost;
}
// Nothing that stops a set: what is held, refused, or no matter of the loop's. A standing person
// whose load is dropped falls.
[[nodiscard]] constexpr bool is_borne(Injector injector) noexcept {
  switch (injector) {
    case Injector::kTornValue:
    case Injector::kLateFrames:
    case Injector::kLostCounts:
    case Injector::kWallJump:
    case Injector::kWallEpoch:
    case Injector::kStoreStall:
    case Injector::kDiskFull:
    case Injector::kDiskFails:
      return true;
    default:
      return injector >= Injector::kAbsurdLoad && injector <= Injector::kReplayedOrder &&
             injector != Injector::kStopStorm;
  }
}

class Run {
 public:
  Run(const Scenario& scenario, const RunFiles& files) : s_(scenario), files_(files) {}
  tl::expected<Verdict, std::string> play();

 private:
  using Result = tl::expected<station::Receipt, station::Refusal>;
  struct Pending {
    FaultEvent event;
    const FaultRow* row = nullptr;
    int phase_ticks = 0;
    std::uint64_t fired_tick = 0;
    std::size_t outcome = 0;
    bool fired = false;

    // The cuff comes off, and something catches it; otherwise it is hooked where it is.
    [[nodiscard]] bool slips_off() const noexcept {
      return row->injector == Injector::kHooked && event.seed % 2 == 1;
    }
  };

  // Of a set: the one under faults, or the short one afterwards.
  struct Prescription {
    const char* request_id;
    int reps;
    measure::Tempo tempo;
  };
  [[nodiscard]] Prescription first_set() const;
  [[nodiscard]] double unit() const;
  [[nodiscard]] hal::CoordinateKind coordinate(bool own) const;
  [[nodiscard]] WorldOptions world_options();
  [[nodiscard]] station::StartSetOrder set_order(const Prescription& set) const;
  void begin_set(const Prescription& set);
  void tick(std::uint32_t missed = 0);
  void look();
  [[nodiscard]] InvariantSample sample_of(std::size_t axis) const;
  void write_trace();
  [[nodiscard]] FaultPhase phase(std::size_t axis) const;
  [[nodiscard]] bool high(std::size_t axis) const;
  void strike_due();
  void strike(Pending& pending);
  void strike_trainer(const Pending& pending);
  void strike_loop(const Pending& pending);
  [[nodiscard]] bool strike_person(const Pending& pending);
  [[nodiscard]] bool strike_computer(Pending& pending);
  void conflicting_orders(const Pending& pending);
  [[nodiscard]] bool due(std::size_t index);
  void judge_guard();
  void catch_cuff();
  void follow_stroke();
  bool accepted(const Result& result);
  void note_ordered();
  void order_load(const char* id, double load, hal::CoordinateKind kind, bool must_refuse);
  void notice();
  void raise_load();
  void safety_part();
  void stop(const std::string& id);
  void liveness_part();
  void heal();
  void violate(std::string what);
  void judge_reps(bool exact, int planned_reps);
  void settle();
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool strike_disk(const Pending& pending);
  [[nodiscard]] bool set_must_go_on() const;
  void note_acknowledged();
  void judge_healed_disk();
  void judge_disk();
  [[nodiscard]] bool faultless() const { return s_.faults.empty(); }
  [[nodiscard]] int true_reps() const;

  const Scenario& s_;
  const RunFiles& files_;
  FaultyGuard guard_;
  // Under the store, for scenarios that harm it; outlives the world.
  std::unique_ptr<SimulatedDisk> disk_;
  // Sets by id, as the store gave them back then; empty: it could not be read, but must be there.
  std::map<std::string, std::string> acknowledged_;
  std::size_t stored_seen_ = 0;
  std::unique_ptr<World> world_;
  std::vector<InvariantWatch> watches_;
  std::vector<PullWatch> pulls_;
  std::vector<Pending> pending_;
  Verdict verdict_;
  std::string session_id_;  // of the set under faults
  std::uint64_t ticks_ = 0;
  std::uint64_t reset_until_ = 0;
  std::uint32_t overrun_ = 0;
  bool raised_ = false;
  bool killed_ = false;
  int orders_ = 0;
  // A fault lies about position, speed or tension of an axis; a drive does as it likes; a profile
  // fails.
  std::array<bool, hal::kMaxAxes> blind_{};
  bool disobeyed_ = false, profile_fails_ = false, cable_cut_ = false;
  bool jammed_ = false, makes_more_ = false;
  // What was ordered for this set and not refused: an order may act before its receipt is there.
  std::map<std::string, double> ordered_;
  double ordered_max_ = 0.0;
  bool stopped_ = false;      // a stop was accepted since the set began
  std::uint64_t looked_ = 0;  // milliseconds of the machine
  // How far each handle has been in this set.
  std::array<double, hal::kMaxAxes> lowest_{}, highest_{};
  int conflict_accepted_ = 0;  // of two orders for the same state
  double slow_share_ = 0.0;    // of the periods that a slow processor misses
  Random slow_random_{1};
  std::uint64_t back_at_ = 0;      // when a person who stepped in steps back
  std::uint64_t caught_at_ = 0;    // when something catches a cuff that slipped off
  std::uint64_t hangs_since_ = 0;  // the cuff hangs where it was caught
  double slipped_at_m_ = 0.0;      // where the cuff was as it slipped off
  std::uint64_t reacted_at_ = 0;   // the first unload of the set; 0 = none yet
  std::uint64_t light_by_ = 0;     // the guard lets go: by then the force is gone; 0 = it holds
};

}  // namespace medius::sim
