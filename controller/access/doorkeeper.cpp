#include "controller/access/doorkeeper.hpp"

#include <algorithm>

#include "controller/access/authority.hpp"

namespace medius::access {

Expected<std::unique_ptr<Doorkeeper>> Doorkeeper::open(const std::filesystem::path& folder) {
  const auto text = read_small_file(folder / "ca.crt");
  if (!text) {
    return tl::unexpected(text.error() + "; make an authority with 'medius pki init'");
  }
  auto authority = certificate_from_pem(*text);
  if (!authority) return tl::unexpected((folder / "ca.crt").string() + ": " + authority.error());
  std::unique_ptr<Doorkeeper> keeper(new Doorkeeper(folder / "crl.pem", std::move(*authority)));
  if (auto ok = keeper->read_list(); !ok) return tl::unexpected(ok.error());
  return keeper;
}

Expected<void> Doorkeeper::read_list() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(list_file_, error);
  const auto text = read_small_file(list_file_);
  if (!text) return tl::unexpected(text.error());
  const auto list = revocation_list_from_pem(*text);
  if (!list) return tl::unexpected(list_file_.string() + ": " + list.error());
  auto serials = revoked_serials(**list, *authority_);
  if (!serials) return tl::unexpected(list_file_.string() + ": " + serials.error());
  revoked_ = std::move(*serials);
  list_written_ = written;
  return {};
}

// A list that is being replaced or was spoilt leaves the last good one in force.
void Doorkeeper::look_again() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(list_file_, error);
  if (error) {
    list_trouble_ = list_file_.string() + ": cannot be read: " + error.message();
  } else if (written != list_written_) {
    const auto read = read_list();
    list_trouble_ = read ? "" : read.error();
  }
}

RevokedNow Doorkeeper::revoked_now() {
  const std::lock_guard lock(mutex_);
  look_again();
  return {revoked_, list_trouble_};
}

bool Doorkeeper::is_revoked(const std::string& serial) {
  const std::lock_guard lock(mutex_);
  look_again();
  return std::find(revoked_.begin(), revoked_.end(), serial) != revoked_.end();
}

Expected<Peer> Doorkeeper::still_valid(const std::string& certificate_pem,
                                       std::int64_t now_unix_s) {
  const auto certificate = certificate_from_pem(certificate_pem);
  if (!certificate) return tl::unexpected(certificate.error());
  auto peer = peer_of(**certificate);
  if (!peer) return peer;
  if (now_unix_s > peer->not_after_unix_s) {
    return tl::unexpected("certificate of '" + peer->name +
                          "' has ended; have a new one issued with 'medius pki issue'");
  }
  if (now_unix_s < peer->not_before_unix_s) {
    return tl::unexpected("certificate of '" + peer->name +
                          "' is not valid yet; look at the clocks of station and client");
  }
  if (is_revoked(peer->serial)) {
    return tl::unexpected("certificate of '" + peer->name +
                          "' was revoked; ask whoever keeps the station's authority");
  }
  return peer;
}

Admission Doorkeeper::admit(const std::string& certificate_pem, std::string_view method,
                            std::int64_t now_unix_s, double steady_s) {
  Admission out;
  const auto peer = still_valid(certificate_pem, now_unix_s);
  if (!peer) return {Denial::kUnknownPeer, peer.error()};
  const std::string who = "'" + peer->name + "', " + std::string(to_string(peer->role));
  const MethodRule* rule = find_rule(method);
  if (rule == nullptr || !rule->roles.has(peer->role)) {
    out.denial = Denial::kNotAllowed;
    out.why = who + ", may not call " + std::string(method.substr(0, 128)) +
              "; ask for a certificate with a role that may";
    return out;
  }
  if (!rates_.take(peer->serial, rule->rate, steady_s)) {
    out.denial = Denial::kTooOften;
    out.why = who + ", calls too often (limit " +
              std::to_string(static_cast<int>(bucket_of(rule->rate).per_second)) +
              " a second); wait and try again";
  }
  return out;
}

}  // namespace medius::access
