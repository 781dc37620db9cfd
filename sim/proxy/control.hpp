// A running proxy steered by lines of text, from its standard input or a unix socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sim/proxy/fault_proxy.hpp"

namespace medius::sim::proxy {

// Carries out one line; the answer is one line of JSON without its end. "quit" sets `quit`.
[[nodiscard]] std::string obey(FaultProxy& proxy, Wire wire, std::string_view line, bool& quit);
[[nodiscard]] std::string control_help();

// Standard input and, unless `socket_path` is empty, any number of clients of a unix socket. Waits
// at most `wait_ms` for a line. Throws std::system_error when the socket cannot be had.
class ControlDoor {
 public:
  explicit ControlDoor(const std::string& socket_path);
  ~ControlDoor();
  ControlDoor(const ControlDoor&) = delete;
  ControlDoor& operator=(const ControlDoor&) = delete;
  // False when somebody said "quit".
  [[nodiscard]] bool serve(FaultProxy& proxy, Wire wire, int wait_ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// As a client: sends one line to a proxy's socket and returns its answer. Throws std::system_error.
[[nodiscard]] std::string send_line(const std::string& socket_path, const std::string& line);

}  // namespace medius::sim::proxy
