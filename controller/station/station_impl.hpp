// The inside of the station. One struct, its story told in several files:
//   station.cpp           start, the step, shutdown
//   session_sequence.cpp  sessions: idle, arming, pretension, resting, fault
//   set_sequence.cpp      a set: ready, working, unloading, storing
//   guided_sequence.cpp   exercises without the machine, and their confirmation
//   orders.cpp            every order's way in: request ids, leases, versions, session orders
//   loop_orders.cpp       orders that the loop has to take, and their confirmation
//   trainer.cpp           who leads: the lease of control, and what happens when they are lost
//   publish.cpp           what a trainer sees
//   audit_notes.cpp       what the audit log is told
// Everything runs on the control executor. Durations of a set count loop ticks, so that a host that
// stalls plant and controller alike ends no set; only the wait for the loop itself counts control
// time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/station/answer_memory.hpp"
#include "controller/station/loop_link.hpp"
#include "controller/station/plan.hpp"
#include "controller/station/plan_side.hpp"
#include "controller/station/record_side.hpp"
#include "controller/station/station.hpp"

namespace medius::station {

inline constexpr std::int64_t kStepNs = 10'000'000;
inline constexpr std::uint64_t kPublishSteps = 5;  // 20 Hz
inline constexpr std::uint64_t kDrainSteps = 2;    // live samples at most 20 ms late
// The loop takes a command within a tick; 200 ms without it means that it is not running. In
// lockstep a stalled host stalls the loop too, and is no fault.
inline constexpr std::int64_t kOrderTimeoutNs = 200'000'000;
// A client that left so shortly before its session began did so while its order was under way.
inline constexpr std::int64_t kGoneAtStartNs = 2'000'000'000;
inline constexpr std::int64_t kLockstepOrderTimeoutNs = 2'000'000'000;
// Of accepted orders, and as many of refused ones; proto/medius/v1/station.proto promises so many.
inline constexpr std::size_t kAnswersRemembered = 1024;
// A year of 359 orders a day without a restart; about 6 MB when full.
inline constexpr std::size_t kUsedIdsRemembered = 131'072;
inline constexpr std::size_t kOrdersUnderWayMax = 64;  // then refused as busy; stop is always taken
// Closed sets that the store has not taken; the recorder keeps eight. Beyond it no set starts.
inline constexpr std::size_t kUnstoredSetsMax = 6;

inline constexpr double kArmTimeoutS = 5.0;  // a drive that is not ready by then will not be
inline constexpr double kPretensionTimeoutS = 180.0;  // somebody is putting the cuff on
inline constexpr double kEngageTimeoutS = 1.0;
inline constexpr double kUnloadTimeoutS = 1.0;  // R2 takes 0.5 s
inline constexpr double kEndSetTimeoutS = 0.5;
inline constexpr double kStoreWaitS = 5.0;       // then the session ends and the store is tried on
inline constexpr double kPauseTimeoutS = 300.0;  // a set is not left hanging for ever
inline constexpr double kReadyTension = 8.0;     // N | Nm: cuff on
inline constexpr double kReadyTensionFraction = 0.8;  // of a pretension below 10
inline constexpr double kShutdownTimeoutS = 4.0;

template <typename T>
using Outcome = tl::expected<T, Refusal>;
using ReceiptAnswer = Station::Answer<Receipt>;

inline constexpr const char* kWaitingForLoop = "waiting for the loop";

struct PlannedSet {
  std::size_t block = 0;
  record::Side side = record::Side::kNone;
};

struct Session {
  record::SessionRecord record;
  Program program;
  Trainee trainee;
  std::string client_name;  // the starter: leads unless somebody else holds the lease
  std::vector<PlannedSet> plan;
  std::size_t next = 0;              // index into plan of the set under way or to come
  std::vector<std::string> skipped;  // exercises of the program that this machine has not, and why
  // A trainer's load for a side holds for the later sets of this side in the block.
  std::map<std::pair<std::size_t, record::Side>, double> adjusted;
};

// What a set is on one axis. Both arms of a lever machine at once are two of these, each with a
// profile, a count and a record of its own.
struct SetSide {
  record::SetRecord record;
  std::uint8_t axis = 0;
  std::unique_ptr<rt::ProfileInstance> profile;  // until the loop gets it
  std::uint64_t enable_id = 0, take_up_id = 0, start_id = 0, engage_id = 0;
  bool taken = false;      // the loop has taken kStartSet: there is something to record
  bool engaged = false;    // the loop has taken kEngage: the load comes in
  bool recording = false;  // the recorder knows the set
  std::uint16_t serial = 0;
  double load_in_force = 0.0;   // confirmed by the loop
  double anchor = 0.0;          // position of the last movement
  std::uint32_t reps_seen = 0;  // full and partial, at the last look
};

// The set that is being prepared, done or closed.
struct ActiveSet {
  std::vector<SetSide> sides;  // at least one; receipts name the first
  ProgramBlock block;
  std::uint64_t unload_id = 0, end_id = 0;   // of the last side: the loop takes them in order
  std::optional<safety::FaultCode> refusal;  // why the loop refused a command of the set
  double load_ordered = 0.0;                 // last accepted order, for all sides
  double ratio = 1.0;                        // largest felt force over base load
  std::string pause_reason;                  // of a pause that the loop made
  std::uint64_t moved_tick = 0;
  double prescribed_still_s = 0.0;  // hold or bottom prescribed since the last movement
  std::uint64_t paused_tick = 0;
  bool ending = false;  // why and counts are settled

