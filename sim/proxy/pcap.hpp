// What passed, as a capture file that protocol analysers read: Modbus TCP in made-up IP packets,
// RTU frames as they are (link type 147, DLT_USER0: tell the analyser that this is mbrtu).
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "sim/proxy/frame.hpp"

namespace medius::sim::proxy {

class PcapWriter {
 public:
  static constexpr std::uint16_t kServerPort = 502;

  // Throws std::system_error.
  PcapWriter(const std::string& path, Wire wire);
  // `session` becomes the client's port.
  void add(std::int64_t ns, std::uint64_t session, Way way, std::span<const std::uint8_t> bytes);

 private:
  struct Stream {
    std::uint32_t sent[2] = {1, 1};  // bytes by way
  };
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::unique_ptr<std::FILE, Close> file_;
  Wire wire_;
  std::map<std::uint64_t, Stream> streams_;
};

}  // namespace medius::sim::proxy
