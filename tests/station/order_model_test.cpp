// Random orders at random moments against a small model of what must always hold, and the same seed
// twice gives the same commands at the same ticks.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using rt::CommandKind;
using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;

// What one run showed, checked while it ran.
struct Observed {
  std::string broken;  // the first rule that did not hold
  std::uint64_t hash = 0;
  int accepted = 0, refused = 0;
};

class Campaign {
 public:
  explicit Campaign(std::uint64_t seed) : random_(seed) {}

  Observed run(int actions) {
    for (int i = 0; i < actions && observed_.broken.empty(); ++i) {
      act();
      const int pause_ms = static_cast<int>(random_.below(400));
      for (int ms = 0; ms < pause_ms && observed_.broken.empty(); ++ms) {
        bench_.run_ms(1);
        check();
      }
    }
    finish();
    return observed_;
  }

 private:
  void require(bool holds, const std::string& rule) {
    if (!holds && observed_.broken.empty()) observed_.broken = rule;
  }

  OrderHeader header() {
    OrderHeader header;
    // Few ids, so that duplicates are common.
    header.request_id = "r" + std::to_string(random_.below(60));
    header.client_name = "tablet";
    if (random_.chance(0.2)) header.expected_version = bench_.now().version - random_.below(2);
    return header;
  }

  // `what` tells one order from another; empty: a stop, which is carried out again by design.
  Station::Answer<Receipt> answer(const OrderHeader& header, const std::string& what) {
    ++asked_;
    // When it is asked, not answered: an order that waits for the loop has its id already.
    if (!what.empty()) first_asked_.try_emplace(header.request_id, what);
    return [this, id = header.request_id, what](const Result& result) {
      ++answered_;
      if (result) {
        ++observed_.accepted;
      } else {
        ++observed_.refused;
        require(!result.error().message.empty(), "a refusal says why");
      }
      if (what.empty()) return;
      if (first_asked_.at(id) != what) {
        require(!result && result.error().code == RefusalCode::kInvalid,
                "an id that was used for another order is refused");
        return;
      }
      const Result& first = first_.try_emplace(id, result).first->second;
      require(first.has_value() == result.has_value(), "a repeated id gets the first answer");
      if (first && result) {
        require(first->tick == result->tick && first->accepted == result->accepted,
                "a repeated id gets the first receipt");
      }
    };
  }

