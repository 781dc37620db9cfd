#include "sim/station/station_server.hpp"

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "controller/base/tick.hpp"
#include "sim/station/guard_relay.hpp"
#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/register_map.hpp"

namespace medius::sim {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// More than any station needs; a further connection is closed at once.
constexpr int kMaxConnections = 8;
// Who has not written for so long no longer owns the machine.
constexpr std::int64_t kOwnershipNs = 500'000'000;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

class Session;

struct StationServer::Impl : std::enable_shared_from_this<StationServer::Impl> {
  Impl(asio::io_context& io, StationView view, const ServerOptions& options, TickObserver o)
      : acceptor(io),
        timer(io),
        station(view.station()),
        frames(view.frames()),
        map(view, options.rated_force_n),
        pacer(options.pace, now_ns(), options.speed),
        observer(std::move(o)) {
    const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
    if (options.guard_port >= 0) {
      guard = std::make_unique<GuardRelay>(options.address.c_str(),
                                           static_cast<std::uint16_t>(options.guard_port),
                                           options.pace == Pace::kBus);
      station.fit_guard();
    }
    next_wall = Clock::now();
  }

  void accept();
  void run_wall();
  void step();
  void closed(const Session* session);
  // True when the session may command the machine; the first one that writes owns it.
  bool own(const Session* session);
  ModbusException execute(const Session* session, std::uint8_t unit, ModbusRequest& request,
                          std::vector<std::uint8_t>& pdu, std::int64_t& reply_ns);

  tcp::acceptor acceptor;
  asio::steady_timer timer;
  SimulatedStation& station;
  FrameFaults* frames;
  RegisterMap map;
  Pacer pacer;
  TickObserver observer;
  std::unique_ptr<GuardRelay> guard;
  Clock::time_point next_wall;
  bool stopping = false;
  int connections = 0;
  const Session* owner = nullptr;
  std::int64_t owner_wrote_ns = 0;
  bool seq_seen = false;
  std::uint16_t last_seq = 0;
};

// One connection: one request at a time, in order.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<StationServer::Impl> server)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), server_(std::move(server)) {
    request_.reserve(kMaxPduSize);
    reply_.reserve(kMaxAduSize);
    ++server_->connections;
  }
  ~Session() {
    --server_->connections;
    server_->closed(this);
  }

  void start() {
    error_code ignored;
    // Without it Nagle and the delayed acknowledgement cost 40 ms now and then.
    socket_.set_option(tcp::no_delay(true), ignored);
    read_header();
  }

 private:
  void read_header() {
    asio::async_read(socket_, asio::buffer(header_bytes_),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (error) return;
                       if (parse_mbap(self->header_bytes_, self->header_)) self->read_pdu();
                     });
  }

  void read_pdu() {
    request_.resize(header_.pdu_size);
    asio::async_read(socket_, asio::buffer(request_),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (!error) self->handle();
                     });
  }

  void handle() {
    reply_.assign(kMbapSize, 0);
    std::int64_t reply_ns = 0;
    ModbusRequest request;
    ModbusException exception = parse_request(request_, request);
    if (exception == ModbusException::kNone) {
      exception = server_->execute(this, header_.unit, request, reply_, reply_ns);
    }
    if (exception != ModbusException::kNone) {
      reply_.resize(kMbapSize);
      reply_.push_back(static_cast<std::uint8_t>(request_[0] | 0x80));
      reply_.push_back(static_cast<std::uint8_t>(exception));
    }
    const std::size_t length = reply_.size() - kMbapSize + 1;
    reply_[0] = static_cast<std::uint8_t>(header_.transaction >> 8);
    reply_[1] = static_cast<std::uint8_t>(header_.transaction & 0xFF);
    reply_[4] = static_cast<std::uint8_t>(length >> 8);
    reply_[5] = static_cast<std::uint8_t>(length & 0xFF);
    reply_[6] = header_.unit;
    if (!on_the_way(reply_ns)) {
      read_header();
      return;
    }
    if (reply_ns <= now_ns()) {
      send();
      return;
    }
    timer_.expires_at(Clock::time_point(std::chrono::nanoseconds(reply_ns)));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->send();
    });
  }

  // What becomes of a reply between here and the controller; false: it does not arrive.
  [[nodiscard]] bool on_the_way(std::int64_t& reply_ns) {
    if (server_->frames == nullptr) return true;
    last_.swap(sent_);
    const FramePlan plan = server_->frames->act(reply_, false);
    sent_ = reply_;
    if (plan.repeat_last) reply_.insert(reply_.begin(), last_.begin(), last_.end());
    if (plan.twice) reply_.insert(reply_.end(), sent_.begin(), sent_.end());
    if (plan.late_ms > 0) reply_ns = now_ns() + plan.late_ms * kTickPeriodNs;
    return !plan.silent;
  }

  void send() {
    asio::async_write(socket_, asio::buffer(reply_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!error) self->read_header();
                      });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<StationServer::Impl> server_;
  std::array<std::uint8_t, kMbapSize> header_bytes_{};
  MbapHeader header_;
  std::vector<std::uint8_t> request_, reply_;
  std::vector<std::uint8_t> sent_, last_;  // this reply and the one before
};

