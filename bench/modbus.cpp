// What a transaction of the bus thread costs: FC23 of the canonical drive through DriveSession and
// Connection, beside bare libmodbus and a raw ping-pong of as many bytes, on loopback TCP and on a
// pseudo-terminal. The sides take turns in short blocks, so that what else the host does hits all
// of them; each ratio is the median over the turns.
// usage: medius-bench-modbus MACHINE TURNS EXCHANGES
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include <modbus/modbus.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/modbus_peers.hpp"
#include "bench/percentiles.hpp"
#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/device_session.hpp"
#include "hal/modbus/lockstep.hpp"

namespace {

using namespace medius;
using bench::SerialPeer;
using bench::TcpPeer;
namespace bus = hal::modbus;

constexpr int kBaud = 115200;  // a pseudo-terminal takes any
constexpr int kTimeoutMs = 500;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "medius-bench-modbus: %s\n", what.c_str());
  std::exit(1);
}

void raw_tcp(int socket) {
  static std::array<std::uint8_t, bench::kTcpRequest> request{};
  static std::array<std::uint8_t, bench::kTcpReply> reply{};
  if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("raw TCP ended");
  std::size_t got = 0;
  while (got < reply.size()) {
    const ssize_t n = recv(socket, reply.data() + got, reply.size() - got, 0);
    if (n <= 0) die("raw TCP ended");
    got += static_cast<std::size_t>(n);
  }
}

void raw_serial(int terminal) {
  static std::array<std::uint8_t, bench::kRtuRequest> request{};
  static std::array<std::uint8_t, bench::kRtuReply> reply{};
  if (write(terminal, request.data(), request.size()) < 0) die("raw serial ended");
  std::size_t got = 0;
  while (got < reply.size()) {
    const ssize_t n = read(terminal, reply.data() + got, reply.size() - got);
    if (n <= 0) die("raw serial ended");
    got += static_cast<std::size_t>(n);
  }
}

void bare_libmodbus(modbus_t* context) {
  static std::array<std::uint16_t, bench::kWritten> written{};
  static std::array<std::uint16_t, bench::kRead> read{};
  ++written[0];
  if (modbus_write_and_read_registers(context, 0x0000, bench::kWritten, written.data(), 0x0100,
                                      bench::kRead, read.data()) != bench::kRead) {
    die(std::string("FC23: ") + modbus_strerror(errno));
  }
}

// What the bus thread does for a drive in a round, a command of the loop included.
class BusSide {
 public:
  BusSide(const bus::BusPlan& plan, bus::Connection& connection)
      : plan_(drive_of(plan)), session_(plan_, plan.relay_stands_in), connection_(connection) {
    const bus::Admission admission = session_.admit(connection_);
    if (!admission.refusal.empty()) die(admission.refusal);
    if (admission.outcome != bus::Outcome::kOk) die("the drive does not answer");
    round_.send = true;
    round_.output.axis[0].request = hal::DriveRequest::kEnable;
    round_.output.axis[0].force_limit = 200.0;
    round_.output.axis[0].speed_limit = 1.5;
  }
  void exchange() {
    ++round_.sequence;
    round_.output.axis[0].force = 20.0 + round_.sequence % 64;
    bus::ExchangeStats stats{counters_};
    if (session_.exchange(connection_, round_, input_, stats) != bus::Exchange::kAccepted) {
      die(std::string("an exchange was not accepted: ") + connection_.error());
    }
  }

 private:
  static const bus::DevicePlan& drive_of(const bus::BusPlan& plan) {
    for (const bus::LinkPlan& link : plan.links) {
      for (const bus::DevicePlan& device : link.devices) {
        if (device.descriptor.kind == bus::DeviceKind::kDrive) return device;
      }
    }
    die("the machine file has no drive");
  }
  const bus::DevicePlan& plan_;
  bus::DriveSession session_;
  bus::Connection& connection_;
  bus::RoundInput round_;
  bus::LinkCounters counters_;
  hal::AxisInput input_;
};

struct Block {
  std::int64_t p50_ns = 0;
  double per_s = 0.0;
};

Block measure(int exchanges, const std::function<void()>& one) {
  bench::Percentiles times;
  const std::int64_t began = bus::monotonic_ns();
  for (int i = 0; i < exchanges; ++i) {
    const std::int64_t start = bus::monotonic_ns();
    one();
    times.add(bus::monotonic_ns() - start);
  }
  const auto took_ns = static_cast<double>(bus::monotonic_ns() - began);
  return {times.at(0.5), exchanges * 1e9 / took_ns};
}

// Raw bytes, bare libmodbus and the bus thread's way, over one transport.
struct Sides {
  std::array<std::function<void()>, 3> side;
  std::array<bench::Percentiles, 3> p50_ns;
  bench::Percentiles bus_over_bare, bus_over_raw, bare_over_raw, per_s;  // ratios in 1/100000

