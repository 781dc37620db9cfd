// medius run: waits for a ready station, starts the session, follows it, and tells how it went.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/commands.hpp"
#include "client/control_lease.hpp"
#include "client/display.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/report.hpp"
#include "client/truth.hpp"
#include "client/watcher.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{50};
// A controller that is restarted is back within this; then the run gives up.
constexpr std::chrono::seconds kPatience{10};
// From Stop to the load being out and the set stored.
constexpr std::chrono::seconds kStopPatience{15};

enum class Ending { kEnded, kFault, kInterrupted, kLost, kRefused };

class Run {
 public:
  Run(const CommonOptions& common, const RunOptions& options)
      : common_(common),
        options_(options),
        connection_(common),
        lease_(connection_),
        watcher_(connection_, true),
        display_(common) {}

  int go() {
    if (const int code = wait_until_ready(); code != kExitOk) return code;
    if (const int code = start(); code != kExitOk) return code;
    const Ending ending = follow();
    display_.finish();
    return tell(ending);
  }

 private:
  void look() {
    for (v1::Station& station : watcher_.take(kLook)) {
      heard_ = Clock::now();
      display_.update(station);
      if (station.session() == session_ && station.sets_total() > 0) {
        sets_total_ = station.sets_total();
      }
      last_ = std::move(station);
    }
    display_.connected(watcher_.connected());
    display_.refresh();
  }

  [[nodiscard]] bool ready() const {
    return last_.version() > 0 && last_.state() == v1::STATION_STATE_IDLE &&
           last_.loop().link_fresh();
  }

