#include "controller/record/export.hpp"

#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "controller/record/rows.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

// An independent reader of RFC 4180.
std::vector<std::vector<std::string>> read_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        rows.back().back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        rows.back().back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\n') {
      rows.push_back({""});
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

std::string cell(const std::vector<std::vector<std::string>>& rows, std::size_t row,
                 const std::string& column) {
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    if (rows[0][i] == column) return rows[row][i];
  }
  ADD_FAILURE() << "no column " << column;
  return {};
}

SetRecord example_set() {
  SetRecord set;
  set.id = id_text(2);
  set.session_id = id_text(1);
  set.index = 1;
  set.exercise_id = "cable, \"standing\" abduction\nleft";
  set.profile_id = "eccentric-emphasis";
  set.parameters = {{"ratio", 1.3}};
  set.side = Side::kLeft;
  set.tempo = "2-1-3-0";
  set.load_start = 60.0;
  set.load_end = 62.5;
  set.end = SetEnd::kCount;
  set.start_unix_ns = 1'714'566'896'123'456'789;  // 2024-05-01T12:34:56.123Z
  set.start_tick = 1000;
  set.reps.resize(2);
  set.reps[0].index = 1;
  set.reps[0].start_tick = 2500;
  set.reps[0].range = 0.1 + 0.2;
  set.reps[0].rendered_ratio = 1.3;
  set.reps[0].concentric.force_peak = 61.25;
  set.reps[0].quality = measure::kQualityTempoFast | measure::kQualityMomentum;
  set.reps[1].index = 2;
  set.reps[1].kind = measure::RepKind::kPartial;
  set.reps[1].range = std::numeric_limits<double>::quiet_NaN();
  return set;
}

TEST(Export, WritesOneCsvRowARepetitionWithUnitsInTheHeader) {
  std::ostringstream out;
  const std::vector<SetRecord> sets{example_set()};
  ASSERT_TRUE(write_reps_csv(out, sets));
  const auto rows = read_csv(out.str());
  ASSERT_EQ(rows.size(), 3u);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
  EXPECT_EQ(cell(rows, 1, "exercise_id"), sets[0].exercise_id);
  EXPECT_EQ(cell(rows, 1, "side"), "left");
  EXPECT_EQ(cell(rows, 1, "set_start"), "2024-05-01T12:34:56.123Z");
  EXPECT_EQ(cell(rows, 1, "rep_start"), "2024-05-01T12:34:57.623Z");
  EXPECT_EQ(cell(rows, 1, "quality"), "tempo_fast momentum");
  EXPECT_EQ(cell(rows, 1, "load_end [N]"), "62.5");
  EXPECT_EQ(std::stod(cell(rows, 1, "range [m]")), 0.1 + 0.2);
  EXPECT_EQ(cell(rows, 1, "concentric_force_peak [N]"), "61.25");
  EXPECT_EQ(cell(rows, 2, "kind"), "partial");
  EXPECT_EQ(cell(rows, 2, "range [m]"), "") << "NaN is an empty field";
}

TEST(Export, NamesTheUnitsOfALeverAndRefusesToMixThemWithACables) {
  SetRecord lever = example_set();
  lever.coordinate = hal::CoordinateKind::kLever;
  lever.id = id_text(77);
  std::ostringstream out;
  ASSERT_TRUE(write_reps_csv(out, std::vector<SetRecord>{lever}));
  const auto rows = read_csv(out.str());
  cell(rows, 1, "range [rad]");
  cell(rows, 1, "eccentric_force_mean_time [Nm]");
  cell(rows, 1, "eccentric_velocity_peak [rad/s]");

  std::ostringstream mixed;
  const auto refused = write_reps_csv(mixed, std::vector<SetRecord>{example_set(), lever});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(lever.id), std::string::npos);
  EXPECT_TRUE(mixed.str().empty());
}

TEST(Export, IgnoresTheLocale) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  std::ostringstream plain;
  std::ostringstream foreign;
  foreign.imbue(std::locale(foreign.getloc(), new Comma));
  const std::vector<SetRecord> sets{example_set()};
  Random random(60);
  const auto samples = lifelike_samples(random, 20, 1000, 1);
  for (std::ostringstream* out : {&plain, &foreign}) {
    ASSERT_TRUE(write_reps_csv(*out, sets));
    write_samples_csv(*out, sets[0], samples);
    write_session_json(*out, {}, sets);
  }
  EXPECT_EQ(foreign.str(), plain.str());
}

TEST(Export, WritesSamplesThatReadBackToTheSameBits) {
  Random random(61);
  const SetRecord set = example_set();
  const auto samples = lifelike_samples(random, 300, 1500, 1);
  std::ostringstream out;
  write_samples_csv(out, set, samples);
  const auto rows = read_csv(out.str());
  ASSERT_EQ(rows.size(), samples.size() + 1);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(std::stod(cell(rows, i + 1, "force_measured [N]")), samples[i].force_measured);
    EXPECT_EQ(std::stod(cell(rows, i + 1, "position [m]")), samples[i].position);
    EXPECT_EQ(std::stoull(cell(rows, i + 1, "tick")), samples[i].tick);
  }
  EXPECT_EQ(cell(rows, 1, "time [s]"), "0.5");
}

