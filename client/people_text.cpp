#include "client/people_text.hpp"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "client/wording.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

const char* goal_word(v1::Goal goal) {
  switch (goal) {
    case v1::GOAL_STRENGTH:
      return "strength";
    case v1::GOAL_ENDURANCE:
      return "endurance";
    case v1::GOAL_HYPERTROPHY:
      return "hypertrophy";
    case v1::GOAL_COMPOUND:
      return "compound";
    case v1::GOAL_ACTIVATION:
      return "activation";
    default:
      return "";
  }
}

const char* change_word(v1::Change change) {
  switch (change) {
    case v1::CHANGE_MORE_REPS:
      return "more repetitions";
    case v1::CHANGE_MORE_LOAD:
      return "more load";
    case v1::CHANGE_LESS:
      return "less";
    default:
      return "hold";
  }
}

const char* unit_of(v1::Coordinate coordinate) {
  return coordinate == v1::COORDINATE_LEVER ? "Nm" : "N";
}

std::string load_text(const v1::Load& load) {
  return load.value_case() == v1::Load::kLoadNm ? fmt::format("{:g} Nm", load.load_nm())
                                                : fmt::format("{:g} N", load.load_n());
}

std::string caps_text(const v1::Client& client) {
  std::string text;
  for (const v1::LoadCap& cap : client.caps()) {
    text += fmt::format("{}{} at most {}", text.empty() ? "" : ", ",
                        cap.exercise().empty() ? "every exercise" : cap.exercise(),
                        load_text(cap.load()));
  }
  return text;
}

void add_said(std::vector<std::string>& lines, const char* what, double value, const char* unit) {
  if (value > 0.0) lines.push_back(fmt::format("  {:<14} {:g} {}", what, value, unit));
}

std::string set_text(const v1::PlanDecision& decision) {
  std::string text;
  for (const v1::PlanSet& set : decision.sets()) {
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", set.reps_full(),
                        set.reps_partial() > 0 ? fmt::format("+{}p", set.reps_partial()) : "");
  }
  return text.empty() ? "-" : text;
}

}  // namespace

std::string date_of(const google::protobuf::Timestamp& time) {
  return record::iso_time(time.seconds() * 1'000'000'000 + 1).substr(0, 10);
}

tl::expected<v1::LoadCap, std::string> parse_cap(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string number = equals == std::string::npos ? text : text.substr(equals + 1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const std::string unit(end, number.data() + number.size());
  if (error != std::errc{} || (unit != "N" && unit != "Nm") || !(value > 0.0)) {
    return tl::make_unexpected("limit '" + text +
                               "': write NUMBER and unit, with or without an exercise, e.g. 60N, "
                               "cable-standing-abduction=60N or seated-abduction=40Nm");
  }
  v1::LoadCap cap;
  if (equals != std::string::npos) cap.set_exercise(text.substr(0, equals));
  if (unit == "Nm") {
    cap.mutable_load()->set_load_nm(value);
  } else {
    cap.mutable_load()->set_load_n(value);
  }
  return cap;
}

std::string client_line(const v1::Client& client) {
  std::string line =
      fmt::format("{:<20} {:<12}", short_name(client.name()), goal_word(client.goal()));
  if (client.in_therapy()) line += "  in therapy";
  const std::string caps = caps_text(client);
  return caps.empty() ? line : line + "  " + caps;
}

std::vector<std::string> client_lines(const v1::Client& client) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("client {} (etag {})", short_name(client.name()), client.etag()));
  const std::string goal = goal_word(client.goal());
  if (!goal.empty()) lines.push_back(fmt::format("  {:<14} {}", "goal", goal));
  add_said(lines, "birth year", client.birth_year(), "");
  if (client.sex() != v1::SEX_UNSPECIFIED) {
    lines.push_back(fmt::format("  {:<14} {}", "sex",
                                client.sex() == v1::SEX_FEMALE ? "female"
                                : client.sex() == v1::SEX_MALE ? "male"
                                                               : "other"));
  }
  add_said(lines, "body mass", client.body_mass_kg(), "kg");
  add_said(lines, "height", client.height_m(), "m");
  add_said(lines, "leg length", client.leg_length_m(), "m");
  if (client.affected_side() != v1::SIDE_UNSPECIFIED) {
    lines.push_back(fmt::format("  {:<14} {}", "affected side", word(client.affected_side())));
  }
  lines.push_back(
      fmt::format("  {:<14} {}", "therapy",
                  client.in_therapy() ? "yes: changes of a plan wait for a therapist" : "no"));
  const std::string caps = caps_text(client);
  lines.push_back(fmt::format("  {:<14} {}", "limits",
                              caps.empty() ? "none" : caps + "; only a therapist raises them"));
  if (!client.notes().empty()) {
    lines.push_back(fmt::format("  {:<14} {}", "notes", client.notes()));
  }
  return lines;
}

