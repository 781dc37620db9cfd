#include "controller/access/certificate.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace medius::access {
namespace {

constexpr std::string_view kRolePrefix = "urn:medius:role:";
constexpr std::size_t kMaxName = 64;  // ub-common-name of RFC 5280
constexpr int kSerialBits = 127;      // at least 64 random ones, positive, in 20 octets
constexpr std::int64_t kListYears = 10;
constexpr std::int64_t kYearS = 365 * 86400;

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
  // Integers and times are one type of OpenSSL's.
  void operator()(ASN1_STRING* value) const noexcept { ASN1_STRING_free(value); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
  void operator()(X509_REVOKED* entry) const noexcept { X509_REVOKED_free(entry); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

tl::unexpected<std::string> openssl_error(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return tl::unexpected(what + ": " + text.data());
}

Expected<void> check_name(const std::string& name) {
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (name.empty() || name.size() > kMaxName || !printable) {
    return tl::unexpected("name '" + name.substr(0, kMaxName) + "' has " +
                          std::to_string(name.size()) +
                          " characters; write 1 to 64 printable ASCII ones");
  }
  return {};
}

Expected<void> check_host(const std::string& host) {
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':';
  });
  if (host.empty() || host.size() > 253 || !plain) {
    return tl::unexpected("host '" + host.substr(0, 64) +
                          "' is neither a name nor an address; write for example "
                          "station-1.gym.example or 192.168.1.20");
  }
  return {};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

Owned<ASN1_TIME> asn1_time(std::int64_t unix_s) {
  return Owned<ASN1_TIME>(ASN1_TIME_set(nullptr, static_cast<std::time_t>(unix_s)));
}

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts));
}

