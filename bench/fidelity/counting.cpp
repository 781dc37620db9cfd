#include "bench/fidelity/counting.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/fidelity/corpus.hpp"
#include "controller/base/tick.hpp"
#include "sim/checkers/rep_truth.hpp"

namespace medius::bench {
namespace {

using nlohmann::ordered_json;

constexpr int kReps = 10'000, kQuickReps = 1'000;
constexpr int kExplosiveReps = 2'000, kQuickExplosiveReps = 200;
// Of each exercise with each preset.
constexpr int kLifterReps = 150, kQuickLifterReps = 8;
// A rise so near the limit of a full repetition, as a share of the range, may be called either.
constexpr double kFullShare = 0.70, kFullDoubt = 0.10;
constexpr double kWithdrawnShare = 0.25;  // of the longest: no repetition, not even a partial one
constexpr double kAimMiscountPercent = 0.1, kAimRangeBiasMm = 1.0, kAimRangeSdMm = 3.0;
constexpr double kAimTutMs = 20.0, kAimVelocityMps = 0.005;

struct Tally {
  std::string corpus;
  int sets = 0, reps = 0, partial = 0, nothings = 0, releases = 0;
  int miscounted = 0, phantom = 0, clean_miscounted = 0, corpus_off = 0, false_releases = 0;
  std::vector<double> range_mm, tut_ms, velocity_mps, range_share;
  std::vector<std::uint64_t> wrong_seeds, false_release_seeds;
};

sim::RigBenchOptions rig_of(const BenchOptions& options, const CorpusSet& set, std::uint64_t seed) {
  sim::RigBenchOptions rig = rig_options(options);
  rig.profile = "eccentric-emphasis";
  rig.parameters = {{"eccentric_ratio", set.eccentric_ratio}};
  rig.load_n = set.load_n;
  rig.rig.script = set.script;
  rig.rig.sway_m = set.sway_m;
  rig.rig.tremor_m = set.tremor_m;
  rig.rig.sway_phase_rad = set.sway_phase_rad;
  rig.range_m = set.told_range_m;
  rig.release_after_s = set.release_after_s;
  rig.seed = seed;
  return rig;
}

// One repetition of tracker and truth.
void compare(const measure::RepBoundary& rep, const sim::RepTruth& truth, Tally& tally) {
  const auto seconds = [](std::uint64_t from, std::uint64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) * kTickPeriodS;
  };
  const double range_m = rep.peak_position - rep.bottom_position;
  tally.range_mm.push_back(1e3 * (range_m - truth.range_m));
  tally.tut_ms.push_back(
      1e3 * std::fabs(seconds(rep.start_tick, rep.end_tick) - seconds(truth.start, truth.end)));
  const double up_s = seconds(rep.start_tick, rep.peak_start_tick);
  const double true_up_s = seconds(truth.start, truth.peak_start);
  if (up_s > 0.0 && true_up_s > 0.0) {
    tally.velocity_mps.push_back(range_m / up_s - truth.range_m / true_up_s);
  }
}

// A counted repetition belongs to the one of the plant whose peak it holds. One without is a
// phantom.
void match(const sim::RigBenchResult& result, const std::vector<sim::RepTruth>& truth,
           Tally& tally) {
  std::vector<bool> taken(truth.size(), false);
  double longest_m = 0.0;
  for (const measure::RepBoundary& rep : result.reps) {
    longest_m = std::max(longest_m, rep.peak_position - rep.bottom_position);
  }
  for (const measure::RepBoundary& rep : result.reps) {
    if (rep.kind == measure::RepKind::kRejected) continue;
    // Counted before the range was known, and taken back when a longer one showed it.
    const double rise_m = rep.peak_position - rep.bottom_position;
    if (rep.provisional && rise_m < kWithdrawnShare * longest_m) continue;
    bool found = false;
    for (std::size_t i = 0; i < truth.size() && !found; ++i) {
      const std::uint64_t peak = result.first_tick + (truth[i].peak_start + truth[i].peak_end) / 2;
      if (taken[i] || peak < rep.start_tick || peak > rep.end_tick) continue;
      taken[i] = found = true;
      compare(rep, truth[i], tally);
    }
    if (!found) ++tally.phantom;
  }
}

void count_set(const CorpusSet& set, const sim::RigBenchResult& result, std::uint64_t seed,
               Tally& tally) {
  const int full = set.count(Meant::kFull), partial = set.count(Meant::kPartial);
  if (!result.fault.empty() && result.fault_sample < result.moved) {
    // The machine took a held handle for a released one and let go: what follows is no set.
    ++tally.false_releases;
    tally.false_release_seeds.push_back(seed);
    return;
  }
  const int wrong = std::max(std::abs(static_cast<int>(result.reps_counted) - full),
                             std::abs(static_cast<int>(result.reps_partial) - partial));
  ++tally.sets;
  tally.reps += full + partial;
  tally.partial += partial;
  tally.nothings += set.count(Meant::kNone);
  tally.miscounted += wrong;
  if (set.clean) tally.clean_miscounted += wrong;
  if (set.release_after_s >= 0.0) ++tally.releases;
  const int phantom_before = tally.phantom;
  const std::vector<sim::RepTruth> truth =
      sim::find_reps(std::span(result.taut_m).first(result.moved), set.range_m);
  // What was meant and what the plant did must agree, or the corpus judges something else.
  tally.corpus_off += std::abs(static_cast<int>(truth.size()) - full - partial);
  match(result, truth, tally);
  if (wrong != 0 || tally.phantom != phantom_before) tally.wrong_seeds.push_back(seed);
}

sim::RigBenchOptions rig_of(const BenchOptions& options, const LifterSet& set, std::uint64_t seed) {
  sim::RigBenchOptions rig = rig_options(options);
  rig.profile = "constant-tension";
  rig.parameters.clear();
  rig.load_n = set.load_n;
  rig.lifting = set.lifting;
  rig.range_m = set.told_range_m;
  rig.seed = seed;
  return rig;
}

// Full and partial as the truth's rises say, but for rises in doubt.
int wrong_kinds(const sim::RigBenchResult& result, const std::vector<sim::RepTruth>& truth,
                double range_m) {
  int wrong = 0;
  std::size_t at = 0;
  for (const measure::RepBoundary& rep : result.reps) {
    if (rep.kind == measure::RepKind::kRejected || at >= truth.size()) continue;
    const double share = truth[at++].range_m / range_m;
    if (rep.provisional || std::fabs(share - kFullShare) < kFullDoubt) continue;
    if ((rep.kind == measure::RepKind::kFull) != (share > kFullShare)) ++wrong;
  }
  return wrong;
}

void count_set(const LifterSet& set, const sim::RigBenchResult& result, std::uint64_t seed,
               Tally& tally) {
  if (!result.fault.empty() && result.fault_sample < result.moved) {
    ++tally.false_releases;
    tally.false_release_seeds.push_back(seed);
    return;
  }
  const std::vector<sim::RepTruth> truth =
      sim::find_reps(std::span(result.taut_m).first(result.moved), set.range_m);
  // Counted right is what the person meant, or what the plant did: a spasm or a drop swings the
  // cable further than a repetition, and the judge's strokes are faster than 0.02 m/s, which a slow
  // hip hike of 50 mm is not.
  const int judged = static_cast<int>(truth.size());
  const int meant = result.cannot_lift ? judged : set.lifting.set.intent.reps;
  const int counted = static_cast<int>(result.reps_counted + result.reps_partial);
  const double range_m = set.told_range_m > 0.0 ? set.told_range_m : set.range_m;
  const int kinds = counted == judged ? wrong_kinds(result, truth, range_m) : 0;
  const int wrong =
      std::max(std::min(std::abs(counted - meant), std::abs(counted - judged)), kinds);
  tally.corpus_off += std::abs(counted - meant);
  ++tally.sets;
  tally.reps += meant;
  tally.partial += static_cast<int>(result.reps_partial);
  tally.miscounted += wrong;
  if (set.clean) tally.clean_miscounted += wrong;
  const int phantom_before = tally.phantom;
  const std::size_t compared_before = tally.range_mm.size();
  match(result, truth, tally);
  tally.phantom = phantom_before + std::max(counted - std::max(meant, judged), 0);
  double error_mm = 0.0;
  for (std::size_t i = compared_before; i < tally.range_mm.size(); ++i) {
    error_mm += tally.range_mm[i] / static_cast<double>(tally.range_mm.size() - compared_before);
  }
  tally.range_share.push_back(1e-3 * error_mm / set.range_m);
  if (wrong != 0 || tally.phantom != phantom_before) tally.wrong_seeds.push_back(seed);
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values, double about) {
  double sum = 0.0;
  for (const double value : values) sum += (value - about) * (value - about);
  return values.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(values.size()));
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

double rounded(double value) {
  return std::round(value * 1e5) / 1e5;
}

// Left against right is one set's mean range over another's: their errors, as neighbours.
double left_right_error(const std::vector<double>& share) {
  std::vector<double> errors;
  for (std::size_t i = 1; i < share.size(); i += 2) {
    errors.push_back(100.0 * std::fabs(share[i] - share[i - 1]));
  }
  return percentile(errors, 0.95);
}

ordered_json figures(const Tally& tally) {
  const double bias_mm = mean(tally.range_mm);
  ordered_json out;
  out["reps"] = tally.reps;
  out["miscounted"] = tally.miscounted;
  out["phantom"] = tally.phantom;
  out["range_bias_mm"] = rounded(bias_mm);
  out["range_sd_mm"] = rounded(deviation(tally.range_mm, bias_mm));
  out["tut_error_ms_p95"] = rounded(percentile(tally.tut_ms, 0.95));
  out["velocity_error_mps_rms"] = rounded(deviation(tally.velocity_mps, 0.0));
  return out;
}

ordered_json details(const Tally& tally) {
  ordered_json more;
  more["sets"] = tally.sets;
  more["partial"] = tally.partial;
  more["movements_that_are_no_repetition"] = tally.nothings;
  more["releases"] = tally.releases;
  more["clean_miscounted"] = tally.clean_miscounted;
  more["compared"] = tally.range_mm.size();
  // Of the rig: movements meant that the plant did not make. Of persons: counted other than meant.
  more["meant_but_not_done"] = tally.corpus_off;
  more["sets_lost_to_false_releases"] = tally.false_releases;
  more["seeds_of_false_releases"] = tally.false_release_seeds;
  more["miscounted_percent"] =
      rounded(tally.reps > 0 ? 100.0 * tally.miscounted / tally.reps : 0.0);
  more["tut_error_ms_worst"] = rounded(percentile(tally.tut_ms, 1.0));
  more["left_right_error_percent_p95"] = rounded(left_right_error(tally.range_share));
  more["seeds_counted_wrong"] = tally.wrong_seeds;
  return more;
}

// The columns are the rig's, whose movements are known beforehand; the other corpora stand beside.
ordered_json report(const std::vector<Tally>& corpora, std::uint64_t seed) {
  ordered_json rows = ordered_json::array();
  for (const Tally& tally : corpora) {
    ordered_json row = {{"corpus", tally.corpus}};
    row.update(figures(tally));
    row.update(details(tally));
    rows.push_back(std::move(row));
  }
  ordered_json out = figures(corpora.front());
  out["details"] = details(corpora.front());
  out["details"]["seed"] = seed;
  out["details"]["corpora"] = std::move(rows);
  return out;
}

void print(const ordered_json& out) {
  const ordered_json& more = out["details"];
  const auto line = [](const char* name, double value, double limit) {
    std::printf("  %-9s %-28s %10.4f  limit %g\n", std::fabs(value) <= limit ? "reached" : "missed",
                name, value, limit);
  };
  std::printf(
      "%d repetitions in %d sets, %d of them partial; %d movements that are none, "
      "%d releases\n",
      out["reps"].get<int>(), more["sets"].get<int>(), more["partial"].get<int>(),
      more["movements_that_are_no_repetition"].get<int>(), more["releases"].get<int>());
  line("miscounted %", more["miscounted_percent"].get<double>(), kAimMiscountPercent);
  line("phantom", out["phantom"].get<double>(), 0.0);
  line("miscounted in clean sets", more["clean_miscounted"].get<double>(), 0.0);
  line("range_bias_mm", out["range_bias_mm"].get<double>(), kAimRangeBiasMm);
  line("range_sd_mm", out["range_sd_mm"].get<double>(), kAimRangeSdMm);
  line("tut_error_ms_p95", out["tut_error_ms_p95"].get<double>(), kAimTutMs);
  line("velocity_error_mps_rms", out["velocity_error_mps_rms"].get<double>(), kAimVelocityMps);
  line("sets lost to false releases", more["sets_lost_to_false_releases"].get<double>(), 0.0);
  std::printf("  %-28s %6s %6s %8s %6s %7s %7s %6s\n", "corpus", "reps", "miscnt", "phantom",
              "clean", "bias mm", "sd mm", "false");
  for (const ordered_json& row : more["corpora"]) {
    std::printf("  %-28s %6d %6d %8d %6d %7.2f %7.2f %6d  %s\n",
                row["corpus"].get<std::string>().c_str(), row["reps"].get<int>(),
                row["miscounted"].get<int>(), row["phantom"].get<int>(),
                row["clean_miscounted"].get<int>(), row["range_bias_mm"].get<double>(),
                row["range_sd_mm"].get<double>(), row["sets_lost_to_false_releases"].get<int>(),
                row["seeds_counted_wrong"].dump().c_str());
  }
  for (const char* seeds : {"seeds_counted_wrong", "seeds_of_false_releases"}) {
    if (!more[seeds].empty()) std::printf("%s: %s\n", seeds, more[seeds].dump().c_str());
  }
}

bool count_rig(const BenchOptions& options, Corpus corpus, int wanted, Tally& tally) {
  for (std::uint64_t i = 0; tally.reps < wanted; ++i) {
    const std::uint64_t seed = options.seed * 1'000'000 + i;
    const CorpusSet set = random_set(seed, corpus);
    const auto result = sim::run_rig(rig_of(options, set, seed));
    if (!result) {
      std::fprintf(stderr, "medius-bench: %s\n", result.error().c_str());
      return false;
    }
    count_set(set, *result, seed, tally);
    if (tally.sets % 100 == 0) {
      std::fprintf(stderr, "counting: %d of %d repetitions\n", tally.reps, wanted);
    }
  }
  return true;
}

bool count_lifters(const BenchOptions& options, sim::Exercise exercise, int wanted, Tally& tally) {
  for (std::size_t preset = 0; preset < sim::kPresetNames.size(); ++preset) {
    const int before = tally.reps;
    for (std::uint64_t i = 0; tally.reps - before < wanted; ++i) {
      const std::uint64_t seed = options.seed * 1'000'000 + 1'000 * preset + i;
      const LifterSet set = random_lifter_set(exercise, static_cast<sim::Preset>(preset), seed);
      const auto result = sim::run_rig(rig_of(options, set, seed));
      if (!result) {
        std::fprintf(stderr, "medius-bench: %s\n", result.error().c_str());
        return false;
      }
      count_set(set, *result, seed, tally);
      if (i > 10 && tally.reps == before) break;  // nobody can do this: the row shows it
    }
  }
  std::fprintf(stderr, "counting: %s, %d repetitions\n", tally.corpus.c_str(), tally.reps);
  return true;
}

}  // namespace