  [[nodiscard]] SetSide& first() { return sides.front(); }
  [[nodiscard]] const SetSide& first() const { return sides.front(); }
  template <typename Holds>
  [[nodiscard]] bool all(Holds holds) const {
    return std::all_of(sides.begin(), sides.end(), holds);
  }
  template <typename Holds>
  [[nodiscard]] bool any(Holds holds) const {
    return std::any_of(sides.begin(), sides.end(), holds);
  }
  [[nodiscard]] SetSide* on_axis(std::uint8_t axis) {
    for (SetSide& side : sides) {
      if (side.axis == axis) return &side;
    }
    return nullptr;
  }
  [[nodiscard]] const SetSide* on_axis(std::uint8_t axis) const {
    for (const SetSide& side : sides) {
      if (side.axis == axis) return &side;
    }
    return nullptr;
  }
  [[nodiscard]] bool started() const { return first().start_id != 0; }
  // The smallest: what a step is measured from.
  [[nodiscard]] double load_in_force() const {
    double load = first().load_in_force;
    for (const SetSide& side : sides) load = at_most(load, side.load_in_force);
    return load;
  }
  void lower_load_in_force(double load) {
    for (SetSide& side : sides) side.load_in_force = at_most(side.load_in_force, load);
  }
};

// An exercise without the machine that is under way or just over.
struct GuidedTask {
  record::GuidedRecord record;
  ProgramBlock block;
  std::uint64_t paced_ticks = 0;  // without pauses
  std::uint64_t last_tick = 0;
  bool button_down = false;     // the panel's reset button at the last step
  bool watches_pelvis = false;  // a single-leg stance in front of a sensor
  bool measuring = false;       // over; the stance is being measured

