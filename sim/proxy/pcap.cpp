#include "sim/proxy/pcap.hpp"

#include <cerrno>
#include <system_error>

namespace medius::sim::proxy {
namespace {

constexpr std::uint32_t kMagicNanoseconds = 0xA1B23C4D;
constexpr std::uint32_t kLinkRawIp = 101;
constexpr std::uint32_t kLinkUser0 = 147;
constexpr std::size_t kIpHeader = 20, kTcpHeader = 20;
constexpr std::uint16_t kFirstClientPort = 40000;
constexpr std::int64_t kNsPerS = 1'000'000'000;

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xFF));
  out.push_back(static_cast<std::uint8_t>(value & 0xFF));
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}

void write_words(std::FILE* file, std::initializer_list<std::uint32_t> words) {
  for (const std::uint32_t word : words) std::fwrite(&word, sizeof word, 1, file);
}

// IPv4 (RFC 791) and TCP (RFC 9293) headers; checksums 0, which analysers do not mind.
Bytes packet(std::uint16_t from, std::uint16_t to, std::uint32_t sequence, std::uint32_t seen,
             std::span<const std::uint8_t> bytes) {
  Bytes out{0x45, 0};
  put16(out, kIpHeader + kTcpHeader + bytes.size());
  put32(out, 0);           // identification, fragment
  put32(out, 0x40060000);  // time to live, TCP, checksum
  put32(out, 0x7F000001);
  put32(out, 0x7F000001);
  put16(out, from);
  put16(out, to);
  put32(out, sequence);
  put32(out, seen);
  put16(out, 0x5018);  // five words of header; PSH, ACK
  put16(out, 0xFFFF);
  put32(out, 0);
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

}  // namespace

PcapWriter::PcapWriter(const std::string& path, Wire wire)
    : file_(std::fopen(path.c_str(), "wb")), wire_(wire) {
  if (!file_) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
  // Magic, version 2.4, no time zone, no accuracy, longest packet, link type.
  write_words(file_.get(), {kMagicNanoseconds, 0x0004'0002, 0, 0, 65535,
                            wire == Wire::kTcp ? kLinkRawIp : kLinkUser0});
  std::fflush(file_.get());
}

void PcapWriter::add(std::int64_t ns, std::uint64_t session, Way way,
                     std::span<const std::uint8_t> bytes) {
  Bytes framed;
  if (wire_ == Wire::kTcp) {
    const auto client = static_cast<std::uint16_t>(kFirstClientPort + session % 20000);
    const bool request = way == Way::kRequest;
    Stream& stream = streams_[session];
    std::uint32_t& sent = stream.sent[request ? 0 : 1];
    framed = packet(request ? client : kServerPort, request ? kServerPort : client, sent,
                    stream.sent[request ? 1 : 0], bytes);
    sent += static_cast<std::uint32_t>(bytes.size());
    bytes = framed;
  }
  const auto size = static_cast<std::uint32_t>(bytes.size());
  write_words(file_.get(), {static_cast<std::uint32_t>(ns / kNsPerS),
                            static_cast<std::uint32_t>(ns % kNsPerS), size, size});
  std::fwrite(bytes.data(), 1, bytes.size(), file_.get());
}

}  // namespace medius::sim::proxy
