#include "tests/links/counting_device.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "hal/modbus/cia402.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::sim::proxy {
namespace {

using hal::DriveState;
using hal::modbus::monotonic_ns;

constexpr std::uint8_t kDrive = 1, kPanel = 2;
constexpr std::uint16_t kReadBlock = 0x0100, kConfig = 0x0120, kPanelRead = 0x0010;
constexpr std::uint16_t kReadWords = 16, kConfigWords = 8, kPanelWords = 3;
constexpr std::uint16_t kSlot = 4;  // of the position in the read block
constexpr std::uint32_t kRatedMn = 341'000;
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kRelayNs = 50 * kNsPerMs;
// A request whose rest does not come within this is no request.
constexpr std::int64_t kSilenceNs = 20 * kNsPerMs;
constexpr std::uint16_t kDisabled = hal::cia402_statusword(DriveState::kSwitchOnDisabled);
constexpr std::uint16_t kFault = hal::cia402_statusword(DriveState::kFault);

std::uint16_t high(std::uint32_t value) noexcept {
  return static_cast<std::uint16_t>(value >> 16);
}
std::uint16_t low(std::uint32_t value) noexcept {
  return static_cast<std::uint16_t>(value & 0xFFFF);
}

}  // namespace

CountingDevice::CountingDevice(Wire wire, std::uint64_t seed)
    : wire_(wire), random_(seed), statusword_(kDisabled) {
  made_ns_.push_back(0);
  if (wire == Wire::kTcp) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), any, &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "counting device");
    }
    where_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  } else {
    termios raw{};
    ::cfmakeraw(&raw);
    int master = -1, slave = -1;
    char name[128] = {};
    if (::openpty(&master, &slave, name, &raw, nullptr) != 0) {
      throw std::system_error(errno, std::generic_category(), "counting device");
    }
    ::fcntl(master, F_SETFL, O_NONBLOCK);
    slave_ = Fd(slave);
    where_ = name;
    clients_.push_back({Fd(master), {}, 0});
  }
  thread_ = std::thread([this] { run(); });
}

CountingDevice::~CountingDevice() {
  stopping_ = true;
  thread_.join();
}

std::int64_t CountingDevice::made_ns(std::int64_t count) const {
  const std::lock_guard lock(mutex_);
  const auto at = static_cast<std::size_t>(count);
  return count > 0 && at < made_ns_.size() ? made_ns_[at] : 0;
}

std::int64_t CountingDevice::answers() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(made_ns_.size()) - 1;
}

std::int64_t CountingDevice::count_in(Wire wire, std::span<const std::uint8_t> reply) {
  const std::size_t unit = wire == Wire::kTcp ? 6 : 0;
  if (!inspect(wire, reply).whole || reply.size() < unit + 3 + 2 * kReadWords) return -1;
  if (reply[unit] != kDrive || reply[unit + 2] != 2 * kReadWords) return -1;
  const std::size_t at = unit + 3 + 2 * kSlot;
  return std::int64_t{reply[at]} << 24 | reply[at + 1] << 16 | reply[at + 2] << 8 | reply[at + 3];
}

void CountingDevice::run() {
  while (!stopping_) {
    std::vector<pollfd> ready{{listener_.get(), POLLIN, 0}};
    for (const Client& client : clients_) ready.push_back({client.fd.get(), POLLIN, 0});
    constexpr int kLookUpMs = 5;
    if (::poll(ready.data(), ready.size(), kLookUpMs) < 0) continue;
    watch();
    for (std::size_t i = ready.size() - 1; i > 0; --i) {
      const bool alive = ready[i].revents == 0 || serve(clients_[i - 1]);
      if (!alive) clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    if (ready[0].revents == 0) continue;
    Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int on = 1;
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client) clients_.push_back({std::move(client), {}, 0});
  }
}

