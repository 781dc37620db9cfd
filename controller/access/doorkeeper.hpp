// Decides each call of a peer with a certificate: is it still valid, may its role call the method,
// does it call too often. Default is no.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "controller/access/certificate.hpp"
#include "controller/access/method_table.hpp"
#include "controller/access/token_bucket.hpp"

namespace medius::access {

enum class Denial : std::uint8_t { kNone, kUnknownPeer, kNotAllowed, kTooOften };

struct Admission {
  Denial denial = Denial::kNone;
  std::string why;  // a sentence, when denied
};

// The list of what was taken back, as it is in force.
struct RevokedNow {
  std::vector<std::string> serials;
  std::string trouble;  // a sentence: the file as it is now cannot be used, the last list holds
};

// [any thread]
class Doorkeeper {
 public:
  // `folder` is an authority's; only ca.crt and crl.pem are read. The list is looked at again
  // whenever its file has changed; one that cannot be read or is not signed leaves the last in
  // force.
  static Expected<std::unique_ptr<Doorkeeper>> open(const std::filesystem::path& folder);

  // [any] `certificate_pem` has been verified against ca.crt by TLS. Times: unix and any steady
  // clock's seconds.
  [[nodiscard]] Admission admit(const std::string& certificate_pem, std::string_view method,
                                std::int64_t now_unix_s, double steady_s);
  // [any] For calls that last: a sentence once the certificate has ended or was revoked.
  [[nodiscard]] Expected<Peer> still_valid(const std::string& certificate_pem,
                                           std::int64_t now_unix_s);
  // [any] Looks at the file again, as before each decision.
  [[nodiscard]] RevokedNow revoked_now();

 private:
  Doorkeeper(std::filesystem::path list_file, Certificate authority)
      : list_file_(std::move(list_file)), authority_(std::move(authority)) {}
  [[nodiscard]] Expected<void> read_list();
  void look_again();  // under the lock
  [[nodiscard]] bool is_revoked(const std::string& serial);

  const std::filesystem::path list_file_;
  const Certificate authority_;
  std::mutex mutex_;
  std::filesystem::file_time_type list_written_{};
  std::vector<std::string> revoked_;
  std::string list_trouble_;
  PeerRates rates_;
};

}  // namespace medius::access
