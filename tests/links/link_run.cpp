#include "tests/links/link_run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/rt/engine.hpp"
#include "hal/modbus/lockstep.hpp"
#include "hal/modbus/machine_bus.hpp"
#include "sim/proxy/fault_proxy.hpp"
#include "tests/links/counting_device.hpp"

namespace medius::sim::proxy {
namespace {

namespace modbus = hal::modbus;
using modbus::monotonic_ns;
using rt::CommandKind;
using safety::Reaction;

constexpr int kTwoSeconds = 2000;  // in ticks
// So many new samples make a link fresh. Their age is no matter of the link's: a busy host adds to
// it.
constexpr int kHealedSamples = 10;
constexpr int kAttempts = 6;           // to bring force up, on hosts that stall
constexpr double kPretensionN = 10.0;  // a cuff that is on
constexpr double kFeltN = 3.0;         // clearly more than none
constexpr int kTimeoutMs = 30;
constexpr int kTurnaroundMaxMs = 120;  // declared by the drive without an echo: nothing is later
constexpr int kScriptMs = 1500;
constexpr double kNsPerMs = 1e6;
constexpr int kTicksBetweenStalls = 50;

// Which samples may be taken: made after the client last asked. The proxy's own order of events
// decides, and no clock.
class Judge {
 public:
  explicit Judge(Wire wire) : wire_(wire) {}

  void see(const ProxyEvent& event) {
    const std::lock_guard lock(mutex_);
    ++order_;
    if (event.kind == EventKind::kConnected) ++connects_;
    if (event.kind == EventKind::kFaultOff) connects_at_heal_ = connects_;
    if (event.kind == EventKind::kFault) ++faults_;
    const bool drive = event.frame.unit == 1;
    if (event.kind == EventKind::kFrame && event.way == Way::kRequest && drive) {
      asked_ = order_;
      asked_ns_ = event.ns;
    }
    if (event.way != Way::kReply) return;
    if (event.kind == EventKind::kFrame) {
      const std::int64_t count = CountingDevice::count_in(wire_, event.bytes);
      if (count > 0) made_.emplace(count, order_);
    } else if (event.kind == EventKind::kSent) {
      note_sent(event.session, event.bytes);
    }
  }
  // False: whoever took this sample took an old one for an answer.
  [[nodiscard]] bool may_take(std::int64_t count, std::int64_t stamp_ns) const {
    const std::lock_guard lock(mutex_);
    if (!in_time_.contains(count)) return false;
    // It came again as an answer to a later question: the stamp tells which of them was taken.
    const auto again = again_after_ns_.find(count);
    return again == again_after_ns_.end() || stamp_ns < again->second;
  }
  [[nodiscard]] std::uint64_t connects_since_healing() const {
    const std::lock_guard lock(mutex_);
    return connects_ - connects_at_heal_;
  }
  [[nodiscard]] std::uint64_t faults() const {
    const std::lock_guard lock(mutex_);
    return faults_;
  }

 private:
  // A reply may be sent byte by byte, and what comes first may be the rest of another one: every
  // end of what was sent is looked at.
  void note_sent(std::uint64_t session, std::span<const std::uint8_t> bytes) {
    Bytes& tail = tails_[session];
    tail.insert(tail.end(), bytes.begin(), bytes.end());
    constexpr std::size_t kMostFrame = 260;
    if (tail.size() > kMostFrame) tail.erase(tail.begin(), tail.end() - kMostFrame);
    const std::size_t size = wire_ == Wire::kTcp ? 41 : 37;  // of an answer with the read block
    // Nothing but the length is asked of a TCP answer, for libmodbus asks no more.
    if (tail.size() < size) return;
    Bytes last(tail.end() - static_cast<std::ptrdiff_t>(size), tail.end());
    if (wire_ == Wire::kTcp) {
      last[2] = last[3] = last[4] = 0;
      last[5] = static_cast<std::uint8_t>(size - 6);
      last[6] = 1;
    }
    const std::int64_t count = CountingDevice::count_in(wire_, last);
    const auto made = made_.find(count);
    if (made == made_.end()) return;
    if (asked_ < made->second) {
      in_time_.insert(count);
    } else {
      again_after_ns_.emplace(count, asked_ns_);
    }
  }

