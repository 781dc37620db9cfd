#include "controller/metrics/station_metrics.hpp"

#include <algorithm>
#include <utility>

#include "controller/record/export.hpp"

namespace medius::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// A drive that has not answered yet has an age without end; that must not drown the sum.
constexpr std::int64_t kNoDataNs = 10'000'000'000;

constexpr std::array kStates = {
    station::StationState::kIdle,       station::StationState::kArming,
    station::StationState::kPretension, station::StationState::kReady,
    station::StationState::kWorking,    station::StationState::kUnloading,
    station::StationState::kResting,    station::StationState::kFault,
    station::StationState::kGuided};

// Families by name, in the order they are first named.
class Page {
 public:
  void counter(const char* name, const char* help, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.counter.value = value;
    add(name, help, MetricType::Counter, std::move(metric), std::move(labels));
  }
  void gauge(const char* name, const char* help, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric), std::move(labels));
  }
  template <std::size_t kBounds>
  void histogram(const char* name, const char* help, const Tally<kBounds>& tally) {
    ClientMetric metric;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kBounds; ++i) {
      total += tally.count(i);
      metric.histogram.bucket.push_back({total, tally.bound_s(i)});
    }
    metric.histogram.sample_count = total + tally.count(kBounds);
    metric.histogram.sample_sum = tally.sum_s();
    add(name, help, MetricType::Histogram, std::move(metric), {});
  }
  [[nodiscard]] std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  void add(const char* name, const char* help, MetricType type, ClientMetric metric,
           Labels labels) {
    metric.label = std::move(labels);
    auto family = std::find_if(families_.begin(), families_.end(),
                               [&](const MetricFamily& known) { return known.name == name; });
    if (family == families_.end()) {
      families_.push_back({name, help, type, {}});
      family = families_.end() - 1;
    }
    family->metric.push_back(std::move(metric));
  }

  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void put_station(Page& page, const station::Snapshot& now) {
  page.gauge("medius_station_info", "Always 1; its labels say which station this is.", 1.0,
             {{"machine", now.machine_name},
              {"simulated", now.simulated ? "true" : "false"},
              {"realtime", now.realtime ? "true" : "false"}});
  for (const station::StationState state : kStates) {
    page.gauge("medius_station_state", "1 for the state the station is in, 0 for the others.",
               now.state == state ? 1.0 : 0.0, {{"state", to_string(state)}});
  }
  page.gauge("medius_station_warnings", "Warnings that stand now.", number(now.warnings.size()));
  const rt::Status& loop = now.loop;
  page.counter("medius_loop_ticks_total", "Ticks since start, 1 ms each.", number(loop.tick));
  page.counter("medius_loop_missed_ticks_total", "Periods that were skipped.",
               number(loop.missed_total));
  page.counter("medius_loop_events_dropped_total", "Events nobody took in time.",
               number(loop.events_dropped));
  page.counter("medius_loop_samples_dropped_total", "Samples nobody took in time.",
               number(loop.samples_dropped));
  page.gauge("medius_reaction", "0 none, 1 increases frozen, 2 soft, 3 fast unload, 4 torque off.",
             static_cast<double>(loop.reaction));
  page.gauge("medius_estop_released", "1 unless the emergency stop is pressed.",
             loop.estop_released ? 1.0 : 0.0);
  page.gauge("medius_link_fresh", "1 while every value is young enough to raise a load.",
             loop.link_fresh ? 1.0 : 0.0);
  for (std::size_t i = 0; i < std::min<std::size_t>(loop.axis_count, loop.axis.size()); ++i) {
    const rt::AxisStatus& axis = loop.axis[i];
    const bool lever = axis.coordinate == hal::CoordinateKind::kLever;
    const Labels labels{{"axis", std::to_string(i)}, {"unit", lever ? "Nm" : "N"}};
    page.gauge("medius_axis_load", "Base load in force, in the unit of its label.",
               axis.load_applied, labels);
    page.gauge("medius_axis_force", "Measured force or torque, in the unit of its label.",
               axis.force_measured, labels);
  }
}

