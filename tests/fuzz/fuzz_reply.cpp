// Whatever a device answers, the controller's connection takes it only when it is the answer: on
// TCP number, function and byte count, on a line unit, function, byte count and CRC.
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>

#include "hal/modbus/connection.hpp"
#include "sim/proxy/frame.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace medius;
using namespace medius::hal::modbus;

constexpr std::uint8_t kUnit = 1;
constexpr int kWords = 4;
// An answer that is not whole costs so long: the speed of the target.
constexpr int kTimeoutMs = 2;

// A device that answers each request with the bytes it was given, its number put in front or not.
class Device {
 public:
  explicit Device(bool tcp) : tcp_(tcp) {
    if (tcp) {
      listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
      fuzz::must(::bind(listener_, any, size) == 0 && ::listen(listener_, 4) == 0 &&
                     ::getsockname(listener_, any, &size) == 0,
                 "a port");
      port_ = ntohs(address.sin_port);
    } else {
      termios raw{};
      ::cfmakeraw(&raw);
      char name[128] = {};
      fuzz::must(::openpty(&peer_, &slave_, name, &raw, nullptr) == 0, "a terminal");
      path_ = name;
    }
    std::thread([this] { run(); }).detach();
  }

  Outcome open(Connection& connection) const {
    if (tcp_) return connection.open("127.0.0.1", port_, kTimeoutMs);
    return connection.open_line({path_, 3000000, 'N', 1, true}, kTimeoutMs);
  }
  void answer_with(const std::uint8_t* data, std::size_t size, bool numbered) {
    const std::lock_guard lock(mutex_);
    answer_.assign(data, data + size);
    numbered_ = numbered;
  }
  // What was sent last.
  [[nodiscard]] std::vector<std::uint8_t> sent(std::uint16_t& number) {
    const std::lock_guard lock(mutex_);
    number = number_;
    return sent_;
  }

 private:
  void run() {
    for (;;) {
      if (tcp_ && peer_ < 0) {
        peer_ = ::accept(listener_, nullptr, nullptr);
        const int on = 1;
        ::setsockopt(peer_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      }
      std::array<std::uint8_t, 64> request;
      const ssize_t got = ::read(peer_, request.data(), request.size());
      if (got <= 0) {
        if (tcp_) {
          // No connection is left waiting: there are more inputs than ports.
          const linger at_once{1, 0};
          ::setsockopt(peer_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          ::close(peer_);
          peer_ = -1;
        }
        continue;
      }
      const std::lock_guard lock(mutex_);
      sent_ = answer_;
      number_ = static_cast<std::uint16_t>(request[0] << 8 | request[1]);
      if (tcp_ && numbered_ && sent_.size() > 1) {
        sent_[0] = request[0];
        sent_[1] = request[1];
      }
      if (!tcp_ && numbered_) sim::proxy::mend_crc(sent_);
      if (tcp_) {
        static_cast<void>(!::send(peer_, sent_.data(), sent_.size(), MSG_NOSIGNAL));
      } else {
        static_cast<void>(!::write(peer_, sent_.data(), sent_.size()));
      }
    }
  }

  bool tcp_;
  int listener_ = -1, peer_ = -1, slave_ = -1, port_ = 0;
  std::string path_;
  std::mutex mutex_;
  std::vector<std::uint8_t> answer_, sent_;
  std::uint16_t number_ = 0;
  bool numbered_ = false;
};

struct Side {
  explicit Side(bool tcp) : device(tcp) {}
  Device device;
  Connection connection;
};

void judge(bool tcp, const std::vector<std::uint8_t>& sent, std::uint16_t number,
           const std::array<std::uint16_t, kWords>& words) {
  constexpr std::size_t kData = 2 * kWords;
  const std::size_t pdu = tcp ? 7 : 1;
  fuzz::must(sent.size() >= pdu + 2 + kData + (tcp ? 0 : 2), "an answer is as long as it must be");
  fuzz::must(sent[pdu] == 3 && sent[pdu + 1] == kData,
             "function and byte count are those asked for");
  if (tcp) {
    fuzz::must((sent[0] << 8 | sent[1]) == number, "the transaction is the one asked for");
    // libmodbus 3.1.6 refuses another protocol only when both bytes of its number are wrong.
    fuzz::must(sent[2] == 0 || sent[3] == 0, "the protocol is not wholly another");
  } else {
    const std::span<const std::uint8_t> frame(sent.data(), pdu + 2 + kData + 2);
    fuzz::must(sim::proxy::inspect(sim::proxy::Wire::kRtu, frame).whole, "the CRC is right");
    fuzz::must(sent[0] == kUnit, "the unit is the one asked");
  }
  for (std::size_t i = 0; i < kWords; ++i) {
    const int value = sent[pdu + 2 + 2 * i] << 8 | sent[pdu + 3 + 2 * i];
    fuzz::must(words[i] == value, "values are those that were sent");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const tcp_side = new Side(true);
  static auto* const line_side = new Side(false);
  if (size < 1) return 0;
  const bool tcp = (data[0] & 1) != 0;
  Side& side = tcp ? *tcp_side : *line_side;
  if (!side.connection.is_open()) {
    fuzz::must(side.device.open(side.connection) == Outcome::kOk, "the device is there");
  }
  side.connection.set_pauses({0, 200});
  side.device.answer_with(data + 1, size - 1, (data[0] & 2) != 0);
  std::array<std::uint16_t, kWords> words{};
  const Outcome outcome = side.connection.read(kUnit, 0x100, words);
  std::uint16_t number = 0;
  const std::vector<std::uint8_t> sent = side.device.sent(number);
  if (outcome == Outcome::kOk) judge(tcp, sent, number, words);
  // As the bus thread does.
  const bool closes = outcome == Outcome::kClosed ||
                      (tcp && outcome != Outcome::kOk && outcome != Outcome::kException);
  if (closes) side.connection.close();
  return 0;
}