TEST(Export, WritesASessionAsJsonWithTheDocumentedKeys) {
  SessionRecord session;
  session.id = id_text(1);
  session.program_id = "glute-med-strength";
  session.client_id = "J\xfcrgen";  // not UTF-8: replaced, the file stays readable
  session.start_unix_ns = 1'714'566'896'123'456'789;
  SetRecord set = example_set();
  set.start_tick = (1ull << 63) + 1;
  std::ostringstream out;
  write_session_json(out, session, std::vector<SetRecord>{set});
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json.at("format"), "medius.session");
  EXPECT_EQ(json.at("session").at("program_id"), "glute-med-strength");
  EXPECT_EQ(json.at("session").at("start"), "2024-05-01T12:34:56.123Z");
  EXPECT_TRUE(json.at("session").at("end").is_null());
  const auto& first = json.at("sets").at(0);
  EXPECT_EQ(first.at("side"), "left");
  EXPECT_EQ(first.at("units").at("force"), "N");
  EXPECT_EQ(first.at("parameters").at("ratio"), 1.3);
  EXPECT_EQ(first.at("start_tick").get<std::uint64_t>(), (1ull << 63) + 1);
  EXPECT_EQ(first.at("reps").size(), 2u);
  EXPECT_EQ(first.at("reps").at(0).at("quality"),
            (std::vector<std::string>{"tempo_fast", "momentum"}));
  EXPECT_EQ(first.at("reps").at(0).at("range").get<double>(), 0.1 + 0.2);
  EXPECT_EQ(first.at("reps").at(0).at("concentric").at("force_peak"), 61.25);
  EXPECT_TRUE(first.at("reps").at(1).at("range").is_null());
}

TEST(Export, WritesTimesOfAnyCentury) {
  EXPECT_EQ(iso_time(0), "");
  EXPECT_EQ(iso_time(1), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(iso_time(951'827'696'789'000'000), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(iso_time(4'102'444'800'000'000'000), "2100-01-01T00:00:00.000Z");
}

GuidedRecord example_guided() {
  GuidedRecord guided;
  guided.id = id_text(5);
  guided.session_id = id_text(1);
  guided.index = 3;
  guided.exercise_id = "single-leg-stance";
  guided.side = Side::kLeft;
  guided.reps_asked = 1;
  guided.hold_s = 30.0;
  guided.end = GuidedEnd::kConfirmed;
  guided.from = ConfirmedFrom::kPanel;
  guided.confirmed_by = "operator panel";
  guided.reps_confirmed = 1;
  guided.end_unix_ns = 1'714'567'890'123'000'000;
  guided.stance = measure::StanceResult{true, false, true, 0.1, 0.05, 30.0, 12.5};
  return guided;
}

TEST(GuidedExport, TablesWhatWasAskedAndToldAndWhatASensorMeasured) {
  GuidedRecord skipped = example_guided();
  skipped.end = GuidedEnd::kSkipped;
  skipped.reason = "knee, left";
  skipped.reps_confirmed = 0;
  skipped.stance.reset();
  std::ostringstream out;
  const std::vector<GuidedRecord> both{example_guided(), skipped};
  write_guided_csv(out, both);
  const auto rows = read_csv(out.str());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(cell(rows, 1, "confirmed_by"), "operator panel");
  EXPECT_EQ(cell(rows, 1, "end_time"), "2024-05-01T12:51:30.123Z");
  EXPECT_EQ(cell(rows, 1, "stance_until_drop [s]"), "12.5");
  EXPECT_NEAR(std::stod(cell(rows, 1, "pelvic_drop [deg]")), 5.7296, 1e-4);
  EXPECT_EQ(cell(rows, 2, "end"), "skipped");
  EXPECT_EQ(cell(rows, 2, "reason"), "knee, left");
  EXPECT_EQ(cell(rows, 2, "reps_confirmed"), "0");
  EXPECT_EQ(cell(rows, 2, "pelvic_drop [deg]"), "");
}

TEST(GuidedExport, StandsBesideTheSetsInJsonAndIsNoSet) {
  std::ostringstream out;
  const std::vector<GuidedRecord> one{example_guided()};
  write_session_json(out, SessionRecord{}, {}, one);
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_TRUE(json["sets"].empty());
  ASSERT_EQ(json["guided"].size(), 1u);
  EXPECT_EQ(json["guided"][0]["end"], "confirmed");
  EXPECT_EQ(json["guided"][0]["confirmed_from"], "panel");
  EXPECT_EQ(json["guided"][0]["stance"]["until_drop_s"], 12.5);
}

}  // namespace
}  // namespace medius::record::test
