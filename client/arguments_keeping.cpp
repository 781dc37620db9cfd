// Options of the subcommands for what is kept.
#include <memory>

#include <CLI/CLI.hpp>

#include "client/commands_keeping.hpp"

namespace medius::client {
namespace {

void add_audit(CLI::App& app, const CommonOptions& common, int& code) {
  CLI::App* audit = app.add_subcommand("audit", "the station's audit log");
  audit->require_subcommand(1);
  audit->fallthrough();
  const auto options = std::make_shared<AuditOptions>();
  const auto add_kinds = [options](CLI::App* command) {
    command
        ->add_option("--kind", options->kinds,
                     "only such rows; again for more: order, access, store, maintenance, session, "
                     "fault, progression, person, lease")
        ->allow_extra_args(false);
  };
  const auto add_pki = [options](CLI::App* command) {
    command->add_option("--pki", options->pki,
                        "the log of 'medius pki' in the folder of this authority, instead of the "
                        "station's; needs no controller");
  };
  CLI::App* list = audit->add_subcommand("list", "the newest rows, oldest of them first");
  list->add_option("--limit", options->limit)
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  list->add_option("--after", options->after, "only rows beyond this number");
  add_kinds(list);
  add_pki(list);
  list->callback([=, &common, &code] { code = audit_list(common, *options); });

  CLI::App* watch = audit->add_subcommand("watch", "rows as they come, until Ctrl-C");
  CLI::Option* after = watch->add_option("--after", options->after,
                                         "begin behind this row; from now on if left out");
  watch->add_option("--seconds", options->seconds, "end after so long; 0 = never")
      ->check(CLI::Range(0.0, 86400.0));
  add_kinds(watch);
  watch->callback([=, &common, &code] {
    options->from_now = after->count() == 0;
    code = audit_watch(common, *options);
  });

  CLI::App* verify = audit->add_subcommand(
      "verify", "check that no row was changed or removed and that the end is there");
  verify->add_option("--noted", options->noted,
                     "SEQUENCE:HASH that an earlier verify printed and somebody kept elsewhere");
  add_pki(verify);
  verify->callback([=, &common, &code] { code = audit_verify(common, *options); });
}

void add_store(CLI::App& app, const CommonOptions& common, int& code) {
  CLI::App* store = app.add_subcommand("store", "what the station keeps: state, check, copies");
  store->require_subcommand(1);
  store->fallthrough();
  const auto options = std::make_shared<StoreOptions>();
  store->add_subcommand("status", "where it is, what it holds, what was found wrong")
      ->callback([=, &common, &code] { code = store_status(common, *options); });
  CLI::App* verify = store->add_subcommand(
      "verify", "read every session, set, sample and audit row; recording goes on meanwhile");
  verify->add_option("--backup", options->copy, "a backup's folder instead; needs no daemon");
  verify->callback([=, &common, &code] { code = store_verify(common, *options); });
  CLI::App* backup = store->add_subcommand(
      "backup", "copy the store into the daemon's data directory, under backups/");
  backup->add_option("name", options->name, "of the copy; named by the time if left out");
  backup->callback([=, &common, &code] { code = store_backup(common, *options); });
  CLI::App* restore =
      store->add_subcommand("restore", "put a backup in the store's place; mediusd must not run");
  restore->add_option("backup", options->copy, "folder of the backup")->required();
  restore->add_option("--data", options->folder, "data directory of mediusd");
  restore->callback([=, &common, &code] { code = store_restore(common, *options); });
  CLI::App* migrate = store->add_subcommand(
      "migrate", "bring an older store to this program's schema, keeping a copy; without mediusd");
  migrate->add_option("--data", options->folder, "data directory of mediusd");
  migrate->callback([=, &common, &code] { code = store_migrate(common, *options); });
}

void add_replay(CLI::App& app, const CommonOptions& common, int& code) {
  CLI::App* command = app.add_subcommand(
      "replay", "a recorded set once more, or what another profile would have wished");
  const auto options = std::make_shared<ReplayOptions>();
  command->add_option("set", options->set, "sessions/SESSION/sets/SET")->required();
  command->add_option("--profile", options->profile, "another one; see 'profiles'");
  command
      ->add_option("--params", options->parameters,
                   "NAME=NUMBER for the whole set, or NAME=NUMBER@SECONDS from then on; again for "
                   "more. Without it: as recorded, with what was ordered during the set")
      ->allow_extra_args(false);
  command->add_option("--machine", options->machine,
                      "machine file in place of the numbers that the set kept; old sets of a lever "
                      "need it");
  command->add_flag("--exact", options->exact,
                    "fail unless repetitions, counts and metrics are the same bits");
  command->add_option("--plugins", options->plugins, "directory of profiles");
  command->add_option("--svg", options->svg, "also write a plot of recorded and wished force");
  command->add_option("--csv", options->csv, "also write both for every tick");
  command->callback([=, &common, &code] { code = replay(common, *options); });
}

void add_report(CLI::App& app, const CommonOptions& common, int& code) {
  CLI::App* report = app.add_subcommand("report", "pages to print");
  report->require_subcommand(1);
  report->fallthrough();
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* session = report->add_subcommand("session", "one session as a page of HTML");
  session->add_option("session", options->session, "its id; see 'history'")->required();
  session->add_option("--out,--output", options->out, "file to write")->required();
  session->callback([=, &common, &code] { code = report_session(common, *options); });
  CLI::App* plan = report->add_subcommand(
      "plan",
      "one plan as a page of HTML: weeks and days, loads and repetitions, decisions, tests");
  plan->add_option("plan", options->plan, "its id; see 'plan list'")->required();
  plan->add_option("--out,--output", options->out, "file to write")->required();
  plan->callback([=, &common, &code] { code = report_plan(common, *options); });
}

}  // namespace

void add_keeping_commands(CLI::App& app, const CommonOptions& common, int& code) {
  add_audit(app, common, code);
  add_store(app, common, code);
  add_replay(app, common, code);
  add_report(app, common, code);
}

}  // namespace medius::client
