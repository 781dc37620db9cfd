#include <algorithm>
#include <sstream>

#include <google/protobuf/util/field_mask_util.h>

#include "controller/api/people_call.hpp"
#include "controller/api/people_services.hpp"
#include "controller/record/export.hpp"
#include "controller/record/people_json.hpp"

namespace medius::api {
namespace {

using station::PeopleAnswer;
using station::PeopleDesk;
using ClientAnswer = PeopleAnswer<record::ClientRecord>;

// A piece of an export stays below gRPC's default limit of a message by far.
constexpr std::size_t kPieceBytes = 256 * 1024;

constexpr const char* kChangeable[] = {"goal",         "notes",    "birth_year",   "sex",
                                       "body_mass_kg", "height_m", "leg_length_m", "affected_side",
                                       "in_therapy",   "caps"};

// Every field that a mask means; nothing or "*" means all.
Shape<google::protobuf::FieldMask> mask_of(const google::protobuf::FieldMask& asked) {
  google::protobuf::FieldMask mask;
  const bool all = asked.paths().empty() || (asked.paths_size() == 1 && asked.paths(0) == "*");
  if (all) {
    for (const char* path : kChangeable) mask.add_paths(path);
    return mask;
  }
  for (const std::string& path : asked.paths()) {
    const bool known =
        std::find(std::begin(kChangeable), std::end(kChangeable), path) != std::end(kChangeable);
    if (!known) {
      return tl::unexpected("update_mask: '" + path.substr(0, kMaxName) +
                            "' cannot be changed; UpdateClientRequest names what can");
    }
    mask.add_paths(path);
  }
  return mask;
}

grpc::Status answer_client(const tl::expected<ClientAnswer, grpc::Status>& answer,
                           v1::Client* response) {
  if (!answer) return answer.error();
  if (!*answer) return status_of(answer->error());
  client_to_pb(**answer, response);
  return grpc::Status::OK;
}

station::Refusal not_known(const std::string& id) {
  return {station::RefusalCode::kNotFound,
          "client '" + id + "' is not in the store; ListClients names who is"};
}

}  // namespace

grpc::Status ClientService::GetClient(grpc::ServerContext* call,
                                      const v1::GetClientRequest* request, v1::Client* response) {
  const auto id = id_from_pb("clients", request->name());
  if (!id) return invalid(id.error());
  return answer_client(at_desk<ClientAnswer>(context_, *call,
                                             [id = *id](const PeopleDesk& desk) -> ClientAnswer {
                                               auto client = desk.store.client(id);
                                               if (!client) return tl::unexpected(not_known(id));
                                               return std::move(*client);
                                             }),
                       response);
}

grpc::Status ClientService::ListClients(grpc::ServerContext* call,
                                        const v1::ListClientsRequest* request,
                                        v1::ListClientsResponse* response) {
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  // One more than asked for says whether there is a next page.
  const auto found = at_desk<std::vector<record::ClientRecord>>(
      context_, *call, [page = *page](const PeopleDesk& desk) {
        return desk.store.clients(page.size + 1, page.after);
      });
  if (!found) return found.error();
  const std::size_t count = std::min(found->size(), page->size);
  for (std::size_t i = 0; i < count; ++i) client_to_pb((*found)[i], response->add_clients());
  if (found->size() > count) response->set_next_page_token((*found)[count - 1].id);
  return grpc::Status::OK;
}

grpc::Status ClientService::CreateClient(grpc::ServerContext* call,
                                         const v1::CreateClientRequest* request,
                                         v1::Client* response) {
  record::ClientRecord client;
  if (const auto shape = client_from_pb(request->client(), client); !shape) {
    return invalid(shape.error());
  }
  client.id = request->client_id();
  const std::int64_t now = context_.parts.runtime.wall_unix_ns();
  const auto status =
      answer_client(at_desk<ClientAnswer>(context_, *call,
                                          [client, now](const PeopleDesk& desk) {
                                            return station::create_client(desk, client, now);
                                          }),
                    response);
  note_person(context_, *call, "client_added",
              status.ok() ? response->name() : "clients/" + request->client_id(), status);
  return status;
}

grpc::Status ClientService::UpdateClient(grpc::ServerContext* call,
                                         const v1::UpdateClientRequest* request,
                                         v1::Client* response) {
  const auto id = id_from_pb("clients", request->client().name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->client().etag());
  if (!revision) return invalid(revision.error());
  const auto mask = mask_of(request->update_mask());
  if (!mask) return invalid(mask.error());
  const std::int64_t now = context_.parts.runtime.wall_unix_ns();
  const auto change = [mask = *mask, wish = request->client()](
                          record::ClientRecord& client) -> std::optional<station::Refusal> {
    v1::Client merged;
    client_to_pb(client, &merged);
    google::protobuf::util::FieldMaskUtil::MergeOptions replace;
    replace.set_replace_repeated_fields(true);
    google::protobuf::util::FieldMaskUtil::MergeMessageTo(wish, mask, replace, &merged);
    // A plain field that is 0 is not merged: it was set back.
    for (const std::string& path : mask.paths()) {
      const auto* field = v1::Client::descriptor()->FindFieldByName(path);
      if (!field->is_repeated() && !wish.GetReflection()->HasField(wish, field)) {
        merged.GetReflection()->ClearField(&merged, field);
      }
    }
    if (const auto shape = client_from_pb(merged, client); !shape) {
      return station::Refusal{station::RefusalCode::kInvalid, shape.error()};
    }
    return std::nullopt;
  };
  const auto status = answer_client(
      at_desk<ClientAnswer>(context_, *call,
                            [id = *id, revision = *revision, person = person_of(*call), now,
                             change](const PeopleDesk& desk) {
                              return station::update_client(desk, id, revision, person, now,
                                                            change);
                            }),
      response);
  // Which fields; what is in them is nobody's business but the client's.
  note_person(context_, *call, "client_changed", request->client().name(), status,
              {{"fields", google::protobuf::util::FieldMaskUtil::ToString(*mask)}});
  return status;
}

grpc::Status ClientService::DeleteClient(grpc::ServerContext* call,
                                         const v1::DeleteClientRequest* request,
                                         google::protobuf::Empty*) {
  const auto id = id_from_pb("clients", request->name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->etag());
  if (!revision) return invalid(revision.error());
  const auto done = at_desk<PeopleAnswer<bool>>(
      context_, *call, [id = *id, revision = *revision](const PeopleDesk& desk) {
        return station::delete_client(desk, id, revision);
      });
  if (!done) return done.error();
  const grpc::Status status = *done ? grpc::Status::OK : status_of(done->error());
  note_person(context_, *call, "client_deleted", request->name(), status);
  return status;
}

grpc::Status ClientService::ExportClient(grpc::ServerContext* call,
                                         const v1::ExportClientRequest* request,
                                         grpc::ServerWriter<v1::ExportClientResponse>* writer) {
  const auto id = id_from_pb("clients", request->name());
  if (!id) return invalid(id.error());
  struct Head {
    bool known = false;
    std::string json;  // open: its sessions are still to come
    std::vector<std::string> sessions;
  };
  const auto head = at_desk<Head>(context_, *call, [id = *id](const PeopleDesk& desk) {
    Head out;
    const auto client = desk.store.client(id);
    for (const auto& session : desk.store.sessions_of_client(id)) {
      out.sessions.push_back(session.id);
    }
    out.known = client || !out.sessions.empty();
    std::vector<record::PlanWithDays> plans;
    for (const auto& plan : desk.store.plans(SIZE_MAX >> 1, "", id)) {
      plans.push_back({plan, desk.store.plan_days(plan.id)});
    }
    out.json = record::person_json(id, client ? &*client : nullptr, plans);
    return out;
  });
  if (!head) return head.error();
  if (!head->known) return status_of(not_known(*id));
  const auto write = [&](const std::string& text) {
    for (std::size_t at = 0; at < text.size(); at += kPieceBytes) {
      v1::ExportClientResponse piece;
      piece.set_json(text.substr(at, kPieceBytes));
      if (context_.stopping || call->IsCancelled() || !writer->Write(piece)) return false;
    }
    return true;
  };
  if (!write(head->json)) return grpc::Status::CANCELLED;
  bool first = true;
  for (const std::string& session_id : head->sessions) {
    const auto text =
        at_desk<std::string>(context_, *call, [session_id](const PeopleDesk& desk) -> std::string {
          const auto session = desk.store.session(session_id);
          if (!session) return {};
          std::ostringstream out;
          record::write_session_json(out, *session, desk.store.sets_of(session_id),
                                     desk.store.guided_of(session_id));
          return out.str();
        });
    if (!text) return text.error();
    if (text->empty()) continue;
    if (!write((first ? "" : ",") + *text)) return grpc::Status::CANCELLED;
    first = false;
  }
  note_person(context_, *call, "client_exported", request->name(), grpc::Status::OK);
  return write("]}\n") ? grpc::Status::OK : grpc::Status::CANCELLED;
}

grpc::Status ClientService::EraseClient(grpc::ServerContext* call,
                                        const v1::EraseClientRequest* request,
                                        v1::EraseClientResponse* response) {
  const auto id = id_from_pb("clients", request->name());
  if (!id) return invalid(id.error());
  if (request->confirm() != *id) {
    return invalid("confirm is not '" + *id + "'; write the client's id once more to erase it");
  }
  const auto latest = context_.hub.latest();
  if (latest && !latest->session_id.empty() && latest->client_id == *id) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "client '" + *id + "' is training (session " +
                                                       latest->session_id +
                                                       "); stop it, then erase"};
  }
  using Answer = tl::expected<record::Store::Erased, station::Refusal>;
  const auto erased =
      at_desk<Answer>(context_, *call, [id = *id](const PeopleDesk& desk) -> Answer {
        if (!desk.store.client(id) && desk.store.sessions_of_client(id).empty()) {
          return tl::unexpected(not_known(id));
        }
        auto done = desk.store.erase_client(id);
        if (done) return *done;
        return tl::unexpected(
            station::Refusal{station::RefusalCode::kUnavailable, done.error().message});
      });
  if (!erased) return erased.error();
  if (!*erased) return status_of(erased->error());
  response->set_plans((*erased)->plans);
  response->set_sessions((*erased)->sessions);
  response->set_sets((*erased)->sets);
  response->set_guided((*erased)->guided);
  // The fact alone: who it was is not written down again.
  note_person(context_, *call, "client_erased", "", grpc::Status::OK,
              {{"plans", std::to_string(response->plans())},
               {"sessions", std::to_string(response->sessions())},
               {"sets", std::to_string(response->sets())}});
  return grpc::Status::OK;
}