  [[nodiscard]] double paused_s() const {
    return static_cast<double>(last_tick - record.start_tick - paced_ticks) * kTickPeriodS;
  }
};

// How it ended, and who said so.
struct GuidedVerdict {
  record::GuidedEnd end = record::GuidedEnd::kConfirmed;
  record::ConfirmedFrom from = record::ConfirmedFrom::kNobody;
  std::string by;
  std::uint32_t reps = 0;
  std::string reason;
};

enum class UnloadStage : std::uint8_t { kRamp = 0, kEndSet, kStore };

// An order that waits for the loop.
struct PendingOrder {
  Receipt receipt;
  OrderHeader header;
  std::string key;                                      // of its answer in the memory
  std::string what;                                     // "adjust_load 60 on axis 0"
  std::vector<std::pair<ReceiptAnswer, bool>> waiters;  // second: a repeat of the order
  std::int64_t deadline_ns = 0;
  bool always_accepted = false;  // stop
  std::function<void(const rt::Event&, Receipt&)> on_taken;
  std::function<void()> undo;       // taken only after the answer said that it was not
  std::function<void()> roll_back;  // refused by the loop, or not taken in time: our books only
};

// An answer that is remembered, and to which order.
struct Remembered {
  std::string what;
  Outcome<Receipt> outcome;
};

// One client's request ids are nothing to another's.
[[nodiscard]] std::string answer_key(const OrderHeader& header);

struct Station::Impl {
  Impl(Runtime& runtime, rt::EngineChannels& channels, PluginHost& plugins, record::Store& store,
       StationConfig config);

  // station.cpp
  void start();
  void step();
  void shutdown(std::function<void()> done);
  void check_shutdown();
  void schedule_step();
  [[nodiscard]] double in_state_s() const;
  [[nodiscard]] const rt::AxisStatus& axis_status() const;  // of the set's first side
  [[nodiscard]] const rt::AxisStatus& status_of(const SetSide& side) const {
    return loop.status().axis[side.axis];
  }
  // To every axis of the set; the id of the last.
  std::uint64_t send_to_sides(rt::Command command);
  [[nodiscard]] std::optional<std::uint64_t> try_send_to_sides(rt::Command command);

  // session_sequence.cpp
  void begin_session(Session next);
  void enter(StationState next, std::string reason);
  void arm();
  void step_arming();
  void step_pretension();
  void step_resting();
  void begin_next_set();
  void step_fault();
  void abandon_set(const std::string& reason);
  void close_session(const std::string& because);
  void end_session(const std::string& because);
  void drives_off();
  void watch_fault();
  void enter_fault(safety::FaultCode code);
  void on_event(const rt::Event& event);
  [[nodiscard]] bool held_by_lost_client() const { return client_lost_ && session_.has_value(); }

  // set_sequence.cpp
  [[nodiscard]] Outcome<ActiveSet> prepare(const Session& session, std::size_t index);
  [[nodiscard]] Outcome<SetSide> prepare_side(const Session& session, std::size_t index,
                                              const ProgramBlock& block, std::uint8_t axis_index);
  void step_ready();
  void step_working();
  void step_unloading();
  void end_set(record::SetEnd why, const std::string& reason);
  void settle_counts(record::SetEnd why);
  void take_counts(SetSide& side) const;
  static void add_given(record::SetRecord& set, record::GivenChange change);
  void keep_given(const rt::Event& event);
  void close_set(std::uint64_t end_tick);
  void after_set();
  void rest_or_finish(double rest_s);
  void watch_standing();
  void begin_recording();
  [[nodiscard]] bool cuff_is_on() const;
  void on_rep(const std::string& set_id, const measure::RepMetrics& rep);
  void on_stored(const record::StoredSet& stored);
  void on_store_trouble(const std::string& message);
  void on_plan_settled(const SettledSession& settled);

  // guided_sequence.cpp
  [[nodiscard]] bool next_is_guided(const Session& session) const;
  void begin_guided();
  void step_guided();
  void end_guided(const GuidedVerdict& verdict);
  void end_guided_now(record::GuidedEnd why, const std::string& because);
  void close_guided();
  void after_guided();
  [[nodiscard]] Pace guided_pace() const;
  [[nodiscard]] std::optional<Refusal> check_confirm(const ConfirmGuidedOrder& order) const;
  void confirm_guided(const ConfirmGuidedOrder& order, const ReceiptAnswer& answer);

