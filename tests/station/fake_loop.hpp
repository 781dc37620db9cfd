// A scripted stand-in for the engine at the other end of the channels: takes commands, makes the
// events and the status that the engine would, and moves a person through repetitions. It shares no
// code with the engine; what it accepts is what the contracts of exchange_types.hpp say.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/rt/channels.hpp"

namespace medius::station::test {

class FakeLoop {
 public:
  explicit FakeLoop(rt::EngineChannels& channels) : channels_(channels) {}

  void tick();

  // ---- the script
  bool running = true;         // false: the loop does not tick at all
  bool takes_commands = true;  // false: it ticks but never drains
  bool cuff_on = true;         // tension follows the felt force; otherwise slack
  bool moving_about = false;   // not held still in pretension
  bool lifts = true;           // does repetitions once the load is in
  int rep_limit = 1000;        // then stands still
  int ticks_a_phase = 300;     // concentric and eccentric
  int hold_ticks = 0;          // at the peak
  int bottom_ticks = 50;       // before the next repetition
  bool drive_comes_up = true;
  bool unloads = true;  // false: the load never goes out
  bool link_fresh = true;
  bool reset_pressed = false;             // the panel's button
  std::optional<rt::CommandKind> refuse;  // refuse the next command of this kind

  void latch(safety::FaultCode code, safety::Reaction reaction);
  void reset_panel();     // clears what is latched
  void release_handle();  // a soft unload that is not latched

  // ---- what was seen
  struct Taken {
    rt::Command command;
    std::uint64_t tick;
    bool refused;
  };
  [[nodiscard]] const std::vector<Taken>& commands() const { return commands_; }
  [[nodiscard]] int count(rt::CommandKind kind) const;
  [[nodiscard]] std::uint64_t now() const { return tick_; }
  [[nodiscard]] const rt::AxisStatus& axis() const { return axis_; }
  [[nodiscard]] int profiles_out() const { return profiles_out_; }

 private:
  void take(const rt::Command& command);
  [[nodiscard]] safety::FaultCode carry_out(const rt::Command& command, double& accepted);
  [[nodiscard]] safety::FaultCode start_set(const rt::Command& command);
  [[nodiscard]] safety::FaultCode end_set();
  void gate_load();
  void move();
  void close_rep();
  void unload_step();
  void push(rt::Event event);
  void set_phase(measure::Phase phase);
  void publish();

  rt::EngineChannels& channels_;
  std::uint64_t tick_ = 0;
  std::uint64_t last_command_id_ = 0;
  std::vector<Taken> commands_;
  safety::Reaction reaction_ = safety::Reaction::kNone;
  safety::FaultCode fault_ = safety::FaultCode::kNone;
  rt::AxisStatus axis_;
  rt::ProfileInstance* profile_ = nullptr;
  int profiles_out_ = 0;
  std::uint16_t sets_ = 0;
  std::uint64_t load_id_ = 0, engage_id_ = 0;
  bool enabled_ = false;
  int motion_ = 0;  // tick within the repetition
  int reps_done_ = 0;
  int bottom_left_ = 0;
  std::uint64_t rep_start_ = 0;
};

}  // namespace medius::station::test
