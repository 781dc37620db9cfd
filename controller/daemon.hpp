// The daemon: picks the real parts, starts them in the order in which they need each other, and
// takes them down in the order that is safe: the load first, the bus last.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "controller/daemon_options.hpp"

namespace medius {

class Daemon {
 public:
  // [main] All or nothing; the error is one sentence.
  static tl::expected<std::unique_ptr<Daemon>, std::string> start(const DaemonOptions& options);
  // [main] stop() if that was not done.
  ~Daemon();

  [[nodiscard]] std::string address() const;
  // Of peers with certificates; empty when nobody from elsewhere is served.
  [[nodiscard]] std::string remote_address() const;
  // Where Prometheus scrapes; empty when that is off.
  [[nodiscard]] std::string metrics_address() const;
  // [main] Call about twice a second: tells the log and the clients how the links are. False when
  // the loop has ended by itself.
  [[nodiscard]] bool look_after();
  // [main] Unloads, stores, and ends everything.
  void stop();

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius
