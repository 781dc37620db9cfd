// medius client: the people who train.
#include "client/commands_people.hpp"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "client/connection.hpp"
#include "client/people_text.hpp"
#include "client/print.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

constexpr double kExportSeconds = 300.0;

std::string resource(const std::string& id) {
  return id.starts_with("clients/") ? id : "clients/" + id;
}

v1::Goal goal_from(const std::string& word) {
  if (word == "strength") return v1::GOAL_STRENGTH;
  if (word == "endurance") return v1::GOAL_ENDURANCE;
  if (word == "hypertrophy") return v1::GOAL_HYPERTROPHY;
  if (word == "compound") return v1::GOAL_COMPOUND;
  if (word == "activation") return v1::GOAL_ACTIVATION;
  return v1::GOAL_UNSPECIFIED;
}

v1::Sex sex_from(const std::string& word) {
  if (word == "female") return v1::SEX_FEMALE;
  if (word == "male") return v1::SEX_MALE;
  return word == "other" ? v1::SEX_OTHER : v1::SEX_UNSPECIFIED;
}

v1::Side side_from(const std::string& word) {
  if (word == "left") return v1::SIDE_LEFT;
  if (word == "right") return v1::SIDE_RIGHT;
  return word == "both" ? v1::SIDE_BOTH : v1::SIDE_UNSPECIFIED;
}

// What was written, and which fields that are; the error is a sentence.
tl::expected<void, std::string> fill(const ClientOptions& options, v1::Client& client,
                                     google::protobuf::FieldMask& mask) {
  const auto take = [&mask](const char* field, const auto& value, const auto& set) {
    if (!value) return;
    set(*value);
    mask.add_paths(field);
  };
  take("goal", options.goal, [&](const auto& v) { client.set_goal(goal_from(v)); });
  take("notes", options.notes, [&](const auto& v) { client.set_notes(v); });
  take("sex", options.sex, [&](const auto& v) { client.set_sex(sex_from(v)); });
  take("affected_side", options.affected_side,
       [&](const auto& v) { client.set_affected_side(side_from(v)); });
  take("birth_year", options.birth_year, [&](const auto& v) { client.set_birth_year(v); });
  take("body_mass_kg", options.body_mass_kg, [&](const auto& v) { client.set_body_mass_kg(v); });
  take("height_m", options.height_m, [&](const auto& v) { client.set_height_m(v); });
  take("leg_length_m", options.leg_length_m, [&](const auto& v) { client.set_leg_length_m(v); });
  take("in_therapy", options.therapy, [&](const auto& v) { client.set_in_therapy(v); });
  for (const std::string& text : options.caps) {
    auto cap = parse_cap(text);
    if (!cap) return tl::make_unexpected(cap.error());
    *client.add_caps() = std::move(*cap);
  }
  if (!options.caps.empty() || options.no_caps) mask.add_paths("caps");
  return {};
}

int tell(const CommonOptions& common, const grpc::Status& status, const v1::Client& client) {
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(client));
  } else if (!common.quiet) {
    print_lines(client_lines(client));
  }
  return kExitOk;
}

}  // namespace

int client_add(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::CreateClientRequest request;
  google::protobuf::FieldMask mask;
  request.set_client_id(options.id);
  if (const auto filled = fill(options, *request.mutable_client(), mask); !filled) {
    complain(filled.error());
    return kExitUsage;
  }
  v1::Client client;
  const auto context = call_context();
  return tell(common, connection.clients().CreateClient(context.get(), request, &client), client);
}