  void turn(int number, int exchanges) {
    std::array<Block, 3> block;
    for (std::size_t i = 0; i < side.size(); ++i) {
      // Who begins changes: what slows down in the course of a turn hits no side more often.
      const std::size_t which = (i + static_cast<std::size_t>(number)) % side.size();
      block[which] = measure(exchanges, side[which]);
    }
    for (std::size_t i = 0; i < side.size(); ++i) p50_ns[i].add(block[i].p50_ns);
    bus_over_bare.add(kUnit * block[2].p50_ns / block[1].p50_ns);
    bus_over_raw.add(kUnit * block[2].p50_ns / block[0].p50_ns);
    bare_over_raw.add(kUnit * block[1].p50_ns / block[0].p50_ns);
    per_s.add(static_cast<std::int64_t>(block[2].per_s));
  }
  static double median(bench::Percentiles& ratio) {
    return static_cast<double>(ratio.at(0.5)) / static_cast<double>(kUnit);
  }
  static constexpr std::int64_t kUnit = 100'000;
};

modbus_t* opened(modbus_t* context) {
  if (context == nullptr) die("libmodbus has no context");
  modbus_set_slave(context, 1);
  if (modbus_connect(context) != 0) die(std::string("connect: ") + modbus_strerror(errno));
  return context;
}

void print(Sides& tcp, Sides& rtu, int turns) {
  const auto ns = [](bench::Percentiles& times) { return static_cast<long long>(times.at(0.5)); };
  std::printf(
      "{\"raw_tcp_p50_ns\": %lld, \"modbus_p50_ns\": %lld, \"bus_p50_ns\": %lld, "
      "\"modbus_p50_over_raw\": %.3f, \"bus_p50_over_libmodbus\": %.3f, "
      "\"bus_p50_over_raw_tcp\": %.3f, \"fc23_per_s\": %lld, \"raw_serial_p50_ns\": %lld, "
      "\"rtu_libmodbus_p50_ns\": %lld, \"rtu_p50_ns\": %lld, \"rtu_p50_over_libmodbus\": %.3f, "
      "\"rtu_p50_over_raw\": %.3f, \"modbus_rounds\": %d}\n",
      ns(tcp.p50_ns[0]), ns(tcp.p50_ns[1]), ns(tcp.p50_ns[2]), Sides::median(tcp.bare_over_raw),
      Sides::median(tcp.bus_over_bare), Sides::median(tcp.bus_over_raw), ns(tcp.per_s),
      ns(rtu.p50_ns[0]), ns(rtu.p50_ns[1]), ns(rtu.p50_ns[2]), Sides::median(rtu.bus_over_bare),
      Sides::median(rtu.bus_over_raw), turns);
}

// The peers are other computers in life: they are on the first processor, the client is on the
// last. Where the scheduler puts them would otherwise decide about the ratios.
void stay_on(bool last) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int chosen = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && (last || chosen < 0)) chosen = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(chosen, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

bus::BusPlan load(const char* machine) {
  bus::BusOptions options;
  options.use = hal::modbus::PlanUse::kCheck;
  options.simulated = true;
  options.axis_names = {"cable"};
  options.axis_coordinates = {hal::CoordinateKind::kCable};
  options.axis_velocity_modes = {true};
  auto plan = bus::load_bus_plan(machine, options);
  if (!plan) die(plan.error().message);
  return std::move(*plan);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: medius-bench-modbus MACHINE TURNS EXCHANGES\n", stderr);
    return 2;
  }
  const bus::BusPlan plan = load(argv[1]);
  const int turns = std::atoi(argv[2]), exchanges = std::atoi(argv[3]);
  stay_on(false);
  const TcpPeer tcp_raw(TcpPeer::Kind::kRaw), tcp_bare(TcpPeer::Kind::kModbus),
      tcp_bus(TcpPeer::Kind::kModbus);
  const SerialPeer rtu_raw(SerialPeer::Kind::kRaw), rtu_bare(SerialPeer::Kind::kModbus),
      rtu_bus(SerialPeer::Kind::kModbus);
  stay_on(true);
  const int socket = tcp_raw.connect(), terminal = rtu_raw.open();
  modbus_t* const tcp_context = opened(modbus_new_tcp("127.0.0.1", tcp_bare.port()));
  modbus_t* const rtu_context = opened(modbus_new_rtu(rtu_bare.device().c_str(), kBaud, 'N', 8, 1));
  bus::Connection tcp_connection, rtu_connection;
  bus::SerialLine line;
  line.device = rtu_bus.device();
  line.baud = kBaud;
  line.parity = 'N';
  if (tcp_connection.open("127.0.0.1", tcp_bus.port(), kTimeoutMs) != bus::Outcome::kOk ||
      rtu_connection.open_line(line, kTimeoutMs) != bus::Outcome::kOk) {
    die("no connection");
  }
  BusSide tcp_side(plan, tcp_connection), rtu_side(plan, rtu_connection);
  Sides tcp, rtu;
  tcp.side = {[&] { raw_tcp(socket); }, [&] { bare_libmodbus(tcp_context); },
              [&] { tcp_side.exchange(); }};
  rtu.side = {[&] { raw_serial(terminal); }, [&] { bare_libmodbus(rtu_context); },
              [&] { rtu_side.exchange(); }};
  for (int number = 0; number < turns; ++number) {
    tcp.turn(number, exchanges);
    rtu.turn(number, exchanges);
  }
  print(tcp, rtu, turns);
  tcp_connection.close();
  rtu_connection.close();
  for (modbus_t* const context : {tcp_context, rtu_context}) {
    modbus_close(context);
    modbus_free(context);
  }
  close(socket);
  close(terminal);
  return 0;
}
