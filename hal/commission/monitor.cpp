#include "hal/commission/monitor.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hal/commission/link_users.hpp"
#include "hal/modbus/lockstep.hpp"
#include "hal/modbus/rtt_histogram.hpp"

namespace medius::hal {
namespace {

using modbus::Connection;
using modbus::LinkPlan;
using modbus::Outcome;

// Faster than anybody reads, and slow enough to leave a line its silences.
constexpr auto kPassPeriod = std::chrono::milliseconds(50);
constexpr auto kReconnectPause = std::chrono::milliseconds(500);
constexpr double kMsPerNs = 1e-6;

}  // namespace

// One link with a thread of its own: a device that is silent holds up nobody else's line.
class MonitorLine {
 public:
  explicit MonitorLine(const LinkPlan& link) : link_(link), rtt_(link.devices.size()) {
    for (const modbus::DevicePlan& device : link.devices) readers_.emplace_back(device);
    thread_ = std::thread([this] { run(); });
  }
  ~MonitorLine() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  MonitorLine(const MonitorLine&) = delete;
  MonitorLine& operator=(const MonitorLine&) = delete;

  [[nodiscard]] MonitoredLink snapshot() const {
    const std::int64_t now_ns = modbus::monotonic_ns();
    const std::lock_guard lock(mutex_);
    MonitoredLink out{link_.name, link_.address, up_, problem_, connects_, {}};
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      const DeviceReader& reader = readers_[i];
      MonitoredDevice device{reader.plan().name,
                             reader.plan().descriptor.path,
                             reader.plan().unit_id,
                             {},
                             reader.transactions(),
                             reader.errors(),
                             static_cast<double>(rtt_[i].quantile_ns(0.50)) * kMsPerNs,
                             static_cast<double>(rtt_[i].quantile_ns(0.99)) * kMsPerNs,
                             static_cast<double>(rtt_[i].max_ns()) * kMsPerNs};
      for (const RegisterValue& value : reader.values()) {
        const double age_ms =
            value.stamp_ns == 0 ? -1.0 : static_cast<double>(now_ns - value.stamp_ns) * kMsPerNs;
        device.registers.push_back({value, age_ms});
      }
      out.devices.push_back(std::move(device));
    }
    return out;
  }

 private:
  void run() {
    while (!stopping_) {
      if (!connection_.is_open() && !connect()) {
        pause(kReconnectPause);
        continue;
      }
      pass();
      pause(kPassPeriod);
    }
  }

  bool connect() {
    const Outcome outcome = open_link(connection_, link_);
    const std::lock_guard lock(mutex_);
    up_ = outcome == Outcome::kOk;
    problem_ = up_ ? "" : fmt::format("no connection: {}", connection_.error());
    if (up_) ++connects_;
    return up_;
  }

  // Reads into copies, so that whoever asks for a snapshot need not wait for a device.
  void pass() {
    for (std::size_t i = 0; i < readers_.size() && !stopping_; ++i) {
      DeviceReader reader = [&] {
        const std::lock_guard lock(mutex_);
        return readers_[i];
      }();
      const Outcome outcome = reader.read(connection_);
      const std::string why = failure_text(connection_, outcome);
      const std::lock_guard lock(mutex_);
      readers_[i] = std::move(reader);
      for (const std::int64_t each : readers_[i].round_trips_ns()) rtt_[i].add(each);
      if (outcome == Outcome::kOk) continue;
      connection_.close();
      up_ = false;
      problem_ = fmt::format("{}: {}; reconnecting", readers_[i].plan().name, why);
      return;
    }
  }

  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_.load(); });
  }

  const LinkPlan& link_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::vector<DeviceReader> readers_;
  std::vector<modbus::RttHistogram> rtt_;  // beside readers_
  Connection connection_;                  // of the thread
  bool up_ = false;
  std::string problem_ = "connecting";
  std::uint64_t connects_ = 0;
  std::thread thread_;
};

struct Monitor::Impl {
  MachinePlan machine;
  std::vector<std::string> warnings;
  std::int64_t started_ns = modbus::monotonic_ns();
  std::vector<std::unique_ptr<MonitorLine>> lines;
};

Monitor::Monitor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Monitor::~Monitor() = default;

