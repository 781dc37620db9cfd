// The station's dealings with plans: what a session of one means before it begins and after it is
// stored. Every job runs on the record thread, in order with the recorder's own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "controller/station/people.hpp"
#include "controller/station/runtime.hpp"

namespace medius::station {

class PlanSide {
 public:
  struct Callbacks {  // on control
    std::function<void(const SettledSession&)> on_settled;
    std::function<void(const std::string& message)> on_trouble;
  };

  PlanSide(Runtime& runtime, record::Store& store, const ProgramLibrary& programs,
           const MachineConfig& machine, Callbacks callbacks);

  // [any] Lives as long as this.
  [[nodiscard]] PeopleDesk desk() const {
    return {shared_->store, shared_->programs, shared_->machine};
  }

  // [control] Settles what the last process left.
  void start();
  // [control] A session of a plan has begun; it is over.
  void begun(const std::string& plan_id, const std::string& session_id);
  void ended(const std::string& session_id);
  // [control] Call at every step. Settles once everything of the session is stored; tried again
  // every 2 s until the store takes it.
  void step(std::int64_t now_ns, bool all_stored);
  // [control] Sessions whose plans have not gone on yet.
  [[nodiscard]] std::size_t unsettled() const { return ended_.size(); }

 private:
  struct Shared {
    record::Store& store;
    ProgramLibrary programs;
    MachineConfig machine;
  };
  using Work = std::function<void(const PeopleDesk&)>;
  void run(Work work, Runtime::Task done);
  void tell(const std::vector<SettledSession>& settled, const std::string& error);

  Runtime& runtime_;
  Callbacks callbacks_;
  std::shared_ptr<Shared> shared_;
  std::deque<std::string> ended_;  // oldest first; the front one may be under way
  bool under_way_ = false;
  std::int64_t now_ns_ = 0;
  std::int64_t retry_at_ns_ = 0;
};

}  // namespace medius::station
