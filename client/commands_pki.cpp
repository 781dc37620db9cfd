// medius pki: a station's authority and its certificates. Works on files; asks no controller. What
// it changes stands in the authority's own audit log (pki_log).
#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/commands.hpp"
#include "client/connection.hpp"
#include "client/pki_log.hpp"
#include "controller/access/authority.hpp"

namespace medius::client {
namespace {

using access::Authority;
using access::day_of;
using access::Peer;

nlohmann::json json_of(const Peer& peer) {
  return {{"name", peer.name},
          {"serial", peer.serial},
          {"not_before", day_of(peer.not_before_unix_s)},
          {"not_after", day_of(peer.not_after_unix_s)}};
}

// A folder's name out of a person's: letters, digits and dashes.
std::string folder_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "client" : out;
}

void say(const CommonOptions& common, const nlohmann::json& json, const std::string& sentence) {
  if (common.json) {
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}\n", sentence);
  }
}

record::AuditEvent row_of(const char* action, const std::string& subject) {
  record::AuditEvent event;
  event.result = record::AuditResult::kApplied;
  event.action = action;
  event.subject = subject;
  return event;
}

record::AuditEvent row_of(const char* action, const Peer& peer) {
  record::AuditEvent event = row_of(action, peer.name);
  event.details = {{"serial", peer.serial}, {"not_after", day_of(peer.not_after_unix_s)}};
  return event;
}

// What was asked for and not done stands in the log too, as far as it can be written.
int refuse(const PkiOptions& options, record::AuditEvent event, const std::string& why) {
  event.result = record::AuditResult::kRefused;
  event.reason = why;
  (void)write_pki_row(options.folder, std::move(event));
  return complain(why);
}

// True, or a complaint: what was done is in force, but nobody will find it in the log.
bool written(const PkiOptions& options, record::AuditEvent event) {
  const std::string what = event.action + " '" + event.subject + "'";
  const auto row = write_pki_row(options.folder, std::move(event));
  if (row) return true;
  (void)complain(what + " is done but not in the audit log: " + row.error());
  return false;
}

}  // namespace

int pki_init(const CommonOptions& common, const PkiOptions& options) {
  auto made = Authority::init(options.folder, options.name, options.hosts, std::time(nullptr));
  if (!made) return complain(made.error());
  record::AuditEvent event = row_of("authority_made", options.name);
  event.details = {{"hosts", fmt::format("{}", fmt::join(options.hosts, ", "))}};
  if (!written(options, std::move(event))) return kExitFailed;
  say(common, {{"folder", options.folder}, {"station", options.name}},
      fmt::format("{0}: authority of '{1}' made, with a server certificate for {2}\n"
                  "next: medius pki issue NAME --role trainer --dir {0}\n"
                  "then: mediusd ... --remote 0.0.0.0:50443 --tls {0}",
                  options.folder, options.name, fmt::join(options.hosts, ", ")));
  return kExitOk;
}

int pki_renew_server(const CommonOptions& common, const PkiOptions& options) {
  auto authority = Authority::open(options.folder);
  if (!authority) return complain(authority.error());
  const auto peer =
      authority->issue_server(options.name, options.hosts, options.days, std::time(nullptr));
  const char* const action = "server_certificate_issued";
  if (!peer) return refuse(options, row_of(action, options.name), peer.error());
  record::AuditEvent event = row_of(action, *peer);
  event.details.emplace_back("hosts", fmt::format("{}", fmt::join(options.hosts, ", ")));
  if (!written(options, std::move(event))) return kExitFailed;
  say(common, json_of(*peer),
      fmt::format("server certificate until {}; mediusd shows it from its next start on",
                  day_of(peer->not_after_unix_s)));
  return kExitOk;
}

int pki_issue(const CommonOptions& common, const PkiOptions& options) {
  auto authority = Authority::open(options.folder);
  if (!authority) return complain(authority.error());
  const auto role = access::role_from(options.role);
  if (!role) return complain("role '" + options.role + "' is unknown; --help names the roles");
  const std::string out = options.out.empty() ? folder_name(options.name) : options.out;
  const auto peer =
      authority->issue_person(options.name, *role, options.days, out, std::time(nullptr));
  const char* const action = "certificate_issued";
  if (!peer) return refuse(options, row_of(action, options.name), peer.error());
  record::AuditEvent event = row_of(action, *peer);
  event.details.emplace_back("role", options.role);
  event.details.emplace_back("folder", out);
  if (!written(options, std::move(event))) return kExitFailed;
  nlohmann::json json = json_of(*peer);
  json["role"] = options.role;
  json["folder"] = out;
  say(common, json,
      fmt::format("{}: certificate of '{}', {}, until {}\n"
                  "next: hand over the folder on a safe way, then: medius --address HOST:50443 "
                  "--tls {} status",
                  out, peer->name, options.role, day_of(peer->not_after_unix_s), out));
  return kExitOk;
}

int pki_revoke(const CommonOptions& common, const PkiOptions& options) {
  auto authority = Authority::open(options.folder);
  if (!authority) return complain(authority.error());
  const auto gone = authority->revoke(options.name, std::time(nullptr));
  const char* const action = "certificate_revoked";
  if (!gone) return refuse(options, row_of(action, options.name), gone.error());
  nlohmann::json json = nlohmann::json::array();
  std::string sentence;
  bool all_written = true;
  for (const Peer& peer : *gone) {
    all_written = written(options, row_of(action, peer)) && all_written;
    json.push_back(json_of(peer));
    sentence += fmt::format("{}'{}', serial {}: revoked", sentence.empty() ? "" : "\n", peer.name,
                            peer.serial);
  }
  say(common, {{"revoked", json}}, sentence);
  return all_written ? kExitOk : kExitFailed;
}

int pki_list(const CommonOptions& common, const PkiOptions& options) {
  auto authority = Authority::open(options.folder);
  if (!authority) return complain(authority.error());
  const auto all = authority->list(std::time(nullptr));
  if (!all) return complain(all.error());
  nlohmann::json json = nlohmann::json::array();
  std::string table =
      fmt::format("{:<28} {:<11} {:<14} {:<11} {}", "name", "role", "standing", "until", "serial");
  for (const access::Issued& each : *all) {
    const std::string role =
        each.is_server ? "server" : std::string(access::to_string(each.facts.role));
    nlohmann::json entry = json_of(each.facts);
    entry["role"] = role;
    entry["standing"] = access::to_string(each.standing);
    json.push_back(entry);
    table += fmt::format("\n{:<28} {:<11} {:<14} {:<11} {}", each.facts.name, role,
                         access::to_string(each.standing), day_of(each.facts.not_after_unix_s),
                         each.facts.serial);
  }
  say(common, {{"certificates", json}}, table);
  return kExitOk;
}

tl::expected<TlsFiles, std::string> read_tls(const std::string& folder) {
  const std::filesystem::path path(folder);
  const auto authority = access::read_small_file(path / "ca.crt");
  const auto certificate = access::read_small_file(path / "client.crt");
  const auto key = access::read_small_file(path / "client.key");
  for (const auto* file : {&authority, &certificate, &key}) {
    if (!*file) {
      return tl::unexpected(file->error() +
                            "; name the folder that 'medius pki issue' wrote, with ca.crt, "
                            "client.crt and client.key");
    }
  }
  return TlsFiles{*authority, *certificate, *key};
}

}  // namespace medius::client
