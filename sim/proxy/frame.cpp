#include "sim/proxy/frame.hpp"

#include <utility>

namespace medius::sim::proxy {
namespace {

constexpr std::size_t kMbapSize = 7;
// Unit and the largest PDU, 253 bytes (MODBUS Application Protocol V1.1b3, 4.1).
constexpr std::size_t kMostMbapLength = 254;
constexpr std::size_t kLeastRtuFrame = 4;
constexpr std::uint8_t kExceptionFlag = 0x80;

std::size_t rtu_request_size(std::span<const std::uint8_t> bytes) noexcept {
  switch (bytes[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return 8;
    case 15:
    case 16:
      return bytes.size() > 6 ? 9u + bytes[6] : 0;
    case 22:
      return 10;
    case 23:
      return bytes.size() > 10 ? 13u + bytes[10] : 0;
    default:
      return 0;
  }
}

std::size_t rtu_reply_size(std::span<const std::uint8_t> bytes) noexcept {
  if ((bytes[1] & kExceptionFlag) != 0) return 5;
  switch (bytes[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return bytes.size() > 2 ? 5u + bytes[2] : 0;
    case 5:
    case 6:
    case 15:
    case 16:
      return 8;
    case 22:
      return 10;
    default:
      return 0;
  }
}

}  // namespace

std::uint16_t line_crc(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0xFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0xA001u : crc >> 1;
  }
  return static_cast<std::uint16_t>(crc);
}

void mend_crc(Bytes& frame) noexcept {
  if (frame.size() < kLeastRtuFrame) return;
  const std::uint16_t crc = line_crc(std::span<const std::uint8_t>(frame).first(frame.size() - 2));
  frame[frame.size() - 2] = static_cast<std::uint8_t>(crc & 0xFF);
  frame[frame.size() - 1] = static_cast<std::uint8_t>(crc >> 8);
}

FrameInfo inspect(Wire wire, std::span<const std::uint8_t> frame) noexcept {
  FrameInfo info;
  if (wire == Wire::kTcp) {
    if (frame.size() <= kMbapSize) return info;
    const std::size_t length = static_cast<std::size_t>(frame[4] << 8 | frame[5]);
    info.whole = frame[2] == 0 && frame[3] == 0 && length + 6 == frame.size();
    info.transaction = static_cast<std::uint16_t>(frame[0] << 8 | frame[1]);
    info.unit = frame[6];
    info.function = frame[7];
    return info;
  }
  if (frame.size() < kLeastRtuFrame) return info;
  const std::uint16_t crc = line_crc(frame.first(frame.size() - 2));
  info.whole = frame[frame.size() - 2] == (crc & 0xFF) && frame[frame.size() - 1] == crc >> 8;
  info.unit = frame[0];
  info.function = frame[1];
  return info;
}

void FrameSplitter::add(std::span<const std::uint8_t> bytes) {
  held_.insert(held_.end(), bytes.begin(), bytes.end());
}

std::size_t FrameSplitter::frame_size() const noexcept {
  if (wire_ == Wire::kTcp) {
    if (held_.size() < kMbapSize) return 0;
    const std::size_t length = static_cast<std::size_t>(held_[4] << 8 | held_[5]);
    const bool modbus = held_[2] == 0 && held_[3] == 0 && length > 1 && length <= kMostMbapLength;
    return modbus ? length + 6 : held_.size();  // a stream of something else passes as it comes
  }
  if (held_.size() < 2) return 0;
  return way_ == Way::kRequest ? rtu_request_size(held_) : rtu_reply_size(held_);
}

std::optional<Bytes> FrameSplitter::next() {
  const std::size_t size = frame_size();
  if (size == 0 || held_.size() < size) return std::nullopt;
  const auto end = held_.begin() + static_cast<std::ptrdiff_t>(size);
  Bytes frame(held_.begin(), end);
  held_.erase(held_.begin(), end);
  return frame;
}

Bytes FrameSplitter::take_rest() {
  return std::exchange(held_, {});
}

}  // namespace medius::sim::proxy
