// Sockets and terminals of the proxy. Everything is non-blocking.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace medius::sim::proxy {

// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  void close() noexcept;
  // The peer of a TCP connection gets a reset instead of an end.
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// A port that is held also while nobody may connect to it.
class Listener {
 public:
  explicit Listener(const std::string& address);  // throws std::system_error
  void open();
  void refuse();
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] Fd accept() const noexcept;

 private:
  void bind_again();

  Fd fd_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool open_ = false;
};

// A pseudo-terminal for the client, under a name that stays.
class Plug {
 public:
  explicit Plug(std::string link_path);  // throws std::system_error
  ~Plug();
  Plug(const Plug&) = delete;
  Plug& operator=(const Plug&) = delete;
  void unplug() noexcept;
  void plug();  // throws std::system_error
  [[nodiscard]] int fd() const noexcept { return master_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Fd master_;
  Fd slave_;  // kept open: a terminal without one reports an error
};

// Waits for a connection at most a second; throws std::system_error.
[[nodiscard]] Fd connect_tcp(const std::string& address);
// Raw, at `baud` unless 0; throws std::system_error.
[[nodiscard]] Fd open_terminal(const std::string& path, int baud);
// False when the peer is gone; bytes that do not fit are lost, as on a wire.
[[nodiscard]] bool send_all(int fd, const std::uint8_t* bytes, std::size_t size) noexcept;

}  // namespace medius::sim::proxy
