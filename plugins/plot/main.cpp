// medius-profile-plot: draws the force law of a profile as SVG.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "plugins/plot/drawing.hpp"
#include "plugins/plot/number.hpp"

namespace {

using namespace medius::plot;

constexpr const char* kHelp =
    R"(medius-profile-plot [options] PROFILE.so

Runs a profile over concentric-eccentric cycles on a minimum-jerk path and draws the wished force
over position and over speed; of a profile that commands motion the commanded speed over position and
time while somebody pulls, or what a handle that stands still is held with. The same profile and
options give the same file.

  --out FILE         write the SVG there (without it: to standard output)
  --check FILE       do not write; fail if FILE is not what would be drawn now
  --coordinate KIND  cable (m, N; default) or lever (rad, Nm)
  --load X           the set load, N or Nm                      (default 60 N, 40 Nm)
  --range X          range of motion, m or rad                  (default 0.4 m, 0.6 rad)
  --tempo C-H-E      seconds lifting, holding, lowering          (default 2-1-3)
  --set NAME=VALUE   a parameter of the profile; may be repeated
  --cycles N         draw N cycles, 1 to 20                      (default 1)
  --stall X          stop for X seconds at half of each lift     (default 0)
  --slowing X        each lift takes X times as long as the last (default 1)
  --help             this text
)";

struct Options {
  std::string profile, out, check;
  CycleOptions cycle;
  std::vector<Setting> settings;
};

double number(const std::string& option, const std::string& words, double min, double max) {
  char* end = nullptr;
  const double value = std::strtod(words.c_str(), &end);
  if (words.empty() || *end != '\0' || !(value >= min && value <= max)) {
    throw Error{option + " is '" + words + "', allowed is " + plain(min) + " to " + plain(max) +
                "; see --help"};
  }
  return value;
}

void read_tempo(const std::string& words, CycleOptions& cycle) {
  const std::size_t first = words.find('-');
  const std::size_t second = first == std::string::npos ? first : words.find('-', first + 1);
  if (second == std::string::npos) {
    throw Error{"--tempo is '" + words +
                "'; write seconds as lifting-holding-lowering, e.g. 2-1-3"};
  }
  cycle.concentric_s = number("--tempo (lifting)", words.substr(0, first), 0.2, 30.0);
  cycle.hold_s =
      number("--tempo (holding)", words.substr(first + 1, second - first - 1), 0.0, 30.0);
  cycle.eccentric_s = number("--tempo (lowering)", words.substr(second + 1), 0.3, 30.0);
}

void read_setting(const std::string& words, std::vector<Setting>& settings) {
  const std::size_t equals = words.find('=');
  if (equals == std::string::npos) {
    throw Error{"--set is '" + words + "'; write NAME=VALUE, e.g. eccentric_ratio=1.3"};
  }
  const std::string name = words.substr(0, equals);
  settings.push_back({name, number("--set " + name, words.substr(equals + 1), -1e9, 1e9)});
}

