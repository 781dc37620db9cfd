// mediusd: one machine, served over gRPC.
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "controller/daemon.hpp"
#include "controller/daemon_options.hpp"

namespace {

// Blocked before any thread exists: only the wait below sees them.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

int serve_until_signal(medius::Daemon& daemon, const sigset_t& signals) {
  constexpr timespec kLook{0, 500'000'000};
  while (true) {
    const int signal = ::sigtimedwait(&signals, nullptr, &kLook);
    if (signal > 0) {
      spdlog::info("signal {}: shutting down", signal);
      daemon.stop();
      return 0;
    }
    if (!daemon.look_after()) {
      std::fputs("mediusd: the loop has ended by itself; look at the log above\n", stderr);
      daemon.stop();
      return 1;
    }
  }
}

int run(const medius::DaemonOptions& options, const sigset_t& signals) {
  auto daemon = medius::Daemon::start(options);
  if (!daemon) {
    std::fprintf(stderr, "mediusd: %s\n", daemon.error().c_str());
    return 1;
  }
  const std::string remote = (*daemon)->remote_address();
  if (!remote.empty()) std::printf("mediusd: peers with certificates on %s\n", remote.c_str());
  const std::string metrics = (*daemon)->metrics_address();
  if (!metrics.empty()) std::printf("mediusd: figures on http://%s/metrics\n", metrics.c_str());
  std::printf("mediusd: ready on %s\n", (*daemon)->address().c_str());
  std::fflush(stdout);
  return serve_until_signal(**daemon, signals);
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const medius::ParsedOptions parsed = medius::parse_daemon_options(argc, argv);
  if (parsed.done) return parsed.exit_code;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("mediusd"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e [%l] %v");
  spdlog::set_level(spdlog::level::from_str(parsed.options.log_level));
  try {
    return run(parsed.options, signals);
  } catch (const std::exception& error) {  // starting only: out of memory, no threads left
    std::fprintf(stderr, "mediusd: could not start: %s; free resources and try again\n",
                 error.what());
    return 1;
  }
}
