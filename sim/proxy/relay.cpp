#include "sim/proxy/relay.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace medius::sim::proxy {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerS = 1'000'000'000;
// Bytes whose end only silence tells are passed on after it: far more than 3.5 characters, as hosts
// deliver in bursts.
constexpr std::int64_t kSilenceNs = 5 * kNsPerMs;
// How long an adapter is out that "reset" pulls.
constexpr std::int64_t kUnpluggedNs = 20 * kNsPerMs;
// How often a line whose devices are gone is looked for.
constexpr std::int64_t kPlugInAgainNs = 500 * kNsPerMs;
// What waits for a slow wire longer than this is lost, as when a device's buffer is full.
constexpr std::int64_t kMostBacklogNs = 500 * kNsPerMs;
constexpr std::size_t kMostSessions = 64;  // a further connection is closed at once

std::int64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerS + now.tv_nsec;
}

Way other(Way way) noexcept {
  return way == Way::kRequest ? Way::kReply : Way::kRequest;
}

}  // namespace

Relay::Relay(const ProxyConfig& config, FaultProxy::Observer observer)
    : config_(config),
      observer_(std::move(observer)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      faults_(config.wire, config.seed) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "no eventfd");
  if (!config_.pcap.empty()) pcap_.emplace(config_.pcap, config_.wire);
  if (config_.wire == Wire::kTcp) {
    listener_.emplace(config_.listen);
    address_ = listener_->address();
  } else {
    static_cast<void>(open_terminal(config_.upstream, config_.baud));  // says at once what is wrong
    plug_.emplace(config_.link_path);
    address_ = plug_->path();
    plug_in();
  }
}

