// medius report: pages to print.
#include <ctime>

#include <fmt/format.h>

#include "client/commands_keeping.hpp"
#include "client/connection.hpp"
#include "client/plan_report.hpp"
#include "client/plans.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/session_report.hpp"
#include "client/wire.hpp"

namespace medius::client {
namespace {

// A page has fewer dots than a kilohertz of samples.
constexpr std::uint32_t kEveryNthSample = 10;

}  // namespace

int report_session(const CommonOptions& common, const ReportOptions& options) {
  const Connection connection(common);
  auto session = fetch_session(connection, options.session);
  if (!session) return complain(session.error(), common);
  std::vector<ReportedSet> sets;
  for (record::SetRecord& set : session->sets) {
    ReportedSet reported;
    if (set.samples > 0) {
      const auto samples = fetch_samples(connection, set, kEveryNthSample);
      if (!samples) return complain(samples.error(), common);
      reported.samples = samples_from_pb(*samples);
    }
    reported.set = std::move(set);
    sets.push_back(std::move(reported));
  }
  const std::string html =
      session_report_html(session_from_pb(session->session), sets, session->guided);
  if (!write_file(options.out, html)) return kExitFailed;
  if (!common.quiet) {
    fmt::print("{}: {} sets, {} KiB; open it in a browser to print it\n", options.out, sets.size(),
               html.size() / 1024);
  }
  return kExitOk;
}

int report_plan(const CommonOptions& common, const ReportOptions& options) {
  const Connection connection(common);
  PlanReport report;
  auto plan = fetch_plan(connection, options.plan);
  if (!plan) return complain(plan.error(), common);
  report.plan = std::move(*plan);
  auto client = fetch_client(connection, report.plan.client());
  if (!client) return complain(client.error(), common);
  report.client = std::move(*client);
  auto days = fetch_plan_days(connection, options.plan);
  if (!days) return complain(days.error(), common);
  report.days = std::move(*days);
  auto next = fetch_next_session(connection, options.plan);
  if (!next) return complain(next.error(), common);
  report.next = std::move(*next);
  auto progress = fetch_progress(connection, report.plan.client());
  if (!progress) return complain(progress.error(), common);
  report.progress = std::move(*progress);
  report.made_unix_s = std::time(nullptr);
  const std::string html = plan_report_html(report);
  if (!write_file(options.out, html)) return kExitFailed;
  if (!common.quiet) {
    fmt::print("{}: {} of {} days, {} exercises, {} KiB; open it in a browser to print it\n",
               options.out, report.plan.days_done(),
               report.plan.weeks() * report.plan.days_per_week(), report.plan.exercises_size(),
               html.size() / 1024);
  }
  return kExitOk;
}

}  // namespace medius::client
