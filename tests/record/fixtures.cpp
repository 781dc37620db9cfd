#include "tests/record/fixtures.hpp"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <tuple>

#include <unistd.h>

#include "controller/base/det_math.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/record/rows.hpp"

namespace medius::record::test {
namespace {

std::string random_text(Random& random) {
  static const std::vector<std::string> kTexts{
      "",        "cable-standing-abduction", "eccentric-emphasis",
      "2-1-3-0", "Gesäß \"medius\", links",  std::string("zero\0inside", 11)};
  return kTexts[random.below(static_cast<std::uint32_t>(kTexts.size()))];
}

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

auto tied(const measure::PhaseMetrics& phase) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k] = phase;
  return std::make_tuple(bits(a), bits(b), bits(c), bits(d), bits(e), bits(f), bits(g), bits(h),
                         bits(i), bits(j), bits(k));
}

auto tied(const std::vector<measure::MetricValue>& values) {
  std::vector<
      std::tuple<measure::MetricId, std::uint16_t, std::uint32_t, std::uint64_t, std::uint64_t>>
      out;
  for (const auto& [id, version, flags, value, uncertainty] : values) {
    out.emplace_back(id, version, flags, bits(value), bits(uncertainty));
  }
  return out;
}

auto tied(const SetGiven& given) {
  const auto& [version, tracker, tempo, range, hold, force_max, velocity_max, before, lost,
               changes] = given;
  const auto& [concentric, peak, eccentric, bottom] = tempo;
  std::vector<std::uint64_t> numbers;
  for (const auto& [name, value] : tracker_values(tracker)) numbers.push_back(bits(value));
  std::vector<std::tuple<std::uint64_t, GivenKind, std::string, std::uint64_t>> plain;
  for (const auto& [tick, kind, name, value] : changes) {
    plain.emplace_back(tick, kind, name, bits(value));
  }
  return std::make_tuple(version, numbers, bits(concentric), bits(peak), bits(eccentric),
                         bits(bottom), bits(range), bits(hold), bits(force_max), bits(velocity_max),
                         bits(before), lost, plain);
}

auto tied(const measure::RepMetrics& rep) {
  const auto& [version, index, kind, rejection, quality, start, peak_start, peak_end, end, range,
               hold, bottom, tension, ratio, tempo, concentric, eccentric, values] = rep;
  return std::make_tuple(version, index, kind, rejection, quality, start, peak_start, peak_end, end,
                         bits(range), bits(hold), bits(bottom), bits(tension), bits(ratio),
                         bits(tempo), tied(concentric), tied(eccentric), tied(values));
}

measure::PhaseMetrics random_phase(Random& random) {
  measure::PhaseMetrics phase;
  auto& [a, b, c, d, e, f, g, h, i, j, k] = phase;
  for (double* field : {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k}) *field = random_bits(random);
  return phase;
}

std::vector<measure::MetricValue> random_values(Random& random) {
  std::vector<measure::MetricValue> values(random.below(5));
  for (measure::MetricValue& value : values) {
    value.id = static_cast<measure::MetricId>(random.below(65536));
    value.version = static_cast<std::uint16_t>(random.below(65536));
    value.flags = static_cast<std::uint32_t>(random.next());
    value.value = random_bits(random);
    value.uncertainty = random_bits(random);
  }
  return values;
}

}  // namespace

