// A station's authority as a directory: who may talk to the station from afar, and who no longer.
//   ca.crt ca.key       the authority; the key may be kept elsewhere, the daemon never reads it
//   server.crt .key     what the daemon shows
//   crl.pem             certificates that were taken back, signed by the authority
//   issued/SERIAL.crt   everything that was issued, for 'list' and 'revoke'
//   audit.log .head     what 'medius pki' did and refused, in rows of the station's audit log
// Keys are written with mode 0600; a file appears whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "controller/access/certificate.hpp"

namespace medius::access {

enum class Standing : std::uint8_t { kValid, kEndsSoon, kEnded, kNotYet, kRevoked };
[[nodiscard]] const char* to_string(Standing standing) noexcept;

// From so many days before its end a certificate is warned of.
inline constexpr std::int64_t kWarnDays = 30;

struct Issued {
  Peer facts;
  bool is_server = false;
  Standing standing = Standing::kValid;
};

class Authority {
 public:
  // [any] A new authority with a server certificate for `hosts`. Refused when there is one already.
  static Expected<Authority> init(const std::filesystem::path& folder, const std::string& station,
                                  const std::vector<std::string>& hosts, std::int64_t now_unix_s);
  static Expected<Authority> open(const std::filesystem::path& folder);

  // [any] A person's certificate, written with its key and ca.crt into the folder `out`.
  Expected<Peer> issue_person(const std::string& name, Role role, int days,
                              const std::filesystem::path& out, std::int64_t now_unix_s);
  // [any] A new server.crt and server.key; the daemon shows it from its next start on.
  Expected<Peer> issue_server(const std::string& name, const std::vector<std::string>& hosts,
                              int days, std::int64_t now_unix_s);
  // [any] By serial number, or everything valid of a name. Running daemons notice within seconds.
  Expected<std::vector<Peer>> revoke(const std::string& name_or_serial, std::int64_t now_unix_s);
  [[nodiscard]] Expected<std::vector<Issued>> list(std::int64_t now_unix_s) const;

 private:
  Authority(std::filesystem::path folder, Identity identity)
      : folder_(std::move(folder)), identity_(std::move(identity)) {}
  Expected<Peer> keep(const Identity& made, const std::filesystem::path& certificate,
                      const std::filesystem::path& key);
  [[nodiscard]] Expected<std::vector<std::string>> revoked() const;
  Expected<void> write_list(const std::vector<std::string>& serials, std::int64_t now_unix_s);

  std::filesystem::path folder_;
  Identity identity_;
};

// [any] What the server's certificate says; the sentence names the file.
[[nodiscard]] Expected<Peer> server_facts(const std::filesystem::path& folder);

// [any] Where the authority's own audit log is.
[[nodiscard]] std::filesystem::path audit_log_file(const std::filesystem::path& folder);

// [any] A file's text, or a sentence; nothing of ours is larger than 1 MiB.
[[nodiscard]] Expected<std::string> read_small_file(const std::filesystem::path& file);

}  // namespace medius::access
