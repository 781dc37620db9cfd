// medius store: what the station keeps; through the running daemon, but for what needs it stopped.
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "client/commands_keeping.hpp"
#include "client/connection.hpp"
#include "client/print.hpp"
#include "controller/record/backup.hpp"
#include "medius/v1/store.grpc.pb.h"

namespace medius::client {
namespace {

// A long look at years of sets; the daemon itself gives up a step after ten seconds.
constexpr double kLongestS = 3600.0;

bool shows_progress(const CommonOptions& common) {
  return !common.quiet && !common.json && ::isatty(STDERR_FILENO) != 0;
}

void show_progress(bool on, const std::string& words) {
  if (on) fmt::print(stderr, "\r{}\033[K", words);
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

int print_report(const record::VerifyReport& report, const CommonOptions& common,
                 const std::string& of) {
  v1::VerifyStoreResponse out;
  out.set_sessions(report.sessions);
  out.set_sets(report.sets);
  out.set_guided(report.guided);
  out.set_samples(report.samples);
  out.set_audit_rows(report.audit_rows);
  for (const std::string& problem : report.problems) out.add_problems(problem);
  out.set_done(true);
  if (common.json) {
    fmt::print("{}\n", json_of(out));
  } else {
    for (const std::string& problem : report.problems) fmt::print(stderr, "medius: {}\n", problem);
    fmt::print(
        "{}: {} sessions, {} sets with {} samples, {} exercises without the machine, {} audit "
        "rows: {}\n",
        of, report.sessions, report.sets, report.samples, report.guided, report.audit_rows,
        report.sound() ? "sound" : fmt::format("{} problems", report.problems.size()));
  }
  return report.sound() ? kExitOk : kExitFailed;
}

// Neither restore nor migrate may run beside a daemon; the folder's lock says so too.
int refuse_without_folder(const StoreOptions& options, const char* what) {
  if (!options.folder.empty()) return kExitOk;
  complain(std::string("store ") + what +
           " works on a store that no daemon uses; stop mediusd and name the folder with --data");
  return kExitUsage;
}

}  // namespace

int store_status(const CommonOptions& common, const StoreOptions&) {
  const Connection connection(common);
  const auto stub = v1::StoreService::NewStub(connection.channel());
  v1::GetStoreResponse store;
  const auto context = call_context();
  const grpc::Status status = stub->GetStore(context.get(), {}, &store);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(store));
    return kExitOk;
  }
  fmt::print(
      "{}\n  schema version {}, {} sessions, {} sets, {} exercises without the machine, {} "
      "audit rows\n",
      store.path(), store.schema_version(), store.sessions(), store.sets(), store.guided(),
      store.audit_rows());
  const auto list = [](const char* what, const auto& entries) {
    for (const std::string& entry : entries) fmt::print("  {}: {}\n", what, entry);
  };
  list("missing", store.missing());
  list("damaged", store.damaged());
  list("interrupted", store.interrupted());
  list("note", store.notes());
  for (const v1::Backup& backup : store.backups()) {
    fmt::print("  backup: {} ({})\n", backup.name(), mebibytes(backup.bytes()));
  }
  return kExitOk;
}

int store_verify(const CommonOptions& common, const StoreOptions& options) {
  if (!options.copy.empty()) {
    const auto report = record::verify_copy(options.copy);
    return report ? print_report(*report, common, options.copy) : complain(report.error().message);
  }
  const Connection connection(common);
  const auto stub = v1::StoreService::NewStub(connection.channel());
  const auto context = call_context(kLongestS);
  const auto reader = stub->VerifyStore(context.get(), {});
  const bool progress = shows_progress(common);
  v1::VerifyStoreResponse message;
  while (reader->Read(&message) && !message.done()) {
    show_progress(progress, fmt::format("{} sessions, {} sets, {} samples", message.sessions(),
                                        message.sets(), message.samples()));
  }
  show_progress(progress, "");
  const bool done = message.done();
  if (done) context->TryCancel();
  const grpc::Status status = reader->Finish();
  if (!done) return complain(status, common);
  record::VerifyReport report;
  report.sessions = message.sessions();
  report.sets = message.sets();
  report.guided = message.guided();
  report.samples = message.samples();
  report.audit_rows = message.audit_rows();
  report.problems.assign(message.problems().begin(), message.problems().end());
  return print_report(report, common, "store");
}

int store_backup(const CommonOptions& common, const StoreOptions& options) {
  const Connection connection(common);
  const auto stub = v1::StoreService::NewStub(connection.channel());
  v1::BackupStoreRequest request;
  request.set_name(options.name);
  const auto context = call_context(kLongestS);
  const auto reader = stub->BackupStore(context.get(), request);
  const bool progress = shows_progress(common);
  v1::BackupStoreResponse message;
  while (reader->Read(&message) && !message.done()) {
    show_progress(progress,
                  fmt::format("{} of {} pages", message.pages_done(), message.pages_total()));
  }
  show_progress(progress, "");
  const grpc::Status status = reader->Finish();
  if (!message.done()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(message));
  } else {
    fmt::print("{} ({}) on the station's computer\n", message.path(), mebibytes(message.bytes()));
  }
  return kExitOk;
}

int store_restore(const CommonOptions& common, const StoreOptions& options) {
  if (const int code = refuse_without_folder(options, "restore"); code != kExitOk) return code;
  const auto restored = record::restore(options.copy, options.folder);
  if (!restored) return complain(restored.error().message);
  const int code = print_report(restored->report, common, options.folder);
  if (!restored->kept.empty() && !common.json && !common.quiet) {
    fmt::print("what was there before is kept in {}\n", restored->kept);
  }
  return code;
}

// A store is migrated whenever a daemon opens it; here a copy is kept first, and it is said.
int store_migrate(const CommonOptions& common, const StoreOptions& options) {
  if (const int code = refuse_without_folder(options, "migrate"); code != kExitOk) return code;
  const auto migrated = record::migrate_folder(options.folder);
  if (!migrated) return complain(migrated.error().message);
  if (migrated->from == migrated->to) {
    fmt::print("{}: schema version {} is the newest\n", options.folder, migrated->to);
    return kExitOk;
  }
  fmt::print("{}: schema version {} -> {}; the old files are kept in {}\n", options.folder,
             migrated->from, migrated->to, migrated->kept);
  return print_report(migrated->report, common, options.folder);
}

}  // namespace medius::client