void put_link(Page& page, const hal::modbus::LinkStatus& link) {
  const Labels labels{{"link", link.name}};
  const hal::modbus::LinkCounters& counters = link.counters;
  page.gauge("medius_bus_up", "1 while the link works.",
             link.state == hal::modbus::LinkState::kUp ? 1.0 : 0.0, labels);
  page.counter("medius_bus_rounds_total", "Accepted samples of the link's drives.",
               number(counters.rounds), labels);
  page.counter("medius_bus_transactions_total", "Modbus transactions.",
               number(counters.transactions), labels);
  page.counter("medius_bus_connects_total", "Connections made.", number(counters.connects), labels);
  const std::pair<const char*, std::uint64_t> errors[] = {
      {"timeout", counters.timeouts},
      {"exception", counters.exceptions},
      {"connection", counters.connection_errors},
      {"protocol", counters.protocol_errors},
      {"echo", counters.echo_mismatches},
      {"frozen", counters.frozen_samples},
      {"refused-value", counters.conversions_refused}};
  for (const auto& [kind, count] : errors) {
    Labels with_kind = labels;
    with_kind.push_back({"kind", kind});
    page.counter("medius_bus_errors_total", "Transactions that failed, by what went wrong.",
                 number(count), std::move(with_kind));
  }
  page.counter("medius_bus_output_stale_total", "Rounds in which the loop had no new output.",
               number(counters.output_stale), labels);
  const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-9; };
  page.gauge("medius_bus_round_trip_p50_seconds", "Median round trip since start.",
             seconds(link.rtt_ns_p50), labels);
  page.gauge("medius_bus_round_trip_p99_seconds", "99 of 100 round trips were shorter.",
             seconds(link.rtt_ns_p99), labels);
  page.gauge("medius_bus_round_trip_max_seconds", "Longest round trip since start.",
             seconds(link.rtt_ns_max), labels);
}

}  // namespace

void StationMetrics::see(const station::Snapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  latest_ = snapshot;
  any_ = true;
  const safety::FaultCode fault = snapshot.loop.fault;
  if (fault != fault_ && fault != safety::FaultCode::kNone) {
    ++faults_by_name_[safety::fault_info(fault).name];
  }
  fault_ = fault;
  const std::optional<record::SetRecord>* sides[] = {&snapshot.set, &snapshot.other_set};
  for (std::size_t i = 0; i < counted_.size(); ++i) {
    const auto& set = *sides[i];
    if (!set || set->end == record::SetEnd::kOpen || set->id == counted_[i]) continue;
    counted_[i] = set->id;
    ++sets_by_end_[record::to_string(set->end)];
    repetitions_ += set->reps_counted;
    partial_repetitions_ += set->reps_partial;
  }
}

void StationMetrics::see(std::span<const rt::SampleRecord> samples) noexcept {
  for (const rt::SampleRecord& sample : samples) {
    if (sample.axis == 0) late_.add(sample.late_ns);  // the tick's, the same for every axis
    age_.add(std::min(sample.drive_age_ns, kNoDataNs));
  }
}

void StationMetrics::see(std::vector<hal::modbus::LinkStatus> links) {
  const std::lock_guard lock(mutex_);
  links_ = std::move(links);
}

std::vector<MetricFamily> StationMetrics::Collect() const {
  Page page;
  page.histogram("medius_loop_late_seconds", "How late ticks began.", late_);
  page.histogram("medius_data_age_seconds", "Age of the drives' values when the loop used them.",
                 age_);
  const std::lock_guard lock(mutex_);
  if (any_) put_station(page, latest_);
  for (const hal::modbus::LinkStatus& link : links_) put_link(page, link);
  for (const auto& [end, count] : sets_by_end_) {
    page.counter("medius_sets_total", "Sets that ended, by how.", number(count), {{"end", end}});
  }
  page.counter("medius_repetitions_total", "Counted repetitions of sets that ended.",
               number(repetitions_), {{"kind", "counted"}});
  page.counter("medius_repetitions_total", "Counted repetitions of sets that ended.",
               number(partial_repetitions_), {{"kind", "partial"}});
  for (const auto& [name, count] : faults_by_name_) {
    page.counter("medius_faults_total", "Faults that came into force, by name.", number(count),
                 {{"fault", name}});
  }
  return page.take();
}

}  // namespace medius::metrics