int client_list(const CommonOptions& common, const ClientOptions&) {
  const Connection connection(common);
  v1::ListClientsResponse all;
  v1::ListClientsRequest request;
  request.set_page_size(100);
  do {
    v1::ListClientsResponse page;
    const auto context = call_context();
    const auto status = connection.clients().ListClients(context.get(), request, &page);
    if (!status.ok()) return complain(status, common);
    all.mutable_clients()->MergeFrom(page.clients());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (common.json) {
    fmt::print("{}\n", json_of(all));
    return kExitOk;
  }
  if (all.clients().empty() && !common.quiet) {
    fmt::print("nobody yet; 'medius client add' puts somebody there\n");
  }
  for (const v1::Client& client : all.clients()) fmt::print("{}\n", client_line(client));
  return kExitOk;
}

int client_show(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::GetClientRequest request;
  request.set_name(resource(options.id));
  v1::Client client;
  const auto context = call_context();
  return tell(common, connection.clients().GetClient(context.get(), request, &client), client);
}

int client_set(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::UpdateClientRequest request;
  request.mutable_client()->set_name(resource(options.id));
  const auto filled = fill(options, *request.mutable_client(), *request.mutable_update_mask());
  if (!filled || request.update_mask().paths().empty()) {
    complain(filled ? "nothing to change; 'medius client set --help' lists what can be"
                    : filled.error());
    return kExitUsage;
  }
  v1::Client client;
  const auto context = call_context();
  return tell(common, connection.clients().UpdateClient(context.get(), request, &client), client);
}

int client_delete(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::DeleteClientRequest request;
  request.set_name(resource(options.id));
  google::protobuf::Empty nothing;
  const auto context = call_context();
  const auto status = connection.clients().DeleteClient(context.get(), request, &nothing);
  if (!status.ok()) return complain(status, common);
  if (!common.quiet) fmt::print("client {} is deleted\n", options.id);
  return kExitOk;
}

int client_export(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::ExportClientRequest request;
  request.set_name(resource(options.id));
  const auto context = call_context(kExportSeconds);
  const auto reader = connection.clients().ExportClient(context.get(), request);
  std::string text;
  v1::ExportClientResponse piece;
  while (reader->Read(&piece)) text += piece.json();
  if (const grpc::Status status = reader->Finish(); !status.ok()) return complain(status, common);
  if (options.output.empty()) {
    std::cout << text << std::flush;
    return std::cout ? kExitOk : kExitFailed;
  }
  if (!write_file(options.output, text)) return kExitFailed;
  if (!common.quiet) fmt::print("{}: {} bytes\n", options.output, text.size());
  return kExitOk;
}

int client_erase(const CommonOptions& common, const ClientOptions& options) {
  std::string again = options.yes ? options.id : "";
  if (!options.yes && ::isatty(STDIN_FILENO) != 0) {
    fmt::print(stderr,
               "This takes client {} with all plans, sessions and samples out of the station, for "
               "good. Backups and exports are not reached.\nWrite the id once more to go on: ",
               options.id);
    std::getline(std::cin, again);
  }
  if (again != options.id) {
    complain("nothing was erased; write the id, or --yes where nobody can be asked");
    return kExitUsage;
  }
  const Connection connection(common);
  v1::EraseClientRequest request;
  request.set_name(resource(options.id));
  request.set_confirm(options.id);
  v1::EraseClientResponse response;
  const auto context = call_context(10.0);
  const auto status = connection.clients().EraseClient(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
  } else if (!common.quiet) {
    fmt::print("erased: {} plans, {} sessions, {} sets with their samples, {} guided exercises\n",
               response.plans(), response.sessions(), response.sets(), response.guided());
  }
  return kExitOk;
}

int client_tests(const CommonOptions& common, const ClientOptions& options) {
  const Connection connection(common);
  v1::ListTestResultsRequest request;
  request.set_parent(resource(options.id));
  request.set_page_size(100);
  v1::ListTestResultsResponse response;
  const auto context = call_context();
  const auto status = connection.clients().ListTestResults(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  for (const v1::TestResult& test : response.test_results()) {
    fmt::print("{}  {}\n", date_of(test.start_time()), test.kind());
    for (const v1::TestSide& side : test.sides()) {
      fmt::print("  {:<6} {}\n", word(side.side()),
                 side.trials() == 0 ? std::string("no value")
                                    : fmt::format("best {:.1f}, mean {:.1f} {}", side.best(),
                                                  side.mean(), test.unit()));
    }
    for (const std::string& text : {test.symmetry(), test.note()}) {
      if (!text.empty()) fmt::print("  {}\n", text);
    }
  }
  return kExitOk;
}

int machine(const CommonOptions& common) {
  const Connection connection(common);
  v1::GetMachineRequest request;
  request.set_name("stations/-/machines/-");
  v1::Machine response;
  const auto context = call_context();
  const auto status = connection.machines().GetMachine(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
  } else {
    print_lines(machine_lines(response));
  }
  return kExitOk;
}

int faults(const CommonOptions& common, bool kinds) {
  const Connection connection(common);
  const auto context = call_context();
  if (kinds) {
    v1::ListFaultKindsRequest request;
    request.set_parent("stations/-");
    request.set_page_size(100);
    v1::ListFaultKindsResponse response;
    const auto status = connection.machines().ListFaultKinds(context.get(), request, &response);
    if (!status.ok()) return complain(status, common);
    if (common.json) fmt::print("{}\n", json_of(response));
    for (int i = 0; !common.json && i < response.faults_size(); ++i) {
      const v1::Fault& fault = response.faults(i);
      fmt::print("{:>4}  {:<24} {}{}\n", fault.code(), fault.name(), fault.next_step(),
                 fault.latched() ? "" : " (not latched)");
    }
    return kExitOk;
  }
  v1::ListFaultRecordsRequest request;
  request.set_parent("stations/-");
  request.set_page_size(100);
  v1::ListFaultRecordsResponse response;
  const auto status = connection.machines().ListFaultRecords(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) fmt::print("{}\n", json_of(response));
  if (!common.json && response.fault_records().empty() && !common.quiet) {
    fmt::print("no fault has ended a set of the last 100 sessions; --kinds lists what can\n");
  }
  for (int i = 0; !common.json && i < response.fault_records_size(); ++i) {
    const v1::FaultRecord& record = response.fault_records(i);
    fmt::print("{}  {:<24} {}\n", date_of(record.time()), record.fault().name(), record.set());
  }
  return kExitOk;
}

}  // namespace medius::client
