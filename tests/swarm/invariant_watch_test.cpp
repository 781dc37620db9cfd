// The judge itself: each promise broken once must be found, and an honest set must pass.
#include "sim/checkers/invariant_watch.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

namespace medius::sim {
namespace {

// A set of 60 N, moved to and fro; `bend` spoils it from tick 3000 on.
std::string first_trouble(const std::function<void(int, InvariantSample&)>& bend) {
  InvariantWatch watch{InvariantLimits{}};
  for (int i = 0; i < 6000; ++i) {
    const double t = static_cast<double>(i) * 1e-3;
    InvariantSample sample;
    sample.felt_target = std::fmin(60.0, 0.06 * i);
    sample.wire_force = sample.felt_target + (std::sin(2.0 * t) > 0.0 ? 0.0 : 9.0);
    sample.handle_force = sample.felt_target;
    sample.handle_mps = 0.3 * std::sin(2.0 * t);
    if (i >= 3000 && bend) bend(i, sample);
    watch.feed(static_cast<std::uint64_t>(i), sample);
    watch.feed_motion(static_cast<std::uint64_t>(i), sample);
  }
  if (watch.violations().empty()) return "";
  const std::string& what = watch.violations().front().what;
  return what.substr(0, what.find(' '));
}

TEST(InvariantWatch, AnHonestSetBreaksNothing) {
  EXPECT_EQ(first_trouble(nullptr), "");
}

TEST(InvariantWatch, EachPromiseBrokenOnceIsFound) {
  using Sample = InvariantSample;
  EXPECT_EQ(first_trouble(
                [](int, Sample& s) { s.wire_force = std::numeric_limits<double>::quiet_NaN(); }),
            "I13");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.felt_target = 201.0; }), "I1");
  EXPECT_EQ(
      first_trouble([](int i, Sample& s) { s.wire_force = std::fmin(130.0, 70.0 + (i - 3000)); }),
      "I1");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.wire_force = -151.0; }), "I1");
  EXPECT_EQ(first_trouble([](int i, Sample& s) { s.wire_force = i % 2 == 0 ? 40.0 : 60.0; }), "I2");
  EXPECT_EQ(first_trouble([](int i, Sample& s) {
              s.latched = true;
              s.felt_target = i < 4000 ? 20.0 : 21.0;
              s.wire_force = 10.0;
            }),
            "I6");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.torque_off = true; }), "I6");
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.torque_off = true;
              s.wire_force = 0.0;
            }),
            "I6")
      << "the relay";
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.held = false;
              s.handle_force = 1.0;
              s.handle_mps = s.reel_mps = -0.5;
            }),
            "I4");
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.held = false;
              s.handle_mps = -1.7;
            }),
            "I4");
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.held = false;
              s.handle_force = 1.0;
              s.handle_mps = -0.5;
              s.reel_mps = -0.2;
            }),
            "")
      << "a cuff that was thrown flies on by itself";
  EXPECT_EQ(first_trouble([](int i, Sample& s) {
              s.held = s.obeyed = false;
              s.handle_force = 1.0;
              s.handle_mps = s.reel_mps = i < 3450 ? -1.4 : 0.0;
            }),
            "")
      << "a drive that does as it likes takes time to find and to coast";
  EXPECT_EQ(first_trouble([](int i, Sample& s) {
              s.held = s.obeyed = false;
              s.handle_force = 1.0;
              s.handle_mps = s.reel_mps = i < 3600 ? -1.4 : 0.0;
            }),
            "I4");
  EXPECT_EQ(first_trouble([](int i, Sample& s) {
              s.held = s.told_truth = false;
              s.handle_force = 1.0;
              s.handle_mps = i < 4000 ? -0.5 : 0.0;
            }),
            "")
      << "a controller that is lied to has only the drive's own limit left";
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.held = s.told_truth = false;
              s.handle_mps = -1.7;
            }),
            "I4");
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.handle_force = 700.0;
              s.handle_mps = -2.5;
            }),
            "I3");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.handle_mps = -2.0; }), "I3") << "energy";
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.handle_force = 300.0;
              s.handle_mps = -1.0;
            }),
            "I3")
      << "energy by force";
  const auto lied_to = [](double gain) {
    return [gain](int, Sample& s) {
      s.told_truth = false;
      s.motor_force = gain * s.felt_target;
      s.handle_force = 250.0;
      s.handle_mps = -1.0;
    };
  };
  EXPECT_EQ(first_trouble(lied_to(2.5)), "") << "a drive of its own, and nobody can know it";
  EXPECT_EQ(first_trouble(lied_to(1.5)), "I3") << "more than the drive makes of its order";
}

}  // namespace
}  // namespace medius::sim
