// The station: sessions, sets, orders and what a trainer sees. All of it runs on the control
// executor at its own pace; it is the only writer of commands to the loop. The API calls it; in the
// simulated world trainers call it directly.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/audit.hpp"
#include "controller/record/recorder.hpp"
#include "controller/record/store.hpp"
#include "controller/rt/engine.hpp"
#include "controller/station/lease.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/pace.hpp"
#include "controller/station/plugin_host.hpp"
#include "controller/station/program.hpp"
#include "controller/station/refusal.hpp"
#include "controller/station/runtime.hpp"
#include "controller/station/trainee.hpp"

namespace spdlog {
class logger;
}

namespace medius::station {

enum class StationState : std::uint8_t {
  kIdle = 0,    // no session; drives off
  kArming,      // checks, drives coming up
  kPretension,  // cuff on: light tension, waiting for it to be held
  kReady,       // held still; the load is about to come in
  kWorking,     // the set is under way (a pause is kWorking with paused = true)
  kUnloading,   // load going out
  kResting,     // between sets
  kFault,       // latched; needs the panel's reset
  kGuided,      // an exercise without the machine: drives off, paced, waits for a confirmation
};

// Rides on every order. The first answer to a request id of a client is remembered and given again
// to the same order; another order with that id is refused.
struct OrderHeader {
  std::string request_id;  // 1..64 printable characters, chosen by the client
  std::optional<std::uint64_t> expected_version;  // refuse unless the station is at this version
  // Of the lease under which it was given; one that is over makes the order stale.
  std::optional<std::uint64_t> lease_epoch;
  // When it was received, and how much later it may still be taken up; 0: at any time. Stop never
  // expires.
  std::int64_t received_ns = 0, time_to_live_ns = 0;
  bool lease_required = false;  // also while nobody holds the lease: who orders from elsewhere
  std::string client_name;      // for the audit log, and whose lease it is
  std::string role = "local";   // of its certificate, for the audit log
  ParameterAuthority authority = ParameterAuthority::kUser;  // how far parameters may be raised
};

// What the drive reported at a tick about an axis' load; 0 at tick 0: not an order to the loop.
struct LoadReport {
  double applied = 0.0;            // base load in force
  std::uint64_t applied_tick = 0;  // since then, if no ramp is under way
  double readback = 0.0;           // force or torque that the drive says it makes
  std::uint64_t readback_tick = 0;
};

// When an accepted order takes effect.
enum class Effect : std::uint8_t {
  kApplied = 0,  // already in force at `tick`
  kRamping,      // taken at `tick`, ramping
  kAtBottom,     // waits for the bottom of the repetition (an increase)
  kScheduled,    // will be carried out by the state machine
};

struct Receipt {
  std::string request_id;
  std::uint64_t version = 0;  // station version after the order
  std::uint64_t tick = 0;     // tick at which the loop took it; 0 = not a loop order
  Effect effect = Effect::kApplied;
  double requested = 0.0;  // what was asked (load orders)
  double accepted = 0.0;   // what will be in force
  LoadReport report;       // of the axis, when the answer was given
  bool duplicate = false;  // this is the remembered first answer
  std::string session_id;
  std::string set_id;
};

// What a session is made of where a stored client or plan says so.
struct PlannedSession {
  Program program;
  Trainee trainee;
};

struct StartSessionOrder {
  OrderHeader header;
  std::string program_id;
  std::string client_id;
  std::string plan_id = {};
  // Instead of all three: as the store says, or why there is nothing to start.
  std::optional<tl::expected<PlannedSession, Refusal>> planned = std::nullopt;
};

struct StartSetOrder {  // a free set outside a program
  OrderHeader header;
  ProgramBlock block;  // sets is ignored; the first side counts
  std::string client_id;
  std::vector<record::LoadCap> caps = {};  // of the client, where it is a stored one
};

// A set of both arms has one load: an order for either axis changes both. Parameters likewise.
struct AdjustLoadOrder {
  OrderHeader header;
  double load = 0.0;                                             // N | Nm
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;  // of the unit the client used
  std::uint8_t axis = 0;
};

struct SetParameterOrder {
  OrderHeader header;
  std::string parameter;  // by name
  double value = 0.0;
  std::uint8_t axis = 0;
};

// An exercise without the machine is over: somebody says that it was done, or why it is left out.
struct ConfirmGuidedOrder {
  OrderHeader header;
  std::string guided_id;              // of the exercise meant; empty: the one under way
  std::optional<std::uint32_t> reps;  // that were done, as told; nothing: as asked
  bool skip = false;
  std::string reason;  // of a skip: 1..200 characters
};

// An exercise without the machine, under way or just over.
struct GuidedView {
  record::GuidedRecord record;
  Pace pace;
  bool watches_pelvis = false;  // a single-leg stance in front of a sensor
};

// The last change of a load that was accepted, and how far it has come.
struct LoadChange {
  std::string request_id;
  std::string client_name;
  std::uint8_t axis = 0;
  double requested = 0.0;
  double accepted = 0.0;  // as the loop took it
  std::uint64_t accepted_tick = 0;
  bool applied = false;  // the ramp has ended; the report is of that moment
  LoadReport report;
};

// What a trainer sees; a value, copied whole. Published at least at 20 Hz and on every change.
struct Snapshot {
  std::uint64_t version = 0;   // raised by every accepted order and state change
  std::uint64_t sequence = 0;  // raised by every publication
  StationState state = StationState::kIdle;
  bool paused = false;
  std::string state_reason;  // why it is in this state, for people
  std::string machine_name;
  bool simulated = false;
  bool realtime = false;  // real-time scheduling was granted
  rt::Status loop;        // the loop's own status
  std::string session_id;
  std::string program_id;
  std::string client_id;
  std::string plan_id;
  std::uint32_t set_index = 0;  // of the session, from 1
  std::uint32_t sets_total = 0;
  std::optional<record::SetRecord> set;        // under way or just closed, with repetitions so far
  std::optional<record::SetRecord> other_set;  // of a set of both arms: the right one's
  std::string stored_session_id;               // under way or just ended
  std::vector<std::string> stored_set_ids;     // of stored_session_id, acknowledged
  ProgramBlock block;                          // prescription of the set under way
  std::optional<GuidedView> guided;            // instead of a set, while there is one
  std::optional<LoadChange> load_change;       // of the session
  std::optional<Lease> lease;                  // of control, while somebody holds it
  double lease_remaining_s = 0.0;
  bool increases_frozen = false;  // the trainer is lost
  double rest_remaining_s = 0.0;
  double phase_elapsed_s = 0.0;
  std::vector<std::string> warnings;  // e.g. no real-time permission, store trouble
};

struct PeopleDesk;
struct SettledSession;

struct StationConfig {
  MachineConfig machine;
  ProgramLibrary programs;
  bool realtime_granted = false;
  // [control] Why the machine must not be armed now, in one sentence; empty: it may. Null: it may.
  std::function<std::string()> arming_refusal;
  bool autostart_next_set = true;  // false: a rest ends by resume()
  std::shared_ptr<spdlog::logger>
      audit;  // orders, refusals, faults; null = spdlog's default logger
  record::AuditSink* audit_sink = nullptr;  // the same for the store; outlives the station
};

class Station {
 public:
  using Observer = std::function<void(const Snapshot&)>;
  using ObserverId = std::uint64_t;
  template <typename T>
  using Answer = std::function<void(tl::expected<T, Refusal>)>;

