#include "hal/modbus/bus_timing.hpp"

#include <algorithm>

namespace medius::hal::modbus {
namespace {

constexpr double kUsPerSecond = 1e6;
constexpr int kStandardGapBaud = 19200;
constexpr double kStandardGapUs = 1750.0;
constexpr double kGapCharacters = 3.5;
// The first exchange, in which everything is due, is over before anybody pulls.
constexpr std::uint64_t kExchangesLookedAt = 1000;  // the largest 'every'
constexpr int kRtuFrame = 3;                        // unit address and CRC
constexpr int kTcpFrame = 7;                        // MBAP header

double character_us(const SerialLine& line) noexcept {
  const int bits = 1 + 8 + (line.parity == 'N' ? 0 : 1) + line.stop_bits;
  return bits * kUsPerSecond / line.baud;
}

int read_bytes(const Window& window) noexcept {
  return window.bits != 0 ? (window.bits + 7) / 8 : 2 * window.words;
}

}  // namespace

double silence_us(const LinkPlan& link, const DevicePlan& device) noexcept {
  if (link.transport == Transport::kTcp) return 0.0;
  const bool short_gap = link.line.short_gap || link.line.baud <= kStandardGapBaud;
  const double gap = short_gap ? kGapCharacters * character_us(link.line) : kStandardGapUs;
  return std::max(gap, static_cast<double>(device.descriptor.silence_us));
}

TransferTime transfer_time(const LinkPlan& link, const DevicePlan& device,
                           const BlockSpec& read_block, const Transfer& transfer) noexcept {
  const int frame = link.transport == Transport::kRtu ? kRtuFrame : kTcpFrame;
  TransferTime time;
  int request = 0;
  int reply = 0;
  if (transfer.write >= 0 && transfer.read >= 0) {
    const Window& out = device.descriptor.write.windows[static_cast<std::size_t>(transfer.write)];
    const Window& in = read_block.windows[static_cast<std::size_t>(transfer.read)];
    request = 10 + 2 * out.words;
    reply = 2 + read_bytes(in);
  } else if (transfer.write >= 0) {
    const Window& out = device.descriptor.write.windows[static_cast<std::size_t>(transfer.write)];
    request = out.function == FunctionCode::kWriteRegister ? 5 : 6 + 2 * out.words;
    reply = 5;
  } else {
    request = 5;
    reply = 2 + read_bytes(read_block.windows[static_cast<std::size_t>(transfer.read)]);
  }
  time.request_bytes = request + frame;
  time.reply_bytes = reply + frame;
  time.turnaround_us = device.descriptor.turnaround_us;
  if (link.transport == Transport::kRtu) {
    time.wire_us = (time.request_bytes + time.reply_bytes) * character_us(link.line);
    time.silence_us = 2.0 * silence_us(link, device);
  }
  return time;
}

double exchange_us_max(const LinkPlan& link, const DevicePlan& device) noexcept {
  double longest = 0.0;
  for (std::uint64_t exchange = 1; exchange <= kExchangesLookedAt; ++exchange) {
    double sum = 0.0;
    for (const Transfer& transfer : device.descriptor.cyclic) {
      if (!transfer.due(exchange)) continue;
      sum += transfer_time(link, device, device.descriptor.read, transfer).total_us();
    }
    longest = std::max(longest, sum);
  }
  return longest;
}

double exchange_us_mean(const LinkPlan& link, const DevicePlan& device) noexcept {
  double sum = 0.0;
  for (const Transfer& transfer : device.descriptor.cyclic) {
    sum +=
        transfer_time(link, device, device.descriptor.read, transfer).total_us() / transfer.every;
  }
  return sum;
}

double link_time_us(const LinkPlan& link, const DevicePlan& device) noexcept {
  const double exchanges_per_s = kUsPerSecond / link.round_us / device.every_rounds;
  double slow = 0.0;
  for (const Transfer& transfer : device.descriptor.slow) {
    slow += transfer_time(link, device, device.descriptor.config, transfer).total_us();
  }
  return exchanges_per_s * exchange_us_mean(link, device) +
         slow * 1000.0 / device.descriptor.config_period_ms;
}

DataAge data_age(const LinkPlan& link, const DevicePlan& device) noexcept {
  DataAge age;
  age.cycle_us = static_cast<double>(link.round_us) * device.every_rounds;
  double tail = 0.0;
  for (std::uint64_t exchange = 1; exchange <= kExchangesLookedAt; ++exchange) {
    double after = 0.0;
    bool stamped = false;
    for (const Transfer& transfer : device.descriptor.cyclic) {
      if (!transfer.due(exchange)) continue;
      const double total = transfer_time(link, device, device.descriptor.read, transfer).total_us();
      if (stamped) {
        after += total;
      } else if (transfer.read >= 0) {
        after = total / 2.0;
        stamped = true;
      }
    }
    tail = std::max(tail, after);
  }
  double delay = 0.0;
  for (const DevicePlan& other : link.devices) {
    if (&other == &device) continue;
    if (other.pad >= 0 && other.descriptor.kind == DeviceKind::kLoadCell) {
      // Nothing is shown before both pads of linked arms are read.
      tail += exchange_us_max(link, other);
    } else if (other.every_rounds > device.every_rounds) {
      delay += exchange_us_max(link, other);
    }
  }
  age.p50_us = tail + 0.50 * age.cycle_us;
  age.p99_us = tail + 0.99 * age.cycle_us + delay;
  return age;
}

double lost_reply_us(const LinkPlan& link, const DevicePlan& device) noexcept {
  return link.response_timeout_ms * 1e3 + device.descriptor.turnaround_max_us;
}

double lost_reply_age_us(const LinkPlan& link, const DevicePlan& device) noexcept {
  const double waits = lost_reply_us(link, device);
  const double exchange = exchange_us_max(link, device);
  double last = 0.0;
  double others = 0.0;
  for (const Transfer& transfer : device.descriptor.cyclic) {
    last = transfer_time(link, device, device.descriptor.read, transfer).total_us();
  }
  for (const DevicePlan& other : link.devices) {
    if (&other != &device) others += exchange_us_max(link, other);
  }
  return data_age(link, device).p50_us + 0.5 * data_age(link, device).cycle_us + (exchange - last) +
         waits + exchange + others;
}

double longest_transfer_us(const LinkPlan& link) noexcept {
  double longest = 0.0;
  for (const DevicePlan& device : link.devices) {
    for (const Transfer& transfer : device.descriptor.cyclic) {
      longest = std::max(longest,
                         transfer_time(link, device, device.descriptor.read, transfer).total_us());
    }
    for (const Transfer& transfer : device.descriptor.slow) {
      longest = std::max(
          longest, transfer_time(link, device, device.descriptor.config, transfer).total_us());
    }
  }
  return longest;
}

}  // namespace medius::hal::modbus