bool CountingDevice::serve(Client& client) {
  std::array<std::uint8_t, 512> buffer;
  const ssize_t got = ::read(client.fd.get(), buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  const std::int64_t now = monotonic_ns();
  if (wire_ == Wire::kRtu && now - client.last_ns > kSilenceNs) client.pending.clear();
  client.last_ns = now;
  client.pending.insert(client.pending.end(), buffer.begin(), buffer.begin() + got);
  if (wire_ == Wire::kTcp) return answer_tcp(client);
  answer_line(client);
  return true;
}

bool CountingDevice::answer_tcp(Client& client) {
  while (client.pending.size() >= kMbapSize) {
    MbapHeader header;
    std::array<std::uint8_t, kMbapSize> head;
    std::copy_n(client.pending.begin(), kMbapSize, head.begin());
    if (!parse_mbap(head, header)) return false;
    const std::size_t size = kMbapSize + header.pdu_size;
    if (client.pending.size() < size) return true;
    Bytes reply(head.begin(), head.end());
    execute(header.unit,
            std::span<const std::uint8_t>(client.pending).subspan(kMbapSize, header.pdu_size),
            reply);
    const std::size_t length = reply.size() - 6;
    reply[4] = static_cast<std::uint8_t>(length >> 8);
    reply[5] = static_cast<std::uint8_t>(length & 0xFF);
    client.pending.erase(client.pending.begin(),
                         client.pending.begin() + static_cast<std::ptrdiff_t>(size));
    if (!send_all(client.fd.get(), reply.data(), reply.size())) return false;
  }
  return true;
}

// A line that is out of step comes right with the next silence.
void CountingDevice::answer_line(Client& client) {
  FrameSplitter splitter(Wire::kRtu, Way::kRequest);
  splitter.add(client.pending);
  while (const auto frame = splitter.next()) {
    const FrameInfo info = inspect(Wire::kRtu, *frame);
    if (!info.whole || (info.unit != kDrive && info.unit != kPanel)) continue;
    Bytes reply{info.unit};
    execute(info.unit, std::span<const std::uint8_t>(*frame).subspan(1, frame->size() - 3), reply);
    reply.resize(reply.size() + 2);
    mend_crc(reply);
    static_cast<void>(send_all(client.fd.get(), reply.data(), reply.size()));
  }
  client.pending = splitter.take_rest();
}

void CountingDevice::execute(std::uint8_t unit, std::span<const std::uint8_t> pdu,
                             std::vector<std::uint8_t>& out) {
  ModbusRequest request;
  ModbusException wrong = unit == kDrive || unit == kPanel ? parse_request(pdu, request)
                                                           : ModbusException::kGatewayNoTarget;
  if (wrong == ModbusException::kNone) wrong = check(*this, unit, request);
  if (wrong != ModbusException::kNone) {
    out.push_back(static_cast<std::uint8_t>(pdu[0] | 0x80));
    out.push_back(static_cast<std::uint8_t>(wrong));
    return;
  }
  answer(*this, unit, request, out);
}

ModbusException CountingDevice::check_read(FunctionCode function, std::uint8_t unit,
                                           std::uint16_t address, std::uint16_t count) {
  if (function != FunctionCode::kReadHoldingRegisters &&
      function != FunctionCode::kReadWriteRegisters) {
    return ModbusException::kIllegalFunction;
  }
  const auto in = [&](std::uint16_t first, std::uint16_t words) {
    return address >= first && address + count <= first + words;
  };
  const bool known = unit == kPanel ? in(kPanelRead, kPanelWords)
                                    : in(kReadBlock, kReadWords) || in(kConfig, kConfigWords);
  return known ? ModbusException::kNone : ModbusException::kIllegalAddress;
}

ModbusException CountingDevice::check_write(FunctionCode function, std::uint8_t unit,
                                            std::uint16_t address,
                                            std::span<const std::uint16_t> values) {
  if (function != FunctionCode::kWriteRegisters && function != FunctionCode::kReadWriteRegisters) {
    return ModbusException::kIllegalFunction;
  }
  const std::size_t words = unit == kPanel ? panel_.size() : out_.size();
  return address + values.size() <= words ? ModbusException::kNone
                                          : ModbusException::kIllegalAddress;
}

void CountingDevice::write(std::uint8_t unit, std::uint16_t address,
                           std::span<const std::uint16_t> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = address + i;
    if (unit == kPanel && at == 1 && panel_[1] != values[i]) relay_ns_ = monotonic_ns();
    (unit == kPanel ? panel_[at] : out_[at]) = values[i];
  }
  if (unit != kDrive) return;
  written_ns_ = monotonic_ns();
  take_controlword(out_[1]);
}

