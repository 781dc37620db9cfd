// People and plans: the newest value of each under its id, beside the days of a plan, which are
// only ever added.
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

std::uint32_t client_crc(const std::string& id, const std::string& payload) {
  return row_crc("clients", id, 0, payload);
}

std::uint32_t plan_crc(const std::string& id, const std::string& payload) {
  return row_crc("plans", id, 0, payload);
}

std::uint32_t day_crc(const std::string& plan_id, std::uint64_t ordinal,
                      const std::string& payload) {
  return row_crc("plan_days", plan_id, ordinal, payload);
}

// id, payload, crc
std::optional<ClientRecord> read_client(const Statement& row) {
  const std::string id = row.text(0);
  const std::string payload = row.text(1);
  if (as_unsigned(row.integer(2)) != client_crc(id, payload)) return std::nullopt;
  auto client = decode_client(payload);
  return client && client->id == id ? client : std::nullopt;
}

// id, client_id, payload, crc
std::optional<PlanRecord> read_plan(const Statement& row) {
  const std::string id = row.text(0);
  const std::string payload = row.text(2);
  if (as_unsigned(row.integer(3)) != plan_crc(id, payload)) return std::nullopt;
  auto plan = decode_plan(payload);
  return plan && plan->id == id && plan->client_id == row.text(1) ? plan : std::nullopt;
}

// plan_id, ordinal, payload, crc
std::optional<PlanDayRecord> read_day(const Statement& row) {
  const std::string plan_id = row.text(0);
  const auto ordinal = as_unsigned(row.integer(1));
  const std::string payload = row.text(2);
  if (as_unsigned(row.integer(3)) != day_crc(plan_id, ordinal, payload)) return std::nullopt;
  auto day = decode_plan_day(payload);
  return day && day->plan_id == plan_id && day->ordinal == ordinal ? day : std::nullopt;
}

tl::expected<void, StoreError> check_people_id(const char* what, const std::string& id, bool good) {
  if (good) return {};
  return tl::unexpected(StoreError{std::string(what) + " '" + id + "' is not an id of ours"});
}

}  // namespace

tl::expected<void, StoreError> Store::Impl::people_changed(const std::string& doing,
                                                           const std::function<void()>& body) {
  auto done = station->transact(body);
  if (!done) return tl::unexpected(broken(doing, done.error()));
  // What a damaged WAL takes with it must stay among what the manifest names.
  if (!in_memory() && ++writes_since_checkpoint >= kManifestNames / 2 && station->checkpoint()) {
    writes_since_checkpoint = 0;
  }
  return {};
}

tl::expected<void, StoreError> Store::put_client(const ClientRecord& client) {
  auto checked = check_people_id("client", client.id, is_pseudonym(client.id));
  if (!checked) return checked;
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  const std::string payload = encode_client(client);
  return impl_->people_changed("storing client " + client.id, [&] {
    Statement(*impl_->station, "INSERT OR REPLACE INTO clients VALUES(?,?,?)")
        .bind(client.id)
        .bind_blob(payload)
        .bind(client_crc(client.id, payload))
        .run();
  });
}

std::optional<ClientRecord> Store::client(const std::string& id) {
  if (!impl_->ensure_sound()) return std::nullopt;
  std::optional<ClientRecord> client;
  {
    Statement row(*impl_->station, "SELECT id, payload, crc FROM clients WHERE id=?");
    if (row.bind(id).next()) {
      client = read_client(row);
      if (!client) impl_->note_damage("clients/" + id);
    }
  }
  impl_->read_failed();
  return client;
}

std::vector<ClientRecord> Store::clients(std::size_t limit, const std::string& after_id) {
  std::vector<ClientRecord> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station,
                   "SELECT id, payload, crc FROM clients WHERE id>? ORDER BY id LIMIT ?");
    rows.bind(after_id).bind(as_signed(limit));
    while (rows.next()) {
      if (auto client = read_client(rows)) {
        result.push_back(std::move(*client));
      } else {
        impl_->note_damage("clients/" + rows.text(0));
      }
    }
  }
  impl_->read_failed();
  return result;
}

tl::expected<void, StoreError> Store::remove_client(const std::string& id) {
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  return impl_->people_changed("removing client " + id, [&] {
    Statement(*impl_->station, "DELETE FROM clients WHERE id=?").bind(id).run();
  });
}

