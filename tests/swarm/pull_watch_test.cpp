// The judge of what truly pulls: each promise broken once must be found, and an honest set must
// pass.
#include "sim/checkers/pull_watch.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace medius::sim {
namespace {

constexpr int kBentFrom = 3000;

// A set of 60 N, moved to and fro; `bend` spoils it from its fourth second on.
std::string first_trouble(const std::function<void(int, PullSample&)>& bend) {
  PullWatch watch(1.0);
  for (int i = 0; i < 6000; ++i) {
    const double t = static_cast<double>(i) * 1e-3;
    PullSample sample;
    sample.ordered_max = 60.0;
    sample.base_load = sample.felt_target = std::fmin(60.0, 0.06 * i);
    sample.handle_mps = sample.reel_mps = 0.3 * std::sin(2.0 * t);
    sample.high = std::cos(2.0 * t) < 0.0;
    sample.faultless = true;
    if (i >= kBentFrom && bend) bend(i, sample);
    if (sample.handle_force == 0.0) sample.handle_force = sample.felt_target;
    sample.motor_force += sample.felt_target + (sample.handle_mps > 0.0 ? -9.0 : 9.0);
    watch.feed(static_cast<std::uint64_t>(i), sample);
  }
  if (watch.violations().empty()) return "";
  const std::string& what = watch.violations().front().what;
  return what.substr(0, what.find(' '));
}

TEST(PullWatch, AnHonestSetBreaksNothing) {
  EXPECT_EQ(first_trouble(nullptr), "");
}

TEST(PullWatch, MoreThanWasOrderedIsFound) {
  using Sample = PullSample;
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.base_load = s.felt_target = 61.0; }), "P1");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.felt_target = 61.0; }), "P1");
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.profile_ratio = 1.5;
              s.felt_target = 90.0;
            }),
            "")
      << "the profile may";
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.ordered_max = 5.0;
              s.base_load = 0.0;
              s.felt_target = 20.0;
              s.reaction = 2;
              s.motor_force = -20.0;
            }),
            "")
      << "a cable is held taut";
}

TEST(PullWatch, WhatIsFeltIsHeldAgainstWhatIsSaid) {
  using Sample = PullSample;
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.handle_force = 75.0; }), "P2");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.handle_force = 73.0; }), "");
  EXPECT_EQ(first_trouble([](int, Sample& s) { s.handle_force = 45.0; }), "P2") << "too little";
  EXPECT_EQ(first_trouble([](int, Sample& s) {
              s.handle_force = 45.0;
              s.slack_said = true;
            }),
            "")
      << "it was slack, and is given back by way";
  EXPECT_EQ(first_trouble([](int i, Sample& s) { s.handle_force = i % 500 < 60 ? 150.0 : 60.0; }),
            "")
      << "a leg that starts and stops";
  for (bool Sample::*broken : std::initializer_list<bool Sample::*>{
           &Sample::told_truth, &Sample::obeyed, &Sample::smooth, &Sample::held}) {
    EXPECT_EQ(first_trouble([broken](int, Sample& s) {
                s.*broken = false;
                s.handle_force = 90.0;
              }),
              "");
  }
}

TEST(PullWatch, AfterAReactionOrAStopTheForceIsGone) {
  using Sample = PullSample;
  const auto unloads = [](int reaction, int after_ms) {
    return [=](int i, Sample& s) {
      s.reaction = reaction;
      if (i >= kBentFrom + after_ms) {
        s.felt_target = 10.0;
        s.handle_force = 10.0;
      }
    };
  };
  EXPECT_EQ(first_trouble(unloads(2, 550)), "");
  EXPECT_EQ(first_trouble(unloads(2, 650)), "P3");
  EXPECT_EQ(first_trouble(unloads(3, 100)), "");
  EXPECT_EQ(first_trouble(unloads(3, 200)), "P3");
  EXPECT_EQ(first_trouble([&](int i, Sample& s) {
              unloads(3, 200)(i, s);
              s.obeyed = false;
            }),
            "")
      << "a drive that does as it likes takes as long as a soft unload to find";
  const auto stops = [](int after_ms) {
    return [=](int i, Sample& s) {
      s.stopped = true;
      if (i >= kBentFrom + after_ms) s.felt_target = s.handle_force = 10.0;
    };
  };
  EXPECT_EQ(first_trouble(stops(550)), "");
  EXPECT_EQ(first_trouble(stops(650)), "P4");
}

TEST(PullWatch, ASlackCableIsReeledInSlowly) {
  using Sample = PullSample;
  const auto reels = [](double drum_mps, double hand_mps) {
    return [=](int, Sample& s) {
      s.handle_force = 1.0;
      s.faultless = false;
      s.reel_mps = drum_mps;
      s.handle_mps = hand_mps;
    };
  };
  EXPECT_EQ(first_trouble(reels(-0.3, 0.0)), "");
  EXPECT_EQ(first_trouble(reels(-0.4, 0.0)), "P5");
  EXPECT_EQ(first_trouble(reels(-1.0, -0.8)), "") << "a hand that comes in takes the drum along";
  EXPECT_EQ(first_trouble([&](int i, Sample& s) {
              reels(-1.0, -0.8)(i, s);
              s.held = false;
            }),
            "P5");
  EXPECT_EQ(first_trouble([&](int i, Sample& s) {
              reels(-0.4, -0.4)(i, s);
              s.handle_force = 60.0;
              s.cable_whole = false;
            }),
            "P5")
      << "at a cable that is broken nothing comes in with the drum";
}

TEST(PullWatch, ALoadThatWasRaisedWaitsForTheBottom) {
  const auto raised_at = [](bool high) {
    return [=, begun = 0](int i, PullSample& s) mutable {
      s.ordered_max = 70.0;
      if (begun == 0 && s.high == high && i > kBentFrom + 500) begun = i;
      if (begun > 0) s.base_load = s.felt_target = std::fmin(70.0, 60.0 + 0.01 * (i - begun));
    };
  };
  EXPECT_EQ(first_trouble(raised_at(false)), "");
  EXPECT_EQ(first_trouble(raised_at(true)), "P6");
}

}  // namespace
}  // namespace medius::sim
