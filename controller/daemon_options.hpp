// What mediusd is told on its command line.
#pragma once

#include <string>
#include <vector>

namespace medius {

struct DaemonOptions {
  std::string machine;   // machine file
  std::string programs;  // directory
  std::string plugins;   // directory
  std::string data;      // directory of the store
  std::string listen = "127.0.0.1:50161";
  std::string remote;   // address for peers with certificates; empty: nobody from elsewhere
  std::string tls;      // folder of the station's authority
  std::string metrics;  // loopback address for Prometheus; empty: off
  std::string devices;  // directory of descriptors; empty: ../devices beside the machine
  std::vector<std::string> links;  // "NAME=ADDRESS", in place of the machine file's
  std::string guard;               // name of the guard, in place of the machine file's
  std::string log_level = "info";
  int rt_priority = 80;  // SCHED_FIFO; the bus is one below, the plugin watch above
  int rt_cpu = -1;       // < 0: any
};

struct ParsedOptions {
  DaemonOptions options;
  bool done = false;  // --help, --version or wrong use: end with `exit_code`
  int exit_code = 0;
};

// The only function of the daemon that knows CLI11.
[[nodiscard]] ParsedOptions parse_daemon_options(int argc, char** argv);

}  // namespace medius
