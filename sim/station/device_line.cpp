#include "sim/station/device_line.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include "sim/station/rtu_frame.hpp"

namespace medius::sim {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// As many as drives with a service port allow; a further connection is closed at once.
constexpr int kMaxConnections = 3;
// A request whose end only silence tells: far more than 3.5 characters, as hosts deliver in bursts.
constexpr microseconds kFrameEnd{5000};
constexpr std::size_t kMaxRtuFrame = 256;

// All units of one link behind one register space.
class UnitSpace final : public RegisterSpace {
 public:
  explicit UnitSpace(std::vector<SimulatedDevice>& devices) : devices_(devices) {}

  [[nodiscard]] SimulatedDevice* device(std::uint8_t unit) {
    for (SimulatedDevice& each : devices_) {
      if (each.unit() == unit) return &each;
    }
    return nullptr;
  }
  ModbusException check_read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                             std::uint16_t count) override {
    return device(unit)->check_read(function, address, count);
  }
  ModbusException check_write(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                              std::span<const std::uint16_t> values) override {
    return device(unit)->check_write(function, address, values.size());
  }
  void write(std::uint8_t unit, std::uint16_t address,
             std::span<const std::uint16_t> values) override {
    device(unit)->write(address, values);
  }
  void read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
            std::span<std::uint16_t> values) override {
    device(unit)->read(function, address, values);
  }

 private:
  std::vector<SimulatedDevice>& devices_;
};

void put_exception(std::uint8_t function, ModbusException exception,
                   std::vector<std::uint8_t>& reply) {
  reply.push_back(static_cast<std::uint8_t>(function | 0x80));
  reply.push_back(static_cast<std::uint8_t>(exception));
}

}  // namespace

struct DeviceLine::Impl : std::enable_shared_from_this<DeviceLine::Impl> {
  Impl(const hal::modbus::LinkPlan& p, StationView view) : plan(p), frames(view.frames()) {
    devices.reserve(plan.devices.size());
    for (const hal::modbus::DevicePlan& device : plan.devices) {
      devices.emplace_back(device, view);
    }
  }
  virtual ~Impl() = default;
  virtual void start() = 0;
  virtual void stop() = 0;

  // Carries a request out and appends the reply's PDU.
  void execute(std::uint8_t unit, std::span<const std::uint8_t> pdu,
               std::vector<std::uint8_t>& reply) {
    UnitSpace space(devices);
    if (space.device(unit) == nullptr) {
      put_exception(pdu[0], ModbusException::kGatewayNoTarget, reply);
      return;
    }
    ModbusRequest request;
    ModbusException wrong = parse_request(pdu, request);
    if (wrong == ModbusException::kNone) wrong = check(space, unit, request);
    if (wrong != ModbusException::kNone) {
      put_exception(pdu[0], wrong, reply);
      return;
    }
    answer(space, unit, request, reply);
    space.device(unit)->telegram(writes(request.function));
  }
  [[nodiscard]] microseconds turnaround(std::uint8_t unit) {
    const SimulatedDevice* const device = UnitSpace(devices).device(unit);
    return microseconds(device == nullptr ? 0 : device->turnaround_us());
  }

  // What becomes of a reply on its way; it may change.
  [[nodiscard]] FramePlan on_the_way(std::vector<std::uint8_t>& reply, bool serial) {
    return frames != nullptr ? frames->act(reply, serial) : FramePlan{};
  }

  const hal::modbus::LinkPlan& plan;
  FrameFaults* frames;
  std::vector<SimulatedDevice> devices;
  std::string where;
};

namespace {

class TcpLine;

// One connection: one request at a time, in order. The values are those of the middle of the time
// that the device takes.
class TcpSession : public std::enable_shared_from_this<TcpSession> {
 public:
  TcpSession(tcp::socket socket, std::shared_ptr<TcpLine> line);
  ~TcpSession();
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
                       if (!error) self->take_time();
                     });
  }
  void take_time();
  void reply();
  template <typename Next>
  void wait(microseconds time, Next next) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this(), next](error_code error) {
      if (!error) next();
    });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<TcpLine> line_;
  std::array<std::uint8_t, kMbapSize> header_bytes_{};
  MbapHeader header_;
  std::vector<std::uint8_t> request_, reply_;
  std::vector<std::uint8_t> sent_, last_;  // this reply and the one before
};

