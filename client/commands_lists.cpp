#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/export_text.hpp"
#include "client/live_view.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/terminal.hpp"
#include "client/text.hpp"
#include "client/wire.hpp"
#include "client/wording.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

std::string load_text(const v1::Load& load) {
  return load.value_case() == v1::Load::kLoadNm ? fmt::format("{:g} Nm", load.load_nm())
                                                : fmt::format("{:g} N", load.load_n());
}

std::string block_text(const v1::Prescription& block) {
  std::string sides;
  for (int i = 0; i < block.sides_size(); ++i) {
    sides += (i == 0 ? "" : " then ") + word(block.sides(i));
  }
  const auto range = [](std::uint32_t low, std::uint32_t high) {
    return high > low ? fmt::format("{}-{}", low, high) : fmt::format("{}", low);
  };
  const std::string what = fmt::format(
      "{}{} x {} {} {}", block.warm_up() ? "warm-up: " : "", range(block.sets(), block.sets_max()),
      range(block.reps(), block.reps_max()), block.exercise(), sides);
  const std::string tempo = fmt::format(
      "tempo {:g}-{:g}-{:g}-{:g}, rest {} s", block.tempo().concentric_s(), block.tempo().hold_s(),
      block.tempo().eccentric_s(), block.tempo().bottom_s(), block.rest().seconds());
  const std::string hold = block.hold().seconds() > 0
                               ? fmt::format(", hold {} s", block.hold().seconds())
                               : std::string();
  if (block.guided()) {
    const std::string lasts = block.duration().seconds() > 0
                                  ? fmt::format(", within {} s", block.duration().seconds())
                                  : std::string();
    return fmt::format("{}, without the machine{}{}, {}", what, hold, lasts, tempo);
  }
  std::string parameters;
  for (const auto& [name, value] : block.profile().parameters()) {
    parameters += fmt::format(" {} {:g}", name, value);
  }
  const std::string share =
      block.load_share() > 0.0
          ? fmt::format(" ({:.0f} % of the working load)", 100.0 * block.load_share())
          : std::string();
  return fmt::format("{}, {}{}, {}{}{}, {}", what, load_text(block.load()), share,
                     block.profile().profile(), parameters, hold, tempo);
}

// "8 weeks, 3 days a week; tests after 0, 4 and 8 weeks", or that it is a session or a test.
std::string plan_text(const v1::Program& program) {
  if (!program.test().empty()) return "a test: " + program.test();
  if (program.weeks() == 0) return "a single session";
  std::string text =
      fmt::format("{} weeks, {} days a week", program.weeks(), program.days_per_week());
  for (int i = 0; i < program.test_weeks_size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "; tests after weeks " : ", ", program.test_weeks(i));
  }
  return text;
}

}  // namespace

int status(const CommonOptions& common) {
  const Connection connection(common);
  v1::GetStationRequest request;
  request.set_name("stations/-");
  LiveModel model;
  const auto context = call_context();
  const grpc::Status status =
      connection.station().GetStation(context.get(), request, &model.station);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(model.station));
    return kExitOk;
  }
  Screen screen = screen_of_stdout(common.color);
  screen.rows = 60;  // scrolls: nothing is left out
  print_lines(live_lines(model, screen));
  return kExitOk;
}

int programs(const CommonOptions& common) {
  const Connection connection(common);
  v1::ListProgramsRequest request;
  request.set_page_size(100);
  v1::ListProgramsResponse response;
  const auto context = call_context();
  const grpc::Status status = connection.programs().ListPrograms(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  for (const v1::Program& program : response.programs()) {
    fmt::print("{}  {}\n", paint(short_name(program.name()), Color::kBold, common.color),
               program.title());
    fmt::print("  {}\n", plan_text(program));
    if (!program.description().empty()) fmt::print("  {}\n", program.description());
    for (const v1::Prescription& block : program.blocks()) {
      fmt::print("    {}\n", block_text(block));
    }
  }
  for (const std::string& error : response.errors()) fmt::print(stderr, "medius: {}\n", error);
  return kExitOk;
}

int profiles(const CommonOptions& common) {
  const Connection connection(common);
  v1::ListProfilesRequest request;
  request.set_page_size(100);
  v1::ListProfilesResponse response;
  const auto context = call_context();
  const grpc::Status status = connection.programs().ListProfiles(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  for (const v1::Profile& profile : response.profiles()) {
    fmt::print("{}  {} {} ({})\n  {}\n",
               paint(short_name(profile.name()), Color::kBold, common.color), profile.title(),
               profile.version(), profile.vendor(), profile.description());
    for (const v1::ProfileParameter& p : profile.parameters()) {
      fmt::print("  {} [{}] {:g} to {:g}, default {:g}: {}\n", p.name(), p.unit(), p.min(), p.max(),
                 p.default_value(), p.description());
    }
  }
  return kExitOk;
}

int history(const CommonOptions& common, std::uint32_t limit) {
  const Connection connection(common);
  v1::ListSessionsRequest request;
  request.set_page_size(static_cast<std::int32_t>(limit));
  v1::ListSessionsResponse response;
  const auto context = call_context();
  const grpc::Status status = connection.sessions().ListSessions(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  if (response.sessions().empty() && !common.quiet) fmt::print("no sessions yet\n");
  for (const v1::Session& session : response.sessions()) {
    const std::int64_t start_ns = session_from_pb(session).start_unix_ns;
    fmt::print("{}  {}  {}  {}\n", short_name(session.name()), record::iso_time(start_ns),
               session.program().empty() ? "free set" : short_name(session.program()),
               session.client());
  }
  return kExitOk;
}

int show(const CommonOptions& common, const std::string& name) {
  const Connection connection(common);
  const auto sets = fetch_sets(connection, name);
  if (!sets) return complain(sets.error(), common);
  const std::string session = name.substr(0, name.find("/sets/"));
  const auto record = fetch_session(connection, session);
  if (!record) return complain(record.error(), common);
  if (common.json) {
    fmt::print("{}", session_json(session_from_pb(record->session), *sets, record->guided));
    return kExitOk;
  }
  if (session == name) print_guided(record->guided, common);
  print_sets(*sets, common);
  return kExitOk;
}

}  // namespace medius::client
