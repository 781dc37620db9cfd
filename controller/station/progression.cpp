#include "controller/station/progression.hpp"

#include <cmath>

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "controller/measure/set_metrics.hpp"
#include "controller/record/export.hpp"

namespace medius::station {
namespace {

std::size_t slot(record::Side side) {
  return static_cast<std::size_t>(side) & 3u;
}

std::optional<std::string> range_lost(const ProgressionRules& rules, const ExerciseState& state,
                                      const SetFigures& set) {
  const double reference = state.range_reference[slot(set.side)];
  if (!(reference > 0.0) || !(set.range > 0.0)) return std::nullopt;
  const double lost = 1.0 - set.range / reference;
  if (lost <= rules.range_loss_max) return std::nullopt;
  return fmt::format("{}: range fell by {:.0f} % (limit {:.0f} %)", record::to_string(set.side),
                     100.0 * lost, 100.0 * rules.range_loss_max);
}

std::optional<std::string> set_fell(const ProgressionRules& rules, const ExerciseState& state,
                                    const SetFigures& set) {
  const double all = set.reps_full + set.reps_partial;
  if (all > 0.0 && set.reps_partial / all > rules.partial_share_max) {
    return fmt::format("{}: {} of {:.0f} repetitions were partial (limit {:.0f} %)",
                       record::to_string(set.side), set.reps_partial, all,
                       100.0 * rules.partial_share_max);
  }
  if (auto lost = range_lost(rules, state, set)) return lost;
  if (set.tempo_off_share > rules.tempo_off_share_max) {
    return fmt::format("{}: tempo was off in {:.0f} % of the repetitions (limit {:.0f} %)",
                       record::to_string(set.side), 100.0 * set.tempo_off_share,
                       100.0 * rules.tempo_off_share_max);
  }
  if (set.momentum_share > rules.momentum_share_max) {
    return fmt::format("{}: momentum in {:.0f} % of the repetitions (limit {:.0f} %)",
                       record::to_string(set.side), 100.0 * set.momentum_share,
                       100.0 * rules.momentum_share_max);
  }
  return std::nullopt;
}

// The fewest full repetitions of a set over those asked for; of the last set of each side.
struct Completion {
  bool any = false;
  bool all_done = true;
  std::uint32_t worst = 0;
  bool surplus = true;  // two extra in the last set of every side
};

Completion completion_of(const ExerciseState& state, const DayFigures& day) {
  Completion done;
  std::uint32_t last[4] = {};
  bool seen[4] = {};
  for (const SetFigures& set : day.sets) {
    if (!done.any || set.reps_full < done.worst) done.worst = set.reps_full;
    done.any = true;
    done.all_done = done.all_done && set.reps_full >= state.reps;
    last[slot(set.side)] = set.reps_full;
    seen[slot(set.side)] = true;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    if (seen[i] && last[i] < state.reps + kExtraReps) done.surplus = false;
  }
  done.surplus = done.surplus && done.any;
  return done;
}

// The nearest step of the machine; at least one step up, and never outside the rule.
double raised(const ProgressionRules& rules, double load) {
  const double step = rules.load_step;
  double next = std::round(load * (1.0 + rules.increase) / step) * step;
  if (next < load * (1.0 + rules.increase_min)) next += step;
  if (next > load * (1.0 + rules.increase_max)) {
    // Steps too coarse for a light load: the exact share instead.
    next = load * (1.0 + rules.increase);
  }
  return next;
}

double lowered(const ProgressionRules& rules, double load) {
  return std::floor(load * (1.0 - rules.decrease) / rules.load_step) * rules.load_step;
}

void more_load(const ProgressionRules& rules, const ExerciseState& state, const std::string& why,
               Decision& decision) {
  if (!(state.load > 0.0)) {
    decision.reason = why + "; there is no load to add: a harder variant is the trainer's choice";
    return;
  }
  double next = raised(rules, state.load);
  std::string cap;
  if (state.load_cap && next > *state.load_cap) {
    if (state.load >= *state.load_cap) {
      decision.refused = true;
      decision.capped = true;
      decision.reason =
          fmt::format("{}, but {:g} is the therapist's limit; only a therapist raises it", why,
                      *state.load_cap);
      return;
    }
    next = *state.load_cap;
    decision.capped = true;
    cap = ", the therapist's limit";
  }
  decision.change = Change::kMoreLoad;
  decision.load = next;
  if (rules.rule == Progression::kRepsFirst) decision.reps = rules.reps_min;
  decision.reason = fmt::format("{}: load {:g} to {:g} (+{:.1f} %){}", why, state.load, next,
                                100.0 * (next / state.load - 1.0), cap);
}

void decide_reps_first(const ProgressionRules& rules, const ExerciseState& state,
                       Decision& decision) {
  if (state.reps < rules.reps_max) {
    decision.change = Change::kMoreReps;
    decision.reps = state.reps + 1;
    decision.reason = fmt::format("every set had its {} repetitions: {} next, load is added at {}",
                                  state.reps, decision.reps, rules.reps_max);
    return;
  }
  more_load(rules, state,
            fmt::format("every set had {} repetitions, the top of the range", state.reps),
            decision);
}

void decide_two_for_two(const ProgressionRules& rules, const ExerciseState& state, bool surplus,
                        std::uint32_t surplus_days, Decision& decision) {
  if (!surplus) {
    decision.reason = fmt::format("every set had its {} repetitions, but the last not {} more",
                                  state.reps, kExtraReps);
  } else if (surplus_days < kSurplusDaysNeeded) {
    decision.reason = fmt::format("{} extra repetitions in the last set, on {} of {} days",
                                  kExtraReps, surplus_days, kSurplusDaysNeeded);
  } else {
    more_load(rules, state,
              fmt::format("{} extra repetitions in the last set on {} days in a row", kExtraReps,
                          surplus_days),
              decision);
  }
}

void decide_short(const ProgressionRules& rules, const ExerciseState& state, const Completion& done,
                  Decision& decision) {
  decision.reason = fmt::format("a set had {} of {} repetitions", done.worst, state.reps);
  if (state.short_days + 1 < 2) {
    decision.reason += ": the same again";
    return;
  }
  if (rules.rule == Progression::kRepsFirst && state.reps > rules.reps_min) {
    decision.change = Change::kLessLoad;
    decision.reps = state.reps - 1;
    decision.reason += fmt::format(" on two days: {} repetitions next", decision.reps);
    return;
  }
  const double next = lowered(rules, state.load);
  if (!(next > 0.0)) return;
  decision.change = Change::kLessLoad;
  decision.load = next;
  decision.reason += fmt::format(" on two days: load {:g} to {:g}", state.load, next);
}

void remember_references(ExerciseState& state, const DayFigures& day) {
  double sum[4] = {};
  int count[4] = {};
  for (const SetFigures& set : day.sets) {
    if (!(set.range > 0.0)) continue;
    sum[slot(set.side)] += set.range;
    ++count[slot(set.side)];
  }
  for (std::size_t i = 0; i < 4; ++i) {
    if (!(state.range_reference[i] > 0.0) && count[i] > 0) {
      state.range_reference[i] = sum[i] / count[i];
    }
  }
  if (!state.asymmetry_reference) {
    if (const auto asymmetry = asymmetry_of(day)) state.asymmetry_reference = asymmetry->percent;
  }
}

}  // namespace

const char* to_string(Change change) noexcept {
  switch (change) {
    case Change::kHold:
      return "hold";
    case Change::kMoreReps:
      return "more repetitions";
    case Change::kMoreLoad:
      return "more load";
    case Change::kLessLoad:
      return "less";
  }
  return "unknown";
}

SetFigures figures_of(const record::SetRecord& set) {
  SetFigures figures;
  figures.side = set.side;
  figures.load = set.load_end;
  figures.reps_asked = set.reps_target;
  figures.reps_full = set.reps_counted;
  figures.reps_partial = set.reps_partial;
  figures.ended_by_count = set.end == record::SetEnd::kCount;
  double judged = 0.0, off = 0.0, momentum = 0.0;
  for (const measure::RepMetrics& rep : set.reps) {
    if (rep.kind == measure::RepKind::kRejected) continue;
    constexpr std::uint32_t kTempo = measure::kQualityTempoFast | measure::kQualityTempoSlow;
    judged += 1.0;
    if ((rep.quality & kTempo) != 0) off += 1.0;
    if ((rep.quality & measure::kQualityMomentum) != 0) momentum += 1.0;
    if (rep.kind != measure::RepKind::kFull) continue;
    figures.range += rep.range;
    figures.work_j.push_back(rep.concentric.work_j);
  }
  if (!figures.work_j.empty()) figures.range /= static_cast<double>(figures.work_j.size());
  if (judged > 0.0) {
    figures.tempo_off_share = off / judged;
    figures.momentum_share = momentum / judged;
  }
  return figures;
}

ProgressionRules rules_of(const ProgramBlock& block) {
  ProgressionRules rules;
  rules.rule = block.progression;
  rules.reps_min = block.reps;
  rules.reps_max = block.reps_max;
  return rules;
}

std::optional<Asymmetry> asymmetry_of(const DayFigures& day) {
  std::vector<double> left, right;
  for (const SetFigures& set : day.sets) {
    std::vector<double>* side = set.side == record::Side::kLeft    ? &left
                                : set.side == record::Side::kRight ? &right
                                                                   : nullptr;
    if (side != nullptr) side->insert(side->end(), set.work_j.begin(), set.work_j.end());
  }
  const measure::Symmetry symmetry = measure::symmetry(left, right);
  if ((symmetry.index.flags & measure::kValueMissing) != 0) return std::nullopt;
  return Asymmetry{symmetry.index.value, symmetry.change.value};
}

std::optional<std::string> quality_fell(const ProgressionRules& rules, const ExerciseState& state,
                                        const DayFigures& day) {
  for (const SetFigures& set : day.sets) {
    if (auto fell = set_fell(rules, state, set)) return fell;
  }
  const auto asymmetry = asymmetry_of(day);
  if (!asymmetry || !state.asymmetry_reference) return std::nullopt;
  const double now = absolute(asymmetry->percent);
  const double rise = now - absolute(*state.asymmetry_reference);
  const double error = at_least(asymmetry->minimal_detectable_change, rules.asymmetry_rise_max);
  if (now <= rules.asymmetry_floor || rise <= error) return std::nullopt;
  return fmt::format(
      "the sides differ by {:.0f} %, {:.0f} points more than on the first day "
      "(limit {:.0f})",
      now, rise, error);
}

Decision progress(const ProgressionRules& rules, ExerciseState& state, const DayFigures& day) {
  Decision decision;
  decision.load_before = decision.load = state.load;
  decision.reps_before = decision.reps = state.reps;
  const Completion done = completion_of(state, day);
  if (rules.rule == Progression::kFixed || !done.any) {
    decision.reason = done.any ? "fixed by the program" : "not trained";
    return decision;
  }
  const auto fell = quality_fell(rules, state, day);
  const bool whole = day.sets_missing == 0;
  const bool surplus = done.surplus && !fell && whole;
  const std::uint32_t surplus_days = surplus ? state.surplus_days + 1 : 0;
  if (!done.all_done) {
    decide_short(rules, state, done, decision);
  } else if (!whole) {
    decision.reason = fmt::format("{} of {} sets were not begun: the same again", day.sets_missing,
                                  day.sets.size() + day.sets_missing);
  } else if (fell) {
    decision.refused = true;
    decision.reason = "no increase: " + *fell;
  } else if (rules.rule == Progression::kRepsFirst) {
    decide_reps_first(rules, state, decision);
  } else {
    decide_two_for_two(rules, state, done.surplus, surplus_days, decision);
  }
  remember_references(state, day);
  state.short_days = done.all_done ? 0 : state.short_days + 1;
  state.surplus_days = surplus_days;
  if (state.proposals_only && decision.change != Change::kHold) {
    decision.applied = false;
    decision.reason = "proposed to the therapist: " + decision.reason;
    return decision;
  }
  if (decision.change == Change::kMoreLoad) state.surplus_days = 0;
  if (decision.change == Change::kLessLoad) state.short_days = 0;
  state.load = decision.load;
  state.reps = decision.reps;
  return decision;
}

std::optional<std::string> too_soon(std::int64_t last_start_ns, std::int64_t next_start_ns) {
  const std::int64_t gap_ns = next_start_ns - last_start_ns;
  if (gap_ns >= kRestBetweenDaysNs) return std::nullopt;
  return fmt::format(
      "only {:.0f} h since the last strength day, 48 h are advised; train light, or "
      "wait",
      static_cast<double>(gap_ns) / 3.6e12);
}

}  // namespace medius::station