std::string plan_line(const v1::Plan& plan) {
  const std::uint32_t days = plan.weeks() * plan.days_per_week();
  return fmt::format("{}  {:<16} {:<24} {} of {} days{}", short_name(plan.name()),
                     short_name(plan.client()), short_name(plan.program()), plan.days_done(), days,
                     plan.days_done() >= days ? ", over"
                     : plan.session().empty() ? ""
                                              : ", a session is under way");
}

std::string decision_line(const v1::PlanDecision& decision) {
  const char* how = decision.refused() ? " (refused)" : decision.proposed() ? " (proposed)" : "";
  const std::string load =
      decision.load_before() > 0.0 ? fmt::format("{:g}", decision.load_before()) : std::string("-");
  return fmt::format("{:<26} {:>6}  {:<18} {}{}: {}", decision.exercise(), load, set_text(decision),
                     change_word(decision.change()), how, decision.reason());
}

std::vector<std::string> plan_lines(const v1::Plan& plan, std::span<const v1::PlanDay> days) {
  std::vector<std::string> lines;
  lines.push_back("plan " + plan_line(plan));
  lines.push_back(fmt::format("  {} weeks, {} days a week; etag {}", plan.weeks(),
                              plan.days_per_week(), plan.etag()));
  lines.emplace_back("  now");
  for (const v1::PlanExercise& exercise : plan.exercises()) {
    const std::string load = exercise.load() > 0.0 ? fmt::format("{:g} {}", exercise.load(),
                                                                 unit_of(exercise.coordinate()))
                                                   : std::string("no load");
    std::string line =
        fmt::format("    {:<26} {:>9}  {} repetitions", exercise.exercise(), load, exercise.reps());
    if (exercise.load_cap() > 0.0) {
      line += fmt::format("; therapist's limit {:g}", exercise.load_cap());
    }
    if (exercise.surplus_days() > 0) {
      line += fmt::format("; {} day{} with two more than asked", exercise.surplus_days(),
                          exercise.surplus_days() == 1 ? "" : "s");
    }
    lines.push_back(std::move(line));
    if (exercise.has_proposal()) {
      lines.push_back(fmt::format(
          "      proposed: load {:g}, {} repetitions ({}); 'medius plan "
          "decide' answers",
          exercise.proposal().load(), exercise.proposal().reps(), exercise.proposal().reason()));
    }
  }
  if (!days.empty()) lines.emplace_back("  days: load, full repetitions of each set, what follows");
  for (const v1::PlanDay& day : days) {
    const std::string what = day.session().empty() ? "by hand"
                             : day.counted()       ? fmt::format("day {}", day.days_done() + 1)
                                                   : std::string("not counted");
    lines.push_back(fmt::format("  {}  {}", date_of(day.time()), what));
    for (const v1::PlanDecision& decision : day.decisions()) {
      lines.push_back("    " + decision_line(decision));
    }
    for (const std::string& note : day.notes()) lines.push_back("    " + note);
  }
  return lines;
}

