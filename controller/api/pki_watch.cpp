#include "controller/api/pki_watch.hpp"

#include <algorithm>
#include <iterator>

#include "controller/access/authority.hpp"
#include "controller/record/audit_file.hpp"

namespace medius::api {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// In the first list and not in the second.
std::vector<std::string> without(std::vector<std::string> from, std::vector<std::string> those) {
  std::sort(from.begin(), from.end());
  std::sort(those.begin(), those.end());
  std::vector<std::string> out;
  std::set_difference(from.begin(), from.end(), those.begin(), those.end(),
                      std::back_inserter(out));
  return out;
}

std::string change_of(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  const std::vector<std::string> taken = without(now, before);
  const std::vector<std::string> given_back = without(before, now);
  std::string out;
  if (!taken.empty()) out = "revoked: " + joined(taken);
  if (!given_back.empty()) {
    out += (out.empty() ? "" : "; ") + std::string("no longer revoked: ") + joined(given_back);
  }
  return out;
}

}  // namespace

PkiWatch::PkiWatch(std::filesystem::path folder, std::shared_ptr<access::Doorkeeper> doorkeeper,
                   record::AuditSink& audit)
    : folder_(std::move(folder)), doorkeeper_(std::move(doorkeeper)), audit_(audit) {
  look();
  thread_ = std::thread([this] { run(); });
}

PkiWatch::~PkiWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void PkiWatch::run() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kLook, [this] { return stop_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

PkiWatch::Seen PkiWatch::read() const {
  Seen seen;
  seen.list = doorkeeper_->revoked_now();
  seen.log = record::audit_file_head(access::audit_log_file(folder_));
  const auto facts = access::server_facts(folder_);
  seen.certificate = facts ? facts->serial : facts.error();
  if (facts) seen.not_after = access::day_of(facts->not_after_unix_s);
  return seen;
}

void PkiWatch::note(record::AuditResult result, const char* action, const std::string& reason,
                    const Seen& seen) {
  record::AuditEvent event;
  event.kind = record::AuditKind::kAccess;
  event.result = result;
  event.who = event.role = "station";
  event.action = action;
  event.subject = folder_.string();
  event.reason = reason;
  event.details = {{"server_certificate", seen.certificate},
                   {"server_certificate_not_after", seen.not_after},
                   {"revoked", std::to_string(seen.list.serials.size())}};
  if (!seen.log.empty()) event.details.emplace_back("pki_log", seen.log);
  audit_.record(std::move(event));
}

void PkiWatch::look() {
  using record::AuditResult;
  Seen now = read();
  if (!seen_) {
    note(AuditResult::kNoted, "remote_door_opened", now.list.trouble, now);
  } else {
    if (const std::string change = change_of(seen_->list.serials, now.list.serials);
        !change.empty()) {
      note(AuditResult::kApplied, "revocation_list_changed", change, now);
    }
    if (!now.list.trouble.empty() && now.list.trouble != seen_->list.trouble) {
      note(AuditResult::kFailed, "revocation_list_changed",
           now.list.trouble + "; the last list holds", now);
    }
    if (now.certificate != seen_->certificate) {
      note(AuditResult::kNoted, "server_certificate_changed",
           "shown from the controller's next start on", now);
    }
    if (now.log != seen_->log) note(AuditResult::kNoted, "pki_log_changed", "", now);
  }
  seen_ = std::move(now);
}

}  // namespace medius::api
