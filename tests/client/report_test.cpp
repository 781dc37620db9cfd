// Pages, plots and lines for people: what is in them, and what never is.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/audit_text.hpp"
#include "client/session_report.hpp"
#include "client/svg.hpp"

namespace medius::client {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SvgPlots, DrawALinePerSeriesAndBreakItWhereThereIsNoValue) {
  SvgPlot plot;
  plot.title = "a < b & \"c\"";
  plot.x_label = "x";
  plot.y_label = "y";
  plot.series = {{"one", "#123456", {0, 1, 2, 3, 4}, {1, 2, std::nan(""), 4, 5}, false}};
  const std::string svg = svg_plot(plot);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; &quot;c&quot;"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  const std::size_t path = svg.find("<path d='");
  const std::string drawn = svg.substr(path, svg.find("'", path + 9) - path);
  EXPECT_EQ(std::count(drawn.begin(), drawn.end(), 'M'), 2);
}

TEST(SvgPlots, OfNothingOrOfOneValueAreStillPlots) {
  EXPECT_THAT(svg_plot({}), HasSubstr("</svg>"));
  SvgPlot flat;
  flat.series = {{"flat", "#000", {1, 1}, {0, 0}, false}};
  EXPECT_THAT(svg_plot(flat), Not(HasSubstr("nan")));
  EXPECT_THAT(svg_plot(flat), Not(HasSubstr("inf")));
}

TEST(SessionReports, EscapeWhatPeopleWrote) {
  record::SessionRecord session;
  session.id = "0000000000000001";
  session.program_id = "<script>alert(1)</script>";
  session.client_id = "a&b";
  record::GuidedRecord guided;
  guided.exercise_id = "clamshell";
  guided.confirmed_by = "<b>Ada</b>";
  const std::string html = session_report_html(session, {}, {&guided, 1});
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, Not(HasSubstr("<b>Ada")));
  EXPECT_THAT(html, HasSubstr("a&amp;b"));
  EXPECT_THAT(html, HasSubstr("no diagnosis"));
}

TEST(SessionReports, OfASetWithoutSamplesSaySo) {
  ReportedSet reported;
  reported.set.id = "0000000000000002";
  reported.set.exercise_id = "cable-standing-abduction";
  const std::string html = session_report_html({}, {&reported, 1}, {});
  EXPECT_THAT(html, HasSubstr("No samples were recorded"));
}

TEST(AuditLines, NameWhoWhatAndEveryNumber) {
  v1::AuditEvent event;
  event.set_sequence(17);
  event.set_kind(v1::AUDIT_KIND_ORDER);
  event.set_result(v1::AUDIT_RESULT_REFUSED);
  event.set_who("Ada");
  event.set_role("trainer");
  event.set_action("adjust_load");
  event.set_unit("N");
  event.set_requested(60.5);
  event.set_reason("too much at once");
  const std::string line = audit_line(event, false);
  for (const char* part :
       {"17", "order", "refused", "Ada (trainer)", "adjust_load", "requested 60.5 N", "too much"}) {
    EXPECT_THAT(line, HasSubstr(part));
  }
  EXPECT_THAT(line, Not(HasSubstr("applied")));
}

}  // namespace
}  // namespace medius::client
