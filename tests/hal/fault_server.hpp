// A small Modbus TCP device on the canonical map that can be told to misbehave, reply by reply.
// Position is a function of cmd_seq, so that a sample shows which request it answers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace medius::hal::modbus {

enum class ReplyFault : std::uint8_t {
  kNone,
  kLate,       // 150 ms after the request: beyond every time-out
  kWrongUnit,  // another unit's answer to this very request
  kJunk,       // four bytes more than the request asked for, and the length says so
  kTruncated,  // half of it
  kTrickled,   // a byte every 15 ms: each within any byte time-out, together far beyond the reply's
  kException,  // server device busy
  kClosed,     // connection closed instead
  kSilent,     // nothing
  kOldEcho,    // the registers of the request before
  kFrozen,     // the device's clock stands still
  kWrongTransaction,
};

// Wire level fake. All settings may be changed while it runs.
class FaultServer {
 public:
  FaultServer();
  ~FaultServer();
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // The next `count` replies of drive rounds misbehave.
  void inject(ReplyFault fault, int count = 1);
  // What a CONFIG register says, e.g. of a drive without a watchdog.
  void set_config(int index, std::uint16_t value);
  // A write block register that the device ignores: its CONFIG mirror keeps its value.
  [[nodiscard]] int drive_writes() const noexcept { return drive_writes_; }
  [[nodiscard]] std::array<std::uint16_t, 11> last_write() const;
  [[nodiscard]] int connections() const noexcept { return connections_; }
  void stop();     // closes the port; nothing answers any more
  void restart();  // on the same port

  static constexpr double position_of(std::uint16_t sequence) noexcept { return sequence * 1e-3; }

 private:
  void open(int port);
  void run();
  void serve(int client);
  [[nodiscard]] bool serve_one(int client);
  [[nodiscard]] std::vector<std::uint8_t> reply_to(std::span<const std::uint8_t> header,
                                                   std::span<const std::uint8_t> pdu);
  [[nodiscard]] std::uint16_t drive_register(int address) const;

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> drive_writes_{0};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  ReplyFault fault_ = ReplyFault::kNone;
  int faults_left_ = 0;
  std::array<std::uint16_t, 11> drive_write_{};
  std::array<std::uint16_t, 11> old_write_{};
  bool use_old_ = false;
  std::array<std::uint16_t, 2> panel_write_{};
  std::map<int, std::uint16_t> config_overrides_;
  std::uint32_t device_time_us_ = 0;
  std::thread thread_;
};

}  // namespace medius::hal::modbus
