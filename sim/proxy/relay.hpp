// The proxy's own thread: connections, frames, and everything that is due later. Nothing here is
// thread safe but post().
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sim/proxy/endpoint.hpp"
#include "sim/proxy/fault_proxy.hpp"
#include "sim/proxy/frame_faults.hpp"
#include "sim/proxy/pcap.hpp"

namespace medius::sim::proxy {

class Relay {
 public:
  Relay(const ProxyConfig& config, FaultProxy::Observer observer);

  // [any]
  void post(std::function<void(Relay&)> task);
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] ProxyCounters counters() const;

  // [relay]
  void run();  // until stop()
  void stop() noexcept { stopping_ = true; }
  void add(std::uint32_t id, const FaultSpec& fault);
  void remove(std::uint32_t id);
  void clear();
  void run_script(const Script& script);
  void publish();

 private:
  struct Direction {
    FrameSplitter splitter;
    std::int64_t free_ns = 0;   // when the bytes before have been sent
    std::uint64_t rest = 0;     // number of the latest silence waited for
    std::vector<Verdict> held;  // by "reorder"
  };
  struct Session {
    std::uint64_t id = 0;
    Fd client;  // TCP; a line's is in plug_
    Fd upstream;
    Direction request, reply;
  };
  using Task = std::function<void()>;

  void at(std::int64_t ns, Task task);
  void do_posted();
  void do_due();
  void wait();
  void accept_all();
  void connect(Fd client);
  void receive(Session& session, Way way);
  void take(Session& session, Way way, const Bytes& frame);
  void wait_for_silence(Session& session, Way way);
  void carry_out(std::uint64_t id, Way way, const Verdict& verdict);
  void send_later(std::int64_t ns, std::uint64_t session, Way way, Bytes bytes);
  void send(std::uint64_t session, Way way, Bytes bytes);
  void cut(std::uint64_t id, Verdict::Cut how);
  void end(std::uint64_t id, const char* why, bool reset);
  void heal(std::uint32_t id);
  void set_doors();
  void plug_in();
  void plug_in_later();
  [[nodiscard]] Direction* direction(std::uint64_t id, Way way) noexcept;
  [[nodiscard]] Session* find(std::uint64_t id) noexcept;
  [[nodiscard]] int fd_of(const Session& session, Way from) const noexcept;
  void tell(EventKind kind, std::uint64_t session, std::string_view text);
  void tell_frame(EventKind kind, std::uint64_t session, Way way,
                  std::span<const std::uint8_t> bytes, std::string_view text);

  const ProxyConfig config_;
  const FaultProxy::Observer observer_;
  std::optional<Listener> listener_;  // TCP
  std::optional<Plug> plug_;          // line
  std::optional<PcapWriter> pcap_;
  std::string address_;
  Fd wake_;
  FrameFaults faults_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::multimap<std::int64_t, Task> due_;
  std::uint64_t last_session_ = 0;
  std::uint64_t script_age_ = 0;  // clear() makes steps of older scripts void
  std::uint64_t numbers_[2] = {0, 0};
  std::uint32_t next_script_id_ = 1u << 30;
  bool stopping_ = false;
  bool unplugged_ = false;
  ProxyCounters own_counters_;

  mutable std::mutex mutex_;
  std::deque<std::function<void(Relay&)>> posted_;
  ProxyCounters published_;
};

}  // namespace medius::sim::proxy