std::string prescription_line(const v1::Prescription& block) {
  std::string sides;
  for (int i = 0; i < block.sides_size(); ++i) sides += (i == 0 ? "" : "+") + word(block.sides(i));
  const std::string load = block.guided() ? "without the machine" : load_text(block.load());
  return fmt::format("{}{} x {} {} {}, {}", block.warm_up() ? "warm-up: " : "", block.sets(),
                     block.reps(), block.exercise(), sides, load);
}

std::vector<std::string> next_lines(const v1::NextSession& next) {
  std::vector<std::string> lines;
  for (const v1::DueTest& test : next.tests()) {
    lines.push_back(fmt::format(
        "test due (week {}): {}{}", test.week(), short_name(test.program()),
        test.note().empty() ? fmt::format("; 'medius run {} --plan {}'", short_name(test.program()),
                                          short_name(next.plan()))
                            : "; " + test.note()));
  }
  if (next.over()) {
    lines.emplace_back("the plan is over: all its days are done");
    return lines;
  }
  lines.push_back(fmt::format("week {}, day {}: 'medius run --plan {}'", next.week(), next.day(),
                              short_name(next.plan())));
  for (const v1::Prescription& block : next.blocks())
    lines.push_back("  " + prescription_line(block));
  for (const std::string& note : next.notes()) lines.push_back("  " + note);
  for (const std::string& skipped : next.skipped()) lines.push_back("  " + skipped);
  return lines;
}

std::vector<std::string> progress_lines(const v1::Progress& progress) {
  std::vector<std::string> lines;
  lines.push_back("client " + short_name(progress.client()));
  for (const v1::TestSeries& series : progress.tests()) {
    lines.push_back(
        fmt::format("  test {}, {} ({})", series.kind(), word(series.side()), series.unit()));
    for (const v1::TestPoint& point : series.points()) {
      lines.push_back(
          fmt::format("    {}  {:>8.1f}{}{}", date_of(point.time()), point.value(),
                      point.words().empty() ? "" : "  since the first: ", point.words()));
    }
  }
  if (progress.symmetry_size() > 0) lines.emplace_back("  right against left");
  for (const v1::SymmetryPoint& point : progress.symmetry()) {
    lines.push_back(
        fmt::format("    {}  {:<26} {}", date_of(point.time()), point.source(), point.words()));
  }
  for (const v1::LoadSeries& series : progress.loads()) {
    lines.push_back(
        fmt::format("  working load of {} ({})", series.exercise(), unit_of(series.coordinate())));
    for (const v1::LoadPoint& point : series.points()) {
      lines.push_back(fmt::format("    {}  {:>8g}  {} repetitions{}", date_of(point.time()),
                                  point.load(), point.reps(),
                                  point.told() ? ", as written down earlier" : ""));
    }
  }
  for (const std::string& note : progress.notes()) lines.push_back("  " + note);
  return lines;
}

std::vector<std::string> machine_lines(const v1::Machine& machine) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}  {}{}", machine.name(), machine.title(),
                              machine.simulated() ? ", simulated" : ""));
  for (const v1::MachineAxis& axis : machine.axes()) {
    const char* unit = unit_of(axis.coordinate());
    lines.push_back(
        fmt::format("  axis {} '{}': {:g} {} at most, orders to {:g} {}, steps of {:g} "
                    "{}, pretension {:g} {}{}",
                    axis.axis(), axis.axis_name(), axis.force_max(), unit, axis.user_force_max(),
                    unit, axis.load_step_max(), unit, axis.pretension(), unit,
                    axis.linked_arms() ? "; moves both arms" : ""));
  }
  lines.push_back(machine.pelvis_sensor() ? "  with a pelvis-tilt sensor"
                                          : "  without a pelvis-tilt sensor: it cannot see the "
                                            "pelvis");
  return lines;
}

}  // namespace medius::client