  // orders.cpp
  [[nodiscard]] bool admit(const OrderHeader& header, const std::string& what, LeaseNeed need,
                           const ReceiptAnswer& answer);
  [[nodiscard]] bool answered_before(const OrderHeader& header, const std::string& what,
                                     const ReceiptAnswer& answer);
  void refuse(const OrderHeader& header, const std::string& what, Refusal refusal,
              const ReceiptAnswer& answer);
  void accept(const OrderHeader& header, const std::string& what, Receipt receipt,
              const ReceiptAnswer& answer);
  [[nodiscard]] std::optional<Refusal> may_start() const;
  void start_session(const StartSessionOrder& order, const ReceiptAnswer& answer);
  void start_set(const StartSetOrder& order, const ReceiptAnswer& answer);
  void start(const OrderHeader& header, const std::string& what, MachineShare share,
             Program program, Trainee trainee, const ReceiptAnswer& answer);
  // Twice the load of an arm where one axis moves both.
  [[nodiscard]] double arms() const;
  // False when there were too many within a second.
  bool log_refusal(const std::string& what, const std::string& id, const std::string& who,
                   const std::string& why);
  [[nodiscard]] Receipt receipt_for(const OrderHeader& header) const;

  // trainer.cpp
  [[nodiscard]] const Lease* lease() const { return leases.current(now_ns); }
  [[nodiscard]] std::string why_frozen() const;
  [[nodiscard]] bool went_away(const std::string& client_name) const;
  void client_lost(const std::string& client_name);
  void client_returned(const std::string& client_name);
  void freeze_increases(bool frozen);
  void look_after_trainer();
  void take_back_waiting_increase();
  Outcome<LeaseGrant> acquire_lease(const LeaseRequest& request);
  Outcome<Lease> renew_lease(const LeaseClaim& claim);
  Outcome<void> release_lease(const LeaseClaim& claim);
  Outcome<Lease> hand_over_lease(const LeaseClaim& claim, const std::string& to);
  [[nodiscard]] std::uint64_t next_epoch();
  template <typename T>
  Outcome<T> told(Outcome<T> outcome, const std::string& what, const std::string& who);

  // loop_orders.cpp
  void adjust_load(const AdjustLoadOrder& order, const ReceiptAnswer& answer);
  [[nodiscard]] std::optional<Refusal> check_drive_limit(double load, double ratio) const;
  void plan_load(const AdjustLoadOrder& order, const std::string& what,
                 const ReceiptAnswer& answer);
  [[nodiscard]] double load_before() const;
  [[nodiscard]] LoadReport load_report(std::uint8_t axis) const;
  void watch_load_change();
  [[nodiscard]] std::optional<Refusal> check_adjust(const AdjustLoadOrder& order) const;
  [[nodiscard]] std::optional<Refusal> check_set_parameter(const SetParameterOrder& order) const;
  void set_parameter(const SetParameterOrder& order, const ReceiptAnswer& answer);
  void pause(const OrderHeader& header, const ReceiptAnswer& answer);
  void resume(const OrderHeader& header, const ReceiptAnswer& answer);
  [[nodiscard]] std::optional<Refusal> may_resume() const;
  void stop(const OrderHeader& header, const ReceiptAnswer& answer);
  void stop_now(record::SetEnd why, const std::string& because);
  [[nodiscard]] std::int64_t order_timeout_ns() const;
  void await(std::uint64_t command_id, const OrderHeader& header, PendingOrder order,
             const ReceiptAnswer& answer);
  void settle_orders(const rt::Event& event);
  void expire_orders();
  void answer_pending(PendingOrder& order, Outcome<Receipt> outcome);
  void remember_accepted(const std::string& key, Remembered answer);

  // audit_notes.cpp
  void note(record::AuditEvent event) const;
  void note_refused(const OrderHeader& header, const std::string& what,
                    const Refusal& refusal) const;
  void note_accepted(const OrderHeader& header, const std::string& what,
                     const Receipt& receipt) const;
  void note_session(const char* action, const record::SessionRecord& session,
                    const std::string& who, const std::string& why) const;
  void note_set(const char* action, const record::SetRecord& of, const std::string& why) const;
  void note_load_applied(const SetSide& side, const rt::Event& from) const;
  void note_lease(const char* action, const std::string& who, record::AuditResult result,
                  const std::string& why) const;
  void note_muted() const;
  void note_fault(const char* action, const std::string& sentence, std::uint64_t tick) const;
  [[nodiscard]] const char* audit_unit() const;
  [[nodiscard]] std::string audit_subject() const;

