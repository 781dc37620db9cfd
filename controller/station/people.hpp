// What happens to people and their plans at a station: who may change what, what a plan's next
// session is, and what a session that is over changes. Everything here runs where the store does;
// each function reads, decides and writes at once, so that nothing comes between.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/store.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/plan.hpp"
#include "controller/station/station.hpp"

namespace medius::station {

// What the functions work on; all outlive them.
struct PeopleDesk {
  record::Store& store;
  const ProgramLibrary& programs;
  const MachineConfig& machine;
};

// Who asks for a change.
struct Person {
  std::string name;
  bool therapist = false;
};

template <typename T>
using PeopleAnswer = tl::expected<T, Refusal>;

// ---- clients --------------------------------------------------------------------------------

// [record] `client.revision` must be 0 and the id free; an empty id gets one.
[[nodiscard]] PeopleAnswer<record::ClientRecord> create_client(const PeopleDesk& desk,
                                                               record::ClientRecord client,
                                                               std::int64_t now_unix_ns);
// [record] `change` alters the stored one; a revision that is given must be the stored one's.
[[nodiscard]] PeopleAnswer<record::ClientRecord> update_client(
    const PeopleDesk& desk, const std::string& id, std::optional<std::uint64_t> revision,
    const Person& person, std::int64_t now_unix_ns,
    const std::function<std::optional<Refusal>(record::ClientRecord&)>& change);
// [record] Only somebody without plans and sessions; else erase_client() is meant.
[[nodiscard]] PeopleAnswer<bool> delete_client(const PeopleDesk& desk, const std::string& id,
                                               std::optional<std::uint64_t> revision);
// [any] What only a therapist may do between the two: raise or remove a limit, end a therapy.
[[nodiscard]] std::optional<std::string> needs_therapist(const record::ClientRecord& before,
                                                         const record::ClientRecord& after);

// ---- plans ----------------------------------------------------------------------------------

struct NewPlan {
  std::string client_id;
  std::string program_id;   // empty: the first program for the client's goal
  std::uint32_t weeks = 0;  // 0: as the program says
  std::uint32_t days_per_week = 0;
};
[[nodiscard]] PeopleAnswer<record::PlanRecord> create_plan(const PeopleDesk& desk,
                                                           const NewPlan& wish,
                                                           std::int64_t now_unix_ns);
[[nodiscard]] PeopleAnswer<bool> delete_plan(const PeopleDesk& desk, const std::string& id,
                                             std::optional<std::uint64_t> revision);

// A change of an exercise's prescription by hand, or a therapist's word on a proposal.
struct ExerciseChange {
  std::string exercise_id;
  enum class Kind : std::uint8_t { kSet, kAccept, kDecline } kind = Kind::kSet;
  std::optional<double> load;
  std::optional<std::uint32_t> reps;
  std::string reason;
};
struct ChangedPlan {
  record::PlanRecord plan;
  record::PlanDayRecord day;  // what was noted
};
[[nodiscard]] PeopleAnswer<ChangedPlan> change_exercise(
    const PeopleDesk& desk, const std::string& plan_id, std::optional<std::uint64_t> revision,
    const ExerciseChange& change, const Person& person, std::int64_t now_unix_ns);

// Earlier loads: all rows or none. The newest day's heaviest load of an exercise becomes what the
// plan goes on from, within the client's limits, unless the plan has begun.
[[nodiscard]] PeopleAnswer<ChangedPlan> import_loads(
    const PeopleDesk& desk, const std::string& plan_id, std::optional<std::uint64_t> revision,
    std::vector<record::EarlierSet> rows, const Person& person, std::int64_t now_unix_ns);

// ---- sessions -------------------------------------------------------------------------------

struct SessionWish {
  std::string plan_id;            // empty: outside a plan
  std::string program_id;         // empty: the plan's own; a test's: that test
  std::string client_id;          // empty: the plan's
  bool client_is_stored = false;  // it must be: somebody unknown is refused
};
// [record] What a session of a plan, or of a client, is made of. Somebody who is not stored trains
// without limits of their own.
[[nodiscard]] PeopleAnswer<PlannedSession> planned_session(const PeopleDesk& desk,
                                                           const SessionWish& wish,
                                                           std::int64_t now_unix_ns);

struct DueTest {
  std::string program_id;
  std::uint32_t week = 0;
  std::string note;  // why it cannot be done here; empty: it can
};
struct NextOfPlan {
  record::PlanRecord plan;
  std::optional<PlanDay> day;  // nothing: the plan is over
  std::optional<PlannedSession> session;
  std::vector<std::string> skipped;  // what this machine cannot do, and why
  std::vector<DueTest> tests;
};
[[nodiscard]] PeopleAnswer<NextOfPlan> next_of_plan(const PeopleDesk& desk,
                                                    const std::string& plan_id,
                                                    std::int64_t now_unix_ns);

// [record] A session of a plan has begun: after a crash it is settled at the next start.
[[nodiscard]] tl::expected<void, record::StoreError> note_session(const PeopleDesk& desk,
                                                                  const std::string& plan_id,
                                                                  const std::string& session_id);
struct SettledSession {
  record::PlanRecord plan;
  std::optional<record::PlanDayRecord> day;  // nothing: a test
};
// [record] A session of a plan is over and stored: decides, and moves the plan on. Doing it again
// changes nothing. Nothing: there is nothing to settle.
[[nodiscard]] tl::expected<std::optional<SettledSession>, record::StoreError> settle_session(
    const PeopleDesk& desk, const std::string& session_id, std::int64_t now_unix_ns);
// [record] Sessions of plans that were under way when the last process ended.
[[nodiscard]] tl::expected<std::vector<SettledSession>, record::StoreError> settle_left_over(
    const PeopleDesk& desk, std::int64_t now_unix_ns);

// [any]
[[nodiscard]] PlanState state_of(const record::PlanRecord& plan, const record::ClientRecord* client,
                                 const Program& program);
// "+5.0 % load, 60 to 63 N: two extra ..." of a decision, for logs and tables.
[[nodiscard]] std::string decision_text(const record::PlanDecision& decision);

}  // namespace medius::station
