// The server's side of Modbus RTU framing. Own code, as the rest of the server is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medius::sim {

// [any] CRC-16 of the Modbus serial line (polynomial A001h, begins with FFFFh).
[[nodiscard]] std::uint16_t rtu_crc(std::span<const std::uint8_t> bytes) noexcept;
// [any] Puts the CRC behind a frame, low byte first.
void append_rtu_crc(std::vector<std::uint8_t>& frame);
// [any] Unit, PDU and CRC that fit together?
[[nodiscard]] bool is_rtu_frame(std::span<const std::uint8_t> frame) noexcept;
// [any] How long the request is that begins with these bytes; 0: not yet known, or a function code
// whose length only the silence after it tells.
[[nodiscard]] std::size_t rtu_request_size(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace medius::sim
