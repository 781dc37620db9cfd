// Ready-made people: a body from sex and mass, and how strong, steady and enduring it is.
//
// Strength: concentric hip abduction standing, 60 degrees/s, gravity-corrected, 36 athletes: men
// 1.29 +- 0.24, women 1.13 +- 0.20 Nm/kg (Sugimoto 2014, doi 10.1097/JSM.0000000000000059), times
// isometric over concentric e^0.258 = 1.294 (Stotz 2022, doi 10.1186/s13102-022-00401-9): men 1.67
// +- 0.31, women 1.46 +- 0.26 Nm/kg isometric. Trained is the mean, athlete one deviation above,
// novice one below, rehab the low end of what is seen (1.1 and 0.9 Nm/kg).
// Fatigue: three-compartment rates of other joints, since none are published for hip abduction:
// general (Looft 2018, doi 10.1016/j.jbiomech.2018.06.005); knee by sex (Rakshit 2021); the most
// and the least enduring joint (Frey-Law 2012, PMC3397684).
// Variability: tempo 6-8 %, range 4 %, tremor 1-12 % of the torque, sway to 4 mm at the ankle,
// answers to a changed load after 150-250 ms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "sim/lifter/lifter.hpp"

namespace medius::sim {

enum class Preset : std::uint8_t { kNovice = 0, kTrained, kRehab, kAthlete };
inline constexpr std::array<std::string_view, 4> kPresetNames = {"novice", "trained", "rehab",
                                                                 "athlete"};

// [any] A body of common build: men 80 kg and 1.80 m, women 62 kg and 1.66 m; other masses between
// and beyond the four bodies of the table in presets.cpp.
[[nodiscard]] Body body_of(Sex sex) noexcept;
[[nodiscard]] Body body_of(Sex sex, double mass_kg) noexcept;

[[nodiscard]] double isometric_nm_per_kg(Preset preset, Sex sex) noexcept;

// [any] The person; leg, hip height and cuff fit the body.
[[nodiscard]] LifterConfig preset_lifter(Preset preset, const Body& body) noexcept;
// [any] By name, of common build; nothing if there is no such preset.
[[nodiscard]] std::optional<LifterConfig> preset_lifter(std::string_view name,
                                                        Sex sex = Sex::kMale) noexcept;

// A person as a command line asks for one.
struct PersonChoice {
  std::string preset;         // empty: the default person, a trained man without sway
  std::string sex;            // male | female; empty = male
  double body_mass_kg = 0.0;  // 0 = the common build
  double weaker_right = 0.0;  // share of strength that the right leg lacks, 0..0.5
  [[nodiscard]] bool chosen() const noexcept { return !preset.empty() || weaker_right != 0.0; }
};
struct ChosenPerson {
  LifterConfig left, right;
};
// [any] Errors: a word or number that cannot be used, with those that can.
[[nodiscard]] tl::expected<ChosenPerson, std::string> choose_person(const PersonChoice& choice);

}  // namespace medius::sim