  // publish.cpp
  void changed();  // raises the version and marks for publication
  void publish_if_due();
  void publish();
  void fill(Snapshot& snapshot) const;
  [[nodiscard]] record::SetRecord record_now(const SetSide& side) const;
  [[nodiscard]] std::vector<std::string> warnings() const;

  Runtime& runtime;
  PluginHost& plugins;
  StationConfig config;
  std::shared_ptr<spdlog::logger> audit;
  LoopLink loop;
  RecordSide records;
  PlanSide plans;

  StationState state = StationState::kIdle;
  std::string reason = kWaitingForLoop;
  std::uint64_t state_tick = 0;  // loop tick at which the state was entered
  bool paused = false;
  std::optional<Session> session_;
  std::optional<ActiveSet> set;
  std::optional<GuidedTask> guided;       // never together with a set
  std::optional<GuidedTask> last_guided;  // until the next set or session begins
  UnloadStage unload_stage = UnloadStage::kRamp;
  std::uint64_t stage_tick = 0;
  bool session_ends_after_set = false;
  std::string end_reason;
  std::uint64_t still_since_tick = 0;
  std::uint64_t rest_end_tick = 0;
  bool resumed_rest = false;  // a rest that was told to end, whatever autostart says
  std::uint64_t phase_tick = 0;
  LeaseBook leases{[this] { return next_epoch(); }};
  std::uint64_t epoch_base = 0, epochs_left = 0;
  bool client_lost_ = false;   // whoever leads is lost: increases are frozen
  bool starter_gone_ = false;  // has no watch open any more
  bool holder_gone_ = false;   // the same of the lease's holder, if they did not start the session
  std::string lease_ran_out_of_;  // whose, under this session, and nobody has taken one since
  std::optional<LoadChange> load_change;
  std::uint64_t load_change_command = 0;  // the loop's; 0: has been applied, or never will be
  // Who left lately, and when: a client that is gone before its order to start was carried out is
  // lost.
  std::map<std::string, std::int64_t> clients_gone_;
  safety::FaultCode fault_shown = safety::FaultCode::kNone;
  std::vector<record::SetRecord> last_set;  // just closed, a record a side
  std::uint32_t last_sets_total = 0;
  std::string shown_session_id;  // under way or just ended
  std::vector<std::string> stored_set_ids;
  std::string store_trouble;

  AnswerMemory<Remembered> accepted{kAnswersRemembered};
  // Apart, so that a flood of refused orders cannot push out what was applied.
  AnswerMemory<Remembered> refused{kAnswersRemembered};
  UsedIds used{kUsedIdsRemembered};                         // of everything that was in `accepted`
  std::map<std::uint64_t, PendingOrder> pending;            // by command id
  std::map<std::uint64_t, std::function<void()>> too_late;  // undo of orders that timed out
  std::map<std::string, std::uint64_t> pending_by_request;  // by answer_key()
  std::uint64_t refusals_muted = 0;  // beyond ten a second the audit only counts
  std::int64_t refusal_window_ns = 0;
  int refusals_in_window = 0;

  Snapshot snapshot;
  std::uint64_t version = 0;
  std::uint64_t steps = 0;
  bool publish_now = true;
  std::map<ObserverId, std::shared_ptr<Observer>> observers;
  ObserverId next_observer = 1;

  std::int64_t now_ns = 0;
  std::int64_t next_step_ns = 0;
  Runtime::TimerId timer = 0;
  std::function<void()> shutdown_done;
  std::int64_t shutdown_deadline_ns = 0;
  bool shutting_down = false;
  bool is_down = false;
  std::shared_ptr<char> alive = std::make_shared<char>();  // guards timers that outlive the station
};

}  // namespace medius::station
