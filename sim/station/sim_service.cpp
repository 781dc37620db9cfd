#include "sim/station/sim_service.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "hal/modbus/cia402.hpp"
#include "medius/sim/v1/sim.grpc.pb.h"

namespace medius::sim {
namespace {

namespace pb = ::medius::sim::v1;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

// The server's thread ticks every millisecond; longer means that it is stuck.
constexpr std::chrono::seconds kAnswerWithin{2};
constexpr std::size_t kMostScenarioBytes = 65536;
constexpr double kTicksPerS = 1000.0;

void fill(const FaultBench& bench, const BenchFault& fault, pb::ActiveFault& out) {
  out.set_id(fault.id);
  out.set_row(static_cast<std::uint32_t>(fault.wish.row));
  out.set_name(fault_name(fault.wish.row));
  out.set_axis(fault.wish.axis);
  out.set_intensity(fault.wish.intensity);
  out.set_since_tick(fault.since_tick);
  if (fault.wish.seconds > 0.0) {
    const double acted_s = static_cast<double>(bench.tick() - fault.since_tick) / kTicksPerS;
    out.set_remaining_s(fault.wish.seconds - acted_s);
  }
}

void fill(const MenuEntry& entry, pb::Fault& out) {
  const FaultRow& row = *find_fault(entry.row);
  out.set_target(entry.target);
  out.set_kind(entry.kind);
  out.set_row(static_cast<std::uint32_t>(entry.row));
  out.set_name(row.name);
  out.set_injection(row.injection);
  out.set_budget_ms(row.budget_ms);
  out.set_reaction(row.reaction);
  out.set_raises_force(row.raises_force);
  for (const safety::FaultCode code : row.expected) {
    if (code != safety::FaultCode::kNone) out.add_expected(safety::fault_info(code).name);
  }
}

class Service final : public pb::SimService::Service {
 public:
  Service(boost::asio::io_context& io, FaultBench& bench) : io_(io), bench_(bench) {}

  Status ListFaults(ServerContext*, const pb::ListFaultsRequest*,
                    pb::ListFaultsResponse* response) override {
    for (const MenuEntry& entry : fault_menu()) fill(entry, *response->add_faults());
    return on_bench([this, response] {
      for (const BenchFault& fault : bench_.active()) {
        fill(bench_, fault, *response->add_active());
      }
      return Status::OK;
    });
  }

  Status SetFault(ServerContext*, const pb::SetFaultRequest* request,
                  pb::SetFaultResponse* response) override {
    FaultWish wish;
    wish.row = static_cast<int>(request->row());
    if (!request->target().empty() || !request->kind().empty()) {
      const MenuEntry* const entry = find_on_menu(request->target(), request->kind());
      if (entry == nullptr) {
        return {StatusCode::INVALID_ARGUMENT,
                fmt::format("'{} {}' is no fault of the simulated machine; `medius sim fault list` "
                            "has all",
                            request->target(), request->kind())};
      }
      wish.row = entry->row;
    }
    if (find_fault(wish.row) == nullptr || request->axis() > 255 ||
        !(request->duration_s() >= 0.0 && request->duration_s() <= 86400.0)) {
      return {StatusCode::INVALID_ARGUMENT,
              fmt::format("row {}, axis {} or duration {} s is out of range: a row of `medius sim "
                          "fault list`, an axis of the machine, at most a day",
                          request->row(), request->axis(), request->duration_s())};
    }
    wish.axis = static_cast<std::uint8_t>(request->axis());
    if (request->has_intensity()) wish.intensity = request->intensity();
    if (request->seed() != 0) wish.seed = request->seed();
    wish.seconds = request->duration_s();
    return on_bench([this, wish, response] {
      const auto id = bench_.set(wish);
      if (!id) return Status(StatusCode::FAILED_PRECONDITION, id.error());
      fill(bench_, bench_.active().back(), *response->mutable_fault());
      return Status::OK;
    });
  }

