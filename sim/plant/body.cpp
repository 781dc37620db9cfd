#include "sim/plant/body.hpp"

namespace medius::sim {
namespace {

// Fractions: mass of the body's, centre and gyration of the segment's length, length of the height.
struct Segment {
  double mass, centre, gyration, length;
};
struct Leg {
  Segment thigh, shank;
  double foot_mass;
};

constexpr Leg kMaleLeg{{.1416, .4095, .329, .2425}, {.0433, .4395, .251, .2493}, .0137};
constexpr Leg kFemaleLeg{{.1478, .3612, .369, .2124}, {.0481, .4352, .267, .2492}, .0129};
constexpr double kFootBelowAnkle = 0.04;
constexpr double kCuffAboveAnkle = 0.06;

constexpr const Leg& leg_of(const Body& body) noexcept {
  return body.sex == Sex::kMale ? kMaleLeg : kFemaleLeg;
}

}  // namespace

LegConfig standing_leg(const Body& body) noexcept {
  const Leg& leg = leg_of(body);
  LegConfig result{0.0, 0.0, 0.0};
  double proximal_m = 0.0;
  for (const Segment& segment : {leg.thigh, leg.shank}) {
    const double mass_kg = segment.mass * body.mass_kg;
    const double length_m = segment.length * body.height_m;
    const double centre_m = proximal_m + segment.centre * length_m;
    const double gyration_m = segment.gyration * length_m;
    result.inertia_kgm2 += mass_kg * (centre_m * centre_m + gyration_m * gyration_m);
    result.gravity_moment_kgm += mass_kg * centre_m;
    proximal_m += length_m;
  }
  const double foot_kg = leg.foot_mass * body.mass_kg;
  const double foot_m = proximal_m + kFootBelowAnkle;
  result.inertia_kgm2 += foot_kg * foot_m * foot_m;
  result.gravity_moment_kgm += foot_kg * foot_m;
  return result;
}

LegConfig seated_leg(const Body& body) noexcept {
  const Leg& leg = leg_of(body);
  const double thigh_m = leg.thigh.length * body.height_m;
  const double centre_m = leg.thigh.centre * thigh_m;
  const double gyration_m = leg.thigh.gyration * thigh_m;
  LegConfig result{0.0, 0.0, 0.0};
  result.inertia_kgm2 =
      body.mass_kg * (leg.thigh.mass * (centre_m * centre_m + gyration_m * gyration_m) +
                      (leg.shank.mass + leg.foot_mass) * thigh_m * thigh_m);
  return result;
}

double cuff_radius_m(const Body& body) noexcept {
  const Leg& leg = leg_of(body);
  return (leg.thigh.length + leg.shank.length) * body.height_m - kCuffAboveAnkle;
}

}  // namespace medius::sim