  // The station refuses what it cannot do; waiting here only spares people a second try.
  int wait_until_ready() {
    const auto until =
        Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(options_.wait_s * 1e3));
    while (!ready() && Clock::now() < until) {
      look();
      if (InterruptFlag::count() > 0) return kExitInterrupted;
      if (Clock::now() - heard_ > std::chrono::seconds(5)) {
        display_.finish();
        return complain(watcher_.last_error(), common_);
      }
      if (last_.state() == v1::STATION_STATE_FAULT && !last_.state_reason().empty()) {
        display_.notice("waiting for the station: " + last_.state_reason());
      }
    }
    display_.notice("");
    return kExitOk;
  }

  int start() {
    if (const grpc::Status status = lease_.take(); !status.ok()) {
      display_.finish();
      return complain(status, common_);
    }
    v1::StartSessionRequest request;
    *request.mutable_header() = lease_.header();
    if (!options_.program.empty()) request.set_program("programs/" + options_.program);
    request.set_client(options_.client);
    if (!options_.plan.empty()) request.set_plan("plans/" + options_.plan);
    v1::Receipt receipt;
    const auto context = call_context();
    const grpc::Status status =
        connection_.station().StartSession(context.get(), request, &receipt);
    if (!status.ok()) {
      display_.finish();
      return complain(status, common_);
    }
    session_ = receipt.session();
    started_version_ = receipt.version();
    return kExitOk;
  }

  Ending follow() {
    Clock::time_point stop_until = Clock::time_point::max();
    heard_ = Clock::now();
    while (true) {
      look();
      if (!lease_.keep().ok() && lease_.lease().epoch() == 0) {
        display_.notice("somebody else leads now; 'medius lease show' says who");
      }
      // A restarted controller counts versions anew and knows nothing of the session.
      seen_ = seen_ || last_.version() >= started_version_;
      if (seen_ && last_.session() != session_) {
        if (stop_until != Clock::time_point::max()) return Ending::kInterrupted;
        return last_.state() == v1::STATION_STATE_FAULT ? Ending::kFault : Ending::kEnded;
      }
      if (InterruptFlag::count() > 0 && stop_until == Clock::time_point::max()) {
        stop_until = Clock::now() + kStopPatience;
        display_.notice("stopping: the load goes out");
        send_stop();
      }
      if (Clock::now() > stop_until) return Ending::kInterrupted;
      if (Clock::now() - heard_ > kPatience) return Ending::kLost;
    }
  }

  void send_stop() {
    v1::StopRequest request;
    *request.mutable_header() = connection_.header();
    v1::Receipt receipt;
    const auto context = call_context();
    const grpc::Status status = connection_.station().Stop(context.get(), request, &receipt);
    if (!status.ok()) display_.notice("the stop was not answered: " + status.error_message());
  }

  // A set that has just ended may still be on its way into the store.
  Fetched<StoredSession> stored() {
    constexpr int kTries = 30;
    Fetched<StoredSession> session = fetch_session(connection_, session_);
    for (int i = 0; i < kTries && session; ++i) {
      const bool open =
          std::any_of(session->sets.begin(), session->sets.end(),
                      [](const auto& set) { return set.end == record::SetEnd::kOpen; });
      if (!open) break;
      watcher_.take(std::chrono::milliseconds(100));
      session = fetch_session(connection_, session_);
    }
    return session;
  }

  int tell(Ending ending) {
    if (ending == Ending::kLost) {
      complain(watcher_.last_error(), common_);
      complain(
          "the session goes on without this view or has ended; 'medius watch' and 'medius "
          "history' show it");
      return kExitFailed;
    }
    const auto session = stored();
    if (!session) return complain(session.error(), common_);
    const int code = exit_code(ending, *session);
    const ReportInput report = report_of(*session, code);
    if (common_.json) {
      fmt::print("{}\n", report_json(report).dump(2));
    } else if (!common_.quiet) {
      print_guided(session->guided, common_);
      print_sets(session->sets, common_);
      fmt::print("{}", blind_spots(session->sets));
      print_place();
    }
    if (code == kExitFault || code == kExitIncomplete) {
      complain("the session ended early: " + last_.state_reason());
    }
    if (!options_.report.empty()) {
      if (!write_report(options_.report, report)) return std::max<int>(code, kExitFailed);
      if (!common_.quiet && !common_.json) {
        fmt::print("report: {0}/report.json and {0}/reps.csv\n", options_.report);
      }
    }
    return code;
  }

  [[nodiscard]] int exit_code(Ending ending, const StoredSession& session) const {
    const std::vector<record::SetRecord>& sets = session.sets;
    if (ending == Ending::kInterrupted) return kExitInterrupted;
    // A set of both arms is two records of one number.
    std::set<std::uint32_t> done;
    for (const record::SetRecord& set : sets) {
      if (set.end == record::SetEnd::kCount) done.insert(set.index);
    }
    // What was skipped with a reason is settled too.
    for (const record::GuidedRecord& guided : session.guided) {
      if (guided.end == record::GuidedEnd::kConfirmed ||
          guided.end == record::GuidedEnd::kSkipped) {
        done.insert(guided.index);
      }
    }
    const bool fault = std::any_of(sets.begin(), sets.end(), [](const auto& set) {
      return set.end == record::SetEnd::kFault;
    });
    if (ending == Ending::kFault || fault) return kExitFault;
    return !done.empty() && done.size() >= sets_total_ ? kExitOk : kExitIncomplete;
  }

  ReportInput report_of(const StoredSession& session, int code) {
    ReportInput report;
    report.program = options_.program;
    report.session = short_name(session_);
    report.client = options_.client;
    report.machine = last_.machine();
    report.store = last_.store();
    report.outcome = code == kExitOk            ? "completed"
                     : code == kExitInterrupted ? "interrupted"
                     : code == kExitFault       ? "fault"
                                                : "incomplete";
    report.sets = session.sets;
    report.guided = session.guided;
    if (!options_.truth.empty()) add_truth(session, report);
    return report;
  }

  // medius-sim writes its truth once a second: what it wrote before the session's end lacks the
  // end.
  void wait_for_truth() {
    namespace fs = std::filesystem;
    const auto since = fs::file_time_type::clock::now();
    const auto until = Clock::now() + std::chrono::seconds(3);
    std::error_code error;
    while (Clock::now() < until && !(fs::last_write_time(options_.truth, error) > since)) {
      watcher_.take(kLook);
    }
  }

  void add_truth(const StoredSession& session, ReportInput& report) {
    wait_for_truth();
    const auto truth = load_truth(options_.truth);
    if (!truth) {
      complain(truth.error());
      return;
    }
    report.pad_lever_m = truth->metres_per_unit;
    for (std::size_t i = 0; i < session.sets.size(); ++i) {
      const auto samples = fetch_samples(connection_, session.sets[i], 1);
      if (!samples) {
        complain(samples.error(), common_);
        return;
      }
      report.truth.push_back(judge_set(*truth, session.sets[i], *samples));
    }
  }

  void print_place() const {
    fmt::print("\nrecorded as {}", session_);
    if (!last_.store().empty()) fmt::print(" in {}", last_.store());
    fmt::print("\n  medius show {0}\n  medius export {0} --what samples --output samples.csv\n",
               short_name(session_));
  }

  const CommonOptions common_;
  const RunOptions options_;
  const InterruptFlag interrupt_;
  Connection connection_;
  ControlLease lease_;
  Watcher watcher_;
  Display display_;
  v1::Station last_;
  std::string session_;  // resource name
  std::uint64_t started_version_ = 0;
  bool seen_ = false;  // a state from after the start
  std::uint32_t sets_total_ = 0;
  Clock::time_point heard_ = Clock::now();
};

}  // namespace

int run(const CommonOptions& common, const RunOptions& options) {
  return Run(common, options).go();
}

}  // namespace medius::client
