// The station's dealings with the recorder and the store. Every job runs on the record thread, one
// after the other, through Runtime::run_blocking; results come back on control in the order of the
// jobs. In the world the same jobs are ordered events.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "controller/measure/pelvis.hpp"
#include "controller/record/guided_record.hpp"
#include "controller/record/recorder.hpp"
#include "controller/record/store.hpp"
#include "controller/station/runtime.hpp"

namespace medius::station {

class RecordSide {
 public:
  struct Callbacks {  // all on control
    std::function<void(const std::string& set_id, const measure::RepMetrics&)> on_rep;
    std::function<void(const record::StoredSet&)> on_stored;
    std::function<void(const std::string& message)> on_trouble;  // empty message: it is over
  };
  using SampleObserver = std::function<void(std::span<const rt::SampleRecord>)>;

  RecordSide(Runtime& runtime, rt::EngineChannels& channels, record::Store& store,
             Callbacks callbacks);
  ~RecordSide();

  // [control] Starts a drain unless one is under way. Samples of a set may be drained before
  // open_set(): the recorder keeps them.
  void drain();

  void put_session(const record::SessionRecord& session);
  void open_set(const record::SetRecord& set, std::uint16_t serial,
                const measure::MetricConfig& metrics);
  // [control] Tried until the store takes it, like a set; its session comes first.
  void put_guided(const record::GuidedRecord& guided);
  // [control] A single-leg stance: keeps what the pelvis sensor sees from `begin_tick` on, at most
  // kStanceSamplesMax; end_stance() measures it up to `end_tick`, drop_stance() forgets it.
  void begin_stance(std::uint64_t begin_tick);
  using StanceAnswer = std::function<void(const measure::StanceResult&)>;
  void end_stance(std::uint64_t end_tick, const measure::StanceConfig& stance_config,
                  StanceAnswer answer);
  void drop_stance();
  void rep_closed(std::uint16_t serial, const measure::RepBoundary& boundary);
  // [control] Tried again every 2 s until the store takes it; only then on_stored() is called.
  void close_set(const record::SetRecord& summary);
  // [control] Call at every step.
  void step(std::int64_t now_ns);

  // [control] Closed sets, and with sessions and guided exercises, that the store has not taken
  // yet.
  [[nodiscard]] std::size_t unstored_sets() const { return closes_.size(); }
  [[nodiscard]] std::size_t unacknowledged() const {
    return closes_.size() + sessions_.size() + guided_.size();
  }
  [[nodiscard]] bool in_trouble() const { return in_trouble_; }

  std::uint64_t observe_samples(SampleObserver observer);
  void unobserve_samples(std::uint64_t id);

 private:
  struct Shared;  // what the record thread touches
  using Work = std::function<void(Shared&)>;

  void run(Work work, Runtime::Task done);
  void pump(std::int64_t now_ns);
  void finished(const std::string& error);
  void pump_sessions();
  void pump_closes();
  void pump_guided();

  Runtime& runtime_;
  Callbacks callbacks_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // guards tasks that outlive this
  std::deque<record::SessionRecord> sessions_;  // oldest first; the front one may be under way
  std::deque<record::SetRecord> closes_;
  std::deque<record::GuidedRecord> guided_;
  bool session_under_way_ = false;
  bool close_under_way_ = false;
  bool guided_under_way_ = false;
  bool draining_ = false;
  bool in_trouble_ = false;
  std::int64_t retry_at_ns_ = 0;
  std::int64_t now_ns_ = 0;
  std::uint64_t next_observer_ = 1;
};

}  // namespace medius::station
