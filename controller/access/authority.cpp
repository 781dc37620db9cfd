#include "controller/access/authority.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace medius::access {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDayS = 86400;
constexpr int kAuthorityDays = 3650;
constexpr int kServerDays = 825;  // as long as common clients accept a server's
constexpr int kMaxDays = 3650;
// Clocks of a gym's tablets differ: what is issued now is valid on them too.
constexpr std::int64_t kClockSlackS = 3600;
constexpr mode_t kSecretMode = 0600;
constexpr mode_t kOpenMode = 0644;
constexpr std::uintmax_t kMaxFileBytes = 1 << 20;

tl::unexpected<std::string> failed(const fs::path& path, const std::string& what) {
  return tl::unexpected(path.string() + ": " + what + ": " + std::strerror(errno));
}

Expected<void> make_folder(const fs::path& folder, mode_t mode) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  if (!folder.parent_path().empty()) fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), mode) != 0) return failed(folder, "cannot be created");
  return {};
}

// Beside the file, synced, then renamed over it.
Expected<void> write_file(const fs::path& file, const std::string& text, mode_t mode) {
  const fs::path next = file.string() + ".new";
  ::unlink(next.c_str());
  const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return failed(next, "cannot be written");
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fsync(fd) == 0;
  ::close(fd);
  if (!whole || ::rename(next.c_str(), file.c_str()) != 0) return failed(file, "cannot be written");
  return {};
}

Expected<void> check_days(int days) {
  if (days >= 1 && days <= kMaxDays) return {};
  return tl::unexpected("days " + std::to_string(days) + " is not within 1 to " +
                        std::to_string(kMaxDays) + "; 365 is usual");
}

CertificateRequest request_for(const std::string& name, int days, std::int64_t now_unix_s) {
  CertificateRequest request;
  request.name = name;
  request.not_before_unix_s = now_unix_s - kClockSlackS;
  request.not_after_unix_s = now_unix_s + days * kDayS;
  return request;
}

bool is_for_servers(X509* certificate) {
  return (X509_get_extended_key_usage(certificate) & XKU_SSL_SERVER) != 0;
}

Standing standing_of(const Peer& facts, bool revoked, std::int64_t now_unix_s) {
  if (revoked) return Standing::kRevoked;
  if (now_unix_s > facts.not_after_unix_s) return Standing::kEnded;
  if (now_unix_s < facts.not_before_unix_s) return Standing::kNotYet;
  const bool soon = facts.not_after_unix_s - now_unix_s < kWarnDays * kDayS;
  return soon ? Standing::kEndsSoon : Standing::kValid;
}

}  // namespace

const char* to_string(Standing standing) noexcept {
  switch (standing) {
    case Standing::kValid:
      return "valid";
    case Standing::kEndsSoon:
      return "ends soon";
    case Standing::kEnded:
      return "ended";
    case Standing::kNotYet:
      return "not yet valid";
    case Standing::kRevoked:
      return "revoked";
  }
  return "unknown";
}

Expected<Peer> server_facts(const fs::path& folder) {
  const fs::path file = folder / "server.crt";
  const auto text = read_small_file(file);
  if (!text) return tl::unexpected(text.error());
  const auto certificate = certificate_from_pem(*text);
  if (!certificate) return tl::unexpected(file.string() + ": " + certificate.error());
  return facts_of(**certificate);
}

fs::path audit_log_file(const fs::path& folder) {
  return folder / "audit.log";
}

Expected<std::string> read_small_file(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error) return tl::unexpected(file.string() + ": cannot be read: " + error.message());
  if (size > kMaxFileBytes) {
    return tl::unexpected(file.string() + ": has " + std::to_string(size) +
                          " bytes, more than any certificate file; name another");
  }
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) return tl::unexpected(file.string() + ": cannot be read; look at its mode");
  return text;
}

