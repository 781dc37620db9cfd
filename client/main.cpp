// medius: the command line. Everything that knows CLI11 is in this file.
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "client/commands.hpp"
#include "client/commands_keeping.hpp"
#include "client/main_people.hpp"
#include "client/terminal.hpp"

namespace {

using namespace medius::client;

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 no controller, connection lost or a file that cannot be written; 2 "
    "wrong\n"
    "use; 3 refused by the station; 4 ended by a fault; 5 ended early (stopped, stood still);\n"
    "130 interrupted with Ctrl-C (run: after the load has gone out).\n"
    "Environment: MEDIUS_ADDRESS, MEDIUS_TLS, NO_COLOR.";

// A stable name a person: whoever starts a session and watches again later is recognised.
std::string default_name() {
  const char* user = std::getenv("USER");
  char host[65] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return std::string(user != nullptr ? user : "user" + std::to_string(::getuid())) + "@" + host;
}

struct Arguments {
  CommonOptions common;
  bool no_color = false;
  RunOptions run;
  WatchOptions watch;
  AdjustOptions adjust;
  ConfirmOptions confirm;
  LeaseOptions lease;
  PkiOptions pki;
  ExportOptions exporting;
  RecomputeOptions recompute;
  SimulateCommand simulate;
  HalCheckOptions hal_check;
  HalScanOptions hal_scan;
  HalMonitorOptions hal_monitor;
  HalPokeOptions hal_poke;
  HalIdentifyOptions hal_identify;
  SimOptions sim;
  std::string show;
  std::uint32_t history_limit = 20;
};

void add_common(CLI::App& app, Arguments& args) {
  app.add_option("--address", args.common.address,
                 "of mediusd: 127.0.0.1:PORT or unix:PATH; with --tls HOST:PORT")
      ->envname("MEDIUS_ADDRESS")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--tls",
         [&args](const std::string& folder) {
           auto files = read_tls(folder);
           if (!files) throw CLI::ValidationError("--tls", files.error());
           args.common.tls = std::move(*files);
         },
         "folder with our certificate, for a station that is not on this computer")
      ->envname("MEDIUS_TLS");
  app.add_option("--as", args.common.name, "our name: for the audit, and who counts as present")
      ->capture_default_str();
  app.add_flag("--json", args.common.json, "JSON on standard output");
  app.add_flag("--no-color", args.no_color, "no colours");
  app.add_flag("--quiet", args.common.quiet, "results only, no progress");
}

void add_session_commands(CLI::App& app, Arguments& args, int& code) {
  CLI::App* run = app.add_subcommand("run", "run a program and follow it to its end");
  run->add_option("program", args.run.program,
                  "e.g. glute-med-strength; see 'programs'; of a plan: one of its tests");
  run->add_option("--client", args.run.client, "who trains; clients/ID: somebody stored");
  run->add_option("--plan", args.run.plan, "the plan's next session; see 'plan list'");
  run->add_option("--report", args.run.report,
                  "also write reps.csv and report.json into this directory");
  run->add_option("--truth", args.run.truth, "truth file of medius-sim, for the report");
  run->add_option("--wait", args.run.wait_s, "seconds to wait for a station that is not ready")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  run->callback([&] {
    if (args.run.program.empty() && args.run.plan.empty()) {
      throw CLI::RequiredError("program (or --plan)");
    }
    code = medius::client::run(args.common, args.run);
  });

  CLI::App* watch = app.add_subcommand("watch", "follow the station until Ctrl-C");
  watch->add_flag("--samples", args.watch.samples, "live samples as CSV instead of states");
  watch->add_option("--axis", args.watch.axis)->check(CLI::Range(0, 1))->capture_default_str();
  watch->add_option("--divider", args.watch.divider, "every n-th sample of 1 kHz")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  watch->add_option("--seconds", args.watch.seconds, "end after so long; 0 = never")
      ->check(CLI::Range(0.0, 86400.0));
  watch->callback([&] { code = medius::client::watch(args.common, args.watch); });

  CLI::App* status = app.add_subcommand("status", "the station's state now");
  status->callback([&] { code = medius::client::status(args.common); });

  CLI::App* adjust = app.add_subcommand("adjust", "change the load or a parameter of the set");
  CLI::Option_group* what = adjust->add_option_group("what");
  what->add_option("--load-n", args.adjust.load_n, "load of a cable in N")
      ->check(CLI::NonNegativeNumber);
  what->add_option("--load-nm", args.adjust.load_nm, "load of a lever arm in Nm")
      ->check(CLI::NonNegativeNumber);
  what->add_option("--parameter", args.adjust.parameter, "NAME=NUMBER of the profile");
  what->require_option(1);
  adjust->add_option("--axis", args.adjust.axis)->check(CLI::Range(0, 1))->capture_default_str();
  adjust->callback([&] { code = medius::client::adjust(args.common, args.adjust); });

  CLI::App* confirm =
      app.add_subcommand("confirm", "an exercise without the machine was done, or is skipped");
  CLI::Option* reps = confirm->add_option("--reps", args.confirm.reps, "done; as asked if left out")
                          ->check(CLI::Range(1, 200));
  confirm->add_option("--skip", args.confirm.skip, "leave it out: the reason")->excludes(reps);
  confirm->callback([&] { code = medius::client::confirm(args.common, args.confirm); });

  app.add_subcommand("pause", "let the load out and wait within the set")->callback([&] {
    code = medius::client::pause(args.common);
  });
  app.add_subcommand("resume", "go on after a pause")->callback([&] {
    code = medius::client::resume(args.common);
  });
  app.add_subcommand("stop", "let the load out and end the session; always taken")->callback([&] {
    code = medius::client::stop(args.common);
  });
}

