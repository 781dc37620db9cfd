// A link with faults: what stands between a Modbus client and its devices, TCP or serial line, and
// delays, loses, turns round and makes up what passes. A thread of its own; everything here may be
// called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/proxy/fault.hpp"

namespace medius::sim::proxy {

struct ProxyConfig {
  Wire wire = Wire::kTcp;
  std::string upstream{};              // "127.0.0.1:15020", or the terminal of the devices
  std::string listen = "127.0.0.1:0";  // TCP; port 0: any
  std::string link_path{};             // line: where the client's terminal appears; "": in /tmp
  int baud = 0;                        // line: rate of the upstream terminal; 0: left as it is
  std::uint64_t seed = 1;
  std::string pcap{};  // what was sent on, for a protocol analyser; "": none
};

enum class EventKind : std::uint8_t {
  kConnected,  // a client is connected (a line: plugged in)
  kClosed,     // text says by whom
  kFrame,      // a frame has arrived
  kSent,       // bytes are about to be sent on
  kFault,      // text: what is done to the frame that has arrived
  kFaultOn,    // text: the fault; number: its id
  kFaultOff,
  kTrouble,  // text: what the proxy itself cannot do
};
[[nodiscard]] const char* name(EventKind kind) noexcept;

struct ProxyEvent {
  std::int64_t ns = 0;  // CLOCK_MONOTONIC
  EventKind kind = EventKind::kFrame;
  std::uint64_t session = 0;
  Way way = Way::kRequest;
  std::uint64_t number = 0;  // of a frame: counted in its direction since start
  FrameInfo frame;
  std::span<const std::uint8_t> bytes;
  std::string_view text;
};
// One line of JSON without its end.
[[nodiscard]] std::string to_json(const ProxyEvent& event);

struct ProxyCounters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;  // arrived
  std::uint64_t replies = 0;
  std::uint64_t faults = 0;  // done to frames
  int standing = 0;          // faults in force
  int to_come = 0;           // steps of scripts that have not begun
  int under_way = 0;         // frames, or bytes of them, that are late and will still arrive
};

class FaultProxy {
 public:
  // In the proxy's thread, in the order of what happens; must not wait.
  using Observer = std::function<void(const ProxyEvent&)>;

  // Throws std::system_error when the port or a terminal cannot be had.
  explicit FaultProxy(const ProxyConfig& config, Observer observer = {});
  ~FaultProxy();  // closes every connection
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // What the controller's --link takes: "127.0.0.1:40001", or a path that stays the same however
  // often the line is unplugged.
  [[nodiscard]] const std::string& address() const noexcept;

  // Several faults stand beside each other, in the order in which they were added. Returns an id.
  std::uint32_t add(const FaultSpec& fault);
  void remove(std::uint32_t id);
  // Takes away every fault and every step to come. Frames under way still arrive.
  void clear();
  void run(const Script& script);
  [[nodiscard]] ProxyCounters counters() const;
  // Neither a fault in force, nor a step to come, nor anything late still under way.
  [[nodiscard]] bool healed() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::sim::proxy
