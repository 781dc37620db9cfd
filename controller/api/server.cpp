#include "controller/api/server.hpp"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include "controller/api/context.hpp"
#include "controller/api/keeping_services.hpp"
#include "controller/api/lease_service.hpp"
#include "controller/api/people_services.hpp"
#include "controller/api/pki_watch.hpp"
#include "controller/api/records_services.hpp"
#include "controller/api/remote_door.hpp"
#include "controller/api/sample_service.hpp"
#include "controller/api/station_service.hpp"

namespace medius::api {
namespace {

// Orders are small; nobody may make the daemon hold more than this for one message.
constexpr int kMaxMessageBytes = 64 * 1024;
// A frozen or unplugged client answers no ping: after these its watches end and it counts as lost.
constexpr int kKeepaliveMs = 5000;
constexpr int kKeepaliveTimeoutMs = 3000;
// How long running handlers may take to notice that the server ends.
constexpr std::chrono::milliseconds kDrain{500};

void configure(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("medius");
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  // Otherwise two daemons could share a port and each get some of the orders.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 64);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

// gRPC's own words on stderr would stand beside our one sentence.
void ignore_log(gpr_log_func_args*) {}

}  // namespace

struct ApiServer::Impl {
  Impl(const ServerOptions& options, ServerParts parts,
       std::shared_ptr<access::Doorkeeper> doorkeeper)
      : listen(options.listen),
        context(parts, {"stations/" + options.station_id, options.store_path},
                std::move(doorkeeper)),
        station_service(context),
        program_service(context),
        session_service(context),
        client_service(context),
        plan_service(context),
        machine_service(context),
        audit_service(context),
        store_service(context),
        lease_service(context),
        sample_service(context) {}

  ListenAddress listen;
  std::optional<ListenAddress> remote;
  ApiContext context;
  StationService station_service;
  ProgramService program_service;
  SessionService session_service;
  ClientService client_service;
  PlanService plan_service;
  MachineService machine_service;
  AuditService audit_service;
  StoreService store_service;
  LeaseService lease_service;
  SampleService sample_service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<PkiWatch> pki_watch;  // null: nobody from elsewhere is served, or no audit
  station::Station::ObserverId observer = 0;

  // [main] Runs on the control executor and waits for it: no handler is under way.
  void on_control_now(const std::function<void()>& work) {
    const auto never = [] { return false; };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    on_control<bool>(context.parts.runtime, until, never, [work] {
      work();
      return true;
    });
  }
};

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() {
  shutdown();
}

tl::expected<std::unique_ptr<ApiServer>, std::string> ApiServer::start(const ServerOptions& options,
                                                                       ServerParts parts) {
  gpr_set_log_function(&ignore_log);
  if (const auto free = check_free(options.listen); !free) return tl::unexpected(free.error());
  std::optional<RemoteDoor> door;
  if (options.remote) {
    auto opened = open_remote_door(*options.remote, parts.runtime, parts.audit);
    if (!opened) return tl::unexpected(opened.error());
    door = std::move(*opened);
  }
  auto impl = std::make_unique<Impl>(options, parts, door ? door->doorkeeper : nullptr);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  configure(builder);
  int port = 0;
  builder.AddListeningPort(options.listen.text(), grpc::InsecureServerCredentials(), &port);
  int remote_port = 0;
  if (door) {
    builder.AddListeningPort(options.remote->listen.text(), door->credentials, &remote_port);
  }
  builder.RegisterService(&impl->station_service);
  builder.RegisterService(&impl->program_service);
  builder.RegisterService(&impl->session_service);
  builder.RegisterService(&impl->client_service);
  builder.RegisterService(&impl->plan_service);
  builder.RegisterService(&impl->machine_service);
  builder.RegisterService(&impl->audit_service);
  builder.RegisterService(&impl->store_service);
  builder.RegisterService(&impl->lease_service);
  builder.RegisterService(&impl->sample_service);
  impl->on_control_now([p = impl.get()] {
    p->context.hub.publish(p->context.parts.station.snapshot());
    p->observer = p->context.parts.station.observe(
        [p](const station::Snapshot& snapshot) { p->context.hub.publish(snapshot); });
  });
  impl->server = builder.BuildAndStart();
  if (!impl->server || port == 0 || (door && remote_port == 0)) {
    impl->server.reset();
    impl->on_control_now([p = impl.get()] { p->context.parts.station.unobserve(p->observer); });
    const ListenAddress& wanted = port == 0 || !door ? options.listen : options.remote->listen;
    const auto free = check_free(wanted);
    return tl::unexpected(free ? "listen address " + wanted.text() +
                                     ": gRPC could not listen there; choose another"
                               : free.error());
  }
  if (!impl->listen.is_unix) impl->listen.port = static_cast<std::uint16_t>(port);
  if (door) {
    impl->remote = options.remote->listen;
    impl->remote->port = static_cast<std::uint16_t>(remote_port);
  }
  if (door && parts.audit != nullptr) {
    impl->pki_watch =
        std::make_unique<PkiWatch>(options.remote->folder, door->doorkeeper, *parts.audit);
  }
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

std::string ApiServer::address() const {
  return impl_->listen.text();
}

std::string ApiServer::remote_address() const {
  return impl_->remote ? impl_->remote->text() : std::string();
}

void ApiServer::set_notes(std::vector<std::string> notes) {
  impl_->context.hub.set_notes(std::move(notes));
}

void ApiServer::refuse_orders() {
  impl_->context.orders_refused = true;
}

void ApiServer::shutdown() {
  if (!impl_->server) return;
  refuse_orders();
  impl_->pki_watch.reset();
  impl_->context.stopping = true;
  impl_->context.hub.close();
  impl_->server->Shutdown(std::chrono::system_clock::now() + kDrain);
  impl_->server->Wait();
  impl_->server.reset();
  impl_->on_control_now([p = impl_.get()] { p->context.parts.station.unobserve(p->observer); });
}

}  // namespace medius::api