void add_lease_commands(CLI::App& app, Arguments& args, int& code) {
  CLI::App* lease = app.add_subcommand(
      "lease", "who leads: orders that raise something are taken from one trainer at a time");
  lease->require_subcommand(1);
  lease->fallthrough();
  lease->add_subcommand("show", "who holds the lease of control")->callback([&] {
    code = medius::client::lease_show(args.common);
  });
  CLI::App* take = lease->add_subcommand("take", "take it, or prolong our own");
  take->add_option("--seconds", args.lease.seconds, "until it runs out")
      ->check(CLI::Range(2.0, 60.0))
      ->capture_default_str();
  take->add_flag("--keep", args.lease.keep, "renew it until Ctrl-C, then give it back");
  take->callback([&] { code = medius::client::lease_take(args.common, args.lease); });
  lease->add_subcommand("release", "give it back")->callback([&] {
    code = medius::client::lease_release(args.common);
  });
  CLI::App* hand_over = lease->add_subcommand("hand-over", "give it to somebody else");
  hand_over->add_option("to", args.lease.to, "their name, as --as or their certificate says")
      ->required();
  hand_over->callback([&] { code = medius::client::lease_hand_over(args.common, args.lease); });
}

void add_record_commands(CLI::App& app, Arguments& args, int& code) {
  app.add_subcommand("programs", "what can be run")->callback([&] {
    code = medius::client::programs(args.common);
  });
  app.add_subcommand("profiles", "resistance profiles and their parameters")->callback([&] {
    code = medius::client::profiles(args.common);
  });
  CLI::App* history = app.add_subcommand("history", "stored sessions, newest first");
  history->add_option("--limit", args.history_limit)
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  history->callback([&] { code = medius::client::history(args.common, args.history_limit); });

  CLI::App* show = app.add_subcommand("show", "repetitions and summary of a session or a set");
  show->add_option("name", args.show, "SESSION or sessions/SESSION/sets/SET")->required();
  show->callback([&] { code = medius::client::show(args.common, args.show); });

  CLI::App* exporting = app.add_subcommand("export", "a session or set as CSV, JSON, FIT or MCAP");
  exporting->add_option("name", args.exporting.name, "SESSION or sessions/SESSION/sets/SET")
      ->required();
  exporting->add_option("--format", args.exporting.format)
      ->check(CLI::IsMember({"csv", "json", "fit", "mcap"}))
      ->capture_default_str();
  exporting->add_option("--what", args.exporting.what)
      ->check(CLI::IsMember({"reps", "samples", "guided"}))
      ->capture_default_str();
  exporting->add_option("--out,--output", args.exporting.output,
                        "file; standard output when left out");
  exporting->add_option("--divider", args.exporting.divider, "every n-th sample of 1 kHz")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  exporting->callback([&] { code = medius::client::export_records(args.common, args.exporting); });

  CLI::App* recompute = app.add_subcommand(
      "recompute", "measure stored sets anew from their samples, with today's definitions");
  CLI::Option_group* which = recompute->add_option_group("which");
  which->add_option("--set", args.recompute.set, "SESSION or sessions/SESSION/sets/SET");
  which->add_flag("--all", args.recompute.all, "every stored set");
  which->require_option(1);
  recompute->add_flag("--dry-run", args.recompute.dry_run, "only say what would change");
  recompute->callback([&] { code = medius::client::recompute(args.common, args.recompute); });

  CLI::App* simulate =
      app.add_subcommand("simulate", "run a program in this process on simulated time");
  simulate->add_option("program", args.simulate.program)->required();
  simulate->add_option("--seed", args.simulate.seed)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  simulate->add_option("--report", args.simulate.report,
                       "also write reps.csv and report.json into this directory");
  simulate->add_option(
      "--machine", args.simulate.machine,
      "cable (default), cable-drum, cable-pelvis, seated, seated-linked, or a machine file");
  simulate->add_option("--lifter", args.simulate.lifter,
                       "who trains: novice, trained, rehab or athlete");
  simulate->add_option("--sex", args.simulate.sex, "body table: male (default) or female");
  simulate->add_option("--body-mass", args.simulate.body_mass_kg,
                       "kg; the body table's common build otherwise");
  simulate->add_option("--weaker-right", args.simulate.weaker_right,
                       "share of strength that the right leg lacks, 0 to 0.5");
  simulate->add_option("--programs", args.simulate.programs, "directory")->capture_default_str();
  simulate->add_option("--plugins", args.simulate.plugins, "directory of profiles");
  simulate->add_option("--weeks", args.simulate.weeks, "the whole plan: so many weeks of sessions")
      ->check(CLI::Range(1, 52));
  simulate->add_flag("--proposals-only", args.simulate.proposals_only,
                     "of a plan: changes are proposed to a therapist, not applied");
  simulate->add_option("--data", args.simulate.data,
                       "of a plan: keep client, plan, sessions and audit in this directory, a "
                       "store for each machine");
  simulate
      ->add_option("--load-cap-n", args.simulate.load_cap_n,
                   "of a plan: the therapist's limit of loads on the cable")
      ->check(CLI::Range(0.0, 600.0));
  simulate->callback([&] { code = medius::client::simulate(args.common, args.simulate); });
}

