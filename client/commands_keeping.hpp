// The subcommands for what is kept: audit log, store, replay and report. Each returns the process'
// exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/options.hpp"

namespace CLI {
class App;
}

namespace medius::client {

struct AuditOptions {
  std::uint32_t limit = 20;
  std::vector<std::string> kinds;  // empty = all
  std::uint64_t after = 0;         // only rows beyond this one
  bool from_now = true;            // watch: `after` was not given
  double seconds = 0.0;            // watch: 0 = until Ctrl-C
  std::string noted;               // verify: "SEQUENCE:HASH"
  std::string pki;  // list, verify: folder of an authority, whose own log is meant; no controller
};
int audit_list(const CommonOptions& common, const AuditOptions& options);
int audit_watch(const CommonOptions& common, const AuditOptions& options);
int audit_verify(const CommonOptions& common, const AuditOptions& options);

struct StoreOptions {
  std::string name;    // of a backup to be made; empty = named by the time
  std::string copy;    // folder of a backup to be verified or restored
  std::string folder;  // of a store that no daemon uses
};
int store_status(const CommonOptions& common, const StoreOptions& options);
int store_verify(const CommonOptions& common, const StoreOptions& options);
int store_backup(const CommonOptions& common, const StoreOptions& options);
int store_restore(const CommonOptions& common, const StoreOptions& options);
int store_migrate(const CommonOptions& common, const StoreOptions& options);

struct ReplayOptions {
  std::string set;      // sessions/SESSION/sets/SET
  std::string profile;  // empty = the one that was in use
  // NAME=NUMBER in place of the recorded or default one, NAME=NUMBER@SECONDS from then on.
  std::vector<std::string> parameters;
  std::string plugins;  // directory; empty = beside the executable
  std::string machine;  // file; needed for an old set of a lever
  std::string svg;      // file for a plot; empty = none
  std::string csv;      // file for every tick; empty = none
  bool exact = false;   // fail unless repetitions and metrics are the same bits
};
int replay(const CommonOptions& common, const ReplayOptions& options);

struct ReportOptions {
  std::string session;
  std::string plan;
  std::string out;
};
int report_session(const CommonOptions& common, const ReportOptions& options);
int report_plan(const CommonOptions& common, const ReportOptions& options);

// Their options, for main().
void add_keeping_commands(CLI::App& app, const CommonOptions& common, int& code);

}  // namespace medius::client
