// What answers the Modbus benchmark: a drive that is nothing but its registers, on TCP and at the
// end of a pseudo-terminal, and peers that only throw as many bytes back.
#pragma once

#include <cstddef>
#include <string>
#include <thread>

namespace medius::bench {

// FC23 of the canonical drive: 11 registers written, 16 read.
inline constexpr int kWritten = 11;
inline constexpr int kRead = 16;
inline constexpr std::size_t kTcpRequest = 7 + 10 + 2 * kWritten;
inline constexpr std::size_t kTcpReply = 7 + 2 + 2 * kRead;
inline constexpr std::size_t kRtuRequest = 1 + 10 + 2 * kWritten + 2;
inline constexpr std::size_t kRtuReply = 1 + 2 + 2 * kRead + 2;

// One client on loopback; the thread ends with its connection.
class TcpPeer {
 public:
  enum class Kind { kRaw, kModbus };
  explicit TcpPeer(Kind kind);
  ~TcpPeer();
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] int connect() const;  // a socket, without delay

 private:
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

// Behind a pair of pseudo-terminals with a relay for the cable, so that either side has a serial
// port of its own. Without a baud rate: bytes pass at once.
class SerialPeer {
 public:
  enum class Kind { kRaw, kModbus };
  explicit SerialPeer(Kind kind);
  ~SerialPeer();
  SerialPeer(const SerialPeer&) = delete;
  SerialPeer& operator=(const SerialPeer&) = delete;
  [[nodiscard]] const std::string& device() const noexcept { return device_; }
  [[nodiscard]] int open() const;  // the client's end

 private:
  int masters_[2] = {-1, -1}, slaves_[2] = {-1, -1}, wake_[2] = {-1, -1};
  std::string device_;
  std::thread relay_, thread_;
};

}  // namespace medius::bench