TempDir::TempDir() {
  // In memory where there is such a folder: what is tested does not depend on how slow a sync is.
  const bool shm = access("/dev/shm", W_OK) == 0;
  const auto parent =
      shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  std::string name = (parent / "medius-record-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

double random_bits(Random& random) {
  // One in eight is a NaN with a payload, signalling or quiet: plain random bits rarely are.
  std::uint64_t word = random.next();
  if (random.below(8) == 0) word |= 0x7ff0'0000'0000'0001u;
  return std::bit_cast<double>(word);
}

SessionRecord random_session(Random& random, const std::string& id) {
  SessionRecord session;
  session.id = id;
  session.program_id = random_text(random);
  session.client_id = random_text(random);
  session.start_unix_ns = static_cast<std::int64_t>(random.next());
  session.end_unix_ns = static_cast<std::int64_t>(random.next());
  session.plan_id = random_text(random);
  return session;
}

measure::RepMetrics random_rep(Random& random) {
  measure::RepMetrics rep;
  auto& [version, index, kind, rejection, quality, start, peak_start, peak_end, end, range, hold,
         bottom, tension, ratio, tempo, concentric, eccentric, values] = rep;
  version = static_cast<int>(random.below(1000));
  index = static_cast<std::uint32_t>(random.next());
  kind = static_cast<measure::RepKind>(random.below(3));
  rejection = static_cast<measure::RepRejection>(random.below(5));
  quality = static_cast<std::uint32_t>(random.next());
  for (std::uint64_t* tick : {&start, &peak_start, &peak_end, &end}) *tick = random.next();
  for (double* value : {&range, &hold, &bottom, &tension, &ratio, &tempo}) {
    *value = random_bits(random);
  }
  concentric = random_phase(random);
  eccentric = random_phase(random);
  values = random_values(random);
  return rep;
}

namespace {

SetGiven random_given(Random& random) {
  SetGiven given;
  given.detector_version = static_cast<std::uint16_t>(random.below(3));
  if (!given.known()) return given;  // an older set
  for (const auto& [name, value] : tracker_values(given.tracker)) {
    const bool ticks = name.ends_with("_ticks");
    set_tracker_value(given.tracker, name, ticks ? random.below(1'000'000) : random_bits(random));
  }
  auto& [concentric, peak, eccentric, bottom] = given.tempo;
  for (double* value : {&concentric, &peak, &eccentric, &bottom, &given.range_target, &given.hold_s,
                        &given.force_max, &given.velocity_max, &given.force_before}) {
    *value = random_bits(random);
  }
  given.changes_lost = random.below(2) == 1;
  for (std::uint32_t i = random.below(5); i > 0; --i) {
    given.changes.push_back({random.next(), static_cast<GivenKind>(random.below(5)),
                             random_text(random), random_bits(random)});
  }
  return given;
}

}  // namespace

SetRecord random_set(Random& random, const std::string& id, const std::string& session_id) {
  SetRecord set;
  set.id = id;
  set.session_id = session_id;
  set.index = static_cast<std::uint32_t>(random.next());
  set.exercise_id = random_text(random);
  set.profile_id = random_text(random);
  for (std::uint32_t i = random.below(4); i > 0; --i) {
    set.parameters.emplace_back(random_text(random), random_bits(random));
  }
  set.side = static_cast<Side>(random.below(4));
  set.axis = static_cast<std::uint8_t>(random.below(2));
  set.coordinate = static_cast<hal::CoordinateKind>(random.below(2));
  set.tempo = random_text(random);
  set.load_start = random_bits(random);
  set.load_end = random_bits(random);
  set.reps_target = static_cast<std::uint32_t>(random.next());
  set.reps_counted = static_cast<std::uint32_t>(random.next());
  set.reps_partial = static_cast<std::uint32_t>(random.next());
  set.direction_changes = static_cast<std::uint32_t>(random.next());
  set.end = static_cast<SetEnd>(1 + random.below(5));
  set.start_unix_ns = static_cast<std::int64_t>(random.next());
  set.end_unix_ns = static_cast<std::int64_t>(random.next());
  set.start_tick = random.next();
  set.end_tick = random.next();
  set.samples = random.next();
  set.samples_dropped = random.next();
  set.fault = static_cast<std::uint16_t>(random.next());
  for (std::uint32_t i = 1 + random.below(12); i > 0; --i) set.reps.push_back(random_rep(random));
  set.metrics = random_values(random);
  set.given = random_given(random);
  return set;
}

std::vector<rt::SampleRecord> random_samples(Random& random, std::size_t count) {
  std::vector<rt::SampleRecord> samples(count);
  std::uint64_t tick = random.next() >> 1;
  for (rt::SampleRecord& sample : samples) {
    for (std::size_t at = 0; at < sizeof sample; at += 8) {
      const double word = random_bits(random);
      std::memcpy(reinterpret_cast<char*>(&sample) + at, &word, 8);
    }
    sample.tick = tick += 1 + random.below(3);
  }
  return samples;
}

std::vector<rt::SampleRecord> lifelike_samples(Random& random, std::size_t count,
                                               std::uint64_t first_tick, std::uint16_t serial) {
  std::vector<rt::SampleRecord> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    rt::SampleRecord& sample = samples[i];
    const double t = static_cast<double>(i) * 1e-3;
    sample.tick = first_tick + i;
    sample.position = 0.5 - 0.25 * det::cos(t) + 2e-6 * random.normal();
    sample.velocity = 0.25 * det::sin(t) + 1e-4 * random.normal();
    sample.force_measured = 60.0 + 0.3 * random.normal();
    sample.force_wish = 60.0;
    sample.force_target = 60.0;
    sample.force_output = 55.0 + random.normal();
    sample.base_load = 60.0;
    sample.disturbance = 5.0 + 0.1 * random.normal();
    sample.drive_age_ns = 1'000'000 + random.below(50'000);
    sample.late_ns = random.below(20'000);
    sample.phase = static_cast<std::uint8_t>(measure::Phase::kConcentric);
    sample.set_serial = serial;
  }
  return samples;
}

bool same(const SessionRecord& a, const SessionRecord& b) {
  const auto tie = [](const SessionRecord& session) {
    const auto& [id, program, client, start, end, plan] = session;
    return std::make_tuple(id, program, client, start, end, plan);
  };
  return tie(a) == tie(b);
}

bool same(const measure::RepMetrics& a, const measure::RepMetrics& b) {
  return tied(a) == tied(b);
}

bool same(const SetRecord& a, const SetRecord& b) {
  const auto tie = [](const SetRecord& set) {
    const auto& [id, session, index, exercise, profile, parameters, side, axis, coordinate, tempo,
                 load_start, load_end, target, counted, partial, changes, end, start_ns, end_ns,
                 start_tick, end_tick, samples, dropped, fault, reps, metrics, given] = set;
    std::vector<std::pair<std::string, std::uint64_t>> plain;
    for (const auto& [name, value] : parameters) plain.emplace_back(name, bits(value));
    return std::make_tuple(id, session, index, exercise, profile, plain, side, axis, coordinate,
                           tempo, bits(load_start), bits(load_end), target, counted, partial,
                           changes, end, start_ns, end_ns, start_tick, end_tick, samples, dropped,
                           fault, reps.size(), tied(metrics), tied(given));
  };
  if (tie(a) != tie(b)) return false;
  for (std::size_t i = 0; i < a.reps.size(); ++i) {
    if (!same(a.reps[i], b.reps[i])) return false;
  }
  return true;
}

bool same(const std::vector<rt::SampleRecord>& a, const std::vector<rt::SampleRecord>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

std::uint64_t fingerprint(const SetRecord& set) {
  TraceHash hash;
  const auto add = [&hash](const std::string& bytes) {
    for (const char c : bytes) hash.add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  };
  add(encode_set(set, {}));
  for (const measure::RepMetrics& rep : set.reps) add(encode_rep(rep));
  return hash.value();
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

}  // namespace medius::record::test
