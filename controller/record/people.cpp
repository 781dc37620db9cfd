#include "controller/record/people.hpp"

#include "controller/record/bytes.hpp"

namespace medius::record {
namespace {

constexpr std::uint16_t kClientVersion = 1;
constexpr std::uint16_t kPlanVersion = 1;
constexpr std::uint16_t kPlanDayVersion = 1;

// More of anything in a list is a damaged row.
constexpr std::uint32_t kMaxList = 4096;

template <typename T, typename Put>
void put_list(ByteWriter& writer, const std::vector<T>& list, Put put) {
  writer.put(static_cast<std::uint32_t>(list.size()));
  for (const T& item : list) put(item);
}

template <typename T, typename Get>
bool get_list(ByteReader& reader, std::vector<T>& list, Get get) {
  const auto count = reader.get<std::uint32_t>();
  if (count > kMaxList) return false;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) list.push_back(get());
  return reader.ok();
}

template <typename Enum>
Enum get_enum(ByteReader& reader, Enum last, bool& known) {
  Enum value{};
  known = read_enum(reader, last, value) && known;
  return value;
}

void put_optional(ByteWriter& writer, const std::optional<double>& value) {
  writer.put(static_cast<std::uint8_t>(value.has_value())).put(value.value_or(0.0));
}

std::optional<double> get_optional(ByteReader& reader) {
  const bool there = reader.get<std::uint8_t>() != 0;
  const double value = reader.get_double();
  return there ? std::optional(value) : std::nullopt;
}

void put_flag(ByteWriter& writer, bool flag) {
  writer.put(static_cast<std::uint8_t>(flag));
}

bool get_flag(ByteReader& reader) {
  return reader.get<std::uint8_t>() != 0;
}

void put_exercise(ByteWriter& writer, const PlanExercise& exercise) {
  writer.put(exercise.exercise_id)
      .put(exercise.load)
      .put(exercise.reps)
      .put(exercise.surplus_days)
      .put(exercise.short_days);
  for (const double range : exercise.range_reference) writer.put(range);
  put_optional(writer, exercise.asymmetry_reference);
  put_flag(writer, exercise.proposal.has_value());
  const PlanExercise::Proposal proposal = exercise.proposal.value_or(PlanExercise::Proposal{});
  writer.put(proposal.load).put(proposal.reps).put(proposal.reason);
}

PlanExercise get_exercise(ByteReader& reader) {
  PlanExercise exercise;
  exercise.exercise_id = reader.get_text();
  exercise.load = reader.get_double();
  exercise.reps = reader.get<std::uint32_t>();
  exercise.surplus_days = reader.get<std::uint32_t>();
  exercise.short_days = reader.get<std::uint32_t>();
  for (double& range : exercise.range_reference) range = reader.get_double();
  exercise.asymmetry_reference = get_optional(reader);
  const bool proposed = get_flag(reader);
  PlanExercise::Proposal proposal;
  proposal.load = reader.get_double();
  proposal.reps = reader.get<std::uint32_t>();
  proposal.reason = reader.get_text();
  if (proposed) exercise.proposal = std::move(proposal);
  return exercise;
}

void put_test(ByteWriter& writer, const PlanTest& test) {
  writer.put(test.program_id).put(test.session_id).put(test.days_done).put(test.start_unix_ns);
}

PlanTest get_test(ByteReader& reader) {
  PlanTest test;
  test.program_id = reader.get_text();
  test.session_id = reader.get_text();
  test.days_done = reader.get<std::uint32_t>();
  test.start_unix_ns = reader.get<std::int64_t>();
  return test;
}

void put_earlier(ByteWriter& writer, const EarlierSet& set) {
  writer.put(set.day_unix_ns)
      .put(set.exercise_id)
      .put(static_cast<std::uint8_t>(set.side))
      .put(static_cast<std::uint8_t>(set.coordinate))
      .put(set.load)
      .put(set.reps);
}

EarlierSet get_earlier(ByteReader& reader, bool& known) {
  EarlierSet set;
  set.day_unix_ns = reader.get<std::int64_t>();
  set.exercise_id = reader.get_text();
  set.side = get_enum(reader, Side::kBoth, known);
  set.coordinate = get_enum(reader, hal::CoordinateKind::kLever, known);
  set.load = reader.get_double();
  set.reps = reader.get<std::uint32_t>();
  return set;
}

void put_decision(ByteWriter& writer, const PlanDecision& decision) {
  writer.put(decision.exercise_id)
      .put(static_cast<std::uint8_t>(decision.change))
      .put(decision.load_before)
      .put(decision.load)
      .put(decision.reps_before)
      .put(decision.reps);
  put_flag(writer, decision.refused);
  put_flag(writer, decision.applied);
  put_flag(writer, decision.capped);
  writer.put(decision.decided_by).put(decision.reason);
  put_list(writer, decision.sets, [&](const PlanSet& set) {
    writer.put(static_cast<std::uint8_t>(set.side))
        .put(set.load)
        .put(set.reps_asked)
        .put(set.reps_full)
        .put(set.reps_partial)
        .put(set.range)
        .put(set.tempo_off_share)
        .put(set.momentum_share);
  });
  put_optional(writer, decision.asymmetry_percent);
  writer.put(decision.asymmetry_error_percent);
}

PlanSet get_set(ByteReader& reader, bool& known) {
  PlanSet set;
  set.side = get_enum(reader, Side::kBoth, known);
  set.load = reader.get_double();
  set.reps_asked = reader.get<std::uint32_t>();
  set.reps_full = reader.get<std::uint32_t>();
  set.reps_partial = reader.get<std::uint32_t>();
  set.range = reader.get_double();
  set.tempo_off_share = reader.get_double();
  set.momentum_share = reader.get_double();
  return set;
}

PlanDecision get_decision(ByteReader& reader, bool& known) {
  PlanDecision decision;
  decision.exercise_id = reader.get_text();
  decision.change = get_enum(reader, PlanChange::kLessLoad, known);
  decision.load_before = reader.get_double();
  decision.load = reader.get_double();
  decision.reps_before = reader.get<std::uint32_t>();
  decision.reps = reader.get<std::uint32_t>();
  decision.refused = get_flag(reader);
  decision.applied = get_flag(reader);
  decision.capped = get_flag(reader);
  decision.decided_by = reader.get_text();
  decision.reason = reader.get_text();
  known = get_list(reader, decision.sets, [&] { return get_set(reader, known); }) && known;
  decision.asymmetry_percent = get_optional(reader);
  decision.asymmetry_error_percent = reader.get_double();
  return decision;
}

}  // namespace

