#include <charconv>

#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/control_lease.hpp"
#include "client/print.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

// For one order. Without the lease the station says whether it is needed, and who holds it.
struct Leading {
  explicit Leading(const Connection& connection) : lease(connection) { (void)lease.take(); }
  [[nodiscard]] v1::OrderHeader header() const { return lease.header(); }
  ControlLease lease;
};

// Prints what was applied, or why it was not.
int answer(const grpc::Status& status, const v1::Receipt& receipt, const CommonOptions& common,
           const std::string& what) {
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(receipt));
  } else if (!common.quiet) {
    std::string line = what + ": " + word(receipt.effect());
    if (receipt.tick() != 0) line += fmt::format(", tick {}", receipt.tick());
    line += fmt::format(", version {}", receipt.version());
    if (receipt.duplicate()) line += ", as answered before";
    fmt::print("{}\n", line);
  }
  return kExitOk;
}

int adjust_parameter(const Connection& connection, const AdjustOptions& options) {
  const std::size_t equals = options.parameter.find('=');
  double value = 0.0;
  const char* const end = options.parameter.data() + options.parameter.size();
  const char* const digits =
      equals == std::string::npos ? end : options.parameter.data() + equals + 1;
  const auto [stop, error] = std::from_chars(digits, end, value);
  if (equals == 0 || error != std::errc{} || stop != end) {
    complain("--parameter " + options.parameter +
             " is not NAME=NUMBER; write for example eccentric_ratio=1.2");
    return kExitUsage;
  }
  const Leading leading(connection);
  v1::SetParameterRequest request;
  *request.mutable_header() = leading.header();
  request.set_parameter(options.parameter.substr(0, equals));
  request.set_value(value);
  request.set_axis(options.axis);
  v1::Receipt receipt;
  const auto context = call_context();
  const grpc::Status status = connection.station().SetParameter(context.get(), request, &receipt);
  return answer(status, receipt, connection.options(), options.parameter);
}

template <typename Request, typename Call>
int simple_order(const CommonOptions& common, const char* what, Call call) {
  const Connection connection(common);
  Request request;
  *request.mutable_header() = connection.header();
  v1::Receipt receipt;
  const auto context = call_context();
  const grpc::Status status = call(connection.station(), context.get(), request, &receipt);
  return answer(status, receipt, common, what);
}

}  // namespace

int adjust(const CommonOptions& common, const AdjustOptions& options) {
  const Connection connection(common);
  if (!options.parameter.empty()) return adjust_parameter(connection, options);
  const Leading leading(connection);
  v1::AdjustLoadRequest request;
  *request.mutable_header() = leading.header();
  request.set_axis(options.axis);
  if (options.load_nm) request.mutable_load()->set_load_nm(*options.load_nm);
  if (options.load_n) request.mutable_load()->set_load_n(*options.load_n);
  v1::Receipt receipt;
  const auto context = call_context();
  const grpc::Status status = connection.station().AdjustLoad(context.get(), request, &receipt);
  const char* unit = options.load_nm ? "Nm" : "N";
  return answer(status, receipt, common,
                fmt::format("load {:g} {} accepted of {:g} {} asked for", receipt.accepted(), unit,
                            receipt.requested(), unit));
}

int confirm(const CommonOptions& common, const ConfirmOptions& options) {
  const Connection connection(common);
  const Leading leading(connection);
  v1::Receipt receipt;
  const auto context = call_context();
  if (!options.skip.empty()) {
    v1::SkipGuidedRequest request;
    *request.mutable_header() = leading.header();
    request.set_reason(options.skip);
    const grpc::Status status = connection.station().SkipGuided(context.get(), request, &receipt);
    return answer(status, receipt, common, "skipped, " + options.skip);
  }
  v1::ConfirmGuidedRequest request;
  *request.mutable_header() = leading.header();
  if (options.reps) request.set_reps(*options.reps);
  const grpc::Status status = connection.station().ConfirmGuided(context.get(), request, &receipt);
  return answer(
      status, receipt, common,
      fmt::format("confirmed {:g} of {:g} asked for", receipt.accepted(), receipt.requested()));
}

int pause(const CommonOptions& common) {
  return simple_order<v1::PauseRequest>(
      common, "pause", [](auto& stub, auto&&... arguments) { return stub.Pause(arguments...); });
}

int resume(const CommonOptions& common) {
  const Connection connection(common);
  const Leading leading(connection);
  v1::ResumeRequest request;
  *request.mutable_header() = leading.header();
  v1::Receipt receipt;
  const grpc::Status status = connection.station().Resume(call_context().get(), request, &receipt);
  return answer(status, receipt, common, "resume");
}

int stop(const CommonOptions& common) {
  return simple_order<v1::StopRequest>(
      common, "stop", [](auto& stub, auto&&... arguments) { return stub.Stop(arguments...); });
}

}  // namespace medius::client