grpc::Status ClientService::ListTestResults(grpc::ServerContext* call,
                                            const v1::ListTestResultsRequest* request,
                                            v1::ListTestResultsResponse* response) {
  const auto id = id_from_pb("clients", request->parent());
  if (!id) return invalid(id.error());
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  const auto found = at_desk<std::vector<station::TestRecord>>(
      context_, *call,
      [id = *id](const PeopleDesk& desk) { return station::tests_of_client(desk, id); });
  if (!found) return found.error();
  const auto next = page_by_position(*found, *page, [&](const station::TestRecord& test) {
    test_to_pb(*id, test, response->add_test_results());
  });
  if (!next) return invalid(next.error());
  response->set_next_page_token(*next);
  return grpc::Status::OK;
}

grpc::Status ClientService::GetProgress(grpc::ServerContext* call,
                                        const v1::GetProgressRequest* request,
                                        v1::Progress* response) {
  const auto id = id_from_pb("clients", request->name());
  if (!id) return invalid(id.error());
  const auto found = at_desk<PeopleAnswer<station::Progress>>(
      context_, *call,
      [id = *id](const PeopleDesk& desk) { return station::progress_of(desk, id); });
  if (!found) return found.error();
  if (!*found) return status_of(found->error());
  progress_to_pb(**found, response);
  return grpc::Status::OK;
}

}  // namespace medius::api
