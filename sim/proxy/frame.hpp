// Cuts the byte streams of a Modbus link into frames, TCP (MBAP) or serial line (RTU). Own code:
// what passes through the proxy is looked at by nothing that the controller or the simulated
// devices use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace medius::sim::proxy {

enum class Wire : std::uint8_t { kTcp, kRtu };
enum class Way : std::uint8_t { kRequest, kReply };

using Bytes = std::vector<std::uint8_t>;

// What a frame says of itself. Of bytes that are no frame, only their number is known.
struct FrameInfo {
  bool whole = false;             // length (TCP) or length and CRC (RTU) fit
  std::uint16_t transaction = 0;  // TCP only
  std::uint8_t unit = 0;
  std::uint8_t function = 0;
};

// [any] CRC-16 of the Modbus serial line, from its definition: polynomial A001h, begins with FFFFh,
// goes out low byte first (MODBUS over Serial Line V1.02, 6.2.2).
[[nodiscard]] std::uint16_t line_crc(std::span<const std::uint8_t> bytes) noexcept;
// [any] Replaces the last two bytes by the CRC of the others.
void mend_crc(Bytes& frame) noexcept;
// [any]
[[nodiscard]] FrameInfo inspect(Wire wire, std::span<const std::uint8_t> frame) noexcept;

// Collects one direction of one connection. Not thread safe.
class FrameSplitter {
 public:
  FrameSplitter(Wire wire, Way way) noexcept : wire_(wire), way_(way) {}

  void add(std::span<const std::uint8_t> bytes);
  // The next whole frame; none while it is incomplete or while nobody can tell its length.
  [[nodiscard]] std::optional<Bytes> next();
  // Everything held back: after a silence, or of a stream that is not Modbus.
  [[nodiscard]] Bytes take_rest();
  [[nodiscard]] bool holds_back() const noexcept { return !held_.empty(); }

 private:
  [[nodiscard]] std::size_t frame_size() const noexcept;  // 0: not known yet, or not at all

  Wire wire_;
  Way way_;
  Bytes held_;
};

}  // namespace medius::sim::proxy
