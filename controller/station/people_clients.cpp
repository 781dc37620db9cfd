// Clients: who may be stored, and what of them only a therapist changes.
#include <cmath>

#include <fmt/format.h>

#include "controller/record/rows.hpp"
#include "controller/station/people.hpp"
#include "controller/station/trainee.hpp"

namespace medius::station {
namespace {

using record::ClientRecord;

tl::unexpected<Refusal> no(RefusalCode code, std::string message) {
  return tl::unexpected(Refusal{code, std::move(message)});
}

struct Bound {
  const char* name;
  double value, min, max;
  const char* unit;
};

// Wide enough for everybody, narrow enough to find a wrong unit.
std::optional<Refusal> check_body(const ClientRecord& client) {
  const Bound bounds[] = {
      {"body_mass_kg", client.body_mass_kg, 20.0, 300.0, "kg"},
      {"height_m", client.height_m, 0.5, 2.5, "m"},
      {"leg_length_m", client.leg_length_m, 0.3, 1.5, "m"},
      {"birth_year", static_cast<double>(client.birth_year), 1900.0, 2100.0, ""},
  };
  for (const Bound& bound : bounds) {
    if (bound.value == 0.0) continue;
    if (bound.value >= bound.min && bound.value <= bound.max) continue;
    return Refusal{
        RefusalCode::kInvalid,
        fmt::format("client '{}': {} is {:g}, possible are {:g} to {:g} {} or 0 for not "
                    "said; look at the unit",
                    client.id, bound.name, bound.value, bound.min, bound.max, bound.unit)};
  }
  return std::nullopt;
}

std::optional<Refusal> check_caps(const ClientRecord& client) {
  // A machine's own limits: 600 N at a cable, 250 Nm an arm.
  constexpr double kCableMax = 600.0, kLeverMax = 250.0;
  if (client.caps.size() > record::kCapsMax) {
    return Refusal{RefusalCode::kInvalid,
                   fmt::format("client '{}' has {} load limits, at most {}; one for every exercise "
                               "of a machine is written without an exercise",
                               client.id, client.caps.size(), record::kCapsMax)};
  }
  for (const record::LoadCap& cap : client.caps) {
    const bool lever = cap.coordinate == hal::CoordinateKind::kLever;
    const double most = lever ? kLeverMax : kCableMax;
    if (std::isfinite(cap.load) && cap.load > 0.0 && cap.load <= most &&
        cap.exercise_id.size() <= 64) {
      continue;
    }
    return Refusal{RefusalCode::kInvalid,
                   fmt::format("client '{}': load limit {:g} {} of '{:.64}': above 0 and at most "
                               "{:g} is possible; leave it out for no limit",
                               client.id, cap.load, lever ? "Nm" : "N", cap.exercise_id, most)};
  }
  return std::nullopt;
}

std::optional<Refusal> check_client(const ClientRecord& client) {
  if (!record::is_pseudonym(client.id)) {
    return Refusal{
        RefusalCode::kInvalid,
        fmt::format("client '{:.64}': an id is a pseudonym of 1 to {} letters a-z, "
                    "digits, '-' and '_', e.g. 'k7-blue'; write down elsewhere who it is",
                    client.id, record::kPseudonymMax)};
  }
  if (!client.goal.empty() && find_goal(client.goal) == nullptr) {
    return Refusal{RefusalCode::kInvalid,
                   fmt::format("client '{}': goal '{:.32}' is not known; choose one of: {}",
                               client.id, client.goal, list_goals())};
  }
  if (client.notes.size() > record::kNotesMax) {
    return Refusal{RefusalCode::kInvalid,
                   fmt::format("client '{}': notes have {} bytes, at most {}; shorten them",
                               client.id, client.notes.size(), record::kNotesMax)};
  }
  if (auto wrong = check_body(client)) return wrong;
  return check_caps(client);
}

tl::expected<ClientRecord, Refusal> known_client(record::Store& store, const std::string& id) {
  if (auto client = store.client(id)) return std::move(*client);
  return no(
      RefusalCode::kNotFound,
      fmt::format("client '{:.64}' is not in the store; 'medius client list' names who is", id));
}

Refusal not_stored(const record::StoreError& error) {
  return {RefusalCode::kUnavailable, error.message};
}

}  // namespace

std::optional<std::string> needs_therapist(const ClientRecord& before, const ClientRecord& after) {
  if (before.in_therapy && !after.in_therapy) return "the end of a therapy";
  for (const record::LoadCap& cap : before.caps) {
    // A limit that is gone may live on in another that holds for the same exercises.
    const auto now = cap_of(after.caps, cap.exercise_id, cap.coordinate);
    if (now && *now <= cap.load) continue;
    const std::string of = cap.exercise_id.empty() ? "every exercise" : cap.exercise_id;
    const char* unit = cap.coordinate == hal::CoordinateKind::kLever ? "Nm" : "N";
    return now ? fmt::format("raising the limit of {} from {:g} to {:g} {}", of, cap.load, *now,
                             unit)
               : fmt::format("taking away the limit of {} ({:g} {})", of, cap.load, unit);
  }
  return std::nullopt;
}

PeopleAnswer<ClientRecord> create_client(const PeopleDesk& desk, ClientRecord client,
                                         std::int64_t now_unix_ns) {
  if (client.id.empty()) {
    const auto id = desk.store.next_id();
    if (!id) return tl::unexpected(not_stored(id.error()));
    client.id = "c" + id->substr(id->find_first_not_of('0') == std::string::npos
                                     ? id->size() - 1
                                     : id->find_first_not_of('0'));
  }
  if (auto wrong = check_client(client)) return tl::unexpected(*wrong);
  if (desk.store.client(client.id)) {
    return no(RefusalCode::kWrongState,
              fmt::format("client '{}' is there already; choose another id, or change it with "
                          "'medius client set'",
                          client.id));
  }
  client.revision = 1;
  client.create_unix_ns = client.update_unix_ns = now_unix_ns;
  if (auto put = desk.store.put_client(client); !put)
    return tl::unexpected(not_stored(put.error()));
  return client;
}

PeopleAnswer<ClientRecord> update_client(
    const PeopleDesk& desk, const std::string& id, std::optional<std::uint64_t> revision,
    const Person& person, std::int64_t now_unix_ns,
    const std::function<std::optional<Refusal>(ClientRecord&)>& change) {
  const auto before = known_client(desk.store, id);
  if (!before) return before;
  if (revision && *revision != before->revision) {
    return no(RefusalCode::kVersionConflict,
              fmt::format("client '{}' is at revision {}, the change was made for {}; read it and "
                          "change it again",
                          id, before->revision, *revision));
  }
  ClientRecord after = *before;
  if (auto wrong = change(after)) return tl::unexpected(*wrong);
  if (auto wrong = check_client(after)) return tl::unexpected(*wrong);
  if (const auto what = needs_therapist(*before, after); what && !person.therapist) {
    return no(RefusalCode::kNotAllowed,
              fmt::format("client '{}': {} is a therapist's decision; connect with a therapist's "
                          "certificate (--tls)",
                          id, *what));
  }
  after.revision = before->revision + 1;
  after.update_unix_ns = now_unix_ns;
  if (auto put = desk.store.put_client(after); !put) return tl::unexpected(not_stored(put.error()));
  return after;
}

PeopleAnswer<bool> delete_client(const PeopleDesk& desk, const std::string& id,
                                 std::optional<std::uint64_t> revision) {
  const auto client = known_client(desk.store, id);
  if (!client) return tl::unexpected(client.error());
  if (revision && *revision != client->revision) {
    return no(RefusalCode::kVersionConflict,
              fmt::format("client '{}' is at revision {}, not {}; read it again", id,
                          client->revision, *revision));
  }
  const std::size_t sessions = desk.store.sessions_of_client(id).size();
  const std::size_t plans = desk.store.plans(1, "", id).size();
  if (sessions > 0 || plans > 0) {
    return no(RefusalCode::kWrongState,
              fmt::format("client '{}' has {} sessions and {} plans; to take them out with the "
                          "client, erase it ('medius client erase')",
                          id, sessions, plans));
  }
  if (auto done = desk.store.remove_client(id); !done) {
    return tl::unexpected(not_stored(done.error()));
  }
  return true;
}

}  // namespace medius::station
