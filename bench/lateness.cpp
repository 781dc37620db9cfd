// Wake-up lateness of the loop's own tick source at 1 kHz: the figure to hold beside cyclictest's.
// usage: medius-bench-lateness SECONDS FIFO-PRIORITY
#include <cstdio>
#include <cstdlib>

#include "bench/percentiles.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "controller/rt/host/real_tick_source.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: medius-bench-lateness SECONDS FIFO-PRIORITY\n", stderr);
    return 2;
  }
  const auto ticks = static_cast<std::size_t>(std::atof(argv[1]) * 1000.0);
  // Set up as the daemon sets up its process and its loop's thread.
  medius::rt::set_up_process({});
  for (const auto& step : medius::rt::set_up_thread({std::atoi(argv[2]), -1})) {
    if (step.needed && !step.granted) {
      std::fprintf(stderr, "medius-bench-lateness: %s: %s\n", step.name.c_str(),
                   step.detail.c_str());
      return 1;
    }
  }
  medius::bench::Percentiles lateness;
  lateness.reserve(ticks);
  std::uint64_t missed = 0;
  medius::rt::RealTickSource source;
  medius::Tick tick;
  for (std::size_t i = 0; i < ticks && source.wait_next(tick); ++i) {
    lateness.add(tick.late_ns);
    missed += tick.missed;
  }
  std::printf("{\"late_ns\": %s, \"missed\": %llu}\n", lateness.json().c_str(),
              static_cast<unsigned long long>(missed));
  return 0;
}
