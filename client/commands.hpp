// The subcommands. Each returns the process' exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "client/options.hpp"

namespace medius::client {

struct RunOptions {
  std::string program;
  std::string client;    // who trains
  std::string plan;      // whose next session; empty = none
  std::string report;    // directory; empty = none
  std::string truth;     // medius-sim's truth file; empty = none
  double wait_s = 20.0;  // for a station that is not ready: link, panel reset
};
int run(const CommonOptions& common, const RunOptions& options);

struct WatchOptions {
  bool samples = false;
  std::uint32_t axis = 0;
  std::uint32_t divider = 1;
  double seconds = 0.0;  // 0 = until Ctrl-C
};
int watch(const CommonOptions& common, const WatchOptions& options);
int status(const CommonOptions& common);

struct AdjustOptions {
  std::optional<double> load_n;
  std::optional<double> load_nm;
  std::string parameter;  // "eccentric_ratio=1.2"
  std::uint32_t axis = 0;
};
int adjust(const CommonOptions& common, const AdjustOptions& options);
struct ConfirmOptions {
  std::optional<std::uint32_t> reps;  // as told; as asked when left out
  std::string skip;                   // why it is left out instead
};
int confirm(const CommonOptions& common, const ConfirmOptions& options);
struct LeaseOptions {
  double seconds = 60.0;
  bool keep = false;  // renew it until Ctrl-C, then give it back
  std::string to;     // who leads from now on
};
int lease_show(const CommonOptions& common);
int lease_take(const CommonOptions& common, const LeaseOptions& options);
int lease_release(const CommonOptions& common);
int lease_hand_over(const CommonOptions& common, const LeaseOptions& options);
int pause(const CommonOptions& common);
int resume(const CommonOptions& common);
int stop(const CommonOptions& common);

int programs(const CommonOptions& common);
int profiles(const CommonOptions& common);
int history(const CommonOptions& common, std::uint32_t limit);
int show(const CommonOptions& common, const std::string& name);

struct PkiOptions {
  std::string folder;
  std::string name;                // of the station, of a person, or a serial number
  std::vector<std::string> hosts;  // as clients write the station's address
  std::string role;
  int days = 365;
  std::string out;  // folder of a person's certificate; empty: named after the person
};
int pki_init(const CommonOptions& common, const PkiOptions& options);
int pki_renew_server(const CommonOptions& common, const PkiOptions& options);
int pki_issue(const CommonOptions& common, const PkiOptions& options);
int pki_revoke(const CommonOptions& common, const PkiOptions& options);
int pki_list(const CommonOptions& common, const PkiOptions& options);

// ca.crt, client.crt and client.key of a folder; the error is a sentence.
[[nodiscard]] tl::expected<TlsFiles, std::string> read_tls(const std::string& folder);

struct ExportOptions {
  std::string name;            // of a session or a set
  std::string format = "csv";  // csv | json | fit (a session) | mcap (samples)
  std::string what = "reps";   // reps | samples | guided
  std::string output;          // empty = stdout
  std::uint32_t divider = 1;
};
int export_records(const CommonOptions& common, const ExportOptions& options);

struct RecomputeOptions {
  std::string set;  // of a set, or of a session: all its sets
  bool all = false;
  bool dry_run = false;
};
int recompute(const CommonOptions& common, const RecomputeOptions& options);

struct SimulateCommand {
  std::string program;
  std::uint64_t seed = 1;
  std::string report;
  std::string machine;  // cable, seated or a file; empty = cable
  // Who trains; empty and 0: the default person.
  std::string lifter, sex;
  double body_mass_kg = 0.0, weaker_right = 0.0;
  std::string programs = "programs";
  std::string plugins;          // empty = beside the executable
  std::uint32_t weeks = 0;      // > 0: the whole plan, so many weeks of it
  bool proposals_only = false;  // of a plan: a therapist applies changes
  std::string data;             // of a plan: keep the stores here; empty = nowhere
  double load_cap_n = 0.0;      // of a plan: the therapist's limit on the cable; 0 = none
};
int simulate(const CommonOptions& common, const SimulateCommand& options);

struct HalCheckOptions {
  std::vector<std::string> files;
  std::string devices;  // empty = beside the machine file
  double damping_nspm =
      60.0;  // a cable station's: 5-20 by bearings and pulleys, the rest by control
};
int hal_check(const CommonOptions& common, const HalCheckOptions& options);

struct HalScanOptions {
  std::vector<std::string> targets;
  std::string units;
  std::vector<int> bauds;
  std::vector<std::string> parities;
  int timeout_ms = 100;
  int connect_timeout_ms = 300;
  std::string devices = "hal/devices";
};
int hal_scan(const CommonOptions& common, const HalScanOptions& options);

// A machine file and where its links really are.
struct HalMachineOptions {
  std::string file;
  std::string devices;  // empty = beside the machine file
  std::vector<std::string> links;
};
struct HalMonitorOptions {
  HalMachineOptions machine;
  double seconds = 0.0;     // 0 = until Ctrl-C
  double interval_s = 1.0;  // of lines and JSON
};
int hal_monitor(const CommonOptions& common, const HalMonitorOptions& options);
struct HalPokeOptions {
  HalMachineOptions machine;
  std::string device;
  std::vector<std::string> values;
  bool unloaded = false;
  bool wears_memory = false;
};
int hal_poke(const CommonOptions& common, const HalPokeOptions& options);
struct HalIdentifyOptions {
  HalMachineOptions machine;
  std::string axis;
  double seconds = 20.0;
  bool no_pull = false;
  bool yes = false;
  bool dry_run = false;
  std::string plot;
};
int hal_identify(const CommonOptions& common, const HalIdentifyOptions& options);

// Of a simulated machine, not of the controller.
struct SimOptions {
  std::string address = "127.0.0.1:50162";
  std::string target, kind;  // "encoder", "stuck"
  std::uint32_t row = 0;     // instead of target and kind
  std::uint32_t axis = 0;
  double intensity = 0.5;
  std::uint64_t seed = 1;
  double seconds = 0.0;  // 0: until it is cleared
  std::uint32_t id = 0;  // 0: all
  std::string scenario;
  bool active_only = false;
};
int sim_fault_list(const CommonOptions& common, const SimOptions& options);
int sim_fault_set(const CommonOptions& common, const SimOptions& options);
int sim_fault_clear(const CommonOptions& common, const SimOptions& options);
int sim_fault_run(const CommonOptions& common, const SimOptions& options);
int sim_status(const CommonOptions& common, const SimOptions& options);

}  // namespace medius::client