Expected<Authority> Authority::init(const fs::path& folder, const std::string& station,
                                    const std::vector<std::string>& hosts,
                                    std::int64_t now_unix_s) {
  std::error_code error;
  if (fs::exists(folder / "ca.key", error) || fs::exists(folder / "ca.crt", error)) {
    return tl::unexpected(folder.string() +
                          ": holds an authority already, and a new one would shut everybody out; "
                          "name another folder or move this one away");
  }
  if (hosts.empty()) {
    return tl::unexpected(
        std::string("no host: name with --host what clients will write as the station's address"));
  }
  const CertificateRequest request = request_for(station, kAuthorityDays, now_unix_s);
  auto made = make_authority(request);
  if (!made) return tl::unexpected(made.error());
  // Everything that can be refused is refused before the first file is written.
  CertificateRequest probe = request;
  probe.hosts = hosts;
  if (auto server = issue(*made, probe); !server) return tl::unexpected(server.error());
  for (const fs::path& each : {folder, folder / "issued"}) {
    if (auto ok = make_folder(each, 0750); !ok) return tl::unexpected(ok.error());
  }
  Authority authority(folder, std::move(*made));
  if (auto ok = authority.write_list({}, now_unix_s); !ok) return tl::unexpected(ok.error());
  if (auto ok = authority.issue_server(station, hosts, kServerDays, now_unix_s); !ok) {
    return tl::unexpected(ok.error());
  }
  const Identity& own = authority.identity_;
  if (auto ok = write_file(folder / "ca.key", to_pem(*own.key), kSecretMode); !ok) {
    return tl::unexpected(ok.error());
  }
  if (auto ok = write_file(folder / "ca.crt", to_pem(*own.certificate), kOpenMode); !ok) {
    return tl::unexpected(ok.error());
  }
  return authority;
}

Expected<Authority> Authority::open(const fs::path& folder) {
  const auto certificate = read_small_file(folder / "ca.crt");
  if (!certificate) {
    return tl::unexpected(certificate.error() + "; make an authority with 'medius pki init'");
  }
  const auto key = read_small_file(folder / "ca.key");
  if (!key) return tl::unexpected(key.error());
  Identity identity;
  auto read = certificate_from_pem(*certificate);
  if (!read) return tl::unexpected((folder / "ca.crt").string() + ": " + read.error());
  auto secret = key_from_pem(*key);
  if (!secret) return tl::unexpected((folder / "ca.key").string() + ": " + secret.error());
  if (X509_check_private_key(read->get(), secret->get()) != 1) {
    return tl::unexpected(folder.string() + ": ca.key is not the key of ca.crt; restore both");
  }
  return Authority(folder, {std::move(*read), std::move(*secret)});
}

Expected<Peer> Authority::keep(const Identity& made, const fs::path& certificate,
                               const fs::path& key) {
  const Peer facts = facts_of(*made.certificate);
  const std::string pem = to_pem(*made.certificate);
  if (auto ok = write_file(folder_ / "issued" / (facts.serial + ".crt"), pem, kOpenMode); !ok) {
    return tl::unexpected(ok.error());
  }
  if (auto ok = write_file(key, to_pem(*made.key), kSecretMode); !ok) {
    return tl::unexpected(ok.error());
  }
  if (auto ok = write_file(certificate, pem, kOpenMode); !ok) return tl::unexpected(ok.error());
  return facts;
}

Expected<Peer> Authority::issue_person(const std::string& name, Role role, int days,
                                       const fs::path& out, std::int64_t now_unix_s) {
  if (auto ok = check_days(days); !ok) return tl::unexpected(ok.error());
  CertificateRequest request = request_for(name, days, now_unix_s);
  request.role = role;
  const auto made = issue(identity_, request);
  if (!made) return tl::unexpected(made.error());
  std::error_code error;
  if (fs::exists(out / "client.key", error)) {
    return tl::unexpected(out.string() +
                          ": holds a client.key already; name another folder with --out");
  }
  if (auto ok = make_folder(out, 0700); !ok) return tl::unexpected(ok.error());
  if (auto ok = write_file(out / "ca.crt", to_pem(*identity_.certificate), kOpenMode); !ok) {
    return tl::unexpected(ok.error());
  }
  return keep(*made, out / "client.crt", out / "client.key");
}

