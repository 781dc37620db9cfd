#include "controller/station/plan_side.hpp"

#include <utility>

namespace medius::station {
namespace {

constexpr std::int64_t kRetryNs = 2'000'000'000;

}  // namespace

PlanSide::PlanSide(Runtime& runtime, record::Store& store, const ProgramLibrary& programs,
                   const MachineConfig& machine, Callbacks callbacks)
    : runtime_(runtime),
      callbacks_(std::move(callbacks)),
      shared_(std::make_shared<Shared>(Shared{store, programs, machine})) {}

// What outlives this finds `shared_` gone and does nothing.
void PlanSide::run(Work work, Runtime::Task done) {
  const std::weak_ptr<Shared> weak = shared_;
  runtime_.run_blocking(
      [weak, work = std::move(work)] {
        if (const auto shared = weak.lock())
          work({shared->store, shared->programs, shared->machine});
      },
      [weak, done = std::move(done)] {
        if (weak.lock()) done();
      });
}

void PlanSide::tell(const std::vector<SettledSession>& settled, const std::string& error) {
  for (const SettledSession& one : settled) callbacks_.on_settled(one);
  if (!error.empty()) callbacks_.on_trouble(error);
}

void PlanSide::start() {
  if (shared_->store.opening_report().plans == 0) return;
  auto settled = std::make_shared<std::vector<SettledSession>>();
  auto error = std::make_shared<std::string>();
  run(
      [settled, error, now = runtime_.wall_unix_ns()](const PeopleDesk& desk) {
        auto done = settle_left_over(desk, now);
        if (done) {
          *settled = std::move(*done);
        } else {
          *error = done.error().message;
        }
      },
      [this, settled, error] { tell(*settled, *error); });
}

void PlanSide::begun(const std::string& plan_id, const std::string& session_id) {
  auto error = std::make_shared<std::string>();
  run(
      [plan_id, session_id, error](const PeopleDesk& desk) {
        if (auto done = note_session(desk, plan_id, session_id); !done) {
          *error = done.error().message;
        }
      },
      [this, error] { tell({}, *error); });
}

void PlanSide::ended(const std::string& session_id) {
  ended_.push_back(session_id);
}

void PlanSide::step(std::int64_t now_ns, bool all_stored) {
  now_ns_ = now_ns;
  if (under_way_ || ended_.empty() || !all_stored || now_ns < retry_at_ns_) return;
  under_way_ = true;
  auto settled = std::make_shared<std::vector<SettledSession>>();
  auto error = std::make_shared<std::string>();
  run(
      [session = ended_.front(), settled, error,
       now = runtime_.wall_unix_ns()](const PeopleDesk& desk) {
        auto done = settle_session(desk, session, now);
        if (!done) {
          *error = done.error().message;
        } else if (*done) {
          settled->push_back(std::move(**done));
        }
      },
      [this, settled, error] {
        under_way_ = false;
        if (error->empty()) ended_.pop_front();
        if (!error->empty()) retry_at_ns_ = now_ns_ + kRetryNs;
        tell(*settled, *error);
      });
}

}  // namespace medius::station
