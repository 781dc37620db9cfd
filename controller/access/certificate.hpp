// Certificates of a station's own authority: keys on the curve P-256, signatures with SHA-256, the
// role in the subject's alternative name as urn:medius:role:ROLE (RFC 5280).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>
#include <tl/expected.hpp>

#include "controller/access/role.hpp"

namespace medius::access {

struct OpenSslFree {
  void operator()(X509* certificate) const noexcept;
  void operator()(EVP_PKEY* key) const noexcept;
  void operator()(X509_CRL* list) const noexcept;
};
using Certificate = std::unique_ptr<X509, OpenSslFree>;
using Key = std::unique_ptr<EVP_PKEY, OpenSslFree>;
using RevocationList = std::unique_ptr<X509_CRL, OpenSslFree>;

template <typename T>
using Expected = tl::expected<T, std::string>;  // the error is a sentence

struct Identity {
  Certificate certificate;
  Key key;
};

// What to write into a new certificate.
struct CertificateRequest {
  std::string name;                // common name, 1-64 printable characters
  std::vector<std::string> hosts;  // names and addresses of a server; empty for a person
  Role role = Role::kObserver;     // of a person
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
};

// [any] An authority that signs itself.
[[nodiscard]] Expected<Identity> make_authority(const CertificateRequest& request);
// [any] A server's certificate (with hosts) or a person's (without), signed by the authority.
[[nodiscard]] Expected<Identity> issue(const Identity& authority,
                                       const CertificateRequest& request);

// [any] What a person's certificate says of them.
struct Peer {
  std::string name;
  Role role = Role::kObserver;
  std::string serial;  // hexadecimal
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
};
// [any] A sentence when a name or exactly one role is missing.
[[nodiscard]] Expected<Peer> peer_of(const X509& certificate);
// [any] Common name, serial number and dates of any certificate.
[[nodiscard]] Peer facts_of(const X509& certificate);

// [any] The day of a time, UTC: 2026-11-23.
[[nodiscard]] std::string day_of(std::int64_t unix_s);

// [any] The list of `serials` that are no longer valid, signed by the authority.
[[nodiscard]] Expected<RevocationList> make_revocation_list(const Identity& authority,
                                                            const std::vector<std::string>& serials,
                                                            std::int64_t now_unix_s);
// [any] Serials on the list, or a sentence when the authority did not sign it.
[[nodiscard]] Expected<std::vector<std::string>> revoked_serials(X509_CRL& list, X509& authority);

[[nodiscard]] std::string to_pem(const X509& certificate);
[[nodiscard]] std::string to_pem(const EVP_PKEY& key);
[[nodiscard]] std::string to_pem(const X509_CRL& list);
[[nodiscard]] Expected<Certificate> certificate_from_pem(const std::string& pem);
[[nodiscard]] Expected<Key> key_from_pem(const std::string& pem);
[[nodiscard]] Expected<RevocationList> revocation_list_from_pem(const std::string& pem);

}  // namespace medius::access
