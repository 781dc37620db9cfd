#include "sim/lifter/presets.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

// Inertia and gravity moment of a straight leg about the hip, from de Leva's segment data, foot as
// a point 0.04 m below the ankle; computed apart from the code.
TEST(Presets, BodiesHaveTheLegsOfTheTable) {
  struct Row {
    Sex sex;
    double mass_kg, height_m, inertia_kgm2, gravity_kgm, gravity_at_30_nm, cuff_m;
  };
  for (const Row& row : {Row{Sex::kMale, 80, 1.80, 2.97, 5.23, 25.7, 0.825},
                         Row{Sex::kFemale, 62, 1.66, 1.71, 3.40, 16.7, 0.706},
                         Row{Sex::kMale, 100, 1.90, 4.13, 6.90, 33.9, 0.87},
                         Row{Sex::kFemale, 50, 1.55, 1.20, 2.56, 12.6, 0.66}}) {
    const Body body = body_of(row.sex, row.mass_kg);
    EXPECT_NEAR(body.height_m, row.height_m, 1e-9);
    const LifterConfig lifter = preset_lifter(Preset::kTrained, body);
    EXPECT_NEAR(lifter.leg_inertia_kgm2, row.inertia_kgm2, 0.006);
    EXPECT_NEAR(lifter.leg_gravity_moment_kgm, row.gravity_kgm, 0.006);
    EXPECT_NEAR(lifter.leg_gravity_moment_kgm * 9.81 * 0.5, row.gravity_at_30_nm, 0.06);
    EXPECT_NEAR(lifter.cuff_radius_m, row.cuff_m, 0.006);
    EXPECT_GT(lifter.hip_height_m, lifter.cuff_radius_m);
  }
}

// At 60 degrees/s: 1.29 +- 0.24 and 1.13 +- 0.20 Nm/kg concentric.
TEST(Presets, StrengthAtSixtyDegreesASecondIsTheStudys) {
  for (const auto& [sex, mean, deviation] :
       {std::tuple{Sex::kMale, 1.29, 0.24}, std::tuple{Sex::kFemale, 1.13, 0.20}}) {
    const auto concentric = [&, sex = sex](Preset preset) {
      const LifterConfig lifter = preset_lifter(preset, body_of(sex));
      const VelocityCurve curve{lifter.max_velocity_radps, lifter.hill_k, lifter.eccentric_plateau};
      return lifter.isometric_torque_nm / lifter.body.mass_kg *
             velocity_factor(curve, 60.0 * det::kPi / 180.0);
    };
    EXPECT_NEAR(concentric(Preset::kTrained), mean, 0.02);
    EXPECT_NEAR(concentric(Preset::kAthlete), mean + deviation, 0.02);
    EXPECT_NEAR(concentric(Preset::kNovice), mean - deviation, 0.02);
    EXPECT_LT(concentric(Preset::kRehab), concentric(Preset::kNovice));
  }
}

TEST(Presets, AreFoundByNameAndNothingElseIs) {
  for (const std::string_view name : kPresetNames) EXPECT_TRUE(preset_lifter(name)) << name;
  EXPECT_FALSE(preset_lifter("Trained"));
  EXPECT_FALSE(preset_lifter(""));
  EXPECT_GT(preset_lifter("trained")->isometric_torque_nm,
            preset_lifter("trained", Sex::kFemale)->isometric_torque_nm);
}

TEST(Presets, AChoiceIsCheckedAndSaysWhatItTakes) {
  EXPECT_TRUE(choose_person({}));
  const auto strong = choose_person({"athlete", "female", 70.0, 0.25});
  ASSERT_TRUE(strong);
  EXPECT_EQ(strong->left.body.mass_kg, 70.0);
  EXPECT_NEAR(strong->right.isometric_torque_nm, 0.75 * strong->left.isometric_torque_nm, 1e-9);
  const auto error = [](const PersonChoice& choice) {
    const auto person = choose_person(choice);
    return person ? std::string() : person.error();
  };
  EXPECT_NE(error({"giant", "", 0, 0}).find("novice"), std::string::npos);
  EXPECT_NE(error({"novice", "other", 0, 0}).find("female"), std::string::npos);
  EXPECT_NE(error({"novice", "", 20.0, 0}).find("35"), std::string::npos);
  EXPECT_NE(error({"novice", "", std::nan(""), 0}), std::string());
  EXPECT_NE(error({"", "female", 0, 0}).find("--lifter"), std::string::npos);
  EXPECT_NE(error({"", "", 0, 0.6}).find("0.5"), std::string::npos);
}

}  // namespace
}  // namespace medius::sim
