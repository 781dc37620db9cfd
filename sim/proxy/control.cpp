#include "sim/proxy/control.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <list>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/proxy/endpoint.hpp"

namespace medius::sim::proxy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPending = 4096;  // a longer line is thrown away
constexpr int kAnswerMs = 5000;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string wrong(const std::string& message) {
  return Json{{"error", message}}.dump();
}

Json status(const FaultProxy& proxy) {
  const ProxyCounters now = proxy.counters();
  return {{"address", proxy.address()}, {"connections", now.connections},
          {"requests", now.requests},   {"replies", now.replies},
          {"faults", now.faults},       {"standing", now.standing},
          {"to_come", now.to_come},     {"under_way", now.under_way}};
}

std::string run_script(FaultProxy& proxy, const tl::expected<Script, FaultError>& script) {
  if (!script) return wrong(script.error().message);
  proxy.run(*script);
  return Json{{"ok", true}, {"steps", script->steps.size()}, {"end_ms", script->end_ms()}}.dump();
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::system_error(std::make_error_code(std::errc::filename_too_long), path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}
const sockaddr* as_sockaddr(const sockaddr_un& address) noexcept {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

}  // namespace

std::string control_help() {
  return "Commands, one a line, from standard input or the socket of --control; each is answered\n"
         "with a line of JSON:\n"
         "  add FAULT        puts a fault in force; answers its id\n"
         "  remove ID        takes it away\n"
         "  clear            takes every fault away, and every step of a script to come\n"
         "  run FILE         plays a script (TOML)\n"
         "  random SEED      plays the random script of this seed\n"
         "  status           counters, faults in force, steps to come\n"
         "  quit             ends the proxy\n";
}

std::string obey(FaultProxy& proxy, Wire wire, std::string_view line, bool& quit) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  const std::string_view verb = line.substr(0, space);
  const std::string rest(space == std::string_view::npos ? std::string_view{}
                                                         : line.substr(space + 1));
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool is_number = error == std::errc{} && stop == rest.data() + rest.size();
  if (verb == "add") {
    const auto fault = parse_fault(rest);
    if (!fault) return wrong(fault.error().message);
    return Json{{"ok", true}, {"id", proxy.add(*fault)}, {"fault", to_text(*fault)}}.dump();
  }
  if (verb == "run") return run_script(proxy, load_script(rest));
  if ((verb == "remove" || verb == "random") && !is_number) {
    return wrong(fmt::format("{} '{}': must be a whole number", verb, rest));
  }
  if (verb == "random") return run_script(proxy, random_script(number, {.wire = wire}));
  if (verb == "remove") {
    proxy.remove(static_cast<std::uint32_t>(number));
  } else if (verb == "clear") {
    proxy.clear();
  } else if (verb == "status") {
    return status(proxy).dump();
  } else if (verb == "quit") {
    quit = true;
  } else {
    return wrong(fmt::format(
        "'{}' is no command; use add, remove, clear, run, random, status or quit", verb));
  }
  return Json{{"ok", true}}.dump();
}

struct ControlDoor::Impl {
  struct Client {
    Fd fd;
    std::string pending;
  };
  std::string path;
  Fd listener;
  bool stdin_open = true;
  std::string stdin_pending;
  std::list<Client> clients;

  // Reads what there is; false at the end of the stream.
  static bool read_into(int fd, std::string& pending) {
    std::array<char, 1024> buffer;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    if (pending.size() > kMostPending) pending.clear();
    return got > 0;
  }
  // Carries out whole lines; true when one said "quit".
  static bool obey_lines(FaultProxy& proxy, Wire wire, std::string& pending, int out) {
    bool quit = false;
    for (std::size_t end; !quit && (end = pending.find('\n')) != std::string::npos;) {
      const std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      if (line.empty()) continue;
      const std::string answer = obey(proxy, wire, line, quit) + "\n";
      if (out == STDOUT_FILENO) {  // events are printed to the same stream
        std::fputs(answer.c_str(), stdout);
        std::fflush(stdout);
        continue;
      }
      static_cast<void>(!::send(out, answer.data(), answer.size(), MSG_NOSIGNAL));
    }
    return quit;
  }
};

ControlDoor::ControlDoor(const std::string& socket_path) : impl_(std::make_unique<Impl>()) {
  if (socket_path.empty()) return;
  impl_->path = socket_path;
  const sockaddr_un address = address_of(socket_path);
  impl_->listener = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(socket_path.c_str());
  if (!impl_->listener ||
      ::bind(impl_->listener.get(), as_sockaddr(address), sizeof address) != 0 ||
      ::chmod(socket_path.c_str(), S_IRUSR | S_IWUSR) != 0 ||
      ::listen(impl_->listener.get(), 4) != 0) {
    fail("cannot listen on " + socket_path);
  }
}

ControlDoor::~ControlDoor() {
  if (!impl_->path.empty()) ::unlink(impl_->path.c_str());
}

bool ControlDoor::serve(FaultProxy& proxy, Wire wire, int wait_ms) {
  std::vector<pollfd> ready{{impl_->stdin_open ? STDIN_FILENO : -1, POLLIN, 0},
                            {impl_->listener.get(), POLLIN, 0}};
  for (const auto& client : impl_->clients) ready.push_back({client.fd.get(), POLLIN, 0});
  if (::poll(ready.data(), ready.size(), wait_ms) <= 0) return true;
  bool quit = false;
  if (ready[0].revents != 0) {
    impl_->stdin_open = Impl::read_into(STDIN_FILENO, impl_->stdin_pending);
    quit = Impl::obey_lines(proxy, wire, impl_->stdin_pending, STDOUT_FILENO);
  }
  std::size_t at = 2;
  for (auto client = impl_->clients.begin(); client != impl_->clients.end(); ++at) {
    const bool alive = ready[at].revents == 0 || Impl::read_into(client->fd.get(), client->pending);
    quit = Impl::obey_lines(proxy, wire, client->pending, client->fd.get()) || quit;
    client = alive ? std::next(client) : impl_->clients.erase(client);
  }
  if (ready[1].revents != 0) {
    Fd client(::accept4(impl_->listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) impl_->clients.push_back({std::move(client), {}});
  }
  return !quit;
}

std::string send_line(const std::string& socket_path, const std::string& line) {
  const sockaddr_un address = address_of(socket_path);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), as_sockaddr(address), sizeof address) != 0) {
    fail("no proxy at " + socket_path);
  }
  const std::string text = line + "\n";
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) fail("proxy at " + socket_path);
  std::string answer;
  std::array<char, 1024> buffer;
  pollfd ready{fd.get(), POLLIN, 0};
  while (answer.find('\n') == std::string::npos) {
    if (::poll(&ready, 1, kAnswerMs) <= 0) {
      errno = ETIMEDOUT;
      fail("no answer from the proxy at " + socket_path);
    }
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) fail("proxy at " + socket_path + " has closed");
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer.substr(0, answer.find('\n'));
}

}  // namespace medius::sim::proxy