void Relay::post(std::function<void(Relay&)> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

ProxyCounters Relay::counters() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

void Relay::publish() {
  own_counters_.requests = numbers_[0];
  own_counters_.replies = numbers_[1];
  own_counters_.standing = faults_.standing();
  const std::lock_guard lock(mutex_);
  published_ = own_counters_;
}

void Relay::run() {
  while (!stopping_) {
    do_posted();
    do_due();
    publish();
    if (!stopping_) wait();
  }
  while (!sessions_.empty()) end(sessions_.back()->id, "proxy", false);
  publish();
}

void Relay::do_posted() {
  std::deque<std::function<void(Relay&)>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task(*this);
}

void Relay::at(std::int64_t ns, Task task) {
  due_.emplace(ns, std::move(task));
}

void Relay::do_due() {
  while (!due_.empty() && due_.begin()->first <= now_ns()) {
    const Task task = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    task();
  }
}

// Sleeps until bytes come, something is due or somebody posts; then takes what has come.
void Relay::wait() {
  std::vector<pollfd> ready{{wake_.get(), POLLIN, 0}};
  if (listener_ && listener_->is_open()) ready.push_back({listener_->fd(), POLLIN, 0});
  const std::size_t first = ready.size();
  std::vector<std::pair<std::uint64_t, Way>> who;
  for (const auto& session : sessions_) {
    for (const Way way : {Way::kRequest, Way::kReply}) {
      ready.push_back({fd_of(*session, way), POLLIN, 0});
      who.emplace_back(session->id, way);
    }
  }
  timespec limit{1, 0};
  if (!due_.empty()) {
    const std::int64_t left = std::clamp<std::int64_t>(due_.begin()->first - now_ns(), 0, kNsPerS);
    limit = {left / kNsPerS, left % kNsPerS};
  }
  if (::ppoll(ready.data(), ready.size(), &limit, nullptr) <= 0) return;
  std::uint64_t woken = 0;
  if (ready[0].revents != 0) static_cast<void>(!::read(wake_.get(), &woken, sizeof woken));
  for (std::size_t i = first; i < ready.size(); ++i) {
    if (ready[i].revents == 0) continue;
    Session* const session = find(who[i - first].first);  // the one before may have ended it
    if (session != nullptr) receive(*session, who[i - first].second);
  }
  if (first == 2 && ready[1].revents != 0) accept_all();
}

Relay::Session* Relay::find(std::uint64_t id) noexcept {
  const auto found = std::find_if(sessions_.begin(), sessions_.end(),
                                  [id](const auto& each) { return each->id == id; });
  return found == sessions_.end() ? nullptr : found->get();
}

Relay::Direction* Relay::direction(std::uint64_t id, Way way) noexcept {
  Session* const session = find(id);
  if (session == nullptr) return nullptr;
  return way == Way::kRequest ? &session->request : &session->reply;
}

int Relay::fd_of(const Session& session, Way from) const noexcept {
  if (from == Way::kReply) return session.upstream.get();
  return plug_ ? plug_->fd() : session.client.get();
}

void Relay::accept_all() {
  while (Fd client = listener_->accept()) {
    if (sessions_.size() < kMostSessions) connect(std::move(client));
  }
}

void Relay::connect(Fd client) {
  auto session =
      std::make_unique<Session>(Session{++last_session_,
                                        std::move(client),
                                        {},
                                        {FrameSplitter(config_.wire, Way::kRequest), 0, 0, {}},
                                        {FrameSplitter(config_.wire, Way::kReply), 0, 0, {}}});
  ++own_counters_.connections;
  tell(EventKind::kConnected, session->id, "");
  try {
    session->upstream = config_.wire == Wire::kTcp ? connect_tcp(config_.upstream)
                                                   : open_terminal(config_.upstream, config_.baud);
  } catch (const std::system_error& error) {
    tell(EventKind::kTrouble, session->id, error.what());
    session->client.reset();
    tell(EventKind::kClosed, session->id, "upstream");
    if (plug_) plug_in_later();
    return;
  }
  sessions_.push_back(std::move(session));
}

void Relay::receive(Session& session, Way way) {
  std::array<std::uint8_t, 4096> buffer;
  const ssize_t got = ::read(fd_of(session, way), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    end(session.id, way == Way::kRequest ? "client" : "upstream", got < 0 && !plug_);
    return;
  }
  const std::uint64_t id = session.id;
  Direction& direction = way == Way::kRequest ? session.request : session.reply;
  direction.splitter.add({buffer.data(), static_cast<std::size_t>(got)});
  while (const auto frame = direction.splitter.next()) {
    take(session, way, *frame);
    if (find(id) == nullptr) return;  // a fault has cut the connection
  }
  if (plug_ && direction.splitter.holds_back()) wait_for_silence(session, way);
}

void Relay::wait_for_silence(Session& session, Way way) {
  Direction& direction = way == Way::kRequest ? session.request : session.reply;
  const std::uint64_t mine = ++direction.rest;
  at(now_ns() + kSilenceNs, [this, id = session.id, way, mine] {
    Session* const still = find(id);
    if (still == nullptr) return;
    Direction& then = way == Way::kRequest ? still->request : still->reply;
    if (then.rest == mine && then.splitter.holds_back())
      take(*still, way, then.splitter.take_rest());
  });
}

void Relay::take(Session& session, Way way, const Bytes& frame) {
  ++numbers_[static_cast<std::size_t>(way)];
  tell_frame(EventKind::kFrame, session.id, way, frame, "");
  const std::uint64_t id = session.id;
  const Verdict verdict = faults_.judge(way, frame);
  if (!verdict.done.empty()) {
    ++own_counters_.faults;
    tell_frame(EventKind::kFault, id, way, frame, verdict.done);
  }
  if (verdict.cut != Verdict::Cut::kNone) {
    cut(id, verdict.cut);
  } else if (verdict.held) {
    direction(id, way)->held.push_back(verdict);
  } else {
    const std::vector<Verdict> passed = std::exchange(direction(id, way)->held, {});
    carry_out(id, way, verdict);
    for (const Verdict& each : passed) carry_out(id, way, each);
  }
  for (const std::uint32_t ended : verdict.ended) heal(ended);
}

void Relay::carry_out(std::uint64_t id, Way way, const Verdict& verdict) {
  const std::int64_t now = now_ns();
  for (int copy = 0; copy < verdict.copies && !verdict.bytes.empty(); ++copy) {
    Direction* const line = direction(id, way);
    if (line == nullptr) return;  // the peer is gone
    const bool plain = verdict.delay_ns == 0 && verdict.wire_ns == 0 && verdict.gap_ns == 0;
    if (plain && line->free_ns <= now) {
      send(id, way, verdict.bytes);
      continue;
    }
    if (line->free_ns - now > kMostBacklogNs) {
      tell_frame(EventKind::kFault, id, way, verdict.bytes, "overflow");
      return;
    }
    std::int64_t due = std::max(now + verdict.delay_ns, line->free_ns) + verdict.wire_ns;
    if (verdict.gap_ns == 0) {
      send_later(due, id, way, verdict.bytes);
    } else {
      for (const std::uint8_t byte : verdict.bytes) {
        send_later(due, id, way, {byte});
        due += verdict.gap_ns;
      }
    }
    // What is only late does not hold up what comes behind it; a slow wire does.
    if (verdict.wire_ns != 0 || verdict.gap_ns != 0) line->free_ns = due;
  }
}

void Relay::send_later(std::int64_t ns, std::uint64_t id, Way way, Bytes bytes) {
  ++own_counters_.under_way;
  at(ns, [this, id, way, late = std::move(bytes)] {
    --own_counters_.under_way;
    send(id, way, late);
  });
}

void Relay::send(std::uint64_t id, Way way, Bytes bytes) {
  Session* const session = find(id);
  if (session == nullptr) return;
  tell_frame(EventKind::kSent, id, way, bytes, "");
  if (pcap_) pcap_->add(now_ns(), id, way, bytes);
  if (!send_all(fd_of(*session, other(way)), bytes.data(), bytes.size())) {
    end(id, way == Way::kRequest ? "upstream" : "client", false);
  }
}

void Relay::cut(std::uint64_t id, Verdict::Cut how) {
  Session* const session = find(id);
  if (session == nullptr) return;
  if (plug_) {
    end(id, "unplugged", false);
    unplugged_ = true;
    plug_->unplug();
    at(now_ns() + kUnpluggedNs, [this] {
      unplugged_ = false;
      set_doors();
    });
    return;
  }
  if (how == Verdict::Cut::kReset) {
    end(id, "reset", true);
    return;
  }
  ::shutdown(session->client.get(), SHUT_WR);
}

void Relay::end(std::uint64_t id, const char* why, bool reset) {
  Session* const session = find(id);
  if (session == nullptr) return;
  if (reset) session->client.reset();
  std::erase_if(sessions_, [id](const auto& each) { return each->id == id; });
  tell(EventKind::kClosed, id, why);
  if (plug_ && !stopping_) plug_in_later();
}

// The terminal of the devices may be there again.
void Relay::plug_in_later() {
  at(now_ns() + kPlugInAgainNs, [this] { set_doors(); });
}

// Whether clients may connect now.
void Relay::set_doors() {
  const bool refused = faults_.stands(FaultKind::kRefuse);
  try {
    if (listener_) {
      if (refused) {
        listener_->refuse();
        while (!sessions_.empty()) end(sessions_.back()->id, "refused", true);
      } else {
        listener_->open();
      }
      return;
    }
    if (refused) {
      while (!sessions_.empty()) end(sessions_.back()->id, "unplugged", false);
      plug_->unplug();
    } else if (!unplugged_) {
      plug_in();
    }
  } catch (const std::system_error& error) {
    tell(EventKind::kTrouble, 0, error.what());
  }
}

void Relay::plug_in() {
  if (!sessions_.empty()) return;
  plug_->plug();
  connect(Fd());
}

void Relay::add(std::uint32_t id, const FaultSpec& fault) {
  faults_.add(id, fault);
  tell_frame(EventKind::kFaultOn, id, Way::kRequest, {}, to_text(fault));
  if (fault.kind == FaultKind::kRefuse) set_doors();
  if (fault.for_ms > 0) at(now_ns() + fault.for_ms * kNsPerMs, [this, id] { heal(id); });
}

void Relay::remove(std::uint32_t id) {
  heal(id);
}

void Relay::heal(std::uint32_t id) {
  const bool refused = faults_.stands(FaultKind::kRefuse);
  if (!faults_.remove(id)) return;
  tell_frame(EventKind::kFaultOff, id, Way::kRequest, {}, "");
  if (refused) set_doors();
}

void Relay::clear() {
  ++script_age_;
  own_counters_.to_come = 0;
  for (const std::uint32_t id : faults_.ids()) heal(id);
}

void Relay::run_script(const Script& script) {
  const std::int64_t start = now_ns();
  for (const ScriptStep& step : script.steps) {
    ++own_counters_.to_come;
    at(start + step.at_ms * kNsPerMs, [this, fault = step.fault, age = script_age_] {
      if (age != script_age_) return;
      --own_counters_.to_come;
      add(next_script_id_++, fault);
    });
  }
}

void Relay::tell(EventKind kind, std::uint64_t session, std::string_view text) {
  if (!observer_) return;
  observer_({now_ns(), kind, session, Way::kRequest, 0, {}, {}, text});
}

void Relay::tell_frame(EventKind kind, std::uint64_t session, Way way,
                       std::span<const std::uint8_t> bytes, std::string_view text) {
  if (!observer_) return;
  observer_({now_ns(), kind, session, way, numbers_[static_cast<std::size_t>(way)],
             inspect(config_.wire, bytes), bytes, text});
}

}  // namespace medius::sim::proxy