std::string hex_of(const ASN1_INTEGER* serial) {
  const Owned<BIGNUM> number(ASN1_INTEGER_to_BN(serial, nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out = text != nullptr ? text : "";
  OPENSSL_free(text);
  return out;
}

Owned<ASN1_INTEGER> serial_of(const std::string& hex) {
  BIGNUM* parsed = nullptr;
  if (BN_hex2bn(&parsed, hex.c_str()) == 0) return nullptr;
  const Owned<BIGNUM> number(parsed);
  return Owned<ASN1_INTEGER>(BN_to_ASN1_INTEGER(number.get(), nullptr));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternative_names(const CertificateRequest& request) {
  if (request.hosts.empty()) {
    return "URI:" + std::string(kRolePrefix) + std::string(to_string(request.role));
  }
  std::string names;
  for (const std::string& host : request.hosts) {
    if (!names.empty()) names += ",";
    names += (is_address(host) ? "IP:" : "DNS:") + host;
  }
  return names;
}

bool set_random_serial(X509* certificate) {
  const Owned<BIGNUM> number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Everything that all three kinds of certificate share.
Expected<Identity> blank(const CertificateRequest& request) {
  if (auto ok = check_name(request.name); !ok) return tl::unexpected(ok.error());
  for (const std::string& host : request.hosts) {
    if (auto ok = check_host(host); !ok) return tl::unexpected(ok.error());
  }
  if (request.not_after_unix_s <= request.not_before_unix_s) {
    return tl::unexpected("certificate of '" + request.name +
                          "' would end before it begins; give it at least a day");
  }
  Identity out{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  X509* certificate = out.certificate.get();
  if (certificate == nullptr || !out.key) return openssl_error("a key on P-256 cannot be made");
  const auto begins = asn1_time(request.not_before_unix_s);
  const auto ends = asn1_time(request.not_after_unix_s);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(request.name.c_str());
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_random_serial(certificate) ||
      X509_set1_notBefore(certificate, begins.get()) != 1 ||
      X509_set1_notAfter(certificate, ends.get()) != 1 ||
      X509_set_pubkey(certificate, out.key.get()) != 1 ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) != 1) {
    return openssl_error("certificate of '" + request.name + "' cannot be filled in");
  }
  return out;
}

Expected<Identity> sign(Identity subject, X509* issuer, EVP_PKEY* key, const std::string& name) {
  X509* certificate = subject.certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      X509_sign(certificate, key, EVP_sha256()) == 0) {
    return openssl_error("certificate of '" + name + "' cannot be signed");
  }
  return subject;
}

std::string common_name(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

Owned<BIO> bio_of(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

void OpenSslFree::operator()(X509* certificate) const noexcept {
  X509_free(certificate);
}
void OpenSslFree::operator()(EVP_PKEY* key) const noexcept {
  EVP_PKEY_free(key);
}
void OpenSslFree::operator()(X509_CRL* list) const noexcept {
  X509_CRL_free(list);
}

Expected<Identity> make_authority(const CertificateRequest& request) {
  auto made = blank(request);
  if (!made) return made;
  X509* certificate = made->certificate.get();
  EVP_PKEY* key = made->key.get();
  if (!add_extension(certificate, certificate, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash")) {
    return openssl_error("authority '" + request.name + "' cannot be described");
  }
  return sign(std::move(*made), certificate, key, request.name);
}

Expected<Identity> issue(const Identity& authority, const CertificateRequest& request) {
  auto made = blank(request);
  if (!made) return made;
  X509* certificate = made->certificate.get();
  X509* issuer = authority.certificate.get();
  const char* use = request.hosts.empty() ? "clientAuth" : "serverAuth";
  if (!add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, issuer, NID_ext_key_usage, use) ||
      !add_extension(certificate, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") ||
      !add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(request))) {
    return openssl_error("certificate of '" + request.name + "' cannot be described");
  }
  return sign(std::move(*made), issuer, authority.key.get(), request.name);
}

Peer facts_of(const X509& certificate) {
  Peer peer;
  peer.name = common_name(certificate);
  peer.serial = hex_of(X509_get0_serialNumber(&certificate));
  peer.not_before_unix_s = unix_time(X509_get0_notBefore(&certificate));
  peer.not_after_unix_s = unix_time(X509_get0_notAfter(&certificate));
  return peer;
}

std::string day_of(std::int64_t unix_s) {
  const auto when = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  char text[16] = "";
  if (gmtime_r(&when, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

Expected<Peer> peer_of(const X509& certificate) {
  Peer peer = facts_of(certificate);
  if (auto ok = check_name(peer.name); !ok) return tl::unexpected("certificate's " + ok.error());
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  int found = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<std::size_t>(ASN1_STRING_length(uri)));
    if (!text.starts_with(kRolePrefix)) continue;
    const auto role = role_from(text.substr(kRolePrefix.size()));
    if (!role) return tl::unexpected("certificate of '" + peer.name + "' names an unknown role");
    peer.role = *role;
    ++found;
  }
  if (found == 1) return peer;
  return tl::unexpected("certificate of '" + peer.name + "' names " + std::to_string(found) +
                        " roles, one is needed; issue it with 'medius pki issue --role'");
}

Expected<RevocationList> make_revocation_list(const Identity& authority,
                                              const std::vector<std::string>& serials,
                                              std::int64_t now_unix_s) {
  RevocationList list(X509_CRL_new());
  const auto now = asn1_time(now_unix_s);
  const auto next = asn1_time(now_unix_s + kListYears * kYearS);
  X509_NAME* issuer = X509_get_subject_name(authority.certificate.get());
  if (!list || X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(list.get(), issuer) != 1 ||
      X509_CRL_set1_lastUpdate(list.get(), now.get()) != 1 ||
      X509_CRL_set1_nextUpdate(list.get(), next.get()) != 1) {
    return openssl_error("revocation list cannot be filled in");
  }
  for (const std::string& serial : serials) {
    Owned<X509_REVOKED> entry(X509_REVOKED_new());
    const auto number = serial_of(serial);
    if (!entry || !number || X509_REVOKED_set_serialNumber(entry.get(), number.get()) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), now.get()) != 1 ||
        X509_CRL_add0_revoked(list.get(), entry.get()) != 1) {
      return openssl_error("serial " + serial + " cannot be revoked");
    }
    (void)entry.release();  // now the list's
  }
  X509_CRL_sort(list.get());
  if (X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) == 0) {
    return openssl_error("revocation list cannot be signed");
  }
  return list;
}

Expected<std::vector<std::string>> revoked_serials(X509_CRL& list, X509& authority) {
  if (X509_CRL_verify(&list, X509_get0_pubkey(&authority)) != 1) {
    ERR_clear_error();
    return tl::unexpected(std::string(
        "revocation list is not signed by this station's authority; restore crl.pem from a "
        "backup"));
  }
  std::vector<std::string> serials;
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(&list);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    serials.push_back(hex_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))));
  }
  return serials;
}

std::string to_pem(const X509& certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), &certificate);
  return text_of(bio.get());
}

std::string to_pem(const EVP_PKEY& key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

std::string to_pem(const X509_CRL& list) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(bio.get(), &list);
  return text_of(bio.get());
}

Expected<Certificate> certificate_from_pem(const std::string& pem) {
  Certificate out(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
  if (!out) return openssl_error("no certificate in PEM form");
  return out;
}

Expected<Key> key_from_pem(const std::string& pem) {
  Key out(PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, nullptr, nullptr));
  if (!out) return openssl_error("no private key in PEM form");
  return out;
}

Expected<RevocationList> revocation_list_from_pem(const std::string& pem) {
  RevocationList out(PEM_read_bio_X509_CRL(bio_of(pem).get(), nullptr, nullptr, nullptr));
  if (!out) return openssl_error("no revocation list in PEM form");
  return out;
}

}  // namespace medius::access