  // [control, before the loop runs] All references outlive the station.
  Station(Runtime& runtime, rt::EngineChannels& channels, PluginHost& plugins, record::Store& store,
          StationConfig config);
  ~Station();

  // [control] Starts its timers.
  void start();
  // [control] Unloads, closes an open set as interrupted, then calls `done`.
  void shutdown(std::function<void()> done);

  // [control] Orders. The answer comes on the control executor, once, as soon as the loop has taken
  // the order (not when a ramp has ended); a refusal may come before the call returns. Refused
  // orders change nothing. Answers are remembered but for kBusy, which may be sent again with the
  // same id.
  void start_session(const StartSessionOrder& order, Answer<Receipt> answer);
  void start_set(const StartSetOrder& order, Answer<Receipt> answer);
  void adjust_load(const AdjustLoadOrder& order, Answer<Receipt> answer);
  void set_parameter(const SetParameterOrder& order, Answer<Receipt> answer);
  void pause(const OrderHeader& header, Answer<Receipt> answer);
  void resume(const OrderHeader& header, Answer<Receipt> answer);
  void confirm_guided(const ConfirmGuidedOrder& order, Answer<Receipt> answer);
  // The lease of control (lease.hpp). Refusals change nothing.
  [[nodiscard]] tl::expected<LeaseGrant, Refusal> acquire_lease(const LeaseRequest& request);
  [[nodiscard]] tl::expected<Lease, Refusal> renew_lease(const LeaseClaim& claim);
  [[nodiscard]] tl::expected<void, Refusal> release_lease(const LeaseClaim& claim);
  [[nodiscard]] tl::expected<Lease, Refusal> hand_over_lease(const LeaseClaim& claim,
                                                             const std::string& to);
  // Always accepted, in every state, whatever the expected version: unloads within 500 ms.
  void stop(const OrderHeader& header, Answer<Receipt> answer);
  // A client's last watch has ended (or one is open again). When it is the one who leads, the
  // holder of the lease or else the starter of the session, increases are frozen and the set goes
  // on.
  void client_lost(const std::string& client_name);
  void client_returned(const std::string& client_name);

  // [control]
  [[nodiscard]] const Snapshot& snapshot() const;
  [[nodiscard]] const ProgramLibrary& programs() const;
  // [any] For work with people and plans on the record thread; lives as long as the station.
  [[nodiscard]] PeopleDesk people() const;
  ObserverId observe(Observer observer);  // called on the control executor
  void unobserve(ObserverId id);
  // [control] Called on the record thread with each drained block of samples, for live streams.
  using SampleObserver = std::function<void(std::span<const rt::SampleRecord>)>;
  ObserverId observe_samples(SampleObserver observer);
  void unobserve_samples(ObserverId id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] const char* to_string(StationState state) noexcept;

}  // namespace medius::station
