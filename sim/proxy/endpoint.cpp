#include "sim/proxy/endpoint.hpp"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

namespace medius::sim::proxy {
namespace {

constexpr int kConnectMs = 1000;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in parse_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon);
  unsigned port = 65536;
  if (colon != std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  }
  if (port > 65535 || ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    throw std::system_error(
        std::make_error_code(std::errc::invalid_argument),
        fmt::format("'{}' is no address; write IP:port, e.g. 127.0.0.1:15020", text));
  }
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_in& address) noexcept {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

void set_option(int fd, int level, int option) noexcept {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

speed_t speed_of(int baud) noexcept {
  constexpr std::pair<int, speed_t> kSpeeds[] = {
      {9600, B9600},       {19200, B19200},    {38400, B38400},   {57600, B57600},
      {115200, B115200},   {230400, B230400},  {460800, B460800}, {921600, B921600},
      {1000000, B1000000}, {3000000, B3000000}};
  for (const auto& [rate, speed] : kSpeeds) {
    if (rate == baud) return speed;
  }
  return B0;
}

}  // namespace

void Fd::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Fd::reset() noexcept {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

Listener::Listener(const std::string& address) {
  const sockaddr_in wanted = parse_address(address);
  host_ = address.substr(0, address.rfind(':'));
  port_ = ntohs(wanted.sin_port);
  bind_again();
  sockaddr_in got{};
  socklen_t size = sizeof got;
  if (::getsockname(fd_.get(), static_cast<sockaddr*>(static_cast<void*>(&got)), &size) != 0) {
    fail("port of " + address);
  }
  port_ = ntohs(got.sin_port);
  open();
}

void Listener::bind_again() {
  fd_.close();
  fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) fail("no socket");
  set_option(fd_.get(), SOL_SOCKET, SO_REUSEADDR);
  const sockaddr_in address = parse_address(Listener::address());
  if (::bind(fd_.get(), as_sockaddr(address), sizeof address) != 0) {
    fail("cannot listen on " + Listener::address());
  }
}

void Listener::open() {
  if (!open_ && ::listen(fd_.get(), 16) != 0) fail("cannot listen on " + address());
  open_ = true;
}

// A socket that is bound and does not listen keeps the port and refuses every connection.
void Listener::refuse() {
  if (!open_) return;
  open_ = false;
  bind_again();
}

std::string Listener::address() const {
  return fmt::format("{}:{}", host_, port_);
}

Fd Listener::accept() const noexcept {
  Fd client(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (client) set_option(client.get(), IPPROTO_TCP, TCP_NODELAY);
  return client;
}

Plug::Plug(std::string link_path) : path_(std::move(link_path)) {
  static std::atomic<int> count{0};
  if (path_.empty()) path_ = fmt::format("/tmp/medius-line-{}-{}", ::getpid(), ++count);
  plug();
}

Plug::~Plug() {
  unplug();
}

void Plug::unplug() noexcept {
  if (master_) ::unlink(path_.c_str());
  master_.close();
  slave_.close();
}

void Plug::plug() {
  if (master_) return;
  termios raw{};
  ::cfmakeraw(&raw);
  int master = -1, slave = -1;
  char name[128] = {};
  if (::openpty(&master, &slave, name, &raw, nullptr) != 0) fail("no pseudo-terminal");
  master_ = Fd(master);
  slave_ = Fd(slave);
  for (const int fd : {master, slave}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(master, F_SETFL, ::fcntl(master, F_GETFL) | O_NONBLOCK);
  ::unlink(path_.c_str());
  if (::symlink(name, path_.c_str()) != 0) fail("cannot make the link " + path_);
}

Fd connect_tcp(const std::string& address) {
  const sockaddr_in peer = parse_address(address);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("no socket");
  if (::connect(fd.get(), as_sockaddr(peer), sizeof peer) != 0) {
    if (errno != EINPROGRESS) fail("no connection to " + address);
    pollfd ready{fd.get(), POLLOUT, 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (::poll(&ready, 1, kConnectMs) == 1) {
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    errno = error;
    if (error != 0) fail("no connection to " + address);
  }
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  return fd;
}

Fd open_terminal(const std::string& path, int baud) {
  Fd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  termios settings{};
  if (!fd || ::tcgetattr(fd.get(), &settings) != 0) fail("cannot open the line " + path);
  ::cfmakeraw(&settings);
  if (baud != 0) {
    const speed_t speed = speed_of(baud);
    if (speed == B0) {
      throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                              fmt::format("{}: {} baud is no rate of a terminal", path, baud));
    }
    ::cfsetspeed(&settings, speed);
  }
  if (::tcsetattr(fd.get(), TCSANOW, &settings) != 0) fail("cannot set the line " + path);
  return fd;
}

bool send_all(int fd, const std::uint8_t* bytes, std::size_t size) noexcept {
  while (size > 0) {
    ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = ::write(fd, bytes, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace medius::sim::proxy