int run_counting(const BenchOptions& options) {
  std::vector<Tally> corpora;
  const auto wanted = [&options](const std::string& corpus) {
    return options.filters.empty() || std::find(options.filters.begin(), options.filters.end(),
                                                corpus) != options.filters.end();
  };
  const int rig_reps[] = {options.quick ? kQuickReps : kReps,
                          options.quick ? kQuickExplosiveReps : kExplosiveReps};
  for (const Corpus corpus : {Corpus::kRig, Corpus::kExplosive}) {
    Tally tally;
    tally.corpus = corpus == Corpus::kRig ? "rig" : "rig explosive";
    if (!wanted(tally.corpus)) continue;
    if (!count_rig(options, corpus, rig_reps[static_cast<std::size_t>(corpus)], tally)) return 1;
    corpora.push_back(std::move(tally));
  }
  for (const sim::Exercise exercise : sim::kExercises) {
    Tally tally;
    tally.corpus = sim::motion_of(exercise).id;
    if (!wanted(tally.corpus)) continue;
    const int reps = options.quick ? kQuickLifterReps : kLifterReps;
    if (!count_lifters(options, exercise, reps, tally)) return 1;
    corpora.push_back(std::move(tally));
  }
  if (corpora.empty()) {
    std::fputs("medius-bench: no corpus has such a name; see the column of the table\n", stderr);
    return 2;
  }
  const ordered_json out = report(corpora, options.seed);
  if (options.json) {
    std::printf("%s\n", out.dump(1).c_str());
  } else {
    print(out);
  }
  return 0;
}

}  // namespace medius::bench
