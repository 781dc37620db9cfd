#include "sim/proxy/fault_proxy.hpp"

#include <atomic>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pthread.h>

#include "sim/proxy/relay.hpp"

namespace medius::sim::proxy {

struct FaultProxy::Impl {
  Impl(const ProxyConfig& config, Observer observer)
      : relay(config, std::move(observer)), thread([this] {
          ::pthread_setname_np(::pthread_self(), "fault proxy");
          relay.run();
        }) {}
  ~Impl() {
    relay.post([](Relay& r) { r.stop(); });
    thread.join();
  }

  Relay relay;
  std::atomic<std::uint32_t> last_id{0};
  // Posted and not yet done: until then the counters do not show it.
  std::atomic<int> pending{0};
  std::thread thread;

  template <typename Task>
  void post(Task task) {
    ++pending;
    relay.post([this, task](Relay& r) {
      task(r);
      r.publish();
      --pending;
    });
  }
};

FaultProxy::FaultProxy(const ProxyConfig& config, Observer observer)
    : impl_(std::make_unique<Impl>(config, std::move(observer))) {}
FaultProxy::~FaultProxy() = default;

const std::string& FaultProxy::address() const noexcept {
  return impl_->relay.address();
}

std::uint32_t FaultProxy::add(const FaultSpec& fault) {
  const std::uint32_t id = ++impl_->last_id;
  impl_->post([id, fault](Relay& relay) { relay.add(id, fault); });
  return id;
}

void FaultProxy::remove(std::uint32_t id) {
  impl_->post([id](Relay& relay) { relay.remove(id); });
}

void FaultProxy::clear() {
  impl_->post([](Relay& relay) { relay.clear(); });
}

void FaultProxy::run(const Script& script) {
  impl_->post([script](Relay& relay) { relay.run_script(script); });
}

ProxyCounters FaultProxy::counters() const {
  return impl_->relay.counters();
}

bool FaultProxy::healed() const {
  if (impl_->pending != 0) return false;
  const ProxyCounters now = counters();
  return now.standing == 0 && now.to_come == 0 && now.under_way == 0;
}

const char* name(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::kConnected:
      return "connected";
    case EventKind::kClosed:
      return "closed";
    case EventKind::kFrame:
      return "frame";
    case EventKind::kSent:
      return "sent";
    case EventKind::kFault:
      return "fault";
    case EventKind::kFaultOn:
      return "fault-on";
    case EventKind::kFaultOff:
      return "fault-off";
    case EventKind::kTrouble:
      return "trouble";
  }
  return "unknown";
}

std::string to_json(const ProxyEvent& event) {
  nlohmann::ordered_json json{{"ns", event.ns}, {"event", name(event.kind)}};
  const bool is_fault = event.kind == EventKind::kFaultOn || event.kind == EventKind::kFaultOff;
  if (event.session != 0) json[is_fault ? "id" : "session"] = event.session;
  if (!event.bytes.empty()) {
    json["way"] = event.way == Way::kRequest ? "request" : "reply";
    json["number"] = event.number;
    json["whole"] = event.frame.whole;
    json["unit"] = event.frame.unit;
    json["function"] = event.frame.function;
    std::string hex;
    for (const std::uint8_t byte : event.bytes) hex += fmt::format("{:02x}", byte);
    json["bytes"] = hex;
  }
  if (!event.text.empty()) json["text"] = event.text;
  return json.dump();
}

}  // namespace medius::sim::proxy