void add_machine(CLI::App& command, HalMachineOptions& machine) {
  command.add_option("file", machine.file, "machine file, e.g. hal/machines/x.toml")->required();
  command.add_option("--devices", machine.devices,
                     "directory of the descriptors; ../devices beside the file when left out");
  command
      .add_option("--link", machine.links,
                  "where a link of the file really is: NAME=HOST:PORT or NAME=/dev/ttyUSB0")
      ->allow_extra_args(false);
}

void add_scan(CLI::App& hal, Arguments& args, int& code) {
  HalScanOptions& options = args.hal_scan;
  CLI::App* scan = hal.add_subcommand(
      "scan", "who answers on a network or a serial line, and which descriptor fits; only reads");
  scan->add_option("target", options.targets,
                   "192.168.10.10, 192.168.10.10-20, 192.168.10.0/24, with :502 or :502-510 behind "
                   "it (502 when left out); or a serial line like /dev/ttyUSB0")
      ->required();
  scan->add_option("--units", options.units,
                   "unit ids, e.g. 1-10,255; TCP 1-5,247,255 and lines 1-10 when left out");
  scan->add_option("--baud", options.bauds,
                   "of lines; 115200, 57600, 38400, 19200 and 9600 when left out")
      ->allow_extra_args(false)
      ->delimiter(',');
  scan->add_option("--parity", options.parities, "of lines; none and even when left out")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::IsMember({"none", "even", "odd"}));
  scan->add_option("--timeout-ms", options.timeout_ms, "of an answer")
      ->check(CLI::Range(10, 5000))
      ->capture_default_str();
  scan->add_option("--connect-timeout-ms", options.connect_timeout_ms, "of a TCP connection")
      ->check(CLI::Range(10, 10'000))
      ->capture_default_str();
  scan->add_option("--devices", options.devices, "directory of the descriptors to compare with")
      ->capture_default_str();
  scan->callback([&] { code = medius::client::hal_scan(args.common, args.hal_scan); });
}

void add_monitor_and_poke(CLI::App& hal, Arguments& args, int& code) {
  CLI::App* monitor = hal.add_subcommand(
      "monitor", "every register of a machine file, live, in SI units; only reads");
  add_machine(*monitor, args.hal_monitor.machine);
  monitor->add_option("--seconds", args.hal_monitor.seconds, "end after so long; 0 = never")
      ->check(CLI::Range(0.0, 86400.0));
  monitor
      ->add_option("--interval", args.hal_monitor.interval_s,
                   "seconds between reports where the output is no terminal")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  monitor->callback([&] { code = medius::client::hal_monitor(args.common, args.hal_monitor); });

  CLI::App* poke =
      hal.add_subcommand("poke", "write registers by hand, when every drive of the machine is off");
  HalPokeOptions& options = args.hal_poke;
  add_machine(*poke, options.machine);
  poke->add_option("device", options.device, "name of a [[device]] of the file")->required();
  poke->add_option("value", options.values,
                   "NAME=VALUE of a register that is written, in SI units; or ADDRESS=WORD[,WORD] "
                   "raw, e.g. 0x0607=1")
      ->required();
  poke->add_flag("--i-know-it-is-unloaded", options.unloaded,
                 "nobody is on the machine, and nothing hangs on it");
  poke->add_flag("--i-know-it-may-be-permanent", options.wears_memory,
                 "also write what the descriptor forbids, calls permanent, or does not know");
  poke->callback([&] { code = medius::client::hal_poke(args.common, args.hal_poke); });
}

void add_identify(CLI::App& hal, Arguments& args, int& code) {
  HalIdentifyOptions& options = args.hal_identify;
  CLI::App* identify = hal.add_subcommand(
      "identify",
      "signs, mass, friction and dead time of an axis, at most 15 N and 0.2 m/s; writes them into "
      "the machine file");
  add_machine(*identify, options.machine);
  identify->add_option("--axis", options.axis, "of a machine with more than one");
  identify->add_option("--seconds", options.seconds, "of strokes")
      ->check(CLI::Range(10.0, 120.0))
      ->capture_default_str();
  identify->add_flag("--no-pull", options.no_pull,
                     "nothing holds the handle: leave the load cell's sign untested");
  identify->add_flag("--yes", options.yes, "confirm; for simulated machines only");
  identify->add_flag("--dry-run", options.dry_run, "write nothing, only say what would be written");
  identify->add_option("--plot", options.plot, "write a plot here, as SVG");
  identify->callback([&] { code = medius::client::hal_identify(args.common, args.hal_identify); });
}

void add_hal_commands(CLI::App& app, Arguments& args, int& code) {
  CLI::App* hal = app.add_subcommand("hal", "drives, load cells and their buses; needs no daemon");
  hal->require_subcommand(1);
  hal->fallthrough();
  CLI::App* check = hal->add_subcommand(
      "check", "what a machine file asks of its buses, and what force they allow");
  check->add_option("file", args.hal_check.files, "machine files, e.g. hal/machines/x.toml")
      ->required();
  check->add_option(
      "--devices", args.hal_check.devices,
      "directory of the descriptors; ../devices beside the machine file when left out");
  check
      ->add_option("--damping", args.hal_check.damping_nspm,
                   "of the machine at the handle in N s/m, for the stiffness")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  check->callback([&] { code = medius::client::hal_check(args.common, args.hal_check); });
  add_scan(*hal, args, code);
  add_monitor_and_poke(*hal, args, code);
  add_identify(*hal, args, code);
}

void add_sim_commands(CLI::App& app, Arguments& args, int& code) {
  SimOptions& options = args.sim;
  CLI::App* sim = app.add_subcommand("sim", "a simulated machine: break it on purpose");
  sim->require_subcommand(1);
  sim->fallthrough();
  sim->add_option("--sim", options.address, "of medius-sim: what its --control says")
      ->envname("MEDIUS_SIM")
      ->capture_default_str();
  CLI::App* fault = sim->add_subcommand("fault", "faults on demand");
  fault->require_subcommand(1);
  fault->fallthrough();
  const auto add = [&](CLI::App* parent, const char* name, const char* what,
                       int (*run)(const CommonOptions&, const SimOptions&)) {
    CLI::App* command = parent->add_subcommand(name, what);
    command->callback([&args, &code, run] { code = run(args.common, args.sim); });
    return command;
  };
  CLI::App* list = add(fault, "list", "what can be asked for, and what is active", sim_fault_list);
  list->add_flag("--active", options.active_only, "only what is active");
  CLI::App* set =
      add(fault, "set", "a fault acts from now on, e.g. set encoder stuck", sim_fault_set);
  CLI::Option* const target = set->add_option("target", options.target, "what fails; see 'list'");
  CLI::Option* const kind = set->add_option("kind", options.kind, "how it fails")->needs(target);
  target->needs(kind);
  set->add_option("--row", options.row, "a row of the failure table instead")
      ->check(CLI::Range(1, 1000))
      ->excludes(target);
  set->add_option("--axis", options.axis, "counted from 0")->capture_default_str();
  set->add_option("--intensity", options.intensity, "0 mild to 1 severe")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  set->add_option("--seed", options.seed, "of what is random in it")->capture_default_str();
  set->add_option("--for", options.seconds, "seconds of the machine; until cleared when left out")
      ->check(CLI::Range(0.001, 86'400.0));
  CLI::App* clear = add(fault, "clear", "a fault ends, or all of them", sim_fault_clear);
  clear->add_option("id", options.id, "of 'list --active'; all when left out");
  CLI::App* run =
      add(fault, "run", "strike the faults of a scenario file in the next set", sim_fault_run);
  run->add_option("scenario", options.scenario, "as medius-swarm --replay takes it")->required();
  add(sim, "status", "where the person is, what has struck and what is active", sim_status);
}

void add_pki_commands(CLI::App& app, Arguments& args, int& code) {
  PkiOptions& options = args.pki;
  CLI::App* pki = app.add_subcommand(
      "pki",
      "certificates of a station, for peers from elsewhere; 'audit list --pki' shows changes");
  pki->require_subcommand(1);
  const auto add = [&](const char* name, const char* what,
                       int (*run)(const CommonOptions&, const PkiOptions&)) {
    CLI::App* command = pki->add_subcommand(name, what);
    command->add_option("--dir", options.folder, "of the authority, e.g. /etc/medius/pki")
        ->required();
    command->callback([&args, &code, run] { code = run(args.common, args.pki); });
    return command;
  };
  const auto add_days = [&](CLI::App* command) {
    command->add_option("--days", options.days)->check(CLI::Range(1, 3650))->capture_default_str();
  };
  CLI::App* init = add("init", "a new authority and the server's certificate", pki_init);
  init->add_option("--station", options.name, "its name")->required();
  init->add_option("--host", options.hosts, "name or address that clients write; again for more")
      ->required();
  CLI::App* renew = add("renew-server", "a new certificate of the server", pki_renew_server);
  renew->add_option("--station", options.name, "its name")->required();
  renew->add_option("--host", options.hosts, "name or address that clients write; again for more")
      ->required();
  add_days(renew);
  CLI::App* issue = add("issue", "a certificate of a person", pki_issue);
  issue->add_option("name", options.name, "who, as the audit will call them")->required();
  issue->add_option("--role", options.role, "what they may do")
      ->required()
      ->check(CLI::IsMember({"observer", "trainer", "therapist", "technician", "admin"}));
  issue->add_option("--out", options.out, "folder to write; default: named after the person");
  add_days(issue);
  CLI::App* revoke = add("revoke", "take a person's certificates back", pki_revoke);
  revoke->add_option("name", options.name, "of the person, or a serial number")->required();
  add("list", "what was issued, and until when it is valid", pki_list);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Arguments args;
  args.common.name = default_name();
  int code = kExitOk;
  CLI::App app("medius: train on a Medius station from the command line", "medius");
  app.footer(kFooter);
  app.set_version_flag("--version", "medius " MEDIUS_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // common options may stand behind the subcommand too
  add_common(app, args);
  // Parsed before any subcommand's callback runs.
  app.parse_complete_callback([&] {
    args.common.color = !args.no_color && !no_color_in_environment() && stdout_is_terminal();
  });
  add_session_commands(app, args, code);
  add_lease_commands(app, args, code);
  add_record_commands(app, args, code);
  add_keeping_commands(app, args.common, code);
  add_hal_commands(app, args, code);
  add_sim_commands(app, args, code);
  add_pki_commands(app, args, code);
  add_people_commands(app, {&args.common, &code});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  } catch (const std::system_error& error) {  // of printing: whoever read our output has gone
    if (error.code() != std::errc::broken_pipe) fmt::print(stderr, "medius: {}\n", error.what());
    return kExitFailed;
  }
  return code;
}
