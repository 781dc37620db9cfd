#include "controller/api/remote_door.hpp"

#include <grpc/grpc_security_constants.h>

#include "controller/access/authority.hpp"

namespace medius::api {
namespace {

std::string property(const grpc::AuthContext& context, const char* name) {
  const auto values = context.FindPropertyValues(name);
  return values.empty() ? std::string() : std::string(values[0].data(), values[0].size());
}

// gRPC asks it before any handler runs; the method is the pseudo-header :path.
class Asked final : public grpc::AuthMetadataProcessor {
 public:
  Asked(std::shared_ptr<access::Doorkeeper> keeper, const station::Runtime& clocks,
        record::AuditSink* audit)
      : keeper_(std::move(keeper)), clocks_(clocks), audit_(audit) {}

  // A few dozen microseconds: a thread of its own would cost more.
  [[nodiscard]] bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    const auto path = metadata.find(":path");
    const std::string method = path == metadata.end()
                                   ? std::string()
                                   : std::string(path->second.data(), path->second.size());
    const access::Admission admission =
        keeper_->admit(property(*context, GRPC_X509_PEM_CERT_PROPERTY_NAME), method,
                       unix_s(clocks_), 1e-9 * static_cast<double>(clocks_.monotonic_ns()));
    if (admission.denial != access::Denial::kNone) write_down(*context, method, admission);
    switch (admission.denial) {
      case access::Denial::kNone:
        return grpc::Status::OK;
      case access::Denial::kUnknownPeer:
        return {grpc::StatusCode::UNAUTHENTICATED, admission.why};
      case access::Denial::kNotAllowed:
        return {grpc::StatusCode::PERMISSION_DENIED, admission.why};
      case access::Denial::kTooOften:
        return {grpc::StatusCode::RESOURCE_EXHAUSTED, admission.why};
    }
    return {grpc::StatusCode::PERMISSION_DENIED, "denied"};
  }

 private:
  void write_down(const grpc::AuthContext& context, const std::string& method,
                  const access::Admission& admission) {
    // Whoever knocks without an end must not fill the log; its first knocks of a second are enough.
    const double now_s = 1e-9 * static_cast<double>(clocks_.monotonic_ns());
    if (audit_ == nullptr || !written_.take("", access::Rate::kOrder, now_s)) return;
    record::AuditEvent event;
    event.kind = record::AuditKind::kAccess;
    event.result = record::AuditResult::kRefused;
    event.who = property(context, GRPC_X509_CN_PROPERTY_NAME);
    const auto pem = property(context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (const auto certificate = access::certificate_from_pem(pem)) {
      const auto peer = access::peer_of(**certificate);
      event.role = peer ? access::to_string(peer->role) : "unknown";
    }
    event.action = "call_denied";
    event.subject = method.substr(0, 128);
    event.reason = admission.why;
    audit_->record(std::move(event));
  }

  const std::shared_ptr<access::Doorkeeper> keeper_;
  const station::Runtime& clocks_;
  record::AuditSink* const audit_;
  access::PeerRates written_;
};

}  // namespace

tl::expected<RemoteDoor, std::string> open_remote_door(const RemoteOptions& options,
                                                       const station::Runtime& clocks,
                                                       record::AuditSink* audit) {
  auto keeper = access::Doorkeeper::open(options.folder);
  if (!keeper) return tl::unexpected(keeper.error());
  const auto authority = access::read_small_file(options.folder / "ca.crt");
  const auto certificate = access::read_small_file(options.folder / "server.crt");
  const auto key = access::read_small_file(options.folder / "server.key");
  for (const auto* file : {&authority, &certificate, &key}) {
    if (!*file) return tl::unexpected(file->error());
  }
  if (auto read = access::certificate_from_pem(*certificate); !read) {
    return tl::unexpected((options.folder / "server.crt").string() + ": " + read.error());
  }
  if (auto read = access::key_from_pem(*key); !read) {
    return tl::unexpected((options.folder / "server.key").string() + ": " + read.error());
  }
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = *authority;
  tls.pem_key_cert_pairs.push_back({*key, *certificate});
  RemoteDoor door;
  door.doorkeeper = std::move(*keeper);
  door.credentials = grpc::SslServerCredentials(tls);
  door.credentials->SetAuthMetadataProcessor(
      std::make_shared<Asked>(door.doorkeeper, clocks, audit));
  return door;
}

std::optional<std::string> peer_certificate(const grpc::ServerContext& call) {
  std::string pem = property(*call.auth_context(), GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.empty()) return std::nullopt;
  return pem;
}

std::string peer_name(const grpc::ServerContext& call) {
  return property(*call.auth_context(), GRPC_X509_CN_PROPERTY_NAME);
}

}  // namespace medius::api