bool is_pseudonym(std::string_view id) {
  if (id.empty() || id.size() > kPseudonymMax || id.front() == '-' || id.front() == '_') {
    return false;
  }
  for (const char c : id) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  }
  return true;
}

std::string encode_client(const ClientRecord& client) {
  ByteWriter writer;
  writer.put(kClientVersion)
      .put(client.id)
      .put(client.revision)
      .put(client.goal)
      .put(client.notes)
      .put(client.birth_year)
      .put(static_cast<std::uint8_t>(client.sex))
      .put(client.body_mass_kg)
      .put(client.height_m)
      .put(client.leg_length_m)
      .put(static_cast<std::uint8_t>(client.affected_side));
  put_flag(writer, client.in_therapy);
  put_list(writer, client.caps, [&](const LoadCap& cap) {
    writer.put(cap.exercise_id).put(static_cast<std::uint8_t>(cap.coordinate)).put(cap.load);
  });
  writer.put(client.create_unix_ns).put(client.update_unix_ns);
  return writer.take();
}

std::optional<ClientRecord> decode_client(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.get<std::uint16_t>() != kClientVersion) return std::nullopt;
  ClientRecord client;
  bool known = true;
  client.id = reader.get_text();
  client.revision = reader.get<std::uint64_t>();
  client.goal = reader.get_text();
  client.notes = reader.get_text();
  client.birth_year = reader.get<std::uint16_t>();
  client.sex = get_enum(reader, Sex::kOther, known);
  client.body_mass_kg = reader.get_double();
  client.height_m = reader.get_double();
  client.leg_length_m = reader.get_double();
  client.affected_side = get_enum(reader, Side::kBoth, known);
  client.in_therapy = get_flag(reader);
  const bool listed = get_list(reader, client.caps, [&] {
    LoadCap cap;
    cap.exercise_id = reader.get_text();
    cap.coordinate = get_enum(reader, hal::CoordinateKind::kLever, known);
    cap.load = reader.get_double();
    return cap;
  });
  client.create_unix_ns = reader.get<std::int64_t>();
  client.update_unix_ns = reader.get<std::int64_t>();
  if (!listed || !known || !reader.ok_and_empty()) return std::nullopt;
  return client;
}