  const Wire wire_;
  mutable std::mutex mutex_;
  std::uint64_t order_ = 0, asked_ = 0, connects_ = 0, connects_at_heal_ = 0, faults_ = 0;
  std::int64_t asked_ns_ = 0;
  std::map<std::int64_t, std::uint64_t> made_;  // count -> place in the order of events
  std::set<std::int64_t> in_time_;
  std::map<std::int64_t, std::int64_t> again_after_ns_;
  std::map<std::uint64_t, Bytes> tails_;
};

// What the host itself takes away: a thread on every processor that does nothing but wake each
// millisecond and add up by how much it was late.
class HostWatch {
 public:
  HostWatch() {
    const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
    beats_ = std::vector<Beat>(processors);
    for (unsigned i = 0; i < processors; ++i) {
      threads_.emplace_back([this, i] { run(i); });
    }
  }
  ~HostWatch() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  // Lateness of each processor since start, what is under way included.
  [[nodiscard]] std::vector<std::int64_t> late_ns() const {
    std::vector<std::int64_t> late;
    for (const Beat& beat : beats_) {
      const std::int64_t now_late = monotonic_ns() - beat.due_ns;
      late.push_back(beat.late_ns + std::max<std::int64_t>(now_late, 0));
    }
    return late;
  }

 private:
  struct Beat {
    std::atomic<std::int64_t> late_ns{0}, due_ns{INT64_MAX};
  };
  void run(unsigned processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only);
    Beat& beat = beats_[processor];
    while (!stopping_) {
      const std::int64_t due = monotonic_ns() + kTickPeriodNs;
      beat.due_ns = due;
      modbus::sleep_until_ns(due);
      const std::int64_t late = monotonic_ns() - due;
      beat.due_ns = INT64_MAX;
      beat.late_ns += late;
    }
  }
  std::vector<Beat> beats_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
};
const HostWatch g_host;

// The bus' image with a look at what the loop is given.
class SeenImage final : public hal::MachineImage {
 public:
  explicit SeenImage(hal::MachineImage& inner) : inner_(inner) {}
  void read(const Tick& tick, hal::MachineInput& input) noexcept override {
    inner_.read(tick, input);
    seen = input;
  }
  void write(const Tick& tick, const hal::MachineOutput& output) noexcept override {
    inner_.write(tick, output);
    last = output;
  }
  hal::MachineInput seen;
  hal::MachineOutput last;

 private:
  hal::MachineImage& inner_;
};

rt::EngineConfig engine_config() {
  rt::EngineConfig config;
  rt::AxisConfig& axis = config.axis[0];
  axis.control.reflected_mass = 2.6;
  axis.control.observer_limit = 40.0;
  axis.bounds = safety::machine_bounds(hal::CoordinateKind::kCable);
  axis.drive_speed_limit = 1.5;
  return config;
}

// The canonical machine on one link, and its descriptors; without an echo a serial line has only
// the drive's declared longest turnaround.
class MachineFolder {
 public:
  MachineFolder(const RunOptions& options, std::uint64_t seed) {
    static std::atomic<int> count{0};
    folder_ = fmt::format("/tmp/medius-links-{}-{}-{}", ::getpid(), seed, ++count);
    if (::mkdir(folder_.c_str(), 0700) != 0) throw std::runtime_error("no folder " + folder_);
    write("machine.toml", machine(options));
    write("panel.toml", descriptor("canonical-panel"));
    std::string drive = descriptor("canonical-drive");
    if (!options.sequence_echo) {
      const std::size_t from = drive.find("[sequence]");
      drive.erase(from, drive.find("[heartbeat]") - from);
      const std::string old = "turnaround_us = 300";
      drive.replace(drive.find(old), old.size(),
                    fmt::format("{}\nturnaround_max_us = {}", old, kTurnaroundMaxMs * 1000));
    }
    write("drive.toml", drive);
  }
  ~MachineFolder() {
    for (const char* file : {"/machine.toml", "/panel.toml", "/drive.toml"}) {
      ::unlink((folder_ + file).c_str());
    }
    ::rmdir(folder_.c_str());
  }
  MachineFolder(const MachineFolder&) = delete;
  MachineFolder& operator=(const MachineFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return folder_; }

