// Rows of the seated machine, and of persons on both machines.
#include "bench/fidelity/rows.hpp"

namespace medius::bench {
namespace {

using sim::LawKind;
using sim::LawTruth;

constexpr double kArmM = 0.38;
constexpr double kSquareM2 = kArmM * kArmM;
constexpr double kLoadsN[] = {50.0, 100.0, 150.0, 200.0, 300.0, 400.0};
constexpr double kLinkedLoadsN[] = {100.0, 150.0, 300.0, 450.0};
constexpr double kDelaysS[] = {0.0005, 0.002, 0.005, 0.012};
constexpr double kHeavyArmKg = 1.0 / kSquareM2;  // 1.0 kg m^2
constexpr double kLawLoadN = 200.0;

// What a lever's law asks for at the pad: stiffness, damping and drag over the square and the cube
// of the arm; standing is 0.02 rad/s there.
Case seated(Case c) {
  c.machine = "seated";
  c.drive_kg = kArmKg;
  if (c.truth) c.truth->standing_mps = 0.02 * kArmM;
  return c;
}

// One motor, both arms: the load is that of both pads together.
Case linked(Case c) {
  c = seated(std::move(c));
  c.machine = "seated-linked";
  c.drive_kg = kLinkedArmsKg;
  c.aim = true;
  return c;
}

std::vector<Case> laws() {
  const auto law = [](const char* name, const char* profile,
                      std::map<std::string, double> parameters, LawKind kind, double value) {
    Case c = law_case(name, profile, std::move(parameters), LawTruth{kind, kLawLoadN, value});
    c.load_n = kLawLoadN;
    return seated(c);
  };
  std::vector<Case> all = {
      law("chains", "chains", {{"stiffness_nm_per_rad", 20.0}}, LawKind::kChains, 20.0 / kSquareM2),
      law("inverse-chains", "inverse-chains", {{"stiffness_nm_per_rad", 20.0}},
          LawKind::kInverseChains, 20.0 / kSquareM2),
      law("viscous", "viscous", {{"damping_nms_per_rad", 15.0}}, LawKind::kViscous,
          15.0 / kSquareM2),
      law("quadratic-air", "quadratic-air", {{"drag_nms2_per_rad2", 8.0}}, LawKind::kAir,
          8.0 / (kSquareM2 * kArmM)),
  };
  for (const char* id : {"custom-curve", "drop-set", "flywheel", "spotter", "stack",
                         "tempo-eccentric", "weight-stack"}) {
    Case c = law_case(id, id);
    c.load_n = kLawLoadN;
    all.push_back(seated(c));
  }
  return all;
}

}  // namespace

void add_seated_rows(std::vector<Case>& all, bool quick) {
  const auto add = [&all](Case c, bool aim) {
    all.push_back(seated(std::move(c)));
    all.back().aim = aim;
  };
  for (const double load_n : kLoadsN) {
    if (quick && load_n != 50.0 && load_n != 200.0) continue;
    add(constant_case(load_n), true);
    for (const double ratio : {0.5, 1.2, 1.3, 1.5}) {
      if (!quick || ratio == 1.3) add(eccentric_case(load_n, ratio), true);
    }
  }
  for (const double load_n : kLinkedLoadsN) {
    if (quick && load_n != 100.0 && load_n != 300.0) continue;
    all.push_back(linked(constant_case(load_n)));
    all.push_back(linked(eccentric_case(load_n, 1.3)));
  }
  if (quick) return;
  for (Case c : laws()) {
    c.aim = true;
    all.push_back(c);
  }
  for (const double load_n : {50.0, 200.0}) {
    for (Case c : {constant_case(load_n), eccentric_case(load_n, 1.3)}) {
      for (const double delay_s : kDelaysS) {
        add(c, delay_s <= 0.002);
        all.back().io_delay_s = delay_s;
      }
      add(c, false);
      all.back().drive_kg = kHeavyArmKg;
      add(c, false);
      all.back().tempo = {1.0, 0.0, 1.0, 0.0};
      all.back().tempo_name = "1-0-1";
    }
  }
}

// A person moves as a person does: no aim holds for these rows.
void add_lifter_rows(std::vector<Case>& all, bool quick) {
  const auto add = [&all](Case c) {
    c.lifter = "trained";
    c.truth.reset();  // a person sways and hesitates: what the controller aimed at is the reference
    c.aim = false;
    all.push_back(std::move(c));
  };
  for (const double load_n : {30.0, 60.0, 80.0, 110.0}) {
    if (quick && load_n != 60.0) continue;
    add(constant_case(load_n));
    add(eccentric_case(load_n, 1.3));
  }
  for (const double load_n : {100.0, 200.0, 300.0, 400.0}) {
    if (quick && load_n != 400.0) continue;
    add(seated(constant_case(load_n)));
    if (quick) continue;
    add(seated(eccentric_case(load_n, 1.3)));
  }
}

}  // namespace medius::bench
