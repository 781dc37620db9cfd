// The gRPC server of one station. On gRPC's synchronous API: the callback API of this gRPC sleeps
// up to 100 ms after a quiet second, which a Stop must not wait for.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/access/doorkeeper.hpp"
#include "controller/api/address.hpp"
#include "controller/record/store.hpp"
#include "controller/station/audit_trail.hpp"
#include "controller/station/plugin_host.hpp"
#include "controller/station/runtime.hpp"
#include "controller/station/station.hpp"

namespace medius::api {

// For peers from elsewhere: both sides show a certificate of the station's authority.
struct RemoteOptions {
  ListenAddress listen;
  std::filesystem::path folder;  // of the authority: ca.crt, crl.pem, server.crt, server.key
};

struct ServerOptions {
  ListenAddress listen;
  std::optional<RemoteOptions> remote;
  std::string station_id = "local";  // stations/{id}
  std::string store_path;            // told to clients; empty = sets are not kept
};

// What the services talk to. All outlive the server.
struct ServerParts {
  station::Runtime& runtime;
  station::Station& station;
  station::PluginHost& plugins;
  record::Store& store;
  station::AuditTrail* audit = nullptr;  // null: nothing is written down
};

class ApiServer {
 public:
  // [main, the control executor runs] Serves at once, or says in a sentence why not.
  static tl::expected<std::unique_ptr<ApiServer>, std::string> start(const ServerOptions& options,
                                                                     ServerParts parts);
  // [main, the control executor runs] shutdown() if that was not done.
  ~ApiServer();

  // [any] With the port that was really taken.
  [[nodiscard]] std::string address() const;
  // [any] The same of the address for peers from elsewhere; empty without one.
  [[nodiscard]] std::string remote_address() const;
  // [any] Sentences that stand beside the station's own warnings, e.g. about a link.
  void set_notes(std::vector<std::string> notes);
  // [any] From now on orders are refused, except Stop.
  void refuse_orders();
  // [main, the control executor runs] Ends every stream and call and closes the socket.
  void shutdown();

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::api
