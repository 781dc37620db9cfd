// FC23 round trip (8 registers written, 16 read) by libmodbus, beside a raw TCP ping-pong of the
// same bytes, on loopback, rounds interleaved in one run. The Modbus server is medius-sim's codec.
// usage: medius-bench-modbus ROUNDS EXCHANGES
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/percentiles.hpp"
#include "sim/station/modbus_server_codec.hpp"

namespace {

using namespace medius;

constexpr std::size_t kRequestBytes = 33;
constexpr std::size_t kReplyBytes = 41;
constexpr int kWritten = 8;
constexpr int kRead = 16;

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool receive_all(int socket, std::span<std::uint8_t> bytes) {
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = recv(socket, bytes.data() + got, bytes.size() - got, 0);
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

struct Listener {
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket, 1) != 0) {
      std::perror("medius-bench-modbus: loopback socket");
      std::exit(1);
    }
    socklen_t size = sizeof address;
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  int port = 0;
};

// A device that is nothing but registers.
class Registers final : public sim::RegisterSpace {
 public:
  sim::ModbusException check_read(sim::FunctionCode, std::uint8_t, std::uint16_t,
                                  std::uint16_t) override {
    return sim::ModbusException::kNone;
  }
  sim::ModbusException check_write(sim::FunctionCode, std::uint8_t, std::uint16_t,
                                   std::span<const std::uint16_t>) override {
    return sim::ModbusException::kNone;
  }
  void write(std::uint8_t, std::uint16_t, std::span<const std::uint16_t> values) override {
    for (std::size_t i = 0; i < values.size(); ++i) values_[i] = values[i];
  }
  void read(sim::FunctionCode, std::uint8_t, std::uint16_t,
            std::span<std::uint16_t> values) override {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = values_[i];
  }

 private:
  std::array<std::uint16_t, 125> values_{};
};

void serve_modbus(const Listener& listener) {
  const int socket = accept(listener.socket, nullptr, nullptr);
  no_delay(socket);
  Registers registers;
  std::array<std::uint8_t, sim::kMbapSize> head{};
  std::vector<std::uint8_t> body, reply;
  sim::ModbusRequest request;
  sim::MbapHeader header;
  while (receive_all(socket, head) && sim::parse_mbap(head, header)) {
    body.resize(header.pdu_size);
    if (!receive_all(socket, body)) break;
    if (sim::parse_request(body, request) != sim::ModbusException::kNone) break;
    reply.assign(head.begin(), head.end());
    sim::answer(registers, header.unit, request, reply);
    const std::size_t length = reply.size() - 6;
    reply[4] = static_cast<std::uint8_t>(length >> 8);
    reply[5] = static_cast<std::uint8_t>(length);
    if (send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
  }
  close(socket);
}

void serve_raw(const Listener& listener) {
  const int socket = accept(listener.socket, nullptr, nullptr);
  no_delay(socket);
  std::array<std::uint8_t, kRequestBytes> request{};
  std::array<std::uint8_t, kReplyBytes> reply{};
  while (receive_all(socket, request)) {
    if (send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
  }
  close(socket);
}

int connect_raw(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::exit(1);
  no_delay(socket);
  return socket;
}

std::int64_t raw_p50(int socket, int exchanges) {
  bench::Percentiles times;
  std::array<std::uint8_t, kRequestBytes> request{};
  std::array<std::uint8_t, kReplyBytes> reply{};
  for (int i = 0; i < exchanges; ++i) {
    const std::int64_t start = now_ns();
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) std::exit(1);
    if (!receive_all(socket, reply)) std::exit(1);
    times.add(now_ns() - start);
  }
  return times.at(0.5);
}

std::int64_t modbus_p50(modbus_t* context, int exchanges) {
  bench::Percentiles times;
  std::array<std::uint16_t, kWritten> written{};
  std::array<std::uint16_t, kRead> read{};
  for (int i = 0; i < exchanges; ++i) {
    written[0] = static_cast<std::uint16_t>(i);
    const std::int64_t start = now_ns();
    if (modbus_write_and_read_registers(context, 0x0000, kWritten, written.data(), 0x0100, kRead,
                                        read.data()) != kRead) {
      std::fprintf(stderr, "medius-bench-modbus: FC23: %s\n", modbus_strerror(errno));
      std::exit(1);
    }
    times.add(now_ns() - start);
  }
  return times.at(0.5);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: medius-bench-modbus ROUNDS EXCHANGES\n", stderr);
    return 2;
  }
  const int rounds = std::atoi(argv[1]), exchanges = std::atoi(argv[2]);
  const Listener raw_listener, modbus_listener;
  std::thread raw_server(serve_raw, std::cref(raw_listener));
  std::thread modbus_server(serve_modbus, std::cref(modbus_listener));
  const int raw = connect_raw(raw_listener.port);
  modbus_t* context = modbus_new_tcp("127.0.0.1", modbus_listener.port);
  modbus_set_slave(context, 1);
  if (modbus_connect(context) != 0) return 1;

  bench::Percentiles raw_times, modbus_times, ratio_permille;
  for (int round = 0; round < rounds; ++round) {
    const std::int64_t raw_ns = raw_p50(raw, exchanges);
    const std::int64_t modbus_ns = modbus_p50(context, exchanges);
    raw_times.add(raw_ns);
    modbus_times.add(modbus_ns);
    ratio_permille.add(1000 * modbus_ns / raw_ns);
  }
  std::printf(
      "{\"raw_tcp_p50_ns\": %lld, \"modbus_p50_ns\": %lld, \"modbus_p50_over_raw\": %.3f, "
      "\"modbus_rounds\": %d}\n",
      static_cast<long long>(raw_times.at(0.5)), static_cast<long long>(modbus_times.at(0.5)),
      static_cast<double>(ratio_permille.at(0.5)) / 1000.0, rounds);
  close(raw);
  modbus_close(context);
  modbus_free(context);
  raw_server.join();
  modbus_server.join();
  return 0;
}
