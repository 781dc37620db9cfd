// Writes one session in every export format, and what must be in it as JSON of its own making: the
// other half is formats_test.py, which reads the files with other people's programs.
#include <bit>
#include <cstdio>
#include <fstream>

#include <nlohmann/json.hpp>

#include "controller/record/export.hpp"
#include "controller/record/export_binary.hpp"
#include "tests/record/fixtures.hpp"

namespace {

using namespace medius;
using namespace medius::record;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kStartNs = 1'772'000'000'250'000'000;

SetRecord plausible_set(Random& random, std::uint32_t index, const char* exercise, Side side) {
  char id[17];
  std::snprintf(id, sizeof id, "%016x", 0x100 + index);
  SetRecord set = test::random_set(random, id, "00000000000000ff");
  set.index = index;
  set.exercise_id = exercise;
  set.profile_id = "eccentric-emphasis";
  set.side = side;
  set.axis = 0;
  set.coordinate = std::string(exercise) == "seated-abduction" ? hal::CoordinateKind::kLever
                                                               : hal::CoordinateKind::kCable;
  set.load_start = 40.0 + index;
  set.load_end = random.uniform(20.0, 90.0);
  set.reps_counted = 8 + index;
  set.reps_partial = index;
  set.end = SetEnd::kCount;
  set.start_unix_ns = kStartNs + std::int64_t{index} * 120'000'000'000;
  set.end_unix_ns = set.start_unix_ns + 45'678'000'000 + std::int64_t{index} * 1'000'000;
  set.start_tick = 10'000ULL * index;
  return set;
}

std::ofstream file(const std::string& folder, const char* name) {
  return std::ofstream(folder + "/" + name, std::ios::binary);
}

// Bits, so that nothing is lost on the way to the reader.
std::string bits(double value) {
  return std::to_string(std::bit_cast<std::uint64_t>(value));
}

Json expected_sample(const rt::SampleRecord& sample) {
  Json doubles = Json::array();
  for (const double value :
       {sample.position, sample.velocity, sample.force_measured, sample.force_wish,
        sample.force_target, sample.force_output, sample.base_load, sample.disturbance}) {
    doubles.push_back(bits(value));
  }
  return {{"tick", sample.tick},         {"doubles", doubles},
          {"phase", sample.phase},       {"load_state", sample.load_state},
          {"reaction", sample.reaction}, {"limits", sample.limits},
          {"fault", sample.fault},       {"drive_age_ns", sample.drive_age_ns},
          {"late_ns", sample.late_ns},   {"missed", sample.missed}};
}

Json expected_set(const SetRecord& set) {
  return {{"exercise", set.exercise_id},
          {"side", static_cast<int>(set.side)},
          {"lever", set.coordinate == hal::CoordinateKind::kLever},
          {"load_end", set.load_end},
          {"reps", set.reps_counted},
          {"partial", set.reps_partial},
          {"start_unix_ns", set.start_unix_ns},
          {"end_unix_ns", set.end_unix_ns}};
}

GuidedRecord told() {
  GuidedRecord guided;
  guided.id = "0000000000000200";
  guided.session_id = "00000000000000ff";
  guided.index = 9;
  guided.exercise_id = "clamshell";
  guided.side = Side::kRight;
  guided.reps_asked = 12;
  guided.reps_confirmed = 11;
  guided.tempo = "2-1-2-0";
  guided.end = GuidedEnd::kConfirmed;
  guided.from = ConfirmedFrom::kOrder;
  guided.confirmed_by = "Ada, \"the\" trainer\nof two lines";
  guided.start_unix_ns = kStartNs + 1'000'000'000'000;
  guided.end_unix_ns = guided.start_unix_ns + 60'000'000'000;
  return guided;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string folder = argv[1];
  Random random(std::strtoull(argv[2], nullptr, 10));
  SessionRecord session = test::random_session(random, "00000000000000ff");
  session.start_unix_ns = kStartNs;
  session.end_unix_ns = kStartNs + 3'600'000'000'000;
  std::vector<SetRecord> sets{plausible_set(random, 1, "cable-standing-abduction", Side::kLeft),
                              plausible_set(random, 2, "cable-standing-abduction", Side::kRight),
                              plausible_set(random, 3, "cable-hip-hike", Side::kLeft),
                              plausible_set(random, 4, "seated-abduction", Side::kBoth)};
  const std::vector<GuidedRecord> guided{told()};
  Json expected;
  for (const SetRecord& set : sets) expected["sets"].push_back(expected_set(set));
  auto json = file(folder, "session.json");
  write_session_json(json, session, sets, guided);
  auto csv = file(folder, "reps.csv");
  if (!write_reps_csv(csv, std::span(sets).first(3))) return 1;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const auto& rep : sets[i].reps) expected["rep_ranges"].push_back(bits(rep.range));
  }
  auto guided_csv = file(folder, "guided.csv");
  write_guided_csv(guided_csv, guided);
  auto fit = file(folder, "session.fit");
  if (!write_session_fit(fit, session, sets, guided)) return 1;
  auto mcap = file(folder, "samples.mcap");
  auto samples_csv = file(folder, "samples.csv");
  McapWriter writer(mcap);
  for (std::size_t i = 0; i < 2; ++i) {
    auto samples = test::random_samples(random, 2'345);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      samples[k].axis = 0;
      samples[k].tick = sets[i].start_tick + k;
      expected["samples"].push_back(expected_sample(samples[k]));
      expected["times"].push_back(sets[i].start_unix_ns + static_cast<std::int64_t>(k) * 1'000'000);
    }
    writer.add_set(sets[i], samples);
    if (i == 0) write_samples_csv(samples_csv, sets[i], samples);
  }
  writer.finish();
  auto empty = file(folder, "empty.mcap");
  McapWriter none(empty);
  none.finish();
  file(folder, "expected.json") << expected.dump();
  return 0;
}
