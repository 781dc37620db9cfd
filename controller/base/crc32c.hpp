// CRC-32C (Castagnoli, RFC 3720), table driven.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medius {

// [any] Continue with `crc` = an earlier result. crc32c("123456789") = 0xe3069283.
[[nodiscard]] std::uint32_t crc32c(const void* data, std::size_t size,
                                   std::uint32_t crc = 0) noexcept;

}  // namespace medius
