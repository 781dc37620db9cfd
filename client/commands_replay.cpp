// medius replay: a recorded set once more, or under another profile.
#include <filesystem>

#include <fmt/format.h>

#include "client/commands_keeping.hpp"
#include "client/connection.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/replay.hpp"
#include "client/replay_text.hpp"
#include "client/wire.hpp"
#include "controller/base/tick.hpp"
#include "controller/station/machine_config.hpp"

namespace medius::client {
namespace {

namespace fs = std::filesystem;

// The machine's own limits where neither set nor machine file tells them: what is compiled in.
constexpr double kCableForceMaxN = 600.0;

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

// A machine file that was named comes before what the set kept: so other numbers of the detector
// can be tried.
tl::expected<ReplayConfig, std::string> config_of(record::SetRecord& set,
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
    set.given.tracker = engine.tracker;
    config.force_max = engine.bounds.force_max;
    config.velocity_max = engine.bounds.overspeed_trip;
    return config;
  }
  if (set.given.known()) {
    config.tracker = set.given.tracker;
    config.force_max = set.given.force_max;
    config.velocity_max = set.given.velocity_max;
    return config;
  }
  if (set.coordinate == hal::CoordinateKind::kLever) {
    return tl::unexpected(std::string(
        "this set of a lever was recorded before sets kept the numbers of their machine; name the "
        "machine file that it was recorded with by --machine"));
  }
  config.force_max = kCableForceMaxN;
  return config;
}

tl::expected<std::vector<AskedParameter>, std::string> asked_of(const ReplayOptions& options) {
  std::vector<AskedParameter> out;
  for (const std::string& text : options.parameters) {
    auto one = parse_parameter(text);
    if (!one) return tl::unexpected(one.error());
    out.push_back(std::move(*one));
  }
  return out;
}

void load_profiles(const ReplayOptions& options, station::PluginHost& host) {
  const std::string folder =
      options.plugins.empty()
          ? (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "plugins.d").string()
          : options.plugins;
  for (const station::PluginError& error : host.load_directory(folder)) {
    fmt::print(stderr, "medius: {}\n", error.message);
  }
}

tl::expected<std::unique_ptr<rt::ProfileInstance>, std::string> profile_of(
    const record::SetRecord& set, const ReplayConfig& config, const std::string& id,
    station::PluginHost& host) {
  std::map<std::string, double> begin;
  for (const ParameterUse& one : config.parameters) {
    if (one.unused.empty() && one.tick <= set.start_tick) begin[one.name] = one.value;
  }
  medius_activation_t activation{};
  activation.size = sizeof activation;
  activation.coordinate = static_cast<std::uint32_t>(set.coordinate);
  activation.dt_s = kTickPeriodS;
  activation.force_max = config.force_max;
  activation.velocity_max = config.velocity_max;
  auto instance = host.create(id, begin, activation, station::ParameterAuthority::kTherapist);
  if (!instance) return tl::unexpected(instance.error().message);
  if ((*instance)->commands_motion()) {
    return tl::unexpected("profile '" + id +
                          "' commands motion: it wishes a speed and no force, and over a recorded "
                          "motion that says nothing; choose a profile that wishes a force");
  }
  return std::move(*instance);
}

}  // namespace

int replay(const CommonOptions& common, const ReplayOptions& options) {
  const auto asked = asked_of(options);
  if (!asked) return complain(asked.error());
  const Connection connection(common);
  auto recorded = fetch(connection, options.set);
  if (!recorded) return complain(recorded.error(), common);
  if (recorded->samples.empty()) {
    return complain(options.set + " has no recorded samples; choose a set that has some");
  }
  auto config = config_of(recorded->set, options);
  if (!config) return complain(config.error());
  const std::string id = options.profile.empty() ? recorded->set.profile_id : options.profile;
  station::PluginHost host;
  load_profiles(options, host);
  auto parameters = plan_parameters(recorded->set, id, *asked, host);
  if (!parameters) return complain(parameters.error());
  config->parameters = std::move(*parameters);
  const auto profile = profile_of(recorded->set, *config, id, host);
  if (!profile) return complain(profile.error());
  const Replay done = replay_set(recorded->set, recorded->samples, *config, **profile);
  const ReplayedText text{recorded->set,
                          recorded->samples,
                          done,
                          config->parameters,
                          id,
                          recorded->metrics.changes_size()};
  if (!options.svg.empty() && !write_file(options.svg, svg_file(replay_plot(text)))) {
    return kExitFailed;
  }
  if (!options.csv.empty() && !write_file(options.csv, replay_csv(text))) return kExitFailed;
  if (common.json) {
    fmt::print("{}\n", replay_json(text));
  } else {
    print_lines(replay_lines(text));
  }
  if (!options.exact || done.differences.empty()) return kExitOk;
  return complain(fmt::format("{}: {} differences between what was recorded and its replay",
                              options.set, done.differences.size()));
}

}  // namespace medius::client
