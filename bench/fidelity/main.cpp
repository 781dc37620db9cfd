// medius-bench: what the machine really renders and measures, judged by the simulated plant's
// truth.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/fidelity/counting.hpp"
#include "bench/fidelity/fidelity.hpp"
#include "bench/fidelity/release.hpp"

namespace {

using medius::bench::BenchOptions;
using medius::bench::Control;

const std::map<std::string, Control> kControls = {
    {"machine", Control::kMachineFile},
    {"motor-torque-only", Control::kMotorTorqueOnly},
    {"c0", Control::kC0},
    {"d8", Control::kD8},
    {"d25", Control::kD25},
};

void add_common(CLI::App& app, BenchOptions& options) {
  app.add_flag("--json", options.json, "One JSON object on standard output instead of the table");
  app.add_flag("--quick", options.quick, "A few rows and repetitions: seconds instead of minutes");
  app.add_option("--machine-file", options.machine_file, "Machine to run")->capture_default_str();
  app.add_option("--seated-machine-file", options.seated_machine_file, "Seated machine to run")
      ->capture_default_str();
  app.add_option("--linked-machine-file", options.linked_machine_file,
                 "Seated machine with linked arms to run")
      ->capture_default_str();
  app.add_option("--plugins", options.plugin_directory, "Folder of the profiles")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of every noise and every random movement")
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  BenchOptions options;
  options.machine_file = MEDIUS_SOURCE_DIR "/hal/machines/cable-station-sim.toml";
  options.seated_machine_file = MEDIUS_SOURCE_DIR "/hal/machines/seated-hip-abduction-sim.toml";
  options.linked_machine_file = MEDIUS_SOURCE_DIR "/hal/machines/seated-linked-sim.toml";
  options.plugin_directory = MEDIUS_PLUGIN_DIR;
  CLI::App app{"What the machine renders and measures, against the simulated plant's truth."};
  app.require_subcommand(1);
  CLI::App* fidelity = app.add_subcommand(
      "fidelity", "Force at the handle: every law, load, tempo, link; then the stability sweep");
  add_common(*fidelity, options);
  fidelity
      ->add_option("--filter", options.filters,
                   "Only rows whose column equals a value (law: starts with it), e.g. law=viscous "
                   "(may be repeated; no stability sweep then)")
      ->allow_extra_args(false);
  fidelity->add_option("--control", options.control, "How force control acts")
      ->transform(CLI::CheckedTransformer(kControls));
  fidelity->add_option("--plot", options.plot_directory,
                       "Folder for SVG plots of a few rows and of all rows at a glance");
  CLI::App* counting = app.add_subcommand(
      "counting", "Repetitions, range, times and speeds over random mixed repetitions");
  add_common(*counting, options);
  counting
      ->add_option("--corpus", options.filters,
                   "Only this corpus, as the table names it (may be repeated)")
      ->allow_extra_args(false);
  CLI::App* release = app.add_subcommand(
      "release",
      "The handle let go at every phase, load and law, with the daemon alive and frozen");
  add_common(*release, options);
  CLI11_PARSE(app, argc, argv);
  if (release->parsed()) return medius::bench::run_release(options);
  return fidelity->parsed() ? medius::bench::run_fidelity(options)
                            : medius::bench::run_counting(options);
}