 private:
  static std::string descriptor(const std::string& name) {
    std::ifstream file(std::string(MEDIUS_SOURCE_DIR) + "/hal/devices/" + name + ".toml");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static std::string machine(const RunOptions& options) {
    const bool tcp = options.wire == Wire::kTcp;
    const char* const where = tcp ? "transport = \"tcp\"\nhost = \"127.0.0.1\"\nport = 1"
                                  : "transport = \"rtu\"\ndevice = \"/dev/null\"\nbaud = 921600\n"
                                    "parity = \"none\"\ngap = \"short\"";
    return fmt::format(R"(
[[link]]
name = "machine"
{}
response_timeout_ms = {}
[[device]]
name = "drive"
link = "machine"
descriptor = "drive"
axis = "cable"
rate_hz = {}
rated_force_n = 341.0
force_limit_n = 200.0
speed_limit_mps = 1.5
watchdog_ms = 40
[[device]]
name = "panel"
link = "machine"
descriptor = "panel"
rate_hz = {}
)",
                       where, kTimeoutMs, tcp ? 1000 : 250, tcp ? 250 : 125);
  }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ + "/" + file) << text;
  }
  std::string folder_;
};

std::unique_ptr<modbus::MachineBus> make_bus(const MachineFolder& folder,
                                             const std::string& address) {
  modbus::BusOptions options;
  options.simulated = true;
  options.axis_names = {"cable"};
  options.axis_coordinates = {hal::CoordinateKind::kCable};
  options.device_directory = folder.path();
  options.link_overrides = {"machine=" + address};
  auto bus = modbus::MachineBus::create(folder.path() + "/machine.toml", options);
  if (!bus) throw std::runtime_error(bus.error().message);
  return std::move(*bus);
}

class Run {
 public:
  Run(const Script& script, const RunOptions& options)
      : options_(options),
        device_(options.wire, script.seed),
        judge_(options.wire),
        proxy_({.wire = options.wire, .upstream = device_.where(), .seed = script.seed},
               [this](const ProxyEvent& event) { judge_.see(event); }),
        folder_(options, script.seed),
        bus_(make_bus(folder_, proxy_.address())),
        image_(bus_->image()),
        engine_(engine_config(), image_, channels_) {
    result_.wire = options.wire;
    result_.seed = script.seed;
    for (const ScriptStep& step : script.steps) {
      result_.faults += fmt::format("{}{} ms: {}", result_.faults.empty() ? "" : "; ", step.at_ms,
                                    to_text(step.fault));
    }
    // Exchanges of a round that may each run into the time-out; a line goes on after each.
    const int one = kTimeoutMs + (options.sequence_echo ? 20 : kTurnaroundMaxMs);
    result_.quiet_ticks_bound = options.wire == Wire::kTcp ? kTimeoutMs : 3 * one;
  }

  RunResult play(const Script& script) {
    bus_->start();
    if (!until([&] { return fresh_; }, 2 * kTwoSeconds)) return give_up("never became fresh");
    if (!bring_up_force()) return give_up("no force before the faults");
    proxy_.run(script);
    until([&] { return proxy_.healed(); }, 10 * (script.end_ms() + 1));
    heal();
    const modbus::LinkStatus link = bus_->status().front();
    result_.rtt_ms_max = static_cast<double>(link.rtt_ns_max) / kNsPerMs;
    result_.faults_done = judge_.faults();
    bus_->stop();
    judge_ticks();
    return result_;
  }