Expected<Peer> Authority::issue_server(const std::string& name,
                                       const std::vector<std::string>& hosts, int days,
                                       std::int64_t now_unix_s) {
  if (auto ok = check_days(days); !ok) return tl::unexpected(ok.error());
  CertificateRequest request = request_for(name, days, now_unix_s);
  request.hosts = hosts;
  const auto made = issue(identity_, request);
  if (!made) return tl::unexpected(made.error());
  return keep(*made, folder_ / "server.crt", folder_ / "server.key");
}

Expected<std::vector<std::string>> Authority::revoked() const {
  const auto text = read_small_file(folder_ / "crl.pem");
  if (!text) return tl::unexpected(text.error());
  const auto list = revocation_list_from_pem(*text);
  if (!list) return tl::unexpected((folder_ / "crl.pem").string() + ": " + list.error());
  return revoked_serials(**list, *identity_.certificate);
}

Expected<void> Authority::write_list(const std::vector<std::string>& serials,
                                     std::int64_t now_unix_s) {
  const auto list = make_revocation_list(identity_, serials, now_unix_s);
  if (!list) return tl::unexpected(list.error());
  return write_file(folder_ / "crl.pem", to_pem(**list), kOpenMode);
}

Expected<std::vector<Peer>> Authority::revoke(const std::string& name_or_serial,
                                              std::int64_t now_unix_s) {
  const auto all = list(now_unix_s);
  if (!all) return tl::unexpected(all.error());
  auto serials = revoked();
  if (!serials) return tl::unexpected(serials.error());
  std::vector<Peer> taken_back;
  for (const Issued& each : *all) {
    const bool meant = each.facts.serial == name_or_serial || each.facts.name == name_or_serial;
    if (!meant || each.is_server || each.standing == Standing::kRevoked) continue;
    serials->push_back(each.facts.serial);
    taken_back.push_back(each.facts);
  }
  if (taken_back.empty()) {
    return tl::unexpected("'" + name_or_serial +
                          "' is no name or serial number of a person's certificate that could be "
                          "revoked; 'medius pki list' names them");
  }
  if (auto ok = write_list(*serials, now_unix_s); !ok) return tl::unexpected(ok.error());
  return taken_back;
}

Expected<std::vector<Issued>> Authority::list(std::int64_t now_unix_s) const {
  const auto serials = revoked();
  if (!serials) return tl::unexpected(serials.error());
  std::vector<Issued> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ / "issued", error)) {
    if (entry.path().extension() != ".crt") continue;
    const auto text = read_small_file(entry.path());
    if (!text) return tl::unexpected(text.error());
    const auto certificate = certificate_from_pem(*text);
    if (!certificate) {
      return tl::unexpected(entry.path().string() + ": " + certificate.error() +
                            "; restore it from a backup");
    }
    Issued issued;
    issued.is_server = is_for_servers(certificate->get());
    issued.facts = facts_of(**certificate);
    if (const auto peer = peer_of(**certificate); peer) issued.facts = *peer;
    const bool gone =
        std::find(serials->begin(), serials->end(), issued.facts.serial) != serials->end();
    issued.standing = standing_of(issued.facts, gone, now_unix_s);
    out.push_back(std::move(issued));
  }
  std::sort(out.begin(), out.end(), [](const Issued& a, const Issued& b) {
    return std::tie(a.facts.name, a.facts.not_after_unix_s, a.facts.serial) <
           std::tie(b.facts.name, b.facts.not_after_unix_s, b.facts.serial);
  });
  return out;
}

}  // namespace medius::access