  void act() {
    static constexpr double kLoads[] = {0.0, 20.0, 50.0, 60.0, 75.0, 89.0, 150.0, 500.0, -1.0};
    const OrderHeader head = header();
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2: {
        StartSessionOrder order;
        order.header = head;
        order.program_id = random_.chance(0.9) ? "two-sides" : "none";
        bench_.station->start_session(order, answer(head, "start " + order.program_id));
        break;
      }
      case 3:
      case 4:
      case 5: {
        AdjustLoadOrder order;
        order.header = head;
        order.load = kLoads[random_.below(std::size(kLoads))];
        bench_.station->adjust_load(order, answer(head, "load " + std::to_string(order.load)));
        break;
      }
      case 6: {
        SetParameterOrder order;
        order.header = head;
        order.parameter = "eccentric_ratio";
        order.value = 0.1 * static_cast<double>(random_.below(26));
        bench_.station->set_parameter(order, answer(head, "ratio " + std::to_string(order.value)));
        break;
      }
      case 7:
        bench_.station->pause(head, answer(head, "pause"));
        break;
      case 8:
        bench_.station->resume(head, answer(head, "resume"));
        break;
      case 9: {
        OrderHeader stop = head;
        stop.request_id = "stop" + std::to_string(asked_);
        if (random_.chance(0.3)) bench_.station->stop(stop, answer(stop, ""));
        break;
      }
      case 10:
        disturb();
        break;
      default:
        if (random_.chance(0.5)) {
          bench_.station->client_lost("tablet");
        } else {
          bench_.station->client_returned("tablet");
        }
    }
  }

  void disturb() {
    switch (random_.below(5)) {
      case 0:
        bench_.loop.latch(FaultCode::kLinkLost, Reaction::kFastUnload);
        break;
      case 1:
        bench_.loop.release_handle();
        break;
      case 2:
        bench_.loop.cuff_on = !bench_.loop.cuff_on;
        break;
      default:
        if (bench_.now().state == StationState::kFault) bench_.loop.reset_panel();
    }
  }

  // After every tick.
  void check() {
    const auto& commands = bench_.loop.commands();
    for (; seen_ < commands.size(); ++seen_) {
      const auto& taken = commands[seen_];
      require(taken.command.command_id > last_id_, "command ids strictly increase");
      last_id_ = taken.command.command_id;
      hash_.add(taken.tick);
      hash_.add(static_cast<std::uint64_t>(taken.command.kind));
      hash_.add(taken.command.value);
      switch (taken.command.kind) {
        case CommandKind::kSetLoad:
        case CommandKind::kStartSet:
          require(taken.command.value >= 0.0 && taken.command.value <= 200.0 / 1.0,
                  "no load beyond the user's limit reaches the loop");
          break;
        case CommandKind::kEngage:
          require(bench_.now().state != StationState::kFault, "nothing engages in fault");
          break;
        default:
          break;
      }
    }
    const Snapshot& now = bench_.now();
    require(now.version >= version_ && now.sequence >= sequence_, "versions never go back");
    version_ = now.version;
    sequence_ = now.sequence;
    require(now.session_id.empty() ==
                (now.state == StationState::kIdle || now.state == StationState::kFault),
            "a session is open in every state but idle and fault");
    if (bench_.loop.axis().load_state == LoadState::kLoaded) {
      require(now.state == StationState::kReady || now.state == StationState::kWorking ||
                  now.state == StationState::kUnloading,
              "loaded only while a set is under way");
    }
  }

  // The cuff on, faults reset, a stop: everything comes to rest and every order has its answer.
  void finish() {
    bench_.loop.cuff_on = true;
    bench_.loop.reset_panel();
    bench_.run_ms(50);
    bench_.station->stop(bench_.header(), [](const auto&) {});
    const bool idle = bench_.run_to(StationState::kIdle, 10.0);
    require(idle, "a stop brings the station to idle");
    bench_.run_ms(300);
    require(asked_ == answered_, "every order is answered exactly once");
    require(bench_.loop.axis().load_state == LoadState::kOff, "drives off when idle");
    require(bench_.loop.profiles_out() == 0, "the loop holds no profile when idle");
    observed_.hash = hash_.value();
  }

  StationBench bench_;
  Random random_;
  Observed observed_;
  TraceHash hash_;
  std::map<std::string, std::string> first_asked_;
  std::map<std::string, Result> first_;
  std::size_t seen_ = 0;
  std::uint64_t last_id_ = 0, version_ = 0, sequence_ = 0;
  int asked_ = 0, answered_ = 0;
};

TEST(OrderModel, WhateverIsOrderedTheRulesHold) {
  int accepted = 0;
  int refused = 0;
  const bool held = rc::check("rules hold", [&](std::uint64_t seed) {
    const Observed observed = Campaign(seed).run(60);
    accepted += observed.accepted;
    refused += observed.refused;
    RC_LOG(observed.broken);
    RC_ASSERT(observed.broken.empty());
  });
  EXPECT_TRUE(held);
  EXPECT_GT(accepted, 100) << "the campaign must get somewhere";
  EXPECT_GT(refused, 100);
}

TEST(OrderModel, TheSameSeedGivesTheSameCommandsAtTheSameTicks) {
  const Observed first = Campaign(7).run(80);
  const Observed second = Campaign(7).run(80);
  const Observed other = Campaign(8).run(80);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_NE(first.hash, other.hash);
}

}  // namespace
}  // namespace medius::station::test
