#include "bench/modbus_peers.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/rtu_frame.hpp"

namespace medius::bench {
namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// The canonical drive's registers (hal/devices/canonical-drive.toml): it takes what is written,
// shows its limits as in force, echoes the sequence, and its clock runs.
class IdleDrive final : public sim::RegisterSpace {
 public:
  sim::ModbusException check_read(sim::FunctionCode, std::uint8_t, std::uint16_t,
                                  std::uint16_t) override {
    return sim::ModbusException::kNone;
  }
  sim::ModbusException check_write(sim::FunctionCode, std::uint8_t, std::uint16_t,
                                   std::span<const std::uint16_t>) override {
    return sim::ModbusException::kNone;
  }
  void write(std::uint8_t, std::uint16_t address, std::span<const std::uint16_t> values) override {
    for (std::size_t i = 0; i < values.size() && address + i < written_.size(); ++i) {
      written_[address + i] = values[i];
    }
  }
  void read(sim::FunctionCode, std::uint8_t, std::uint16_t address,
            std::span<std::uint16_t> values) override {
    ++clock_;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = value_at(static_cast<std::uint16_t>(address + i));
    }
  }

 private:
  [[nodiscard]] std::uint16_t value_at(std::uint16_t address) const {
    switch (address) {
      case 0x0100:
        return written_[0];
      case 0x0101:
        return 0x0250;  // switch-on disabled
      case 0x010E:
        return static_cast<std::uint16_t>(clock_ >> 16);
      case 0x010F:
        return static_cast<std::uint16_t>(clock_);
      case 0x0120:
        return 2;  // map version
      case 0x0121:
        return 341000 >> 16;  // rated force, mN
      case 0x0122:
        return 341000 & 0xFFFF;
      case 0x0124:
        return written_[4];
      case 0x0125:
        return written_[5];
      case 0x0126:
        return written_[7];
      default:
        return address < written_.size() ? written_[address] : std::uint16_t{0};
    }
  }
  std::array<std::uint16_t, kWritten> written_{};
  std::uint32_t clock_ = 0;
};

bool receive_all(int socket, std::span<std::uint8_t> bytes) {
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = recv(socket, bytes.data() + got, bytes.size() - got, 0);
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

void serve_tcp_modbus(int socket) {
  IdleDrive drive;
  std::array<std::uint8_t, sim::kMbapSize> head{};
  std::vector<std::uint8_t> body, reply;
  sim::ModbusRequest request;
  sim::MbapHeader header;
  while (receive_all(socket, head) && sim::parse_mbap(head, header)) {
    body.resize(header.pdu_size);
    if (!receive_all(socket, body)) break;
    if (sim::parse_request(body, request) != sim::ModbusException::kNone) break;
    reply.assign(head.begin(), head.end());
    sim::answer(drive, header.unit, request, reply);
    const std::size_t length = reply.size() - 6;
    reply[4] = static_cast<std::uint8_t>(length >> 8);
    reply[5] = static_cast<std::uint8_t>(length);
    if (send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
  }
}

void serve_tcp_raw(int socket) {
  std::array<std::uint8_t, kTcpRequest> request{};
  std::array<std::uint8_t, kTcpReply> reply{};
  while (receive_all(socket, request)) {
    if (send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
  }
}

// False: the benchmark is over.
bool readable(int terminal, int wake) {
  pollfd both[2] = {{terminal, POLLIN, 0}, {wake, POLLIN, 0}};
  return poll(both, 2, -1) > 0 && (both[1].revents & (POLLIN | POLLHUP)) == 0;
}

void serve_serial(int terminal, int wake, bool modbus) {
  IdleDrive drive;
  std::array<std::uint8_t, 256> chunk{};
  std::vector<std::uint8_t> frame, reply;
  sim::ModbusRequest request;
  while (readable(terminal, wake)) {
    const ssize_t got = read(terminal, chunk.data(), chunk.size());
    if (got <= 0) return;
    frame.insert(frame.end(), chunk.begin(), chunk.begin() + got);
    if (modbus) {
      const std::size_t size = sim::rtu_request_size(frame);
      if (size == 0 || frame.size() < size || !sim::is_rtu_frame(frame)) continue;
      const std::span<const std::uint8_t> pdu(frame.data() + 1, frame.size() - 3);
      if (sim::parse_request(pdu, request) != sim::ModbusException::kNone) return;
      reply.assign(1, frame[0]);
      sim::answer(drive, frame[0], request, reply);
      sim::append_rtu_crc(reply);
    } else {
      if (frame.size() < kRtuRequest) continue;
      reply.assign(kRtuReply, 0);
    }
    frame.clear();
    if (write(terminal, reply.data(), reply.size()) < 0) return;
  }
}

// The cable between two serial ports.
void relay(int one, int other, int wake) {
  std::array<std::uint8_t, 256> chunk{};
  for (;;) {
    pollfd all[3] = {{one, POLLIN, 0}, {other, POLLIN, 0}, {wake, POLLIN, 0}};
    if (poll(all, 3, -1) <= 0 || (all[2].revents & (POLLIN | POLLHUP)) != 0) return;
    for (int from = 0; from < 2; ++from) {
      if ((all[from].revents & POLLIN) == 0) continue;
      const ssize_t got = read(all[from].fd, chunk.data(), chunk.size());
      if (got <= 0) return;
      if (write(all[1 - from].fd, chunk.data(), static_cast<std::size_t>(got)) < 0) return;
    }
  }
}

}  // namespace

TcpPeer::TcpPeer(Kind kind) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 1) != 0) {
    die("medius-bench-modbus: loopback socket");
  }
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, kind] {
    const int socket = accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    no_delay(socket);
    if (kind == Kind::kRaw) {
      serve_tcp_raw(socket);
    } else {
      serve_tcp_modbus(socket);
    }
    ::close(socket);
  });
}

TcpPeer::~TcpPeer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

int TcpPeer::connect() const {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("medius-bench-modbus: connect");
  }
  no_delay(socket);
  return socket;
}

SerialPeer::SerialPeer(Kind kind) {
  termios raw{};
  ::cfmakeraw(&raw);
  char name[128] = {};
  if (::openpty(&masters_[0], &slaves_[0], name, &raw, nullptr) != 0 ||
      ::openpty(&masters_[1], &slaves_[1], nullptr, &raw, nullptr) != 0 || ::pipe(wake_) != 0) {
    die("medius-bench-modbus: pseudo-terminal");
  }
  device_ = name;
  relay_ = std::thread([this] { relay(masters_[0], masters_[1], wake_[0]); });
  thread_ =
      std::thread([this, kind] { serve_serial(slaves_[1], wake_[0], kind == Kind::kModbus); });
}

SerialPeer::~SerialPeer() {
  ::close(wake_[1]);
  thread_.join();
  relay_.join();
  for (const int end : {wake_[0], masters_[0], masters_[1], slaves_[0], slaves_[1]}) ::close(end);
}

int SerialPeer::open() const {
  const int terminal = ::open(device_.c_str(), O_RDWR | O_NOCTTY);
  if (terminal < 0) die("medius-bench-modbus: pseudo-terminal");
  termios raw{};
  ::cfmakeraw(&raw);
  ::tcsetattr(terminal, TCSANOW, &raw);
  return terminal;
}

}  // namespace medius::bench