tl::expected<void, StoreError> Store::put_plan(const PlanRecord& plan, const PlanDayRecord* day) {
  auto checked = check_people_id("plan", plan.id,
                                 is_id(plan.id) && (day == nullptr || day->plan_id == plan.id));
  if (!checked) return checked;
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  const std::string payload = encode_plan(plan);
  const std::string day_payload = day != nullptr ? encode_plan_day(*day) : std::string();
  return impl_->people_changed("storing plan " + plan.id, [&] {
    Statement(*impl_->station, "INSERT OR REPLACE INTO plans VALUES(?,?,?,?)")
        .bind(plan.id)
        .bind(plan.client_id)
        .bind_blob(payload)
        .bind(plan_crc(plan.id, payload))
        .run();
    if (day == nullptr) return;
    Statement(*impl_->station, "INSERT INTO plan_days VALUES(?,?,?,?)")
        .bind(plan.id)
        .bind(day->ordinal)
        .bind_blob(day_payload)
        .bind(day_crc(plan.id, day->ordinal, day_payload))
        .run();
  });
}

std::optional<PlanRecord> Store::plan(const std::string& id) {
  if (!impl_->ensure_sound()) return std::nullopt;
  std::optional<PlanRecord> plan;
  {
    Statement row(*impl_->station, "SELECT id, client_id, payload, crc FROM plans WHERE id=?");
    if (row.bind(id).next()) {
      plan = read_plan(row);
      if (!plan) impl_->note_damage("plans/" + id);
    }
  }
  impl_->read_failed();
  return plan;
}

std::vector<PlanRecord> Store::plans(std::size_t limit, const std::string& after_id,
                                     const std::string& client_id) {
  std::vector<PlanRecord> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station,
                   "SELECT id, client_id, payload, crc FROM plans WHERE id>? AND"
                   " (?='' OR client_id=?) ORDER BY id LIMIT ?");
    rows.bind(after_id).bind(client_id).bind(client_id).bind(as_signed(limit));
    while (rows.next()) {
      if (auto plan = read_plan(rows)) {
        result.push_back(std::move(*plan));
      } else {
        impl_->note_damage("plans/" + rows.text(0));
      }
    }
  }
  impl_->read_failed();
  return result;
}

std::vector<PlanDayRecord> Store::plan_days(const std::string& plan_id) {
  std::vector<PlanDayRecord> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station,
                   "SELECT plan_id, ordinal, payload, crc FROM plan_days WHERE plan_id=?"
                   " ORDER BY ordinal");
    rows.bind(plan_id);
    while (rows.next()) {
      if (auto day = read_day(rows)) {
        result.push_back(std::move(*day));
      } else {
        impl_->note_damage("plans/" + plan_id);
      }
    }
  }
  impl_->read_failed();
  return result;
}

tl::expected<void, StoreError> Store::remove_plan(const std::string& id) {
  if (auto sound = impl_->ensure_sound(); !sound) return sound;
  return impl_->people_changed("removing plan " + id, [&] {
    Statement(*impl_->station, "DELETE FROM plan_days WHERE plan_id=?").bind(id).run();
    Statement(*impl_->station, "DELETE FROM plans WHERE id=?").bind(id).run();
  });
}

std::vector<SessionRecord> Store::sessions_of_client(const std::string& client_id) {
  std::vector<SessionRecord> result;
  if (client_id.empty() || !impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station, "SELECT id, sequence, payload, crc FROM sessions ORDER BY id");
    while (rows.next()) {
      const std::string payload = rows.text(2);
      auto session = decode_session(payload);
      if (!session || session->client_id != client_id) continue;
      if (as_unsigned(rows.integer(3)) !=
          row_crc("sessions", rows.text(0), as_unsigned(rows.integer(1)), payload)) {
        impl_->note_damage(rows.text(0));
        continue;
      }
      result.push_back(std::move(*session));
    }
  }
  impl_->read_failed();
  return result;
}

void Store::Impl::scan_people() {
  {
    Statement rows(*station, "SELECT id, payload, crc FROM clients ORDER BY id");
    while (rows.next()) {
      ++report.clients;
      if (!read_client(rows)) note_damage("clients/" + rows.text(0));
    }
  }
  {
    Statement rows(*station, "SELECT id, client_id, payload, crc FROM plans ORDER BY id");
    while (rows.next()) {
      ++report.plans;
      if (!read_plan(rows)) note_damage("plans/" + rows.text(0));
    }
  }
  Statement rows(*station,
                 "SELECT plan_id, ordinal, payload, crc FROM plan_days ORDER BY plan_id, ordinal");
  while (rows.next()) {
    if (!read_day(rows)) note_damage("plans/" + rows.text(0));
  }
}

}  // namespace medius::record