void read_option(const std::string& name, const std::string& value, Options& options) {
  CycleOptions& cycle = options.cycle;
  if (name == "--out") {
    options.out = value;
  } else if (name == "--check") {
    options.check = value;
  } else if (name == "--coordinate") {
    if (value != "cable" && value != "lever") {
      throw Error{"--coordinate is '" + value + "'; choose cable or lever"};
    }
    cycle.coordinate = value == "lever" ? MEDIUS_COORDINATE_LEVER : MEDIUS_COORDINATE_CABLE;
  } else if (name == "--load") {
    cycle.load = number(name, value, 1.0, 600.0);
  } else if (name == "--range") {
    cycle.range = number(name, value, 0.05, 3.0);
  } else if (name == "--tempo") {
    read_tempo(value, cycle);
  } else if (name == "--set") {
    read_setting(value, options.settings);
  } else if (name == "--cycles") {
    cycle.cycles = static_cast<int>(number(name, value, 1.0, 20.0));
  } else if (name == "--stall") {
    cycle.stall_s = number(name, value, 0.0, 30.0);
  } else if (name == "--slowing") {
    cycle.slowing = number(name, value, 0.5, 2.0);
  } else {
    throw Error{"'" + name + "' is no option; see --help"};
  }
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      if (!options.profile.empty()) {
        throw Error{"two profiles are given, '" + options.profile + "' and '" + word +
                    "'; draw one at a time"};
      }
      options.profile = word;
      continue;
    }
    if (i + 1 == argc) throw Error{"'" + word + "' needs a value; see --help"};
    read_option(word, argv[++i], options);
  }
  if (options.profile.empty()) throw Error{"no profile is given; see --help"};
  const bool lever = options.cycle.coordinate == MEDIUS_COORDINATE_LEVER;
  if (options.cycle.load == 0.0) options.cycle.load = lever ? 40.0 : 60.0;
  if (options.cycle.range == 0.0) options.cycle.range = lever ? 0.6 : 0.4;
  return options;
}

// What the machine allows: 600 N and 1.5 m/s; a lever's at its pad of 0.38 m.
medius_activation_t machine(const CycleOptions& cycle) {
  const bool lever = cycle.coordinate == MEDIUS_COORDINATE_LEVER;
  return {sizeof(medius_activation_t), cycle.coordinate, 1e-3, lever ? 250.0 : 600.0,
          lever ? 1.5 / 0.38 : 1.5};
}

std::string subtitle(const Options& options) {
  const CycleOptions& cycle = options.cycle;
  const bool lever = cycle.coordinate == MEDIUS_COORDINATE_LEVER;
  std::string text = plain(cycle.load) + (lever ? " Nm over " : " N over ") + plain(cycle.range) +
                     (lever ? " rad, tempo " : " m, tempo ") + plain(cycle.concentric_s) + "-" +
                     plain(cycle.hold_s) + "-" + plain(cycle.eccentric_s);
  if (cycle.stall_s > 0.0) text += ", stuck for " + plain(cycle.stall_s) + " s";
  if (cycle.slowing != 1.0) text += ", each lift x " + plain(cycle.slowing) + " in time";
  for (const Setting& setting : options.settings) {
    text += ", " + setting.name + " " + plain(setting.value);
  }
  return text;
}

int finish(const Options& options, const std::string& svg) {
  if (!options.check.empty()) {
    std::ifstream file(options.check, std::ios::binary);
    const std::string committed{std::istreambuf_iterator<char>(file), {}};
    if (committed == svg) return 0;
    throw Error{options.check + (file ? ": is not what the profile does now" : ": cannot be read") +
                "; look at what changed and draw it anew with --out"};
  }
  if (options.out.empty()) {
    std::cout << svg;
    return std::cout.flush() ? 0 : 1;
  }
  std::ofstream file(options.out, std::ios::binary);
  file << svg;
  file.close();
  if (!file) throw Error{options.out + ": cannot be written; check the folder and its rights"};
  return 0;
}

std::string picture(const Profile& profile, const Options& options) {
  const std::string title = profile.descriptor().name;
  const std::string words = subtitle(options);
  if (!profile.commands_motion()) {
    return draw(run_cycles(profile, options.cycle), options.cycle, title, words);
  }
  const std::vector<Sample> motion = run_motion(profile, options.cycle);
  for (const Sample& sample : motion) {
    if (sample.velocity != 0.0) return draw_motion(motion, options.cycle, title, words);
  }
  return draw_hold(run_hold(profile, options.cycle), options.cycle, title, words);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--help") {
      std::cout << kHelp;
      return 0;
    }
  }
  try {
    const Options options = read_options(argc, argv);
    const Profile profile(options.profile, machine(options.cycle), options.settings);
    return finish(options, picture(profile, options));
  } catch (const Error& error) {
    std::cerr << "medius-profile-plot: " << error.message << "\n";
    return 1;
  }
}
