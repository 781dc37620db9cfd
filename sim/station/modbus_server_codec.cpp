#include "sim/station/modbus_server_codec.hpp"

namespace medius::sim {
namespace {

constexpr std::uint16_t kMaxReadBits = 2000;
constexpr std::uint16_t kMaxWriteBits = 1968;
constexpr std::uint16_t kMaxReadRegisters = 125;
constexpr std::uint16_t kMaxWriteRegisters = 123;
constexpr std::uint16_t kMaxReadWriteWrites = 121;
constexpr std::uint16_t kCoilOn = 0xFF00;

// Reads big-endian words one after the other.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  std::uint8_t byte() {
    const std::uint8_t value = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint16_t word() {
    const auto value = static_cast<std::uint16_t>(bytes_[0] << 8 | bytes_[1]);
    bytes_ = bytes_.subspan(2);
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

void put_word(std::vector<std::uint8_t>& pdu, std::uint16_t word) {
  pdu.push_back(static_cast<std::uint8_t>(word >> 8));
  pdu.push_back(static_cast<std::uint8_t>(word & 0xFF));
}

bool in_range(std::uint16_t count, std::uint16_t most) {
  return count >= 1 && count <= most;
}

ModbusException parse_read(Reader& in, std::uint16_t most, ModbusRequest& request) {
  if (in.left() != 4) return ModbusException::kIllegalValue;
  request.read_address = in.word();
  request.read_count = in.word();
  return in_range(request.read_count, most) ? ModbusException::kNone
                                            : ModbusException::kIllegalValue;
}

ModbusException parse_registers(Reader& in, std::uint16_t most, ModbusRequest& request) {
  if (in.left() < 5) return ModbusException::kIllegalValue;
  request.write_address = in.word();
  const std::uint16_t count = in.word();
  const std::uint8_t bytes = in.byte();
  if (!in_range(count, most) || bytes != 2 * count || in.left() != bytes) {
    return ModbusException::kIllegalValue;
  }
  for (std::uint16_t i = 0; i < count; ++i) request.values.push_back(in.word());
  return ModbusException::kNone;
}

ModbusException parse_coils(Reader& in, ModbusRequest& request) {
  if (in.left() < 5) return ModbusException::kIllegalValue;
  request.write_address = in.word();
  const std::uint16_t count = in.word();
  const std::uint8_t bytes = in.byte();
  if (!in_range(count, kMaxWriteBits) || bytes != (count + 7) / 8 || in.left() != bytes) {
    return ModbusException::kIllegalValue;
  }
  std::uint8_t bits = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    if (i % 8 == 0) bits = in.byte();
    request.values.push_back((bits >> (i % 8)) & 1);
  }
  return ModbusException::kNone;
}

ModbusException parse_single(Reader& in, bool coil, ModbusRequest& request) {
  if (in.left() != 4) return ModbusException::kIllegalValue;
  request.write_address = in.word();
  const std::uint16_t value = in.word();
  if (coil && value != 0 && value != kCoilOn) return ModbusException::kIllegalValue;
  request.values.push_back(coil ? (value == kCoilOn ? 1 : 0) : value);
  return ModbusException::kNone;
}

}  // namespace

bool parse_mbap(std::span<const std::uint8_t, kMbapSize> bytes, MbapHeader& header) {
  Reader in(bytes);
  header.transaction = in.word();
  const std::uint16_t protocol = in.word();
  const std::uint16_t length = in.word();  // unit id and PDU
  header.unit = in.byte();
  if (protocol != 0 || length < 2 || length > kMaxPduSize + 1) return false;
  header.pdu_size = length - 1u;
  return true;
}

ModbusException parse_request(std::span<const std::uint8_t> pdu, ModbusRequest& request) {
  Reader in(pdu);
  request = ModbusRequest{};
  request.function = static_cast<FunctionCode>(in.byte());
  switch (request.function) {
    case FunctionCode::kReadCoils:
    case FunctionCode::kReadDiscreteInputs:
      return parse_read(in, kMaxReadBits, request);
    case FunctionCode::kReadHoldingRegisters:
    case FunctionCode::kReadInputRegisters:
      return parse_read(in, kMaxReadRegisters, request);
    case FunctionCode::kWriteCoil:
      return parse_single(in, true, request);
    case FunctionCode::kWriteRegister:
      return parse_single(in, false, request);
    case FunctionCode::kWriteCoils:
      return parse_coils(in, request);
    case FunctionCode::kWriteRegisters:
      return parse_registers(in, kMaxWriteRegisters, request);
    case FunctionCode::kMaskWriteRegister:
      if (in.left() != 6) return ModbusException::kIllegalValue;
      request.write_address = in.word();
      request.and_mask = in.word();
      request.or_mask = in.word();
      request.values.push_back(0);
      return ModbusException::kNone;
    case FunctionCode::kReadWriteRegisters:
      if (in.left() < 9) return ModbusException::kIllegalValue;
      request.read_address = in.word();
      request.read_count = in.word();
      if (!in_range(request.read_count, kMaxReadRegisters)) return ModbusException::kIllegalValue;
      return parse_registers(in, kMaxReadWriteWrites, request);
  }
  return ModbusException::kIllegalFunction;
}

ModbusException check(RegisterSpace& space, std::uint8_t unit, const ModbusRequest& request) {
  if (!request.values.empty()) {
    const ModbusException wrong =
        space.check_write(request.function, unit, request.write_address, request.values);
    if (wrong != ModbusException::kNone) return wrong;
  }
  if (request.read_count == 0) return ModbusException::kNone;
  return space.check_read(request.function, unit, request.read_address, request.read_count);
}

void answer(RegisterSpace& space, std::uint8_t unit, const ModbusRequest& request,
            std::vector<std::uint8_t>& pdu) {
  pdu.push_back(static_cast<std::uint8_t>(request.function));
  if (request.function == FunctionCode::kMaskWriteRegister) {
    std::uint16_t value = 0;
    space.read(request.function, unit, request.write_address, {&value, 1});
    value = static_cast<std::uint16_t>((value & request.and_mask) |
                                       (request.or_mask & ~request.and_mask));
    space.write(unit, request.write_address, {&value, 1});
  } else if (!request.values.empty()) {
    space.write(unit, request.write_address, request.values);
  }
  std::array<std::uint16_t, kMaxReadBits> values{};
  const std::span<std::uint16_t> read(values.data(), request.read_count);
  if (request.read_count > 0) space.read(request.function, unit, request.read_address, read);
  switch (request.function) {
    case FunctionCode::kReadCoils:
    case FunctionCode::kReadDiscreteInputs: {
      pdu.push_back(static_cast<std::uint8_t>((read.size() + 7) / 8));
      for (std::size_t i = 0; i < read.size(); ++i) {
        if (i % 8 == 0) pdu.push_back(0);
        pdu.back() = static_cast<std::uint8_t>(pdu.back() | (read[i] != 0 ? 1 : 0) << (i % 8));
      }
      return;
    }
    case FunctionCode::kReadHoldingRegisters:
    case FunctionCode::kReadInputRegisters:
    case FunctionCode::kReadWriteRegisters:
      pdu.push_back(static_cast<std::uint8_t>(2 * read.size()));
      for (const std::uint16_t value : read) put_word(pdu, value);
      return;
    case FunctionCode::kWriteCoil:
      put_word(pdu, request.write_address);
      put_word(pdu, request.values.front() != 0 ? kCoilOn : std::uint16_t{0});
      return;
    case FunctionCode::kWriteRegister:
      put_word(pdu, request.write_address);
      put_word(pdu, request.values.front());
      return;
    case FunctionCode::kWriteCoils:
    case FunctionCode::kWriteRegisters:
      put_word(pdu, request.write_address);
      put_word(pdu, static_cast<std::uint16_t>(request.values.size()));
      return;
    case FunctionCode::kMaskWriteRegister:
      put_word(pdu, request.write_address);
      put_word(pdu, request.and_mask);
      put_word(pdu, request.or_mask);
      return;
  }
}

}  // namespace medius::sim
