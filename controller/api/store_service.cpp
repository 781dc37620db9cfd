#include <ctime>

#include "controller/api/keeping_services.hpp"
#include "controller/record/backup.hpp"
#include "controller/record/verify.hpp"

namespace medius::api {
namespace {

// How often whoever waits is told how far it is.
constexpr std::chrono::milliseconds kTell{100};

// "2026-05-01T120000Z": sorts by time, and is a name on every file system.
std::string name_of_now(const station::Runtime& runtime) {
  const std::time_t seconds = static_cast<std::time_t>(runtime.wall_unix_ns() / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H%M%SZ", &utc);
  return std::string(text, size);
}

// At most ten a second.
class Pace {
 public:
  bool due() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + kTell;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kTell;
};

void report_to_pb(const record::VerifyReport& report, v1::VerifyStoreResponse* out) {
  out->set_sessions(report.sessions);
  out->set_sets(report.sets);
  out->set_guided(report.guided);
  out->set_samples(report.samples);
  out->set_audit_rows(report.audit_rows);
}

// A backup belongs to the record thread to its end: whoever lets go of it hands it back there.
class HeldBackup {
 public:
  HeldBackup(station::Runtime& runtime, std::shared_ptr<record::StoreBackup> backup)
      : runtime_(runtime), backup_(std::move(backup)) {}
  ~HeldBackup() {
    runtime_.post([&runtime = runtime_, backup = std::move(backup_)]() mutable {
      runtime.run_blocking([backup = std::move(backup)] { backup->abandon(); }, {});
    });
  }
  HeldBackup(const HeldBackup&) = delete;
  HeldBackup& operator=(const HeldBackup&) = delete;
  [[nodiscard]] const std::shared_ptr<record::StoreBackup>& get() const { return backup_; }

 private:
  station::Runtime& runtime_;
  std::shared_ptr<record::StoreBackup> backup_;
};

}  // namespace

void StoreService::write_down(const grpc::ServerContext& call, const char* action,
                              const std::string& subject, const std::string& problem) const {
  record::AuditEvent event;
  event.kind = record::AuditKind::kStore;
  event.result = problem.empty() ? record::AuditResult::kNoted : record::AuditResult::kFailed;
  event.action = action;
  event.subject = subject;
  event.reason = problem;
  context_.note(call, std::move(event));
}

grpc::Status StoreService::GetStore(grpc::ServerContext* call, const v1::GetStoreRequest*,
                                    v1::GetStoreResponse* response) {
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  struct Found {
    record::StoreReport report;
    std::uint64_t audit_rows = 0;
  };
  const auto found =
      on_record<Found>(context_.parts.runtime, ApiContext::wait_until(*call),
                       context_.give_up(*call), [&store = context_.parts.store] {
                         return Found{store.opening_report(), store.audit_head().sequence};
                       });
  if (!found) return no_answer(context_);
  const record::StoreReport& report = found->report;
  response->set_path(context_.names.store);
  response->set_schema_version(report.schema_version);
  response->set_sessions(report.sessions);
  response->set_sets(report.sets);
  response->set_guided(report.guided);
  response->set_audit_rows(found->audit_rows);
  for (const std::string& id : report.missing_ids) response->add_missing(id);
  for (const std::string& id : report.damaged_ids) response->add_damaged(id);
  for (const std::string& id : report.interrupted_ids) response->add_interrupted(id);
  for (const std::string& note : report.notes) response->add_notes(note);
  for (const auto& backup : record::list_backups(context_.names.store + "/backups")) {
    v1::Backup* entry = response->add_backups();
    entry->set_name(backup.name);
    entry->set_bytes(backup.bytes);
  }
  return grpc::Status::OK;
}

grpc::Status StoreService::VerifyStore(grpc::ServerContext* call, const v1::VerifyStoreRequest*,
                                       grpc::ServerWriter<v1::VerifyStoreResponse>* writer) {
  const Gate::Place place(context_.reads);
  if (!place) return too_many("reads of whole records", context_.reads);
  struct Step {
    std::shared_ptr<record::StoreVerifier> verifier;
    record::VerifyReport report;
    bool more = true;
  };
  Step step;
  Pace pace;
  while (step.more) {
    auto stepped = on_record<Step>(
        context_.parts.runtime, std::chrono::steady_clock::now() + std::chrono::seconds(10),
        context_.give_up(*call),
        [&store = context_.parts.store, verifier = step.verifier]() mutable {
          if (!verifier) verifier = std::make_shared<record::StoreVerifier>(store);
          const bool more = verifier->step();
          return Step{verifier, verifier->report(), more};
        });
    if (!stepped) return no_answer(context_);
    step = std::move(*stepped);
    v1::VerifyStoreResponse message;
    report_to_pb(step.report, &message);
    if (step.more && pace.due() && !writer->Write(message)) return grpc::Status::OK;
  }
  v1::VerifyStoreResponse last;
  report_to_pb(step.report, &last);
  for (const std::string& problem : step.report.problems) last.add_problems(problem);
  last.set_done(true);
  write_down(*call, "store_verified", "store",
             step.report.sound() ? std::string() : step.report.problems.front());
  writer->Write(last);
  return grpc::Status::OK;
}

grpc::Status StoreService::BackupStore(grpc::ServerContext* call,
                                       const v1::BackupStoreRequest* request,
                                       grpc::ServerWriter<v1::BackupStoreResponse>* writer) {
  const std::string name =
      request->name().empty() ? name_of_now(context_.parts.runtime) : request->name();
  if (!record::is_backup_name(name)) {
    return invalid("name '" + name.substr(0, kMaxName) +
                   "': use 1 to 64 letters, digits, '-', '_' or '.', beginning with a letter or "
                   "digit");
  }
  const Gate::Place place(context_.reads);
  if (!place) return too_many("reads of whole records", context_.reads);
  const std::string folder = context_.names.store + "/backups/" + name;
  using Begun = tl::expected<std::shared_ptr<record::StoreBackup>, record::StoreError>;
  const auto until = [] { return std::chrono::steady_clock::now() + std::chrono::seconds(10); };
  auto begun = on_record<std::shared_ptr<Begun>>(
      context_.parts.runtime, until(), context_.give_up(*call),
      [&store = context_.parts.store, folder] {
        return std::make_shared<Begun>(store.begin_backup(folder));
      });
  if (!begun) return no_answer(context_);
  if (!**begun) return {grpc::StatusCode::FAILED_PRECONDITION, (**begun).error().message};
  const HeldBackup held(context_.parts.runtime, std::move(***begun));
  begun.reset();
  Pace pace;
  using Stepped = tl::expected<record::StoreBackup::Progress, record::StoreError>;
  for (;;) {
    const auto stepped =
        on_record<Stepped>(context_.parts.runtime, until(), context_.give_up(*call),
                           [backup = held.get()] { return backup->step(); });
    if (!stepped) return no_answer(context_);
    if (!*stepped) {
      write_down(*call, "store_backed_up", "backups/" + name, stepped->error().message);
      return {grpc::StatusCode::UNAVAILABLE, stepped->error().message};
    }
    const record::StoreBackup::Progress& progress = **stepped;
    v1::BackupStoreResponse message;
    message.set_name(name);
    message.set_path(folder);
    message.set_pages_done(progress.pages_done);
    message.set_pages_total(progress.pages_total);
    message.set_done(progress.finished);
    if (progress.finished) {
      for (const auto& backup : record::list_backups(context_.names.store + "/backups")) {
        if (backup.name == name) message.set_bytes(backup.bytes);
      }
      write_down(*call, "store_backed_up", "backups/" + name, "");
      writer->Write(message);
      return grpc::Status::OK;
    }
    if (pace.due() && !writer->Write(message)) return grpc::Status::OK;
  }
}

}  // namespace medius::api
