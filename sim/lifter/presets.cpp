#include "sim/lifter/presets.hpp"

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

// Isometric over concentric at 60 degrees/s.
constexpr double kIsoOverCon = 1.294;
constexpr double kFootBelowAnkleM = 0.04, kCuffAboveAnkleM = 0.06;
constexpr double kMassLeastKg = 35.0, kMassMostKg = 180.0;
constexpr double kWeakerMost = 0.5;

struct Build {
  double mass_kg, height_m;
};
constexpr Build kMen[2] = {{80.0, 1.80}, {100.0, 1.90}};
constexpr Build kWomen[2] = {{50.0, 1.55}, {62.0, 1.66}};
constexpr double kHeightLeastM = 1.40, kHeightMostM = 2.10;

// What a preset is beside its strength.
struct Habits {
  double eccentric_plateau;  // over isometric: 0.9 untrained, 1.1 usual, 1.2 voluntary most
  double activation_s, deactivation_s;
  double voluntary_delay_s;
  double tempo_cv, tremor_fraction, sway_m;
  double range_rad, range_fade;
  double pelvic_drop_max_rad;
};
constexpr Habits kHabits[4] = {
    {0.90, 0.015, 0.050, 0.200, 0.08, 0.020, 0.003, 0.50, 0.010, 0.105},  // novice
    {1.10, 0.015, 0.050, 0.150, 0.06, 0.010, 0.002, 0.55, 0.005, 0.070},  // trained
    {0.90, 0.020, 0.060, 0.250, 0.08, 0.040, 0.004, 0.38, 0.015, 0.140},  // rehab
    {1.20, 0.010, 0.040, 0.150, 0.06, 0.010, 0.001, 0.60, 0.003, 0.035},  // athlete
};

FatigueConfig fatigue_of(Preset preset, Sex sex) noexcept {
  switch (preset) {
    case Preset::kNovice:  // knee extensors by sex
      return sex == Sex::kMale ? FatigueConfig{.01420, .00153, 11.0}
                               : FatigueConfig{.01407, .00185, 6.3};
    case Preset::kRehab:  // the joint that tires first
      return {.0182, .00168, 15.0};
    case Preset::kAthlete:  // the joint that tires last
      return {.00589, .00058, 15.0};
    case Preset::kTrained:
      break;
  }
  return {.00970, .00091, 15.0};
}

std::optional<Preset> preset_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kPresetNames.size(); ++i) {
    if (kPresetNames[i] == name) return static_cast<Preset>(i);
  }
  return std::nullopt;
}

}  // namespace

Body body_of(Sex sex) noexcept {
  return sex == Sex::kMale ? Body{sex, kMen[0].mass_kg, kMen[0].height_m}
                           : Body{sex, kWomen[1].mass_kg, kWomen[1].height_m};
}

Body body_of(Sex sex, double mass_kg) noexcept {
  const Build* const builds = sex == Sex::kMale ? kMen : kWomen;
  const double slope =
      (builds[1].height_m - builds[0].height_m) / (builds[1].mass_kg - builds[0].mass_kg);
  const double height_m = builds[0].height_m + slope * (mass_kg - builds[0].mass_kg);
  return {sex, mass_kg, clamped(height_m, kHeightLeastM, kHeightMostM)};
}

double isometric_nm_per_kg(Preset preset, Sex sex) noexcept {
  const bool man = sex == Sex::kMale;
  const double mean = man ? 1.29 : 1.13, deviation = man ? 0.24 : 0.20;
  switch (preset) {
    case Preset::kNovice:
      return kIsoOverCon * (mean - deviation);
    case Preset::kAthlete:
      return kIsoOverCon * (mean + deviation);
    case Preset::kRehab:
      return man ? 1.1 : 0.9;
    case Preset::kTrained:
      break;
  }
  return kIsoOverCon * mean;
}

LifterConfig preset_lifter(Preset preset, const Body& body) noexcept {
  const Habits& habits = kHabits[static_cast<std::size_t>(preset)];
  const FatigueConfig fatigue = fatigue_of(preset, body.sex);
  const LegConfig leg = standing_leg(body);
  LifterConfig config;
  config.body = body;
  config.isometric_torque_nm = isometric_nm_per_kg(preset, body.sex) * body.mass_kg;
  config.eccentric_plateau = habits.eccentric_plateau;
  config.activation_s = habits.activation_s;
  config.deactivation_s = habits.deactivation_s;
  config.voluntary_delay_s = habits.voluntary_delay_s;
  config.tempo_cv = habits.tempo_cv;
  config.tremor_fraction = habits.tremor_fraction;
  config.sway_m = habits.sway_m;
  config.range_rad = habits.range_rad;
  config.range_fade = habits.range_fade;
  config.pelvic_drop_max_rad = habits.pelvic_drop_max_rad;
  config.fatigue_f = fatigue.fatigue_per_s;
  config.fatigue_r = fatigue.recovery_per_s;
  config.fatigue_rest = fatigue.rest_factor;
  config.cuff_radius_m = cuff_radius_m(body);
  config.hip_height_m = config.cuff_radius_m + kCuffAboveAnkleM + kFootBelowAnkleM;
  config.leg_inertia_kgm2 = leg.inertia_kgm2;
  config.leg_gravity_moment_kgm = leg.gravity_moment_kgm;
  return config;
}

std::optional<LifterConfig> preset_lifter(std::string_view name, Sex sex) noexcept {
  const std::optional<Preset> preset = preset_named(name);
  if (!preset) return std::nullopt;
  return preset_lifter(*preset, body_of(sex));
}

tl::expected<ChosenPerson, std::string> choose_person(const PersonChoice& choice) {
  if (choice.sex != "" && choice.sex != "male" && choice.sex != "female") {
    return tl::make_unexpected(
        fmt::format("sex '{}' is not in the body tables; write male or female", choice.sex));
  }
  const bool mass_known = choice.body_mass_kg != 0.0;
  if (mass_known && !(choice.body_mass_kg >= kMassLeastKg && choice.body_mass_kg <= kMassMostKg)) {
    return tl::make_unexpected(fmt::format("body mass {} kg is outside {:g} to {:g} kg",
                                           choice.body_mass_kg, kMassLeastKg, kMassMostKg));
  }
  if (!(choice.weaker_right >= 0.0 && choice.weaker_right <= kWeakerMost)) {
    return tl::make_unexpected(
        fmt::format("a right leg weaker by {} is outside 0 to {:g} of the left one's strength",
                    choice.weaker_right, kWeakerMost));
  }
  const Sex sex = choice.sex == "female" ? Sex::kFemale : Sex::kMale;
  ChosenPerson person;
  if (choice.preset.empty()) {
    if (mass_known || sex == Sex::kFemale) {
      return tl::make_unexpected(std::string(
          "a body needs a person; name one with --lifter: novice, trained, rehab or athlete"));
    }
  } else {
    const std::optional<Preset> preset = preset_named(choice.preset);
    if (!preset) {
      return tl::make_unexpected(fmt::format(
          "lifter '{}' is not known; choose novice, trained, rehab or athlete", choice.preset));
    }
    const Body body = mass_known ? body_of(sex, choice.body_mass_kg) : body_of(sex);
    person.left = person.right = preset_lifter(*preset, body);
  }
  person.right.isometric_torque_nm *= 1.0 - choice.weaker_right;
  return person;
}

}  // namespace medius::sim
