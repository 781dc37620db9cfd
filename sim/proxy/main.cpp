// medius-proxy: a Modbus link with faults.
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/proxy/control.hpp"
#include "sim/proxy/fault_proxy.hpp"

namespace medius::sim::proxy {
namespace {

constexpr int kLookUpMs = 100;

struct Options {
  ProxyConfig config;
  std::string wire = "auto";
  std::vector<std::string> faults;
  std::string script;
  std::optional<std::uint64_t> random;
  int length_ms = 1500;
  bool print_script = false;
  bool json = false;
  std::string control;
  std::vector<std::string> send;
};

volatile std::sig_atomic_t g_stop = 0;

int say_wrong(const std::string& message) {
  std::fprintf(stderr, "medius-proxy: %s\n", message.c_str());
  return 1;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--upstream", options.config.upstream,
                 "the devices: IP:port, or the path of their serial line");
  app.add_option("--listen", options.config.listen, "IP:port for the client; port 0: any")
      ->capture_default_str();
  app.add_option("--wire", options.wire, "auto: a path is a serial line")
      ->check(CLI::IsMember({"auto", "tcp", "rtu"}))
      ->capture_default_str();
  app.add_option("--link-path", options.config.link_path,
                 "serial line: where the client's terminal appears (otherwise under /tmp)");
  app.add_option("--baud", options.config.baud, "serial line: rate of --upstream; 0: as it is");
  app.add_option("--seed", options.config.seed, "of chances, jitter and turned bits")
      ->capture_default_str();
  app.add_option("--fault", options.faults, "a fault in force from the start; may be repeated");
  app.add_option("--script", options.script, "plays a script (TOML)");
  app.add_option("--random", options.random, "plays the random script of this seed");
  app.add_option("--length-ms", options.length_ms, "of a random script")
      ->check(CLI::Range(100, 3'600'000))
      ->capture_default_str();
  app.add_flag("--print-script", options.print_script, "prints the random script and ends");
  app.add_flag("--json", options.json, "a line of JSON for every event, and for the start");
  app.add_option("--pcap", options.config.pcap, "writes what is sent on to a capture file");
  app.add_option("--control", options.control, "takes commands at this unix socket");
  app.add_option("--send", options.send,
                 "PATH COMMAND: sends a command to a running proxy's --control socket, and ends")
      ->expected(2);
}

FaultProxy::Observer printer(const Options& options) {
  if (!options.json) return {};
  return [](const ProxyEvent& event) {
    const std::string line = to_json(event);
    std::fprintf(stdout, "%s\n", line.c_str());
    if (event.kind != EventKind::kFrame && event.kind != EventKind::kSent) std::fflush(stdout);
  };
}

// What was asked for on the command line; an empty text, or what is wrong.
std::string begin(FaultProxy& proxy, const Options& options, Wire wire) {
  for (const std::string& text : options.faults) {
    const auto fault = parse_fault(text);
    if (!fault) return "--fault: " + fault.error().message;
    proxy.add(*fault);
  }
  if (!options.script.empty()) {
    const auto script = load_script(options.script);
    if (!script) return script.error().message;
    proxy.run(*script);
  }
  if (options.random) {
    proxy.run(random_script(*options.random, {.wire = wire, .length_ms = options.length_ms}));
  }
  return {};
}

void announce(const FaultProxy& proxy, const Options& options) {
  if (options.json) {
    const nlohmann::ordered_json ready{{"address", proxy.address()},
                                       {"upstream", options.config.upstream}};
    std::printf("%s\n", ready.dump().c_str());
  } else {
    std::printf("medius-proxy listening on %s, devices at %s\n", proxy.address().c_str(),
                options.config.upstream.c_str());
  }
  std::fflush(stdout);
}

int run(Options& options) {
  if (!options.send.empty()) {
    const std::string answer = send_line(options.send[0], options.send[1]);
    std::printf("%s\n", answer.c_str());
    return answer.rfind("{\"error\"", 0) == 0 ? 1 : 0;
  }
  const bool is_path = options.config.upstream.find('/') != std::string::npos;
  const Wire wire =
      options.wire == "rtu" || (options.wire == "auto" && is_path) ? Wire::kRtu : Wire::kTcp;
  if (options.print_script) {
    const RandomScriptOptions random{.wire = wire, .length_ms = options.length_ms};
    std::printf("%s", to_toml(random_script(options.random.value_or(1), random)).c_str());
    return 0;
  }
  if (options.config.upstream.empty()) {
    return say_wrong("--upstream is missing; name the devices, e.g. 127.0.0.1:15020");
  }
  options.config.wire = wire;
  ControlDoor door(options.control);
  FaultProxy proxy(options.config, printer(options));
  announce(proxy, options);
  const std::string wrong = begin(proxy, options, wire);
  if (!wrong.empty()) return say_wrong(wrong);
  while (g_stop == 0 && door.serve(proxy, wire, kLookUpMs)) {
  }
  return 0;
}

}  // namespace
}  // namespace medius::sim::proxy

int main(int argc, char** argv) {
  using namespace medius::sim::proxy;
  Options options;
  CLI::App app{"medius-proxy: a Modbus link, TCP or serial, whose frames and connections go wrong"};
  app.footer(fault_help() + "\n" + control_help());
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { g_stop = 1; });
  try {
    return run(options);
  } catch (const std::system_error& error) {
    return say_wrong(error.what());
  }
}
