#include "sim/station/rtu_frame.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kLeastFrame = 4;  // unit, function, CRC
constexpr std::size_t kFixedRequest = 8;
constexpr std::size_t kMaskWriteRequest = 10;

}  // namespace

std::uint16_t rtu_crc(std::span<const std::uint8_t> bytes) noexcept {
  std::uint16_t crc = 0xFFFF;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 1) != 0;
      crc = static_cast<std::uint16_t>(crc >> 1);
      if (carry) crc = static_cast<std::uint16_t>(crc ^ 0xA001);
    }
  }
  return crc;
}

void append_rtu_crc(std::vector<std::uint8_t>& frame) {
  const std::uint16_t crc = rtu_crc(frame);
  frame.push_back(static_cast<std::uint8_t>(crc & 0xFF));
  frame.push_back(static_cast<std::uint8_t>(crc >> 8));
}

bool is_rtu_frame(std::span<const std::uint8_t> frame) noexcept {
  if (frame.size() < kLeastFrame) return false;
  const std::uint16_t crc = rtu_crc(frame.first(frame.size() - 2));
  return frame[frame.size() - 2] == (crc & 0xFF) && frame[frame.size() - 1] == crc >> 8;
}

std::size_t rtu_request_size(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() < 2) return 0;
  switch (bytes[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return kFixedRequest;
    case 15:
    case 16:
      return bytes.size() < 7 ? 0 : 9u + bytes[6];
    case 22:
      return kMaskWriteRequest;
    case 23:
      return bytes.size() < 11 ? 0 : 13u + bytes[10];
    default:
      return 0;
  }
}

}  // namespace medius::sim
