// Writes what the independent implementation (metrics_test.py) reads: a simulated session and a
// scripted isometric test, through the exports that trainers get.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/record/export.hpp"
#include "controller/record/measuring.hpp"
#include "sim/world/world.hpp"

namespace {

namespace fs = std::filesystem;
using namespace medius;

constexpr const char* kProgram = "glute-med-short";

int fail(const std::string& why) {
  std::fprintf(stderr, "session_exporter: %s\n", why.c_str());
  return 1;
}

bool write_set(const fs::path& folder, const record::SetRecord& set,
               std::span<const rt::SampleRecord> samples) {
  std::ofstream out(folder / ("samples-" + set.id + ".csv"));
  record::write_samples_csv(out, set, samples);
  return out.good();
}

bool write_session(const fs::path& path, const record::SessionRecord& session,
                   std::span<const record::SetRecord> sets) {
  std::ofstream json(path.string() + ".json");
  record::write_session_json(json, session, sets);
  std::ofstream csv(path.string() + ".csv");
  return record::write_reps_csv(csv, sets).has_value() && json.good() && csv.good();
}

// Three efforts of 180, 200 and 190 N above a pretension of 12 N, with the load cell's 0.3 N.
void isometric(record::SetRecord& set, std::vector<rt::SampleRecord>& samples) {
  set.id = "00000000000000ff";
  set.session_id = "00000000000000fe";
  set.profile_id = "isometric";
  set.exercise_id = "isometric-abduction";
  set.end = record::SetEnd::kStopped;
  set.start_tick = 5000;
  Random random(21);
  std::vector<measure::MetricSample> all;
  const auto add = [&](double force_n) {
    rt::SampleRecord sample;
    sample.tick = set.start_tick + samples.size();
    sample.force_measured = 12.0 + force_n + 0.3 * random.normal();
    samples.push_back(sample);
    all.push_back(record::metric_sample(sample));
  };
  for (const double peak_n : {180.0, 200.0, 190.0}) {
    for (int i = 0; i < 1500; ++i) add(0.0);
    for (int i = 1; i <= 3000; ++i) add(peak_n * (1.0 - det::exp(-1e-3 * i / 0.12)));
    for (int i = 1; i <= 300; ++i) add(peak_n * (1.0 - i / 300.0));
    for (int i = 0; i < 1000; ++i) add(0.0);
  }
  set.samples = samples.size();
  set.metrics = record::set_metrics_of(set, all);
}

tl::expected<void, std::string> simulated(const fs::path& folder, const fs::path& source,
                                          const std::string& plugins) {
  sim::SimulateOptions options;
  options.program_id = kProgram;
  options.world.seed = options.world.station.seed = 5;
  options.world.program_directory = (source / "programs").string();
  options.world.machine_file = (source / "hal/machines/cable-station-sim.toml").string();
  options.world.plugin_directory = plugins;
  options.world.data_directory = (folder / "store").string();
  const auto result = sim::simulate_session(options);
  if (!result) return tl::unexpected(result.error());
  auto store = record::Store::open(options.world.data_directory);
  if (!store) return tl::unexpected(store.error().message);
  const auto session = (*store)->session(result->session_id);
  const auto sets = (*store)->sets_of(result->session_id);
  if (!session || sets.empty())
    return tl::unexpected<std::string>("the session is not in the store");
  for (const record::SetRecord& set : sets) {
    const auto samples = (*store)->samples(set.id);
    if (!samples) return tl::unexpected(samples.error().message);
    if (!write_set(folder, set, *samples))
      return tl::unexpected<std::string>("samples could not be written");
    // What was measured live must come out of the stored samples bit for bit.
    const auto changed = record::changes(set, record::recompute(set, *samples));
    if (!changed.empty()) {
      return tl::unexpected("recomputing set " + set.id + " changed " +
                            measure::find_metric(changed[0].after.id)->key);
    }
  }
  if (!write_session(folder / "session", *session, sets)) {
    return tl::unexpected<std::string>("the session could not be written");
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: session_exporter FOLDER SOURCE PLUGINS");
  const fs::path folder(argv[1]);
  fs::create_directories(folder);
  if (const auto done = simulated(folder, argv[2], argv[3]); !done) return fail(done.error());
  record::SetRecord set;
  std::vector<rt::SampleRecord> samples;
  isometric(set, samples);
  record::SessionRecord session;
  session.id = set.session_id;
  if (!write_set(folder, set, samples) ||
      !write_session(folder / "isometric", session, {&set, 1})) {
    return fail("the isometric test could not be written");
  }
  return 0;
}
