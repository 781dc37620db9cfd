// One Modbus link: its thread, its connection, its devices. Free-runs at its own pace beside the
// loop (wall), or makes a round when the loop asks for one (lockstep).
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "controller/rt/exchange.hpp"
#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/connection.hpp"
#include "hal/modbus/device_session.hpp"
#include "hal/modbus/lockstep.hpp"
#include "hal/modbus/rtt_histogram.hpp"

namespace medius::hal::modbus {

class Link {
 public:
  // `gate` is null at wall pace.
  Link(const LinkPlan& plan, const BusPlan& bus, LockstepGate* gate);
  ~Link() { stop(); }

  // [control]
  void start();
  void stop();
  [[nodiscard]] LinkStatus status() const;

  // [rt] wait-free. Only the axes and panel of this link are touched.
  void read(MachineInput& input) noexcept;
  // [rt] wait-free.
  void write(const Tick& tick, const MachineOutput& output) noexcept;

 private:
  struct Order {
    MachineOutput output;
    std::uint64_t tick = 0;
    std::int64_t nominal_ns = 0;
    bool valid = false;
  };

  void run();
  [[nodiscard]] bool connect();
  [[nodiscard]] bool await_round(RoundInput& round);
  void make_round(const RoundInput& round);
  [[nodiscard]] Exchange make_exchanges(const RoundInput& round);
  [[nodiscard]] Exchange exchange_drive(DriveSession& drive, const RoundInput& round,
                                        ExchangeStats& stats);
  [[nodiscard]] Exchange exchange_cells(const RoundInput& round, ExchangeStats& stats);
  [[nodiscard]] Exchange exchange_sensors(const RoundInput& round, ExchangeStats& stats);
  [[nodiscard]] bool due(const DevicePlan& device) const noexcept;
  [[nodiscard]] Outcome open();
  [[nodiscard]] bool admit_all(std::string& problem, std::vector<std::string>& warnings);
  [[nodiscard]] RoundInput next_round(std::int64_t lockstep_nominal_ns);
  void lose(const std::string& why);
  void publish() noexcept;
  void publish_counters() noexcept;
  void pause_ms(int milliseconds);
  void set_state(LinkState state, std::string message);
  void set_realtime() const;

  const LinkPlan plan_;
  const bool lockstep_;
  const int realtime_priority_;
  const std::int64_t round_ns_;
  const bool has_pads_;
  bool gives_panel_ = false, gives_safety_ = false;
  LockstepGate* const gate_;
  std::vector<DriveSession> drives_;
  std::vector<PanelSession> panels_;
  std::vector<IoSession> ios_;
  std::vector<LoadCellSession> cells_;
  std::vector<PelvisSession> pelvis_;  // at most one

  rt::TripleBuffer<MachineInput> inputs_;
  rt::TripleBuffer<Order> orders_;
  MachineInput seen_;  // [rt]

  // [bus]
  Connection connection_;
  MachineInput input_;
  Order order_;
  LinkCounters counters_;
  std::uint64_t flushed_before_ = 0;
  std::uint64_t round_number_ = 0;
  std::uint64_t sent_tick_ = UINT64_MAX;
  std::uint16_t sequence_ = 0;
  std::uint32_t epoch_ = 0;
  int not_accepted_in_a_row_ = 0;
  int backoff_ms_;
  std::int64_t next_round_ns_ = 0;

  rt::SeqLock<LinkCounters> published_counters_;
  RttHistogram rtt_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // state and its texts: written on changes only
  std::condition_variable wake_;
  LinkState state_ = LinkState::kDown;
  std::string message_;
  std::vector<std::string> warnings_;
  std::uint32_t published_epoch_ = 0;
  std::string trouble_shown_;
  std::thread thread_;
};

}  // namespace medius::hal::modbus
