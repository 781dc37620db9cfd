#include "controller/station/record_side.hpp"

#include <optional>

#include "controller/record/measuring.hpp"

namespace medius::station {
namespace {

// A full disk or a broken one does not mend within milliseconds; a person has to look.
constexpr std::int64_t kRetryNs = 2'000'000'000;
// The longest guided hold with its time to stand level, and some to spare.
constexpr std::size_t kStanceSamplesMax = 130'000;

// What the sensor sees of a single-leg stance.
struct StanceLog {
  bool on = false;
  std::uint64_t begin_tick = 0;
  std::vector<measure::MetricSample> samples;

  void take(std::span<const rt::SampleRecord> drained) {
    for (const rt::SampleRecord& sample : drained) {
      if (!on || sample.axis != 0 || sample.tick < begin_tick) continue;
      if (samples.size() == kStanceSamplesMax) return;
      samples.push_back(record::metric_sample(sample));
    }
  }
};

}  // namespace

struct RecordSide::Shared {
  Shared(record::Store& the_store, rt::EngineChannels& channels,
         record::Recorder::Callbacks callbacks)
      : store(the_store), recorder(the_store, channels, std::move(callbacks)) {}

  record::Store& store;
  record::Recorder recorder;
  StanceLog stance;  // of the record thread
  std::mutex mutex;  // observers come from control, blocks from the record thread
  std::vector<std::pair<std::uint64_t, std::shared_ptr<SampleObserver>>> observers;
};

RecordSide::RecordSide(Runtime& runtime, rt::EngineChannels& channels, record::Store& store,
                       Callbacks callbacks)
    : runtime_(runtime), callbacks_(std::move(callbacks)) {
  const std::weak_ptr<char> alive = alive_;
  record::Recorder::Callbacks hooks;
  hooks.on_rep = [this, alive, &runtime](const std::string& set_id,
                                         const measure::RepMetrics& rep) {
    runtime.post([this, alive, set_id, rep] {
      if (alive.lock()) callbacks_.on_rep(set_id, rep);
    });
  };
  hooks.on_store_error = [this, alive, &runtime](const record::StoreError& error) {
    runtime.post([this, alive, message = error.message] {
      if (alive.lock()) finished(message);
    });
  };
  auto observers = std::make_shared<std::weak_ptr<Shared>>();
  hooks.on_samples = [observers](std::span<const rt::SampleRecord> samples) {
    const auto shared = observers->lock();
    if (!shared) return;
    shared->stance.take(samples);
    std::vector<std::shared_ptr<SampleObserver>> listeners;
    {
      const std::lock_guard lock(shared->mutex);
      for (const auto& [id, observer] : shared->observers) listeners.push_back(observer);
    }
    for (const auto& observer : listeners) (*observer)(samples);
  };
  shared_ = std::make_shared<Shared>(store, channels, std::move(hooks));
  *observers = shared_;
}

RecordSide::~RecordSide() = default;

void RecordSide::run(Work work, Runtime::Task done) {
  const std::weak_ptr<char> alive = alive_;
  const std::weak_ptr<Shared> weak = shared_;
  runtime_.run_blocking(
      [weak, work = std::move(work)] {
        if (const auto shared = weak.lock()) work(*shared);
      },
      [alive, done = std::move(done)] {
        if (alive.lock()) done();
      });
}

void RecordSide::drain() {
  if (draining_) return;
  draining_ = true;
  run([](Shared& shared) { shared.recorder.drain(); }, [this] { draining_ = false; });
}

void RecordSide::open_set(const record::SetRecord& set, std::uint16_t serial,
                          const measure::MetricConfig& metrics) {
  run([set, serial, metrics](Shared& shared) { shared.recorder.open_set(set, serial, metrics); },
      [] {});
}

void RecordSide::rep_closed(std::uint16_t serial, const measure::RepBoundary& boundary) {
  run([serial, boundary](Shared& shared) { shared.recorder.rep_closed(serial, boundary); }, [] {});
}

void RecordSide::put_session(const record::SessionRecord& session) {
  sessions_.push_back(session);
  pump(now_ns_);
}

void RecordSide::put_guided(const record::GuidedRecord& guided) {
  guided_.push_back(guided);
  pump(now_ns_);
}

void RecordSide::begin_stance(std::uint64_t begin_tick) {
  run([begin_tick](Shared& shared) { shared.stance = {true, begin_tick, {}}; }, [] {});
}

void RecordSide::end_stance(std::uint64_t end_tick, const measure::StanceConfig& stance_config,
                            StanceAnswer answer) {
  auto result = std::make_shared<measure::StanceResult>();
  run(
      [end_tick, stance_config, result](Shared& shared) {
        shared.recorder.drain();
        auto& samples = shared.stance.samples;
        std::erase_if(samples, [&](const auto& sample) { return sample.tick > end_tick; });
        *result = measure::single_leg_stance(samples, stance_config);
        shared.stance = {};
      },
      [result, answer = std::move(answer)] { answer(*result); });
}

void RecordSide::drop_stance() {
  run([](Shared& shared) { shared.stance = {}; }, [] {});
}

void RecordSide::close_set(const record::SetRecord& summary) {
  closes_.push_back(summary);
  pump(now_ns_);
}

void RecordSide::step(std::int64_t now_ns) {
  now_ns_ = now_ns;
  pump(now_ns);
}

// After an error everything waits for the retry time, then the oldest goes first.
void RecordSide::pump(std::int64_t now_ns) {
  if (in_trouble_ && now_ns < retry_at_ns_) return;
  pump_sessions();
  pump_closes();
  pump_guided();
}

void RecordSide::pump_guided() {
  if (guided_under_way_ || guided_.empty() || !sessions_.empty()) return;
  guided_under_way_ = true;
  auto error = std::make_shared<std::string>();
  run(
      [guided = guided_.front(), error](Shared& shared) {
        if (const auto put = shared.store.put_guided(guided); !put) *error = put.error().message;
      },
      [this, error] {
        guided_under_way_ = false;
        if (error->empty()) guided_.pop_front();
        finished(*error);
        if (error->empty()) pump_guided();
      });
}

void RecordSide::pump_sessions() {
  if (session_under_way_ || sessions_.empty()) return;
  session_under_way_ = true;
  auto error = std::make_shared<std::string>();
  run(
      [session = sessions_.front(), error](Shared& shared) {
        if (const auto put = shared.store.put_session(session); !put) *error = put.error().message;
      },
      [this, error] {
        session_under_way_ = false;
        if (error->empty()) sessions_.pop_front();
        finished(*error);
        if (error->empty()) pump_sessions();
      });
}

void RecordSide::pump_closes() {
  // A set belongs to a session that the store must know first.
  if (close_under_way_ || closes_.empty()) return;
  close_under_way_ = true;
  auto stored = std::make_shared<std::optional<record::StoredSet>>();
  auto error = std::make_shared<std::string>();
  run(
      [summary = closes_.front(), stored, error](Shared& shared) {
        auto result = shared.recorder.close_set(summary);
        if (result) {
          *stored = std::move(*result);
        } else {
          *error = result.error().message;
        }
      },
      [this, stored, error] {
        close_under_way_ = false;
        if (error->empty()) closes_.pop_front();
        finished(*error);
        if (!error->empty()) return;
        callbacks_.on_stored(**stored);
        pump_closes();
      });
}

void RecordSide::finished(const std::string& error) {
  if (!error.empty()) {
    in_trouble_ = true;
    retry_at_ns_ = now_ns_ + kRetryNs;
    callbacks_.on_trouble(error);
  } else if (in_trouble_ && unacknowledged() == 0) {
    in_trouble_ = false;
    callbacks_.on_trouble("");
  }
}

std::uint64_t RecordSide::observe_samples(SampleObserver observer) {
  const std::uint64_t id = next_observer_++;
  const std::lock_guard lock(shared_->mutex);
  shared_->observers.emplace_back(id, std::make_shared<SampleObserver>(std::move(observer)));
  return id;
}

void RecordSide::unobserve_samples(std::uint64_t id) {
  const std::lock_guard lock(shared_->mutex);
  std::erase_if(shared_->observers, [id](const auto& entry) { return entry.first == id; });
}

}  // namespace medius::station
