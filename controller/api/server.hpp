// The gRPC server of one station. On gRPC's synchronous API: the callback API of this gRPC sleeps
// up to 100 ms after a quiet second, which a Stop must not wait for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/api/address.hpp"
#include "controller/record/store.hpp"
#include "controller/station/plugin_host.hpp"
#include "controller/station/runtime.hpp"
#include "controller/station/station.hpp"

namespace medius::api {

struct ServerOptions {
  ListenAddress listen;
  std::string station_id = "local";  // stations/{id}
  std::string store_path;            // told to clients; empty = sets are not kept
};

// What the services talk to. All outlive the server.
struct ServerParts {
  station::Runtime& runtime;
  station::Station& station;
  station::PluginHost& plugins;
  record::Store& store;
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