class TcpLine final : public DeviceLine::Impl {
 public:
  TcpLine(asio::io_context& io, const hal::modbus::LinkPlan& p, StationView view,
          const std::string& address)
      : Impl(p, view), acceptor_(io) {
    const tcp::endpoint endpoint(asio::ip::make_address(address), 0);
    acceptor_.open(endpoint.protocol());
    acceptor_.bind(endpoint);
    acceptor_.listen();
    where = fmt::format("{}:{}", address, acceptor_.local_endpoint().port());
  }
  void start() override {
    acceptor_.async_accept([self = std::static_pointer_cast<TcpLine>(shared_from_this())](
                               error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && self->connections < kMaxConnections) {
        std::make_shared<TcpSession>(std::move(socket), self)->start();
      }
      self->start();
    });
  }
  void stop() override {
    error_code ignored;
    acceptor_.close(ignored);
  }

  int connections = 0;

 private:
  tcp::acceptor acceptor_;
};

TcpSession::TcpSession(tcp::socket socket, std::shared_ptr<TcpLine> line)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), line_(std::move(line)) {
  ++line_->connections;
}
TcpSession::~TcpSession() {
  --line_->connections;
}

void TcpSession::take_time() {
  const microseconds half = line_->turnaround(header_.unit) / 2;
  wait(half, [this, half] {
    reply();
    last_.swap(sent_);
    const FramePlan plan = line_->on_the_way(reply_, false);
    sent_ = reply_;
    if (plan.silent) {
      read_header();
      return;
    }
    if (plan.repeat_last) reply_.insert(reply_.begin(), last_.begin(), last_.end());
    if (plan.twice) reply_.insert(reply_.end(), sent_.begin(), sent_.end());
    wait(half + std::chrono::milliseconds(plan.late_ms), [this] {
      asio::async_write(socket_, asio::buffer(reply_),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          if (!error) self->read_header();
                        });
    });
  });
}

void TcpSession::reply() {
  reply_.assign(kMbapSize, 0);
  line_->execute(header_.unit, request_, reply_);
  const std::size_t length = reply_.size() - kMbapSize + 1;
  reply_[0] = static_cast<std::uint8_t>(header_.transaction >> 8);
  reply_[1] = static_cast<std::uint8_t>(header_.transaction & 0xFF);
  reply_[4] = static_cast<std::uint8_t>(length >> 8);
  reply_[5] = static_cast<std::uint8_t>(length & 0xFF);
  reply_[6] = header_.unit;
}

// A pseudo-terminal moves bytes at once: the wire's time is waited for here, the request's before
// it counts as arrived, the reply's before it is handed over. Units that are not there are silent.
class SerialLine final : public DeviceLine::Impl {
 public:
  SerialLine(asio::io_context& io, const hal::modbus::LinkPlan& p, StationView view)
      : Impl(p, view), terminal_(io), timer_(io) {
    const auto& line = plan.line;
    const int bits = 1 + 8 + (line.parity == 'N' ? 0 : 1) + line.stop_bits;
    character_us_ = bits * 1e6 / line.baud;
    termios raw{};
    ::cfmakeraw(&raw);
    char name[128] = {};
    int master = -1;
    if (::openpty(&master, &slave_, name, &raw, nullptr) != 0) {
      throw boost::system::system_error(errno, boost::system::system_category(),
                                        "no pseudo-terminal");
    }
    terminal_.assign(master);
    where = name;
  }
  ~SerialLine() override { ::close(slave_); }

  void start() override { read_some(); }
  void stop() override {
    error_code ignored;
    terminal_.close(ignored);
    timer_.cancel();
  }