 private:
  void heal() {
    const int healed_at = ticks_;
    const std::uint64_t samples = result_.samples;
    const bool back = until(
        [&] {
          const hal::MachineInput& seen = image_.seen;
          const bool valid = seen.axis[0].drive.freshness.valid && seen.panel.freshness.valid;
          return valid && result_.samples >= samples + kHealedSamples;
        },
        kTwoSeconds);
    result_.heal_ticks = back ? ticks_ - healed_at : -1;
    result_.heal_connects = judge_.connects_since_healing();
    if (!back) problem("not fresh 2 s after the last fault: " + bus_->status().front().message);
    result_.latched = status_.reaction >= Reaction::kFastUnload;
    if (!result_.latched) return;
    // Whatever a trainer asks for: no force without somebody at the machine.
    ask_for_force();
    run(200);
    if (force_without_reset_ || output_force() != 0.0) {
      result_.came_back_by_itself = true;
      problem(fmt::format("force without a local reset: {} N", output_force()));
    }
    if (!bring_up_force()) problem("no force after the local reset");
  }

  void judge_ticks() {
    // Nothing here depends on how fast the host is: a slow exchange widens both.
    if (result_.claim_ms_max > result_.rtt_ms_max / 2) {
      problem(
          fmt::format("a sample was {:.3f} ms older than its stamp says, slowest exchange {:.3f}",
                      result_.claim_ms_max, result_.rtt_ms_max));
    }
    if (result_.stale != 0) problem(fmt::format("{} stale samples taken", result_.stale));
    if (result_.repeated != 0) problem(fmt::format("{} samples taken again", result_.repeated));
    // A thread that is not scheduled is no hang: three times the bound. A time-out that each byte
    // starts anew would be twenty times.
    if (result_.quiet_ticks_max > 3 * result_.quiet_ticks_bound) {
      problem(fmt::format("no transaction for {} ticks", result_.quiet_ticks_max));
    }
    constexpr int kAdmission = 12;  // transactions at connect
    if (result_.connecting_ticks_max > 3 * kAdmission * result_.quiet_ticks_bound) {
      problem(fmt::format("connecting for {} ticks", result_.connecting_ticks_max));
    }
    if (result_.samples < 100) problem(fmt::format("only {} samples seen", result_.samples));
  }

