#include "controller/record/audit.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include "controller/base/clamp.hpp"

namespace medius::record {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDomain = "medius-audit-1";

constexpr std::array<const char*, 10> kKindWords{"unknown",     "order",   "access", "store",
                                                 "maintenance", "session", "fault",  "progression",
                                                 "person",      "lease"};
constexpr std::array<const char*, 6> kResultWords{"unknown", "noted",   "accepted",
                                                  "applied", "refused", "failed"};

// A cut within a character is mended by the encoder, which replaces what is not UTF-8.
std::string cut(const std::string& text) {
  return text.substr(0, kAuditTextMax);
}

void put(Json& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = cut(text);
}

void put(Json& out, const char* key, const std::optional<double>& value) {
  if (value) out[key] = is_finite(*value) ? Json(*value) : Json(nullptr);
}

std::string text_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> number_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

const char* to_string(AuditKind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKindWords.size() ? kKindWords[index] : kKindWords[0];
}

const char* to_string(AuditResult result) noexcept {
  const auto index = static_cast<std::size_t>(result);
  return index < kResultWords.size() ? kResultWords[index] : kResultWords[0];
}

std::optional<AuditKind> audit_kind_of(std::string_view word) noexcept {
  for (std::size_t i = 1; i < kKindWords.size(); ++i) {
    if (word == kKindWords[i]) return static_cast<AuditKind>(i);
  }
  return std::nullopt;
}

std::string encode_audit(const AuditEvent& event) {
  Json out = {{"at_unix_ns", event.unix_ns},
              {"kind", to_string(event.kind)},
              {"result", to_string(event.result)}};
  put(out, "who", event.who);
  put(out, "role", event.role);
  put(out, "action", event.action);
  put(out, "subject", event.subject);
  put(out, "request_id", event.request_id);
  put(out, "unit", event.unit);
  put(out, "requested", event.requested);
  put(out, "accepted", event.accepted);
  put(out, "applied", event.applied);
  put(out, "read_back", event.read_back);
  if (event.tick != 0) out["tick"] = event.tick;
  put(out, "reason", event.reason);
  if (!event.details.empty()) {
    Json details = Json::object();
    for (const auto& [key, value] : event.details) {
      if (details.size() < kAuditDetailsMax) details[cut(key)] = cut(value);
    }
    out["details"] = std::move(details);
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<AuditEvent> decode_audit(std::string_view payload) {
  const Json row = Json::parse(payload, nullptr, false);
  if (!row.is_object()) return std::nullopt;
  const auto kind = audit_kind_of(text_of(row, "kind"));
  const std::string result = text_of(row, "result");
  const auto word = std::find(kResultWords.begin() + 1, kResultWords.end(), result);
  if (!kind || word == kResultWords.end()) return std::nullopt;
  AuditEvent event;
  event.kind = *kind;
  event.result = static_cast<AuditResult>(word - kResultWords.begin());
  if (const auto at = row.find("at_unix_ns"); at != row.end() && at->is_number_integer()) {
    event.unix_ns = at->get<std::int64_t>();
  }
  event.who = text_of(row, "who");
  event.role = text_of(row, "role");
  event.action = text_of(row, "action");
  event.subject = text_of(row, "subject");
  event.request_id = text_of(row, "request_id");
  event.unit = text_of(row, "unit");
  event.requested = number_of(row, "requested");
  event.accepted = number_of(row, "accepted");
  event.applied = number_of(row, "applied");
  event.read_back = number_of(row, "read_back");
  if (const auto tick = row.find("tick"); tick != row.end() && tick->is_number_unsigned()) {
    event.tick = tick->get<std::uint64_t>();
  }
  event.reason = text_of(row, "reason");
  if (const auto details = row.find("details"); details != row.end() && details->is_object()) {
    for (const auto& [key, value] : details->items()) {
      if (value.is_string()) event.details.emplace_back(key, value.get<std::string>());
    }
  }
  return event;
}

Sha256 audit_hash(const Sha256& before, std::uint64_t sequence, std::string_view payload) {
  std::string bytes(kDomain);
  bytes.append(before.begin(), before.end());
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(static_cast<std::uint8_t>(sequence >> shift));
  }
  bytes += payload;
  Sha256 hash{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return hash;
}

std::string hex(const Sha256& hash) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::optional<Sha256> sha256_from_hex(std::string_view text) {
  Sha256 hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return hash;
}

std::string head_text(const AuditHead& head) {
  return std::to_string(head.sequence) + ":" + hex(head.hash);
}

std::optional<std::uint64_t> sequence_from_text(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && stop == text.data() + text.size() && value != 0;
  return whole ? std::optional(value) : std::nullopt;
}

std::optional<AuditHead> head_from_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto sequence = sequence_from_text(text.substr(0, colon));
  const auto hash = sha256_from_hex(text.substr(colon + 1));
  if (!sequence || !hash) return std::nullopt;
  return AuditHead{*sequence, *hash};
}

void AuditVerifier::take(const AuditRow& row) {
  ++rows_;
  const auto found = [this](std::uint64_t first, std::uint64_t last, const std::string& what) {
    findings_.push_back({first, last, what});
  };
  const std::string name = "audit row " + std::to_string(row.sequence);
  if (row.sequence != head_.sequence + 1) {
    found(head_.sequence + 1, row.sequence - 1,
          "audit rows " + std::to_string(head_.sequence + 1) + " to " +
              std::to_string(row.sequence - 1) + " are missing; look for them in a backup");
  } else if (row.before != head_.hash && !(rows_ == 1 && first_is_believed_)) {
    found(
        row.sequence, row.sequence,
        name + " was not written after the row that stands before it; compare both with a backup");
  }
  if (audit_hash(row.before, row.sequence, row.payload) != row.hash) {
    found(row.sequence, row.sequence,
          name + " is not what was written: its hash does not fit; compare it with a backup");
  } else if (!decode_audit(row.payload)) {
    found(row.sequence, row.sequence,
          name + " is of a kind that this program does not know; a newer one wrote it");
  }
  for (const AuditHead& known : expected_) {
    if (known.sequence == row.sequence && known.hash != row.hash) {
      found(
          row.sequence, row.sequence,
          name + " has another hash than the one that was noted; rows up to it were written anew");
    }
  }
  // What follows is judged by what stands there, so that each place is named once.
  head_ = {row.sequence, row.hash};
}

std::vector<AuditFinding> AuditVerifier::finish() {
  std::uint64_t newest = 0;
  for (const AuditHead& known : expected_) newest = std::max(newest, known.sequence);
  if (newest > head_.sequence) {
    findings_.push_back({head_.sequence + 1, newest,
                         "audit rows " + std::to_string(head_.sequence + 1) + " to " +
                             std::to_string(newest) +
                             " were acknowledged and are missing at the end; look for them in a "
                             "backup"});
  }
  return std::move(findings_);
}

}  // namespace medius::record
