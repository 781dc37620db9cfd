// Frames as they come in: the simulator's server (MBAP, requests, serial frames) and the proxy's
// splitter, which must lose no byte and make up none.
#include <algorithm>
#include <array>

#include "sim/proxy/frame.hpp"
#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/rtu_frame.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace medius;
using namespace medius::sim;

class Registers final : public RegisterSpace {
 public:
  ModbusException check_read(FunctionCode, std::uint8_t, std::uint16_t address,
                             std::uint16_t count) override {
    return address + count <= kWords ? ModbusException::kNone : ModbusException::kIllegalAddress;
  }
  ModbusException check_write(FunctionCode, std::uint8_t, std::uint16_t address,
                              std::span<const std::uint16_t> values) override {
    return address + values.size() <= kWords ? ModbusException::kNone
                                             : ModbusException::kIllegalAddress;
  }
  void write(std::uint8_t, std::uint16_t address, std::span<const std::uint16_t> values) override {
    fuzz::must(address + values.size() <= kWords, "only checked addresses are written");
    std::copy(values.begin(), values.end(), words_.begin() + address);
  }
  void read(FunctionCode, std::uint8_t, std::uint16_t address,
            std::span<std::uint16_t> values) override {
    fuzz::must(address + values.size() <= kWords, "only checked addresses are read");
    std::copy_n(words_.begin() + address, values.size(), values.begin());
  }

 private:
  static constexpr std::size_t kWords = 300;
  std::array<std::uint16_t, kWords> words_{};
};

void serve(std::uint8_t unit, std::span<const std::uint8_t> pdu) {
  if (pdu.empty() || pdu.size() > kMaxPduSize) return;
  static Registers registers;
  ModbusRequest request;
  if (parse_request(pdu, request) != ModbusException::kNone) return;
  if (check(registers, unit, request) != ModbusException::kNone) return;
  std::vector<std::uint8_t> reply;
  answer(registers, unit, request, reply);
  fuzz::must(!reply.empty() && reply.size() <= kMaxPduSize && reply[0] == pdu[0],
             "an answer is one PDU of the same function");
}

void split(proxy::Wire wire, proxy::Way way, fuzz::Bytes in) {
  const proxy::Bytes all(in.rest(), in.rest() + in.left());
  proxy::FrameSplitter splitter(wire, way);
  proxy::Bytes out;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t piece = std::min<std::size_t>(1 + all[at] % 32, all.size() - at);
    splitter.add(std::span<const std::uint8_t>(all).subspan(at, piece));
    at += piece;
    while (const auto frame = splitter.next()) {
      fuzz::must(!frame->empty(), "a frame has bytes");
      static_cast<void>(proxy::inspect(wire, *frame));
      out.insert(out.end(), frame->begin(), frame->end());
    }
  }
  const proxy::Bytes rest = splitter.take_rest();
  out.insert(out.end(), rest.begin(), rest.end());
  fuzz::must(out == all, "every byte passes, in order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  if (size >= kMbapSize) {
    std::array<std::uint8_t, kMbapSize> head;
    std::copy_n(bytes.begin(), kMbapSize, head.begin());
    MbapHeader header;
    if (parse_mbap(head, header)) {
      fuzz::must(header.pdu_size > 0 && header.pdu_size <= kMaxPduSize, "a PDU has a size");
      serve(header.unit, bytes.subspan(kMbapSize, std::min(header.pdu_size, size - kMbapSize)));
    }
  }
  if (size > 1) serve(bytes[0], bytes.subspan(1));
  static_cast<void>(rtu_request_size(bytes));
  fuzz::must(is_rtu_frame(bytes) == proxy::inspect(proxy::Wire::kRtu, bytes).whole,
             "two readings of a serial frame agree");
  for (const auto wire : {proxy::Wire::kTcp, proxy::Wire::kRtu}) {
    for (const auto way : {proxy::Way::kRequest, proxy::Way::kReply}) {
      split(wire, way, fuzz::Bytes(data, size));
    }
  }
  return 0;
}