  bool bring_up_force() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      device_.press_reset(true);
      reset_pressed_ = true;
      run(60);
      device_.press_reset(false);
      run(60);
      ask_for_force();
      const bool up = until([&] { return output_force() > kFeltN; }, 1500);
      reset_pressed_ = false;
      if (up) return true;
    }
    return false;
  }

  void ask_for_force() {
    send(CommandKind::kSetUserLimits, 200.0, 1.5);
    send(CommandKind::kEnable, 0.0, 0.0);
    run(100);
    send(CommandKind::kTakeUp, kPretensionN, 0.0);
  }

  void send(CommandKind kind, double value, double value2) {
    rt::Command command;
    command.kind = kind;
    command.command_id = ++last_command_;
    command.value = value;
    command.value2 = value2;
    channels_.commands.push(command);
  }

  void run(int ticks) {
    until([] { return false; }, ticks);
  }
  bool until(const std::function<bool()>& condition, int ticks) {
    for (int i = 0; i < ticks && !condition(); ++i) tick();
    return condition();
  }

  // One period of the loop. What a stalling host makes late is not counted as missed: the link is
  // judged here, not the host.
  void tick() {
    if (now_.nominal_ns == 0) now_.nominal_ns = monotonic_ns();
    if (ticks_ % kTicksBetweenStalls == 0) now_.nominal_ns += options_.stall_ms * kTickPeriodNs;
    now_.nominal_ns += kTickPeriodNs;
    modbus::sleep_until_ns(now_.nominal_ns);
    now_.nominal_ns = std::max(now_.nominal_ns, monotonic_ns() - kTickPeriodNs);
    ++now_.index;
    ++ticks_;
    engine_.cycle(now_);
    rt::Event event;
    while (channels_.events.pop(event)) {
    }
    rt::SampleRecord sample;
    while (channels_.samples.pop(sample)) {
    }
    status_ = channels_.status.load();
    fresh_ = status_.link_fresh;
    watch_force();
    watch_sample();
    watch_link();
  }

  void watch_force() {
    const bool off = status_.reaction == Reaction::kTorqueOff;
    if (off && !reset_pressed_ && output_force() != 0.0) force_without_reset_ = true;
  }

  void watch_sample() {
    const hal::DriveInput& drive = image_.seen.axis[0].drive;
    if (!drive.freshness.valid || drive.freshness.sequence == last_sequence_) return;
    last_sequence_ = drive.freshness.sequence;
    const auto count = std::llround(drive.position / CountingDevice::kMetresPerCount);
    ++result_.samples;
    if (!judge_.may_take(count, drive.freshness.stamp_ns)) ++result_.stale;
    if (count <= last_count_) ++result_.repeated;
    last_count_ = count;
    const auto behind = static_cast<double>(drive.freshness.stamp_ns - device_.made_ns(count));
    result_.claim_ms_max = std::max(result_.claim_ms_max, behind / kNsPerMs);
  }

  void watch_link() {
    const modbus::LinkStatus link = bus_->status().front();
    const bool up = link.state == modbus::LinkState::kUp;
    const bool moved = link.counters.transactions != last_transactions_;
    last_transactions_ = link.counters.transactions;
    if (!up || moved) {
      quiet_ticks_ = 0;
      host_late_ns_ = g_host.late_ns();
    } else {
      ++quiet_ticks_;
    }
    const bool connecting = link.state == modbus::LinkState::kConnecting;
    connecting_ticks_ = connecting ? connecting_ticks_ + 1 : 0;
    if (quiet_ticks_ > result_.quiet_ticks_max) {
      result_.quiet_ticks_max =
          std::max(result_.quiet_ticks_max, quiet_ticks_ - host_ticks_since_quiet());
    }
    result_.connecting_ticks_max = std::max(result_.connecting_ticks_max, connecting_ticks_);
  }

  // A processor that stood still has held up whoever was on it.
  [[nodiscard]] int host_ticks_since_quiet() const {
    const std::vector<std::int64_t> now = g_host.late_ns();
    std::int64_t most_ns = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
      most_ns = std::max(most_ns, now[i] - host_late_ns_[i]);
    }
    return static_cast<int>(most_ns / kTickPeriodNs);
  }

  [[nodiscard]] double output_force() const { return std::abs(image_.last.axis[0].force); }
  void problem(std::string text) { result_.problems.push_back(std::move(text)); }
  RunResult give_up(std::string text) {
    problem(std::move(text) + ": " + bus_->status().front().message);
    return result_;
  }

  const RunOptions options_;
  RunResult result_;
  CountingDevice device_;
  Judge judge_;
  FaultProxy proxy_;
  MachineFolder folder_;
  std::unique_ptr<modbus::MachineBus> bus_;
  SeenImage image_;
  rt::EngineChannels channels_;
  rt::Engine engine_;
  rt::Status status_;
  Tick now_;
  std::uint64_t last_command_ = 0;
  std::uint32_t last_sequence_ = 0;
  std::int64_t last_count_ = 0;
  std::uint64_t last_transactions_ = 0;
  int ticks_ = 0, quiet_ticks_ = 0, connecting_ticks_ = 0;
  std::vector<std::int64_t> host_late_ns_ = g_host.late_ns();
  bool fresh_ = false;
  bool reset_pressed_ = false;
  bool force_without_reset_ = false;
};

}  // namespace

RunResult run_script(const Script& script, const RunOptions& options) {
  const auto run = std::make_unique<Run>(script, options);
  return run->play(script);
}

Script campaign_script(std::uint64_t seed, const RunOptions& options) {
  RandomScriptOptions random;
  random.wire = options.wire;
  random.length_ms = kScriptMs;
  random.stale = options.sequence_echo;
  // Two delays, a slow wire and a trickle may come together.
  if (!options.sequence_echo) random.most_delay_ms = 30;
  return random_script(seed, random);
}

}  // namespace medius::sim::proxy
