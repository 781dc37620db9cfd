// One run while it is played. Its stories: run.cpp the course of a scenario, run_strike.cpp what
// befalls it, run_judge.cpp what is made of it. Nobody else includes this.
#pragma once

#include <memory>

#include "controller/base/random.hpp"
#include "controller/base/tick.hpp"
#include "sim/swarm/faulty_guard.hpp"
#include "sim/swarm/run.hpp"
#include "sim/world/sim_runtime.hpp"
#include "sim/world/world.hpp"

namespace medius::sim {

inline constexpr const char* kTrainer = "trainer";

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
  void write_trace();
  [[nodiscard]] FaultPhase phase() const;
  void strike_due();
  void strike(Pending& pending);
  void strike_trainer(const Pending& pending);
  void strike_loop(const Pending& pending);
  [[nodiscard]] bool strike_person(const Pending& pending);
  [[nodiscard]] bool strike_computer(Pending& pending);
  void conflicting_orders(const Pending& pending);
  [[nodiscard]] bool due(std::size_t index, FaultPhase now);
  void judge_guard();
  void follow_stroke();
  bool accepted(const Result& result);
  void order_load(const char* id, double load, hal::CoordinateKind kind, bool must_refuse);
  void notice();
  void raise_load();
  void safety_part();
  void stop(const char* id);
  void liveness_part();
  void heal();
  void violate(std::string what);
  void judge_reps(bool exact, int planned_reps);
  void settle();
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool faultless() const { return s_.faults.empty(); }
  [[nodiscard]] int true_reps() const;

  const Scenario& s_;
  const RunFiles& files_;
  FaultyGuard guard_;
  std::unique_ptr<World> world_;
  std::vector<InvariantWatch> watches_;
  std::vector<Pending> pending_;
  Verdict verdict_;
  std::string session_id_;  // of the set under faults
  std::uint64_t ticks_ = 0;
  std::uint64_t reset_until_ = 0;
  std::uint32_t overrun_ = 0;
  bool raised_ = false;
  bool killed_ = false;
  int orders_ = 0;
  bool blind_ = false;                   // a fault lies about position, speed or tension
  double lowest_ = 0.0, highest_ = 0.0;  // of the handle in this set
  int conflict_accepted_ = 0;            // of two orders for the same state
  double slow_share_ = 0.0;              // of the periods that a slow processor misses
  Random slow_random_{1};
  std::uint64_t back_at_ = 0;     // when a person who stepped in steps back
  std::uint64_t reacted_at_ = 0;  // the first unload of the set; 0 = none yet
  std::uint64_t light_by_ = 0;    // the guard lets go: by then the force is gone; 0 = it holds
};

}  // namespace medius::sim