void CountingDevice::take_controlword(std::uint16_t word) noexcept {
  using namespace hal;
  const bool reset_edge = (word & kControlFaultReset) != 0 && (old_word_ & kControlFaultReset) == 0;
  old_word_ = word;
  if (statusword_ == kFault) {
    if (!reset_edge) return;
    tripped_ = false;
    statusword_ = kDisabled;
    return;
  }
  const DriveState before = cia402_state(statusword_);
  DriveState after = DriveState::kSwitchOnDisabled;
  if (word == kControlShutdown) after = DriveState::kReadyToSwitchOn;
  if (word == kControlSwitchOn && before != DriveState::kSwitchOnDisabled) {
    after = DriveState::kSwitchedOn;
  }
  if (word == kControlEnableOperation && before >= DriveState::kSwitchedOn) {
    after = DriveState::kOperationEnabled;
  }
  statusword_ = cia402_statusword(after);
}

// The drive's own watchdog.
void CountingDevice::watch() noexcept {
  const bool on = hal::cia402_state(statusword_) == DriveState::kOperationEnabled;
  if (!on || monotonic_ns() - written_ns_ <= out_[7] * kNsPerMs) return;
  tripped_ = true;
  statusword_ = kFault;
}

void CountingDevice::read(FunctionCode, std::uint8_t unit, std::uint16_t address,
                          std::span<std::uint16_t> values) {
  watch();
  if (unit == kPanel) {
    const bool closed = panel_[0] != 0 && monotonic_ns() - relay_ns_ < kRelayNs;
    const std::array<std::uint16_t, kPanelWords> all{
        static_cast<std::uint16_t>(reset_pressed_ ? 3 : 2),
        static_cast<std::uint16_t>(closed ? 3 : 1), panel_[1]};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = all[address - kPanelRead + i];
    return;
  }
  if (address == kReadBlock) {
    const std::lock_guard lock(mutex_);
    made_ns_.push_back(monotonic_ns());
    const bool on = hal::cia402_state(statusword_) == DriveState::kOperationEnabled;
    const double force_n = on ? static_cast<std::int16_t>(out_[3]) * (kRatedMn * 1e-6) : 0.0;
    // The person holds still: the cell feels what the motor pulls, and noise.
    cell_mn_ = static_cast<std::int32_t>(force_n * 1e3 + random_.uniform(-50.0, 50.0));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = drive_register(static_cast<std::uint16_t>(address + i));
  }
}

std::uint16_t CountingDevice::drive_register(std::uint16_t address) {
  const auto count = static_cast<std::uint32_t>(made_ns_.size() - 1);
  const auto cell = static_cast<std::uint32_t>(cell_mn_);
  const bool on = hal::cia402_state(statusword_) == DriveState::kOperationEnabled;
  const auto time_us = static_cast<std::uint32_t>(monotonic_ns() / 1000);
  switch (address) {
    case 0x0100:
      return out_[0];
    case 0x0101:
      return statusword_;
    case 0x0102:
      return out_[2];
    case 0x0103:
      return on ? out_[3] : std::uint16_t{0};
    case kReadBlock + kSlot:
      return high(count);
    case kReadBlock + kSlot + 1:
      return low(count);
    case 0x0108:
      return high(cell);
    case 0x0109:
      return low(cell);
    case 0x010B:
      return tripped_ ? 1u << 4 : 0u;
    case 0x010C:
      return 300;  // 30 degrees C
    case 0x010D:
      return 3100;  // 310 V
    case 0x010E:
      return high(time_us);
    case 0x010F:
      return low(time_us);
    case 0x0120:
      return 2;  // map version
    case 0x0121:
      return high(kRatedMn);
    case 0x0122:
      return low(kRatedMn);
    case 0x0124:
      return out_[4];
    case 0x0125:
      return out_[5];
    case 0x0126:
      return out_[7];
    default:
      return 0;
  }
}

}  // namespace medius::sim::proxy
