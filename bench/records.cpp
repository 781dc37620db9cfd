// What keeping and handing out sets costs: Store::close_set on the disk under a folder, and the
// export of everything as CSV, JSON, FIT and MCAP.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/record/export.hpp"
#include "controller/record/export_binary.hpp"
#include "controller/record/measuring.hpp"
#include "controller/record/store.hpp"

namespace {

using namespace medius;
using namespace medius::record;
using Clock = std::chrono::steady_clock;

constexpr int kRepetitions = 12;
constexpr std::uint64_t kTicksPerRepetition = 4000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Smooth repetitions with a cell's noise: what a real set compresses like.
std::vector<rt::SampleRecord> samples_of(Random& random, std::uint64_t ticks) {
  std::vector<rt::SampleRecord> samples(ticks);
  for (std::uint64_t i = 0; i < ticks; ++i) {
    rt::SampleRecord& sample = samples[i];
    const double phase = 6.283185307179586 * static_cast<double>(i) / kTicksPerRepetition;
    sample.tick = 1 + i;
    sample.position = 0.2 - 0.2 * std::cos(phase);
    sample.velocity = 0.3 * std::sin(phase);
    sample.force_measured = 60.0 + 0.2 * random.normal();
    sample.force_wish = sample.force_target = sample.base_load = 60.0;
    sample.force_output = 63.0 + random.normal();
    sample.set_serial = 1;
    sample.load_state = 2;
  }
  return samples;
}

SetRecord set_of(const std::string& id, const std::string& session, std::uint32_t index) {
  SetRecord set;
  set.id = id;
  set.session_id = session;
  set.index = index;
  set.exercise_id = "cable-standing-abduction";
  set.profile_id = "constant-tension";
  set.side = index % 2 == 0 ? Side::kRight : Side::kLeft;
  set.tempo = "2-1-3-0";
  set.load_start = set.load_end = 60.0;
  set.reps_target = set.reps_counted = kRepetitions;
  set.end = SetEnd::kCount;
  set.start_unix_ns = 1'772'000'000'000'000'000 + std::int64_t{index} * 180'000'000'000;
  set.start_tick = 1;
  for (std::uint32_t i = 0; i < kRepetitions; ++i) {
    measure::RepMetrics rep;
    rep.index = i + 1;
    rep.kind = measure::RepKind::kFull;
    rep.start_tick = 1 + i * kTicksPerRepetition;
    rep.peak_start_tick = rep.peak_end_tick = rep.start_tick + kTicksPerRepetition / 2;
    rep.end_tick = rep.start_tick + kTicksPerRepetition - 1;
    rep.range = 0.4;
    set.reps.push_back(rep);
  }
  return set;
}

bool fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return false;
}

struct Kept {
  std::vector<std::string> sessions;
  std::vector<double> commit_ns;
};

bool keep(Store& store, int sets, std::uint64_t ticks, Kept& kept) {
  Random random(1);
  const auto samples = samples_of(random, ticks);
  // Every metric of the table, once: what a set's row weighs.
  const SetRecord measured = recompute(set_of("0000000000000001", "0000000000000001", 1), samples);
  for (int i = 0; i < sets; ++i) {
    if (i % 6 == 0) {
      const auto id = store.next_id();
      if (!id) return fail(id.error().message);
      kept.sessions.push_back(*id);
      if (const auto put = store.put_session({*id, "bench", "somebody", 1, 2}); !put) {
        return fail(put.error().message);
      }
    }
    const auto id = store.next_id();
    if (!id) return fail(id.error().message);
    SetRecord set = set_of(*id, kept.sessions.back(), static_cast<std::uint32_t>(1 + i % 6));
    set.reps = measured.reps;
    set.metrics = measured.metrics;
    set.samples = ticks;
    set.end_tick = ticks;
    if (const auto opened = store.open_set(set); !opened) return fail(opened.error().message);
    for (std::size_t at = 0; at < samples.size(); at += 1000) {
      const auto part =
          std::span(samples).subspan(at, std::min<std::size_t>(1000, samples.size() - at));
      if (const auto added = store.add_samples(set.id, part); !added) {
        return fail(added.error().message);
      }
    }
    const auto begin = Clock::now();
    if (const auto closed = store.close_set(set); !closed) return fail(closed.error().message);
    kept.commit_ns.push_back(1e9 * seconds_since(begin));
  }
  return true;
}

// Everything that was kept, read back and written to memory in one format.
template <typename Write>
double export_all(Store& store, const Kept& kept, std::uint64_t& bytes, Write write) {
  const auto begin = Clock::now();
  for (const std::string& id : kept.sessions) {
    std::ostringstream out;
    write(out, *store.session(id), store.sets_of(id));
    bytes += static_cast<std::uint64_t>(out.tellp());
  }
  return seconds_since(begin);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: medius-bench-records EMPTY_FOLDER SETS SECONDS_OF_SAMPLES\n");
    return 2;
  }
  const int sets = std::atoi(argv[2]);
  const auto ticks = static_cast<std::uint64_t>(1000.0 * std::atof(argv[3]));
  auto store = Store::open(argv[1]);
  if (!store) return fail(store.error().message) ? 0 : 1;
  Kept kept;
  if (!keep(**store, sets, ticks, kept)) return 1;
  std::uint64_t csv_bytes = 0, json_bytes = 0, fit_bytes = 0, mcap_bytes = 0;
  const double csv_s =
      export_all(**store, kept, csv_bytes, [](auto& out, const auto&, const auto& all) {
        static_cast<void>(write_reps_csv(out, all).has_value());
      });
  const double json_s =
      export_all(**store, kept, json_bytes, [](auto& out, const auto& session, const auto& all) {
        write_session_json(out, session, all);
      });
  const double fit_s =
      export_all(**store, kept, fit_bytes, [](auto& out, const auto& session, const auto& all) {
        static_cast<void>(write_session_fit(out, session, all, {}).has_value());
      });
  const double mcap_s =
      export_all(**store, kept, mcap_bytes, [&store](auto& out, const auto&, const auto& all) {
        McapWriter writer(out);
        for (const SetRecord& set : all) writer.add_set(set, *(*store)->samples(set.id));
        writer.finish();
      });
  std::sort(kept.commit_ns.begin(), kept.commit_ns.end());
  const auto at = [&kept](double share) {
    const auto last = static_cast<double>(kept.commit_ns.size() - 1);
    return 1e-6 * kept.commit_ns[static_cast<std::size_t>(share * last)];
  };
  std::printf(
      "{\"store_commit_ms_p50\": %.4f, \"store_commit_ms_p99\": %.4f, \"store_commit_ms_max\": "
      "%.4f,"
      " \"export_sets\": %d, \"export_set_seconds\": %s, \"export_1000_sets_s\": %.4f,"
      " \"export_1000_sets_by_format_s\": {\"csv\": %.4f, \"json\": %.4f, \"fit\": %.4f, \"mcap\": "
      "%.4f},"
      " \"export_bytes\": {\"csv\": %llu, \"json\": %llu, \"fit\": %llu, \"mcap\": %llu}}\n",
      at(0.5), at(0.99), at(1.0), sets, argv[3], (csv_s + json_s + fit_s + mcap_s) * 1000.0 / sets,
      csv_s * 1000.0 / sets, json_s * 1000.0 / sets, fit_s * 1000.0 / sets, mcap_s * 1000.0 / sets,
      static_cast<unsigned long long>(csv_bytes), static_cast<unsigned long long>(json_bytes),
      static_cast<unsigned long long>(fit_bytes), static_cast<unsigned long long>(mcap_bytes));
  return 0;
}
