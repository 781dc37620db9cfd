// medius replay: a recorded set once more, or under another profile.
#include <charconv>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/commands_keeping.hpp"
#include "client/connection.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/replay.hpp"
#include "client/svg.hpp"
#include "client/wire.hpp"
#include "client/wording.hpp"
#include "controller/base/tick.hpp"
#include "controller/station/machine_config.hpp"

namespace medius::client {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// The machine's own limits where no machine file is given: what is compiled in.
constexpr double kCableForceMaxN = 600.0;

// The API's phases begin one higher: 0 is "unspecified".
std::string phase_word(measure::Phase phase) {
  return word(static_cast<v1::Phase>(static_cast<int>(phase) + 1));
}

struct Recorded {
  record::SetRecord set;
  std::vector<rt::SampleRecord> samples;
  v1::RecomputeSetResponse metrics;  // of a dry run
};

Fetched<Recorded> fetch(const Connection& connection, const std::string& name) {
  Recorded out;
  auto set = fetch_set(connection, name);
  if (!set) return tl::unexpected(set.error());
  out.set = std::move(*set);
  const auto samples = fetch_samples(connection, out.set, 1);
  if (!samples) return tl::unexpected(samples.error());
  out.samples = samples_from_pb(*samples);
  v1::RecomputeSetRequest request;
  request.set_name(name);
  request.set_dry_run(true);
  constexpr double kLongest = 60.0;
  const auto context = call_context(kLongest);
  const grpc::Status status =
      connection.sessions().RecomputeSet(context.get(), request, &out.metrics);
  if (!status.ok()) return tl::unexpected(status);
  return out;
}

tl::expected<ReplayConfig, std::string> config_of(const record::SetRecord& set,
                                                  const ReplayOptions& options) {
  ReplayConfig config;
  if (!options.machine.empty()) {
    const auto machine = station::load_machine(options.machine);
    if (!machine) return tl::unexpected(machine.error().message);
    if (set.axis >= machine->axes.size() ||
        machine->axes[set.axis].engine.coordinate != set.coordinate) {
      return tl::unexpected(options.machine + " has no axis " + std::to_string(set.axis) +
                            " like the one of this set; name the machine that recorded it");
    }
    const auto& engine = machine->axes[set.axis].engine;
    config.tracker = engine.tracker;
    config.force_max = engine.bounds.force_max;
    config.velocity_max = engine.bounds.overspeed_trip;
    return config;
  }
  if (set.coordinate == hal::CoordinateKind::kLever) {
    return tl::unexpected(std::string(
        "a set of a lever needs the machine file that it was recorded with; name it with "
        "--machine"));
  }
  config.force_max = kCableForceMaxN;
  return config;
}

// The recorded parameters for the profile of the set, its defaults for another; then the given
// ones.
tl::expected<std::map<std::string, double>, std::string> parameters_of(
    const record::SetRecord& set, const std::string& profile, const ReplayOptions& options) {
  std::map<std::string, double> out;
  if (profile == set.profile_id) out.insert(set.parameters.begin(), set.parameters.end());
  for (const std::string& text : options.parameters) {
    const std::size_t equals = text.find('=');
    double value = 0.0;
    const char* const end = text.data() + text.size();
    const char* const begin = equals == std::string::npos ? end : text.data() + equals + 1;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (begin == end || error != std::errc{} || stop != end) {
      return tl::unexpected("--params '" + text + "': write NAME=NUMBER, e.g. eccentric_ratio=1.3");
    }
    out[text.substr(0, equals)] = value;
  }
  return out;
}

tl::expected<std::unique_ptr<rt::ProfileInstance>, std::string> profile_of(
    const record::SetRecord& set, const ReplayConfig& config, const std::string& id,
    const ReplayOptions& options, station::PluginHost& host) {
  const auto parameters = parameters_of(set, id, options);
  if (!parameters) return tl::unexpected(parameters.error());
  const std::string folder =
      options.plugins.empty()
          ? (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "plugins.d").string()
          : options.plugins;
  for (const station::PluginError& error : host.load_directory(folder)) {
    fmt::print(stderr, "medius: {}\n", error.message);
  }
  medius_activation_t activation{};
  activation.size = sizeof activation;
  activation.coordinate = static_cast<std::uint32_t>(set.coordinate);
  activation.dt_s = kTickPeriodS;
  activation.force_max = config.force_max;
  activation.velocity_max = config.velocity_max;
  auto instance = host.create(id, *parameters, activation, station::ParameterAuthority::kTherapist);
  if (!instance) return tl::unexpected(instance.error().message);
  if ((*instance)->commands_motion()) {
    return tl::unexpected("profile '" + id +
                          "' commands motion: it wishes a speed and no force, and over a recorded "
                          "motion that says nothing; choose a profile that wishes a force");
  }
  return std::move(*instance);
}

SvgPlot plot_of(const Recorded& recorded, const WishReplay& wish, const std::string& profile) {
  const record::SetRecord& set = recorded.set;
  SvgPlot plot;
  const Units units = units_of(set.coordinate);
  plot.title = set.exercise_id + ", " + word(set.side) + ": recorded force and what " + profile +
               " wishes over the same motion";
  plot.x_label = "time in s";
  plot.y_label = std::string("force in ") + units.force;
  SvgSeries measured{"measured", "#2b6cb0", {}, {}, false};
  SvgSeries before{"wish as recorded", "#718096", {}, {}, true};
  SvgSeries now{"wish of " + profile, "#c05621", {}, {}, false};
  for (std::size_t i = 0; i < recorded.samples.size(); ++i) {
    const rt::SampleRecord& sample = recorded.samples[i];
    const double t = static_cast<double>(sample.tick - set.start_tick) * kTickPeriodS;
    for (SvgSeries* series : {&measured, &before, &now}) series->x.push_back(t);
    measured.y.push_back(sample.force_measured);
    before.y.push_back(std::isfinite(wish.wish[i]) ? sample.force_wish : wish.wish[i]);
    now.y.push_back(wish.wish[i]);
  }
  plot.series = {measured, before, now};
  for (const measure::RepMetrics& rep : set.reps) {
    plot.bands.push_back({static_cast<double>(rep.start_tick - set.start_tick) * kTickPeriodS,
                          static_cast<double>(rep.end_tick - set.start_tick) * kTickPeriodS});
  }
  return plot;
}

std::string csv_of(const Recorded& recorded, const WishReplay& wish) {
  const char* unit = units_of(recorded.set.coordinate).force;
  std::string out = fmt::format(
      "tick,time [s],force_measured [{0}],force_wish_recorded [{0}],force_wish_replayed [{0}]\n",
      unit);
  for (std::size_t i = 0; i < recorded.samples.size(); ++i) {
    const rt::SampleRecord& sample = recorded.samples[i];
    out += fmt::format("{},{},{},{},{}\n", sample.tick,
                       static_cast<double>(sample.tick - recorded.set.start_tick) / 1000.0,
                       sample.force_measured, sample.force_wish,
                       std::isfinite(wish.wish[i]) ? fmt::format("{}", wish.wish[i]) : "");
  }
  return out;
}

Json json_of_replay(const Recorded& recorded, const Replay& replay, const std::string& profile) {
  Json phases = Json::object();
  for (const auto& [phase, mean] : replay.wish.phases) {
    phases[phase_word(phase)] = {{"ticks", mean.ticks},
                                 {"measured_mean", mean.measured},
                                 {"recorded_wish_mean", mean.recorded_wish},
                                 {"wish_mean", mean.wish}};
  }
  return {{"set", resource_name(recorded.set)},
          {"recorded_profile", recorded.set.profile_id},
          {"profile", profile},
          {"force_unit", units_of(recorded.set.coordinate).force},
          {"samples", recorded.samples.size()},
          {"metric_changes", recorded.metrics.changes_size()},
          {"detector",
           {{"reps_recorded", recorded.set.reps.size()},
            {"reps_replayed", replay.detector.reps.size()},
            {"reps_same", replay.detector.same_reps},
            {"boundary_difference_ticks_max", replay.detector.boundary_ticks_max},
            {"direction_changes_recorded", recorded.set.direction_changes},
            {"direction_changes_replayed", replay.detector.direction_changes}}},
          {"wish",
           {{"ticks", replay.wish.ticks},
            {"ticks_same_bits", replay.wish.same_bits},
            {"difference_rms", replay.wish.difference_rms},
            {"difference_max", replay.wish.difference_max},
            {"phases", std::move(phases)}}}};
}

void print_replay(const Recorded& recorded, const Replay& replay, const std::string& profile) {
  const char* unit = units_of(recorded.set.coordinate).force;
  const DetectorReplay& detector = replay.detector;
  const WishReplay& wish = replay.wish;
  fmt::print("{}: {} samples, {} repetitions, recorded with {}\n", resource_name(recorded.set),
             recorded.samples.size(), recorded.set.reps.size(), recorded.set.profile_id);
  fmt::print("metrics   from the recorded samples: {}\n",
             recorded.metrics.changes().empty()
                 ? "every value the same, bit for bit"
                 : fmt::format("{} values differ; 'medius recompute' names them",
                               recorded.metrics.changes_size()));
  fmt::print(
      "detector  {} repetitions, {} of {} with every boundary within a tick (largest "
      "difference {} ticks), {} direction changes (recorded {})\n",
      detector.reps.size(), detector.same_reps, recorded.set.reps.size(),
      detector.boundary_ticks_max, detector.direction_changes, recorded.set.direction_changes);
  fmt::print(
      "profile   {} asked at {} ticks under load: {} the same as recorded bit for bit, "
      "difference rms {:.3f} {}, largest {:.3f} {}\n",
      profile, wish.ticks, wish.same_bits, wish.difference_rms, unit, wish.difference_max, unit);
  fmt::print("\n{:<12} {:>8} {:>16} {:>16} {:>16}\n", "phase", "seconds",
             fmt::format("measured {}", unit), fmt::format("recorded wish {}", unit),
             fmt::format("this wish {}", unit));
  for (const auto& [phase, mean] : wish.phases) {
    fmt::print("{:<12} {:>8.2f} {:>16.2f} {:>16.2f} {:>16.2f}\n", phase_word(phase),
               static_cast<double>(mean.ticks) * kTickPeriodS, mean.measured, mean.recorded_wish,
               mean.wish);
  }
  fmt::print(
      "\nThis is what {} wishes over the motion that was recorded, not how the person would "
      "have moved with it.\nReplayed from the recording: position, velocity, force and load "
      "at every tick. The loop's own acceleration and the range\nthat was prescribed are not "
      "in it: the acceleration is taken from the velocity, the range found anew.\n",
      profile);
}

}  // namespace

int replay(const CommonOptions& common, const ReplayOptions& options) {
  const Connection connection(common);
  const auto recorded = fetch(connection, options.set);
  if (!recorded) return complain(recorded.error(), common);
  if (recorded->samples.empty()) {
    return complain(options.set + " has no recorded samples; choose a set that has some");
  }
  const auto config = config_of(recorded->set, options);
  if (!config) return complain(config.error());
  const std::string id = options.profile.empty() ? recorded->set.profile_id : options.profile;
  station::PluginHost host;
  const auto profile = profile_of(recorded->set, *config, id, options, host);
  if (!profile) return complain(profile.error());
  const Replay done = replay_set(recorded->set, recorded->samples, *config, **profile);
  if (!options.svg.empty() &&
      !write_file(options.svg, svg_file(plot_of(*recorded, done.wish, id)))) {
    return kExitFailed;
  }
  if (!options.csv.empty() && !write_file(options.csv, csv_of(*recorded, done.wish))) {
    return kExitFailed;
  }
  if (common.json) {
    fmt::print("{}\n", json_of_replay(*recorded, done, id).dump(2));
  } else {
    print_replay(*recorded, done, id);
  }
  return kExitOk;
}

}  // namespace medius::client
