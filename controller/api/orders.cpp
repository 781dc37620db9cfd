// Orders: shape is checked here, then the order is posted to the control executor and waited for.
#include "controller/api/station_service.hpp"

namespace medius::api {
namespace {

using Outcome = tl::expected<station::Receipt, station::Refusal>;

// Stop never expires.
constexpr std::int64_t kNoTimeToLive = 0;

}  // namespace

grpc::Status StationService::order(grpc::ServerContext* call, const v1::OrderHeader& header,
                                   Submit submit, v1::Receipt* response) {
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  if (context_.orders_refused) {
    return {grpc::StatusCode::UNAVAILABLE,
            "the controller is shutting down and takes no more orders; start it again"};
  }
  if (const auto status = context_.check_station(header.station()); !status.ok()) return status;
  auto checked = header_from_pb(header);
  if (!checked) return invalid(checked.error());
  checked->client_name = ApiContext::name_of(*call, checked->client_name);
  checked->role = ApiContext::role_of(*call);
  checked->authority = ApiContext::authority_of(*call);
  const auto time_to_live = time_to_live_ns(header);
  if (!time_to_live) return invalid(time_to_live.error());
  return submit_and_wait(call, *checked, *time_to_live, std::move(submit), response);
}

grpc::Status StationService::submit_and_wait(grpc::ServerContext* call,
                                             const station::OrderHeader& header,
                                             std::int64_t time_to_live_ns, Submit submit,
                                             v1::Receipt* response) {
  auto pending = std::make_shared<Pending<Outcome>>();
  station::Runtime& runtime = context_.parts.runtime;
  const std::int64_t received_ns = runtime.monotonic_ns();
  const auto until = ApiContext::wait_until(*call);
  runtime.post([=, &runtime, submit = std::move(submit)] {
    const std::int64_t age_ns = runtime.monotonic_ns() - received_ns;
    if (time_to_live_ns != kNoTimeToLive) {
      if (pending->abandoned() || std::chrono::steady_clock::now() >= until) return;
      if (age_ns > time_to_live_ns) {
        pending->answer(tl::unexpected(station::Refusal{
            station::RefusalCode::kExpired,
            "order " + header.request_id + " waited " + std::to_string(age_ns / 1000) +
                " us, longer than its time to live of " + std::to_string(time_to_live_ns / 1000) +
                " us; look at the station and order again"}));
        return;
      }
    }
    submit(header, [pending](Outcome outcome) { pending->answer(std::move(outcome)); });
  });
  auto outcome = pending->wait(until, context_.give_up(*call));
  if (!outcome) return no_answer(context_);
  if (!*outcome) return status_of(outcome->error());
  receipt_to_pb(**outcome, response);
  return grpc::Status::OK;
}

grpc::Status StationService::StartSession(grpc::ServerContext* call,
                                          const v1::StartSessionRequest* request,
                                          v1::Receipt* response) {
  const auto program = id_from_pb("programs", request->program());
  if (!program) return invalid(program.error());
  const auto client = name_from_pb("client", request->client());
  if (!client) return invalid(client.error());
  return order(
      call, request->header(),
      [&station = context_.parts.station, program = *program, client = *client](
          const station::OrderHeader& header, Answer answer) {
        station.start_session({header, program, client}, std::move(answer));
      },
      response);
}

grpc::Status StationService::StartSet(grpc::ServerContext* call, const v1::StartSetRequest* request,
                                      v1::Receipt* response) {
  const auto block = prescription_from_pb(request->prescription());
  if (!block) return invalid(block.error());
  const auto client = name_from_pb("client", request->client());
  if (!client) return invalid(client.error());
  return order(
      call, request->header(),
      [&station = context_.parts.station, block = *block, client = *client](
          const station::OrderHeader& header, Answer answer) {
        station.start_set({header, block, client}, std::move(answer));
      },
      response);
}

grpc::Status StationService::AdjustLoad(grpc::ServerContext* call,
                                        const v1::AdjustLoadRequest* request,
                                        v1::Receipt* response) {
  const auto load = load_from_pb(request->load());
  if (!load) return invalid(load.error());
  const auto axis = axis_from_pb(request->axis());
  if (!axis) return invalid(axis.error());
  return order(
      call, request->header(),
      [&station = context_.parts.station, load = *load, axis = *axis](
          const station::OrderHeader& header, Answer answer) {
        station.adjust_load({header, load.value, load.coordinate, axis}, std::move(answer));
      },
      response);
}

grpc::Status StationService::SetParameter(grpc::ServerContext* call,
                                          const v1::SetParameterRequest* request,
                                          v1::Receipt* response) {
  const auto name = name_from_pb("parameter", request->parameter());
  if (!name) return invalid(name.error());
  if (!std::isfinite(request->value())) {
    return invalid("value of " + *name + " is not a finite number; ListProfiles names its range");
  }
  const auto axis = axis_from_pb(request->axis());
  if (!axis) return invalid(axis.error());
  return order(
      call, request->header(),
      [&station = context_.parts.station, name = *name, value = request->value(), axis = *axis](
          const station::OrderHeader& header, Answer answer) {
        station.set_parameter({header, name, value, axis}, std::move(answer));
      },
      response);
}

grpc::Status StationService::ConfirmGuided(grpc::ServerContext* call,
                                           const v1::ConfirmGuidedRequest* request,
                                           v1::Receipt* response) {
  const auto id = guided_id_from_pb(request->guided());
  if (!id) return invalid(id.error());
  station::ConfirmGuidedOrder confirm;
  confirm.guided_id = *id;
  if (request->has_reps()) confirm.reps = request->reps();
  return order(
      call, request->header(),
      [&station = context_.parts.station, confirm](const station::OrderHeader& header,
                                                   Answer answer) {
        station::ConfirmGuidedOrder sent = confirm;
        sent.header = header;
        station.confirm_guided(sent, std::move(answer));
      },
      response);
}

grpc::Status StationService::SkipGuided(grpc::ServerContext* call,
                                        const v1::SkipGuidedRequest* request,
                                        v1::Receipt* response) {
  const auto id = guided_id_from_pb(request->guided());
  if (!id) return invalid(id.error());
  const auto reason = reason_from_pb(request->reason());
  if (!reason) return invalid(reason.error());
  return order(
      call, request->header(),
      [&station = context_.parts.station, id = *id, reason = *reason](
          const station::OrderHeader& header, Answer answer) {
        station.confirm_guided({header, id, std::nullopt, true, reason}, std::move(answer));
      },
      response);
}

grpc::Status StationService::Pause(grpc::ServerContext* call, const v1::PauseRequest* request,
                                   v1::Receipt* response) {
  return order(
      call, request->header(),
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.pause(header, std::move(answer));
      },
      response);
}

grpc::Status StationService::Resume(grpc::ServerContext* call, const v1::ResumeRequest* request,
                                    v1::Receipt* response) {
  return order(
      call, request->header(),
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.resume(header, std::move(answer));
      },
      response);
}

grpc::Status StationService::Stop(grpc::ServerContext* call, const v1::StopRequest* request,
                                  v1::Receipt* response) {
  // No gate, no time to live, and a header with mistakes does not keep anybody under load.
  if (const auto status = context_.check_station(request->header().station()); !status.ok()) {
    return status;
  }
  auto checked = header_from_pb(request->header()).value_or(station::OrderHeader{});
  checked.client_name = ApiContext::name_of(*call, checked.client_name);
  checked.role = ApiContext::role_of(*call);
  return submit_and_wait(
      call, checked, kNoTimeToLive,
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.stop(header, std::move(answer));
      },
      response);
}

}  // namespace medius::api