void StationServer::Impl::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && self->connections < kMaxConnections) {
      std::make_shared<Session>(std::move(socket), self)->start();
    }
    self->accept();
  });
}

void StationServer::Impl::run_wall() {
  for (int due = pacer.wall_ticks_due(now_ns()); due > 0; --due) step();
  next_wall += std::chrono::nanoseconds(kTickPeriodNs);
  if (next_wall < Clock::now()) next_wall = Clock::now() + std::chrono::nanoseconds(kTickPeriodNs);
  // In lockstep this timer only watches for a silent controller.
  timer.expires_at(pacer.in_lockstep() ? Clock::now() + std::chrono::milliseconds(50) : next_wall);
  // Cancelled means: look at once.
  timer.async_wait([self = shared_from_this()](error_code) {
    if (!self->stopping) self->run_wall();
  });
}

void StationServer::Impl::step() {
  if (guard) guard->before_tick(station);
  station.step_tick();
  if (guard) guard->after_tick(station);
  if (observer) observer({now_ns(), map.cmd_seq(), owner != nullptr});
}

void StationServer::Impl::closed(const Session* session) {
  if (session != owner) return;
  owner = nullptr;
  seq_seen = false;
  const bool was_lockstep = pacer.in_lockstep();
  pacer.controller_gone(now_ns());
  if (was_lockstep) timer.cancel_one();  // real time goes on at once, not at the next look
}

bool StationServer::Impl::own(const Session* session) {
  const std::int64_t now = now_ns();
  if (owner != session) {
    if (owner != nullptr && now - owner_wrote_ns <= kOwnershipNs) return false;
    owner = session;
    seq_seen = false;
  }
  owner_wrote_ns = now;
  return true;
}

ModbusException StationServer::Impl::execute(const Session* session, std::uint8_t unit,
                                             ModbusRequest& request, std::vector<std::uint8_t>& pdu,
                                             std::int64_t& reply_ns) {
  const ModbusException wrong = check(map, unit, request);
  if (wrong != ModbusException::kNone) return wrong;
  if (RegisterMap::commands(unit, request) && !own(session)) return ModbusException::kDeviceBusy;
  const bool round =
      unit == map.last_drive_unit() && request.function == FunctionCode::kReadWriteRegisters &&
      request.write_address == 0 && (!seq_seen || request.values.front() != last_seq);
  if (round) {
    last_seq = request.values.front();
    seq_seen = true;
    if (pacer.bus_round(now_ns(), reply_ns)) {
      // The command first, then the tick it was made for, then what came of it.
      map.write(unit, request.write_address, request.values);
      request.values.clear();
      step();
      if (guard) guard->note_round();
    }
  }
  answer(map, unit, request, pdu);
  return ModbusException::kNone;
}

StationServer::StationServer(asio::io_context& io, StationView view, const ServerOptions& options,
                             TickObserver observer)
    : impl_(std::make_shared<Impl>(io, view, options, std::move(observer))) {
  impl_->accept();
  impl_->run_wall();
}

StationServer::~StationServer() {
  error_code ignored;
  impl_->stopping = true;
  impl_->acceptor.close(ignored);
  impl_->timer.cancel();
}

std::uint16_t StationServer::guard_port() const {
  return impl_->guard ? impl_->guard->port() : std::uint16_t{0};
}

std::uint16_t StationServer::port() const {
  return impl_->acceptor.local_endpoint().port();
}

}  // namespace medius::sim
