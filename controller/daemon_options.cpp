#include "controller/daemon_options.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

namespace medius {

ParsedOptions parse_daemon_options(int argc, char** argv) {
  ParsedOptions parsed;
  DaemonOptions& options = parsed.options;
  CLI::App app("mediusd: controls one strength machine and serves it over gRPC", "mediusd");
  app.set_version_flag("--version", "mediusd " MEDIUS_VERSION);
  app.footer(
      "Prints 'mediusd: ready on ADDRESS' when it serves. SIGTERM and SIGINT unload the machine "
      "and\n"
      "end it. Exit codes: 0 ended by a signal; 1 could not start or the loop ended; 2 wrong use.");
  app.add_option("--machine", options.machine,
                 "machine file, e.g. hal/machines/cable-station-sim.toml")
      ->required();
  app.add_option("--programs", options.programs, "directory of training programs")->required();
  app.add_option("--plugins", options.plugins, "directory of resistance profiles")->required();
  app.add_option("--data", options.data, "directory of the store")->required();
  app.add_option("--listen", options.listen, "127.0.0.1:PORT (0 = any free) or unix:PATH")
      ->capture_default_str();
  CLI::Option* remote = app.add_option(
      "--remote", options.remote, "also serve peers with certificates there, e.g. 0.0.0.0:50443");
  CLI::Option* tls = app.add_option("--tls", options.tls,
                                    "folder of the station's authority; see medius pki init");
  remote->needs(tls);
  tls->needs(remote);
  app.add_option("--metrics", options.metrics,
                 "serve Prometheus figures at /metrics there, e.g. 127.0.0.1:9464; default off");
  app.add_option("--link", options.links,
                 "NAME=ADDRESS in place of the machine file's, e.g. machine=127.0.0.1:15020")
      ->allow_extra_args(false);
  app.add_option("--devices", options.devices,
                 "directory of device descriptors; default ../devices beside the machine file");
  app.add_option("--guard", options.guard,
                 "NAME of the medius-guard that must watch; default [guard] name of the machine");
  app.add_option("--log-level", options.log_level)
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--rt-priority", options.rt_priority, "SCHED_FIFO priority of the loop")
      ->check(CLI::Range(2, 90))
      ->capture_default_str();
  app.add_option("--rt-cpu", options.rt_cpu, "core of the loop; -1 = any")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.done = true;
    parsed.exit_code = error.get_exit_code() == 0 ? 0 : 2;
    if (parsed.exit_code == 0) {
      app.exit(error);
    } else {
      std::cerr << "mediusd: " << error.what() << "; mediusd --help lists the options\n";
    }
  }
  return parsed;
}

}  // namespace medius