  Status ClearFault(ServerContext*, const pb::ClearFaultRequest* request,
                    pb::ClearFaultResponse* response) override {
    const std::uint32_t id = request->id();
    return on_bench([this, id, response] {
      const std::size_t cleared = bench_.clear(id);
      if (cleared == 0 && id != 0) {
        return Status(StatusCode::NOT_FOUND,
                      fmt::format("no active fault has the id {}; `medius sim fault list --active` "
                                  "shows them",
                                  id));
      }
      response->set_cleared(static_cast<std::uint32_t>(cleared));
      return Status::OK;
    });
  }

  Status RunScenario(ServerContext*, const pb::RunScenarioRequest* request,
                     pb::RunScenarioResponse* response) override {
    if (request->scenario().size() > kMostScenarioBytes) {
      return {StatusCode::INVALID_ARGUMENT,
              fmt::format("the scenario has {} bytes, {} is the most; it is one JSON object",
                          request->scenario().size(), kMostScenarioBytes)};
    }
    const auto json = nlohmann::json::parse(request->scenario(), nullptr, false);
    if (json.is_discarded()) {
      return {StatusCode::INVALID_ARGUMENT, "the scenario is no JSON; send the text of its file"};
    }
    const auto scenario = from_json(json.contains("scenario") ? json["scenario"] : json);
    if (!scenario) return {StatusCode::INVALID_ARGUMENT, scenario.error()};
    return on_bench([this, scenario, response] {
      const auto played = bench_.play(*scenario);
      if (!played) return Status(StatusCode::FAILED_PRECONDITION, played.error());
      response->set_description(describe(*scenario));
      return Status::OK;
    });
  }

  Status GetState(ServerContext*, const pb::GetStateRequest*,
                  pb::GetStateResponse* response) override {
    return on_bench([this, response] {
      response->set_tick(bench_.tick());
      response->set_phase(to_string(bench_.phase()));
      response->set_reps(static_cast<std::uint32_t>(bench_.reps()));
      response->set_drive(hal::to_string(bench_.station().drive(0).state));
      for (const Strike& strike : bench_.strikes()) {
        pb::Strike& out = *response->add_strikes();
        out.set_row(static_cast<std::uint32_t>(strike.row));
        out.set_name(fault_name(strike.row));
        out.set_phase(to_string(strike.phase));
        out.set_tick(strike.tick);
        out.set_cmd_seq(strike.cmd_seq);
      }
      for (const BenchFault& fault : bench_.active()) {
        fill(bench_, fault, *response->add_active());
      }
      return Status::OK;
    });
  }

 private:
  // The answer is filled where the bench lives, before the caller goes on: a caller that has given
  // up waiting must not find it being written.
  Status on_bench(std::function<Status()> work) {
    auto task = std::make_shared<std::packaged_task<Status()>>(std::move(work));
    std::future<Status> done = task->get_future();
    auto taken = std::make_shared<std::atomic<bool>>(false);  // by the bench, or given up
    boost::asio::post(io_, [task, taken] {
      if (!taken->exchange(true)) (*task)();
    });
    if (done.wait_for(kAnswerWithin) != std::future_status::ready && !taken->exchange(true)) {
      return {StatusCode::UNAVAILABLE, "medius-sim's machine does not answer; is it stopped?"};
    }
    return done.get();
  }

  boost::asio::io_context& io_;
  FaultBench& bench_;
};

}  // namespace

struct SimServiceHost::Impl {
  Impl(boost::asio::io_context& io, FaultBench& bench) : service(io, bench) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

SimServiceHost::SimServiceHost(boost::asio::io_context& io, FaultBench& bench, int port)
    : impl_(std::make_unique<Impl>(io, bench)) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
  builder.AddListeningPort(fmt::format("127.0.0.1:{}", port), grpc::InsecureServerCredentials(),
                           &impl_->port);
  builder.RegisterService(&impl_->service);
  impl_->server = builder.BuildAndStart();
  if (impl_->server == nullptr || impl_->port == 0) {
    throw std::runtime_error(fmt::format(
        "cannot serve faults on 127.0.0.1:{}; choose another --control (0 picks a free one)",
        port));
  }
}

SimServiceHost::~SimServiceHost() {
  impl_->server->Shutdown(std::chrono::system_clock::now());
}

std::string SimServiceHost::address() const {
  return fmt::format("127.0.0.1:{}", impl_->port);
}

}  // namespace medius::sim
