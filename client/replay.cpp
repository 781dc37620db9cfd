#include "client/replay.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "controller/base/tick.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {
namespace {

// On the wire 0 is "unspecified": the recorded states begin one lower.
constexpr std::uint8_t kLoaded = v1::LOAD_STATE_LOADED - 1;

std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : b - a;
}

// Repetitions in order; a rejected one has an ordinal too.
void compare_boundaries(const record::SetRecord& set, Replay& out) {
  const std::size_t count = std::min(set.reps.size(), out.detector.reps.size());
  for (std::size_t i = 0; i < count; ++i) {
    const measure::RepMetrics& stored = set.reps[i];
    const measure::RepMetrics& again = out.detector.reps[i];
    std::uint64_t off = 0;
    for (const auto& [a, b] : {std::pair{stored.start_tick, again.start_tick},
                               std::pair{stored.peak_start_tick, again.peak_start_tick},
                               std::pair{stored.peak_end_tick, again.peak_end_tick},
                               std::pair{stored.end_tick, again.end_tick}}) {
      off = std::max(off, distance(a, b));
    }
    out.boundary_ticks_max = std::max(out.boundary_ticks_max, off);
    if (off == 0) ++out.same_reps;
  }
}

std::uint32_t phase_for_profile(measure::Phase phase) {
  return phase == measure::Phase::kSlack ? static_cast<std::uint32_t>(MEDIUS_PHASE_REST)
                                         : static_cast<std::uint32_t>(phase);
}

void take(const rt::SampleRecord& sample, double wish, WishReplay& out) {
  ++out.ticks;
  if (std::bit_cast<std::uint64_t>(wish) == std::bit_cast<std::uint64_t>(sample.force_wish)) {
    ++out.same_bits;
  }
  const double difference = wish - sample.force_wish;
  out.difference_rms += difference * difference;
  out.difference_max = std::max(out.difference_max, std::abs(difference));
  WishReplay::Mean& mean = out.phases[static_cast<measure::Phase>(sample.phase)];
  ++mean.ticks;
  mean.recorded_wish += sample.force_wish;
  mean.wish += wish;
  mean.measured += sample.force_measured;
}

void finish(WishReplay& out) {
  if (out.ticks > 0) {
    out.difference_rms = std::sqrt(out.difference_rms / static_cast<double>(out.ticks));
  }
  for (auto& [phase, mean] : out.phases) {
    const auto ticks = static_cast<double>(mean.ticks);
    mean.recorded_wish /= ticks;
    mean.wish /= ticks;
    mean.measured /= ticks;
  }
}

medius_step_in_t step_of(const rt::SampleRecord& sample, const rt::SampleRecord* before,
                         const measure::Tracker& tracker) {
  medius_step_in_t step{};
  step.size = sizeof step;
  step.phase = phase_for_profile(static_cast<measure::Phase>(sample.phase));
  step.tick = sample.tick;
  step.dt_s = kTickPeriodS;
  step.base_force = sample.base_load;
  step.position = sample.position - tracker.bottom_position();
  step.velocity = sample.velocity;
  step.acceleration = before != nullptr ? (sample.velocity - before->velocity) / kTickPeriodS : 0.0;
  step.force = sample.force_measured;
  step.range = tracker.range_reference();
  step.repetition = tracker.reps_counted();
  return step;
}

tl::expected<void, std::string> use(ParameterUse& one, const std::string& profile,
                                    const station::PluginHost& host) {
  const auto id =
      host.check_parameter(profile, one.name, one.value, station::ParameterAuthority::kTherapist);
  if (!id) return tl::make_unexpected(id.error().message);
  one.id = *id;
  return {};
}

}  // namespace

