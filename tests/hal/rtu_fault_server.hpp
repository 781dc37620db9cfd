// Modbus RTU devices at the end of a pty pair that can be told to misbehave, reply by reply. Any
// unit and any register: what is written is read back, address 0x0100 of each unit counts requests.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace medius::hal::modbus {

enum class LineFault : std::uint8_t {
  kNone,
  kLate,       // 80 ms after the request
  kSilent,     // nothing
  kBadCrc,     // one bit turned
  kTruncated,  // half of it
  kTrickled,   // a byte every 15 ms
  kWrongUnit,  // with another unit's address and a good CRC
  kException,  // server device busy
};

class RtuFaultServer {
 public:
  static constexpr std::uint16_t kCounter = 0x0100;

  RtuFaultServer();
  ~RtuFaultServer();
  RtuFaultServer(const RtuFaultServer&) = delete;
  RtuFaultServer& operator=(const RtuFaultServer&) = delete;

  [[nodiscard]] const std::string& device() const noexcept { return device_; }
  // The next `count` replies misbehave.
  void inject(LineFault fault, int count = 1);
  void set(std::uint8_t unit, std::uint16_t address, std::uint16_t value);
  [[nodiscard]] std::uint16_t get(std::uint8_t unit, std::uint16_t address) const;
  // This unit keeps a register as it is, whatever is written.
  void freeze(std::uint8_t unit, std::uint16_t address);
  void mute(std::uint8_t unit);  // answers nothing any more
  [[nodiscard]] int requests() const noexcept { return requests_; }

 private:
  using Key = std::pair<std::uint8_t, std::uint16_t>;

  void run();
  [[nodiscard]] std::vector<std::uint8_t> reply_to(std::span<const std::uint8_t> request);
  void send(std::vector<std::uint8_t> reply, LineFault fault);

  int master_ = -1;
  int slave_ = -1;  // kept open: a pty without one reports an error
  std::string device_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  mutable std::mutex mutex_;
  LineFault fault_ = LineFault::kNone;
  int faults_left_ = 0;
  std::map<Key, std::uint16_t> registers_;
  std::map<Key, bool> frozen_;
  std::map<std::uint8_t, bool> muted_;
  std::thread thread_;
};

}  // namespace medius::hal::modbus