 private:
  [[nodiscard]] std::shared_ptr<SerialLine> self() {
    return std::static_pointer_cast<SerialLine>(shared_from_this());
  }
  [[nodiscard]] microseconds wire_time(std::size_t bytes) const {
    return microseconds(static_cast<std::int64_t>(static_cast<double>(bytes) * character_us_));
  }
  void read_some() {
    terminal_.async_read_some(asio::buffer(chunk_),
                              [me = self()](error_code error, std::size_t got) {
                                if (error) return;
                                me->received(got);
                              });
  }
  void received(std::size_t got) {
    frame_.insert(frame_.end(), chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(got));
    const std::size_t size = rtu_request_size(frame_);
    if (size != 0 && frame_.size() == size && is_rtu_frame(frame_)) {
      timer_.cancel();
      take_time();
      return;
    }
    if (frame_.size() > kMaxRtuFrame) frame_.clear();
    wait(kFrameEnd, [this] {
      if (is_rtu_frame(frame_)) {
        // The read that is still under way would come between request and reply.
        terminal_.cancel();
        take_time();
      } else {
        frame_.clear();
      }
    });
    read_some();
  }
  void take_time() {
    wait(wire_time(frame_.size()), [this] {
      const std::uint8_t unit = frame_[0];
      reply_.assign(1, unit);
      const std::span<const std::uint8_t> request(frame_);
      const bool known = UnitSpace(devices).device(unit) != nullptr;
      if (known) execute(unit, request.subspan(1, request.size() - 3), reply_);
      frame_.clear();
      if (!known) {
        read_some();
        return;
      }
      append_rtu_crc(reply_);
      last_.swap(sent_);
      const FramePlan way = on_the_way(reply_, true);
      sent_ = reply_;
      if (way.silent) {
        read_some();
        return;
      }
      if (way.repeat_last) reply_.insert(reply_.begin(), last_.begin(), last_.end());
      if (way.twice) reply_.insert(reply_.end(), sent_.begin(), sent_.end());
      const auto late = std::chrono::milliseconds(way.late_ms);
      wait(turnaround(unit) + wire_time(reply_.size()) + late, [this] {
        asio::async_write(terminal_, asio::buffer(reply_),
                          [me = self()](error_code error, std::size_t) {
                            if (!error) me->read_some();
                          });
      });
    });
  }
  template <typename Next>
  void wait(microseconds time, Next next) {
    timer_.expires_after(time);
    timer_.async_wait([me = self(), next](error_code error) {
      if (!error) next();
    });
  }

  asio::posix::stream_descriptor terminal_;
  asio::steady_timer timer_;
  int slave_ = -1;  // kept open: the terminal outlives its user
  double character_us_ = 0.0;
  std::array<std::uint8_t, kMaxRtuFrame> chunk_{};
  std::vector<std::uint8_t> frame_, reply_;
  std::vector<std::uint8_t> sent_, last_;  // this reply and the one before
};

std::shared_ptr<DeviceLine::Impl> make_line(asio::io_context& io, const hal::modbus::LinkPlan& plan,
                                            StationView view, const std::string& address) {
  if (plan.transport == hal::modbus::Transport::kTcp) {
    return std::make_shared<TcpLine>(io, plan, view, address);
  }
  return std::make_shared<SerialLine>(io, plan, view);
}

}  // namespace

DeviceLine::DeviceLine(asio::io_context& io, const hal::modbus::LinkPlan& plan, StationView view,
                       const std::string& tcp_address)
    : impl_(make_line(io, plan, view, tcp_address)) {
  impl_->start();
}
DeviceLine::~DeviceLine() {
  if (impl_) impl_->stop();
}
DeviceLine::DeviceLine(DeviceLine&&) noexcept = default;

const std::string& DeviceLine::name() const noexcept {
  return impl_->plan.name;
}
const std::string& DeviceLine::where() const noexcept {
  return impl_->where;
}
std::vector<SimulatedDevice>& DeviceLine::devices() noexcept {
  return impl_->devices;
}

}  // namespace medius::sim