tl::expected<AskedParameter, std::string> parse_parameter(const std::string& text) {
  AskedParameter out;
  const std::size_t equals = text.find('=');
  const std::size_t at = text.find('@');
  const auto number = [&text](std::size_t from, std::size_t to, double& value) {
    const auto [stop, error] = std::from_chars(text.data() + from, text.data() + to, value);
    return from < to && error == std::errc{} && stop == text.data() + to && std::isfinite(value);
  };
  const std::size_t end = at == std::string::npos ? text.size() : at;
  const bool good =
      equals != std::string::npos && equals > 0 && equals < end &&
      number(equals + 1, end, out.value) &&
      (at == std::string::npos || (number(at + 1, text.size(), out.from_s) && out.from_s >= 0.0));
  if (!good) {
    return tl::make_unexpected("--params '" + text +
                               "': write NAME=NUMBER, or NAME=NUMBER@SECONDS for from then on, "
                               "e.g. eccentric_ratio=1.3 or eccentric_ratio=1.3@12.5");
  }
  out.name = text.substr(0, equals);
  return out;
}

tl::expected<std::vector<ParameterUse>, std::string> plan_parameters(
    const record::SetRecord& set, const std::string& profile, std::span<const AskedParameter> asked,
    const station::PluginHost& host) {
  const auto known = host.profiles().find(profile);
  if (known == host.profiles().end()) {
    return tl::make_unexpected("no profile '" + profile + "' among the plugins; see 'profiles'");
  }
  const bool recorded = profile == set.profile_id;
  // A value from the start that was asked for holds throughout.
  const auto held = [&](const std::string& name) {
    return std::any_of(asked.begin(), asked.end(), [&](const AskedParameter& one) {
      return one.name == name && !(one.from_s > 0.0);
    });
  };
  std::vector<ParameterUse> out;
  for (const station::ParameterInfo& info : known->second.parameters) {
    if (held(info.name)) continue;
    ParameterUse one{
        set.start_tick, info.name, info.default_value, ParameterSource::kDefault, "", 0};
    for (const auto& [name, value] : set.parameters) {
      if (!recorded || name != info.name) continue;
      one.value = value;
      one.source = ParameterSource::kRecorded;
    }
    out.push_back(std::move(one));
  }
  for (const AskedParameter& one : asked) {
    const auto ticks = static_cast<std::uint64_t>(one.from_s / kTickPeriodS + 0.5);
    out.push_back({set.start_tick + ticks, one.name, one.value, ParameterSource::kAsked, "", 0});
  }
  for (const record::GivenChange& change : set.given.changes) {
    if (change.kind != record::GivenKind::kParameter) continue;
    ParameterUse one{change.tick, change.name, change.value, ParameterSource::kOrdered, "", 0};
    if (!recorded) one.unused = "it was ordered of " + set.profile_id;
    if (recorded && held(change.name)) one.unused = "--params holds it from the start";
    out.push_back(std::move(one));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.tick < b.tick; });
  for (ParameterUse& one : out) {
    if (!one.unused.empty()) continue;
    if (auto checked = use(one, profile, host); !checked) {
      return tl::make_unexpected(checked.error());
    }
  }
  return out;
}

Replay replay_set(const record::SetRecord& set, std::span<const rt::SampleRecord> samples,
                  const ReplayConfig& config, rt::ProfileInstance& profile) {
  Replay out;
  profile.reset();
  auto change = config.parameters.begin();
  // What holds from the start is in the instance already.
  const auto due = [&](std::uint64_t tick) {
    for (; change != config.parameters.end() && change->tick <= tick; ++change) {
      if (change->tick <= set.start_tick || !change->unused.empty()) continue;
      static_cast<void>(profile.queue_parameter(change->id, change->value));
    }
  };
  const rt::SampleRecord* before = nullptr;
  const record::EachSample each = [&](const rt::SampleRecord& sample,
                                      const measure::Tracker& tracker) {
    due(sample.tick);
    const rt::ProfileOutput wished = profile.step(step_of(sample, before, tracker));
    out.wish.wish.push_back(std::numeric_limits<double>::quiet_NaN());
    if (sample.load_state == kLoaded && wished.ok && std::isfinite(wished.force)) {
      out.wish.wish.back() = wished.force;
      take(sample, wished.force, out.wish);
    }
    before = &sample;
  };
  out.detector = record::replay(set, samples, config.tracker, each);
  out.differences = record::differences(set, out.detector);
  out.lacking = record::lacking(set, samples);
  compare_boundaries(set, out);
  finish(out.wish);
  return out;
}

}  // namespace medius::client
