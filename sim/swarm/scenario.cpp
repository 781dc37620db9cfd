#include "sim/swarm/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/faults/fault_menu.hpp"

namespace medius::sim {
nlohmann::json to_json(const Scenario& s) {
  nlohmann::json faults = nlohmann::json::array();
  for (const FaultEvent& event : s.faults) {
    faults.push_back({{"row", event.row},
                      {"axis", event.axis},
                      {"phase", to_string(event.phase)},
                      {"after_reps", event.after_reps},
                      {"delay_s", event.delay_s},
                      {"follows", event.follows},
                      {"intensity", event.intensity},
                      {"seed", event.seed}});
  }
  return {{"seed", s.seed},           {"machine", s.seated ? "seated" : "cable"},
          {"profile", s.profile},     {"eccentric_ratio", s.eccentric_ratio},
          {"load_n", s.load_n},       {"reps", s.reps},
          {"out_s", s.out_s},         {"hold_s", s.hold_s},
          {"back_s", s.back_s},       {"side", s.side},
          {"range_rad", s.range_rad}, {"sway_m", s.sway_m},
          {"tempo_cv", s.tempo_cv},   {"raise_after_reps", s.raise_after_reps},
          {"raise_n", s.raise_n},     {"faults", faults}};
}

namespace {

// Reads numbers within limits; keeps the first error.
class Reader {
 public:
  explicit Reader(const nlohmann::json& json, std::string where)
      : json_(json), where_(std::move(where)) {}

  template <typename T>
  void number(const char* key, T& value, double min, double max) {
    const auto found = json_.find(key);
    if (found == json_.end()) return;
    if (!found->is_number()) return fail(key, found->dump(), "a number is wanted");
    const auto read = found->template get<double>();
    if (!(read >= min && read <= max)) {
      return fail(key, found->dump(), fmt::format("it must lie within {} and {}", min, max));
    }
    value = found->template get<T>();
  }
  void flag(const char* key, bool& value) {
    const auto found = json_.find(key);
    if (found == json_.end()) return;
    if (!found->is_boolean()) return fail(key, found->dump(), "true or false is wanted");
    value = found->get<bool>();
  }
  template <typename Check>
  void text(const char* key, Check&& check) {
    const auto found = json_.find(key);
    if (found == json_.end()) return;
    if (!found->is_string() || !check(found->template get<std::string>())) {
      fail(key, found->dump(), "it is not one of the known words");
    }
  }
  void fail(const char* key, const std::string& value, const std::string& why) {
    if (error.empty()) error = fmt::format("{}{} is {}: {}", where_, key, value, why);
  }
  std::string error;

 private:
  const nlohmann::json& json_;
  std::string where_;
};

std::string read_event(const nlohmann::json& json, std::size_t number, FaultEvent& event) {
  Reader reader(json, fmt::format("faults[{}].", number));
  reader.number("row", event.row, 1, 1000);
  // By what fails and how instead of by its row, e.g. "encoder stuck".
  reader.text("fault", [&](const std::string& words) {
    const std::size_t space = words.find(' ');
    if (space == std::string::npos) return false;
    const MenuEntry* const entry = find_on_menu(words.substr(0, space), words.substr(space + 1));
    if (entry != nullptr) event.row = entry->row;
    return entry != nullptr;
  });
  const FaultRow* row = find_fault(event.row);
  if (row == nullptr || row->injector == Injector::kNone) {
    reader.fail("row", std::to_string(event.row), "no row that can be injected has this number");
  }
  reader.number("axis", event.axis, 0, 1);
  reader.text("phase", [&](const std::string& word) {
    for (int i = 0; i < kFaultPhases; ++i) {
      if (word != to_string(static_cast<FaultPhase>(i))) continue;
      event.phase = static_cast<FaultPhase>(i);
      return true;
    }
    return false;
  });
  reader.number("after_reps", event.after_reps, 0, 100);
  reader.number("delay_s", event.delay_s, 0.0, 60.0);
  reader.flag("follows", event.follows);
  reader.number("intensity", event.intensity, 0.0, 1.0);
  reader.number("seed", event.seed, 0.0, 1.9e19);
  return reader.error;
}

}  // namespace

tl::expected<Scenario, std::string> from_json(const nlohmann::json& json) {
  if (!json.is_object()) return tl::make_unexpected(std::string("a scenario is a JSON object"));
  Scenario s;
  Reader reader(json, "");
  reader.number("seed", s.seed, 0.0, 1.9e19);
  reader.text("machine", [&](const std::string& word) {
    s.seated = word == "seated";
    return s.seated || word == "cable";
  });
  reader.text("profile", [&](const std::string& word) {
    s.profile = word;
    return word == "constant-tension" || word == "eccentric-emphasis";
  });
  reader.number("eccentric_ratio", s.eccentric_ratio, 0.5, 2.0);
  reader.number("load_n", s.load_n, 0.0, 400.0);
  reader.number("reps", s.reps, 1, 100);
  reader.number("out_s", s.out_s, 0.2, 20.0);
  reader.number("hold_s", s.hold_s, 0.0, 20.0);
  reader.number("back_s", s.back_s, 0.2, 20.0);
  reader.number("side", s.side, 1, 2);
  reader.number("range_rad", s.range_rad, 0.05, 0.8);
  reader.number("sway_m", s.sway_m, 0.0, 0.05);
  reader.number("tempo_cv", s.tempo_cv, 0.0, 0.5);
  reader.number("raise_after_reps", s.raise_after_reps, 0, 100);
  reader.number("raise_n", s.raise_n, -400.0, 400.0);
  if (!reader.error.empty()) return tl::make_unexpected(reader.error);
  const auto faults = json.find("faults");
  if (faults == json.end()) return s;
  if (!faults->is_array() || faults->size() > 8) {
    return tl::make_unexpected(std::string("faults is no list of at most 8 events"));
  }
  for (const nlohmann::json& entry : *faults) {
    FaultEvent event;
    const std::string error = read_event(entry, s.faults.size(), event);
    if (!error.empty()) return tl::make_unexpected(error);
    s.faults.push_back(event);
  }
  return s;
}

std::string describe(const Scenario& s) {
  std::string text = fmt::format("seed {}: {}, {:.0f} N, {} x {:.1f}-{:.1f}-{:.1f} s, {}", s.seed,
                                 s.seated ? "seated" : "cable", s.load_n, s.reps, s.out_s, s.hold_s,
                                 s.back_s, s.profile);
  if (s.profile == "eccentric-emphasis") text += fmt::format(" {:.2f}", s.eccentric_ratio);
  for (const FaultEvent& event : s.faults) {
    const FaultRow* row = find_fault(event.row);
    const std::string when = event.follows ? fmt::format("{:.0f} ms later", event.delay_s * 1e3)
                                           : fmt::format("in {} after {} repetitions",
                                                         to_string(event.phase), event.after_reps);
    text += fmt::format("; {} ({}) {}, intensity {:.2f}", event.row,
                        row != nullptr ? row->name : "?", when, event.intensity);
  }
  return text;
}

}  // namespace medius::sim
