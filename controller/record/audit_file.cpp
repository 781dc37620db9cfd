#include "controller/record/audit_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace medius::record {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHexChars = 64;
constexpr mode_t kMode = 0640;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

fs::path head_path(const fs::path& file) {
  return file.string() + ".head";
}

tl::unexpected<std::string> failed(const fs::path& file, const char* what) {
  return tl::unexpected(file.string() + ": cannot be " + what + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<AuditRow> row_from(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto sequence = sequence_from_text(line.substr(0, space));
  line.remove_prefix(space + 1);
  constexpr std::size_t kPayloadAt = 2 * (kHexChars + 1);
  if (!sequence || line.size() < kPayloadAt || line[kHexChars] != ' ' ||
      line[kPayloadAt - 1] != ' ') {
    return std::nullopt;
  }
  const auto before = sha256_from_hex(line.substr(0, kHexChars));
  const auto hash = sha256_from_hex(line.substr(kHexChars + 1, kHexChars));
  if (!before || !hash) return std::nullopt;
  return AuditRow{*sequence, std::string(line.substr(kPayloadAt)), *before, *hash};
}

// Empty when there is none.
std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {(std::istreambuf_iterator<char>(in)), {}};
}

// What the text of the file beside it says.
std::optional<AuditHead> head_in(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return head_from_text(text);
}

AuditFile parse(const std::string& text) {
  AuditFile out;
  std::string_view rest = text;
  for (std::uint64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto row = row_from(rest.substr(0, end));
    if (row) {
      out.rows.push_back(std::move(*row));
    } else {
      const std::uint64_t next = out.rows.empty() ? 1 : out.rows.back().sequence + 1;
      out.damaged.push_back(
          {next, next,
           "line " + std::to_string(line) + " is no audit row; compare it with a backup"});
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

// Beside it, synced, then renamed over it.
bool write_head(const fs::path& file, const AuditHead& head) {
  const std::string next = head_path(file).string() + ".new";
  ::unlink(next.c_str());
  const Descriptor out(
      ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  return out.get() >= 0 && write_all(out.get(), head_text(head) + "\n") &&
         ::fsync(out.get()) == 0 && ::rename(next.c_str(), head_path(file).c_str()) == 0;
}

}  // namespace

tl::expected<AuditFile, std::string> read_audit_file(const fs::path& file) {
  std::error_code error;
  const bool there = fs::exists(file, error);
  const std::string noted = read_text(head_path(file));
  if (!there && noted.empty()) {
    return tl::unexpected(file.string() +
                          ": there is no audit log; name the folder of an authority whose "
                          "certificates 'medius pki' has made or changed");
  }
  if (there && fs::file_size(file, error) > kAuditFileBytesMax) {
    return tl::unexpected(file.string() + ": has more than " + std::to_string(kAuditFileBytesMax) +
                          " bytes; keep it elsewhere, with its .head, and begin a new one");
  }
  std::ifstream in(file, std::ios::binary);
  if (there && !in) return failed(file, "read");
  AuditFile out = parse({(std::istreambuf_iterator<char>(in)), {}});
  if (const auto head = head_in(noted)) {
    out.head = *head;
  } else if (!out.rows.empty()) {
    out.damaged.push_back({out.rows.back().sequence, out.rows.back().sequence,
                           head_path(file).string() +
                               ": does not say which row is the newest; compare both files with a "
                               "backup"});
  }
  return out;
}

tl::expected<AuditHead, std::string> append_audit_file(const fs::path& file,
                                                       const AuditEvent& event) {
  const Descriptor log(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (log.get() < 0 || ::flock(log.get(), LOCK_EX) != 0) return failed(file, "opened");
  const std::string noted = read_text(head_path(file));
  const std::string text = read_text(file);
  const std::string payload = encode_audit(event);
  if (text.size() + payload.size() > kAuditFileBytesMax) {
    return tl::unexpected(file.string() + ": is full (" + std::to_string(kAuditFileBytesMax) +
                          " bytes); keep it elsewhere, with its .head, and begin a new one");
  }
  const AuditFile now = parse(text);
  AuditHead last = head_in(noted).value_or(AuditHead{});
  // Behind what was acknowledged, so that a gap stays where rows were lost.
  if (!now.rows.empty() && now.rows.back().sequence >= last.sequence) {
    last = {now.rows.back().sequence, now.rows.back().hash};
  }
  const AuditHead next{last.sequence + 1, audit_hash(last.hash, last.sequence + 1, payload)};
  // A line that was torn by a power cut stays, and stays found.
  std::string line = text.empty() || text.ends_with('\n') ? "" : "\n";
  line += std::to_string(next.sequence) + " " + hex(last.hash) + " " + hex(next.hash) + " " +
          payload + "\n";
  if (!write_all(log.get(), line) || ::fsync(log.get()) != 0) return failed(file, "written");
  if (!write_head(file, next)) return failed(head_path(file), "written");
  return next;
}

std::string audit_file_head(const fs::path& file) {
  const auto head = head_in(read_text(head_path(file)));
  return head ? head_text(*head) : std::string();
}

AuditFileReport verify_audit_file(const AuditFile& file, const AuditHead& noted) {
  AuditVerifier verifier;
  if (noted.sequence != 0) verifier.expect(noted);
  if (file.head.sequence != 0) verifier.expect(file.head);
  AuditFileReport report;
  report.findings = file.damaged;
  for (const AuditRow& row : file.rows) {
    if (row.sequence > verifier.head().sequence) {
      verifier.take(row);
      continue;
    }
    report.findings.push_back({row.sequence, row.sequence,
                               "audit row " + std::to_string(row.sequence) +
                                   " stands there again or behind a newer one; compare the file "
                                   "with a backup"});
  }
  for (AuditFinding& finding : verifier.finish()) report.findings.push_back(std::move(finding));
  report.rows = file.rows.size();
  report.head = verifier.head();
  return report;
}

}  // namespace medius::record