std::string encode_plan(const PlanRecord& plan) {
  ByteWriter writer;
  writer.put(kPlanVersion)
      .put(plan.id)
      .put(plan.client_id)
      .put(plan.program_id)
      .put(plan.revision)
      .put(plan.weeks)
      .put(plan.days_per_week);
  put_flag(writer, plan.strength);
  put_list(writer, plan.test_weeks, [&](std::uint32_t week) { writer.put(week); });
  writer.put(plan.days_done).put(plan.last_start_unix_ns).put(plan.session_id);
  put_list(writer, plan.exercises, [&](const auto& exercise) { put_exercise(writer, exercise); });
  put_list(writer, plan.tests, [&](const PlanTest& test) { put_test(writer, test); });
  put_list(writer, plan.earlier, [&](const EarlierSet& set) { put_earlier(writer, set); });
  writer.put(plan.create_unix_ns).put(plan.update_unix_ns);
  return writer.take();
}

std::optional<PlanRecord> decode_plan(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.get<std::uint16_t>() != kPlanVersion) return std::nullopt;
  PlanRecord plan;
  bool known = true;
  plan.id = reader.get_text();
  plan.client_id = reader.get_text();
  plan.program_id = reader.get_text();
  plan.revision = reader.get<std::uint64_t>();
  plan.weeks = reader.get<std::uint32_t>();
  plan.days_per_week = reader.get<std::uint32_t>();
  plan.strength = get_flag(reader);
  bool listed = get_list(reader, plan.test_weeks, [&] { return reader.get<std::uint32_t>(); });
  plan.days_done = reader.get<std::uint32_t>();
  plan.last_start_unix_ns = reader.get<std::int64_t>();
  plan.session_id = reader.get_text();
  listed = listed && get_list(reader, plan.exercises, [&] { return get_exercise(reader); });
  listed = listed && get_list(reader, plan.tests, [&] { return get_test(reader); });
  listed = listed && get_list(reader, plan.earlier, [&] { return get_earlier(reader, known); });
  plan.create_unix_ns = reader.get<std::int64_t>();
  plan.update_unix_ns = reader.get<std::int64_t>();
  if (!listed || !known || !reader.ok_and_empty()) return std::nullopt;
  return plan;
}

std::string encode_plan_day(const PlanDayRecord& day) {
  ByteWriter writer;
  writer.put(kPlanDayVersion)
      .put(day.plan_id)
      .put(day.ordinal)
      .put(day.days_done)
      .put(day.session_id)
      .put(day.unix_ns);
  put_flag(writer, day.counted);
  put_list(writer, day.notes, [&](const std::string& note) { writer.put(note); });
  put_list(writer, day.decisions, [&](const auto& decision) { put_decision(writer, decision); });
  return writer.take();
}

std::optional<PlanDayRecord> decode_plan_day(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.get<std::uint16_t>() != kPlanDayVersion) return std::nullopt;
  PlanDayRecord day;
  bool known = true;
  day.plan_id = reader.get_text();
  day.ordinal = reader.get<std::uint32_t>();
  day.days_done = reader.get<std::uint32_t>();
  day.session_id = reader.get_text();
  day.unix_ns = reader.get<std::int64_t>();
  day.counted = get_flag(reader);
  bool listed = get_list(reader, day.notes, [&] { return reader.get_text(); });
  listed = listed && get_list(reader, day.decisions, [&] { return get_decision(reader, known); });
  if (!listed || !known || !reader.ok_and_empty()) return std::nullopt;
  return day;
}

const char* to_string(PlanChange change) noexcept {
  switch (change) {
    case PlanChange::kHold:
      return "hold";
    case PlanChange::kMoreReps:
      return "more repetitions";
    case PlanChange::kMoreLoad:
      return "more load";
    case PlanChange::kLessLoad:
      return "less";
  }
  return "unknown";
}

}  // namespace medius::record