tl::expected<std::unique_ptr<Monitor>, std::string> Monitor::start(const MachineSource& source) {
  auto machine = load_machine(source, modbus::PlanUse::kLook);
  if (!machine) return tl::make_unexpected(machine.error());
  auto impl = std::make_unique<Impl>();
  impl->machine = std::move(*machine);
  impl->warnings = impl->machine.bus.warnings;
  for (const LinkPlan& link : impl->machine.bus.links) {
    for (const std::string& user : users_of(link)) {
      if (link.transport == modbus::Transport::kRtu) {
        return tl::make_unexpected(fmt::format(
            "[[link]] '{}' ({}) is in use by {}; two masters on a line garble each other: stop it, "
            "then monitor",
            link.name, link.address, user));
      }
      impl->warnings.push_back(
          fmt::format("[[link]] '{}': {} is connected too; some devices take one client only",
                      link.name, user));
    }
  }
  for (const LinkPlan& link : impl->machine.bus.links) {
    impl->lines.push_back(std::make_unique<MonitorLine>(link));
  }
  return std::unique_ptr<Monitor>(new Monitor(std::move(impl)));
}

MonitorSnapshot Monitor::snapshot() const {
  MonitorSnapshot snapshot;
  snapshot.seconds = static_cast<double>(modbus::monotonic_ns() - impl_->started_ns) * 1e-9;
  for (const auto& line : impl_->lines) snapshot.links.push_back(line->snapshot());
  return snapshot;
}

const std::vector<std::string>& Monitor::warnings() const noexcept {
  return impl_->warnings;
}

namespace {

std::string words_text(const std::vector<std::uint16_t>& words) {
  std::string text;
  for (const std::uint16_t word : words) {
    text += fmt::format("{}{:04x}", text.empty() ? "" : " ", word);
  }
  return text;
}

std::string register_line(const MonitoredRegister& each) {
  const RegisterValue& v = each.value;
  const std::string age =
      each.age_ms < 0.0 ? std::string("never") : fmt::format("{:.0f} ms", each.age_ms);
  std::string said = v.text;
  if (!v.ok && !v.error.empty()) said = v.error;
  if (!v.verified) said += said.empty() ? "unverified" : ", unverified";
  const bool number = each.age_ms >= 0.0;
  return fmt::format("    {:<24} {:<6} {}  {:<10} {:>14} {:<5} {:>9}  {}", v.name, v.block,
                     address_text(v.address), words_text(v.words),
                     number ? fmt::format("{:.6g}", v.value) : std::string("-"),
                     number && v.unit != "1" ? v.unit : "", age, said);
}

}  // namespace

std::vector<std::string> monitor_lines(const MonitorSnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const MonitoredLink& link : snapshot.links) {
    lines.push_back(fmt::format(
        "{} ({}): {}{}", link.name, link.address, link.up ? "up" : "down: " + link.problem,
        link.connects > 1 ? fmt::format(", connected {} times", link.connects) : std::string()));
    for (const MonitoredDevice& device : link.devices) {
      lines.push_back(fmt::format(
          "  {} (unit {}): {} transactions, {} errors, round trip p50 {:.2f} ms, p99 {:.2f} ms, "
          "max {:.2f} ms",
          device.name, device.unit, device.transactions, device.errors, device.rtt_ms_p50,
          device.rtt_ms_p99, device.rtt_ms_max));
      for (const MonitoredRegister& each : device.registers) lines.push_back(register_line(each));
    }
  }
  return lines;
}

std::string monitor_json(const MonitorSnapshot& snapshot) {
  using nlohmann::ordered_json;
  ordered_json links = ordered_json::array();
  for (const MonitoredLink& link : snapshot.links) {
    ordered_json devices = ordered_json::array();
    for (const MonitoredDevice& d : link.devices) {
      ordered_json registers = ordered_json::array();
      for (const MonitoredRegister& each : d.registers) {
        const RegisterValue& v = each.value;
        registers.push_back({{"name", v.name},
                             {"block", v.block},
                             {"address", v.address},
                             {"words", v.words},
                             {"raw", v.raw},
                             {"value", v.value},
                             {"unit", v.unit},
                             {"text", v.text},
                             {"verified", v.verified},
                             {"ok", v.ok},
                             {"error", v.error},
                             {"age_ms", each.age_ms}});
      }
      devices.push_back({{"name", d.name},
                         {"descriptor", d.descriptor},
                         {"unit", d.unit},
                         {"transactions", d.transactions},
                         {"errors", d.errors},
                         {"rtt_ms_p50", d.rtt_ms_p50},
                         {"rtt_ms_p99", d.rtt_ms_p99},
                         {"rtt_ms_max", d.rtt_ms_max},
                         {"registers", registers}});
    }
    links.push_back({{"name", link.name},
                     {"address", link.address},
                     {"up", link.up},
                     {"problem", link.problem},
                     {"connects", link.connects},
                     {"devices", devices}});
  }
  const ordered_json all = {{"seconds", snapshot.seconds}, {"links", links}};
  return all.dump() + "\n";
}

}  // namespace medius::hal
