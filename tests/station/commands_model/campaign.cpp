#include "tests/station/commands_model/campaign.hpp"

#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "controller/access/method_table.hpp"
#include "controller/base/trace_hash.hpp"
#include "tests/station/commands_model/network.hpp"
#include "tests/station/commands_model/story.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::model {
namespace {

using test::Result;
using test::StationBench;

constexpr std::int64_t kStepNs = 10'000'000;  // of the station: between two, nothing happens in it
// As near as the loop's contract calls a load applied.
constexpr double kSameLoad = 1e-6;

Verdict verdict_of(RefusalCode code) {
  switch (code) {
    case RefusalCode::kInvalid:
      return Verdict::kInvalid;
    case RefusalCode::kNotFound:
      return Verdict::kNotFound;
    case RefusalCode::kWrongState:
      return Verdict::kWrongState;
    case RefusalCode::kVersionConflict:
      return Verdict::kVersionConflict;
    case RefusalCode::kOverLimit:
      return Verdict::kOverLimit;
    case RefusalCode::kExpired:
      return Verdict::kExpired;
    case RefusalCode::kNoLease:
      return Verdict::kNoLease;
    case RefusalCode::kStaleLease:
      return Verdict::kStaleLease;
    case RefusalCode::kNotAllowed:
    case RefusalCode::kBusy:
    case RefusalCode::kUnavailable:
      return Verdict::kOther;
  }
  return Verdict::kOther;
}

const char* method_of(Kind kind) {
  constexpr const char* kMethods[] = {
      "/medius.v1.StationService/StartSession", "/medius.v1.StationService/AdjustLoad",
      "/medius.v1.StationService/SetParameter", "/medius.v1.StationService/Pause",
      "/medius.v1.StationService/Resume",       "/medius.v1.StationService/Stop",
      "/medius.v1.LeaseService/AcquireLease",   "/medius.v1.LeaseService/RenewLease",
      "/medius.v1.LeaseService/ReleaseLease",   "/medius.v1.LeaseService/HandOverLease",
      "/medius.v1.StationService/WatchStation", "/medius.v1.StationService/WatchStation"};
  return kMethods[static_cast<std::size_t>(kind)];
}

access::Role role_of(Role role) {
  return role == Role::kObserver  ? access::Role::kObserver
         : role == Role::kTrainer ? access::Role::kTrainer
                                  : access::Role::kTherapist;
}

// An order that waits for its answer.
struct Asked {
  Message message;
  Model::Answer expected;
  int answers = 0;
};

class Campaign {
 public:
  explicit Campaign(const CampaignConfig& config) : config_(config) {}

  CampaignResult run() {
    const std::uint64_t first = config_.first - config_.first % kInterleavingsAStation;
    for (now_at_ = first; now_at_ < config_.interleavings; ++now_at_) {
      if (now_at_ % kInterleavingsAStation == 0) fresh_station(now_at_ / kInterleavingsAStation);
      interleave();
      ++out_.interleavings;
      if (config_.progress) config_.progress(now_at_ + 1);
    }
    gather();
    out_.hash = hash_.value();
    return out_;
  }

 private:
  void gather() {
    if (!model_) return;
    out_.times_frozen += model_->times_frozen;
    out_.leases_run_out += model_->leases_run_out;
    out_.increases_taken_back += model_->increases_taken_back;
    out_.forgotten += model_->forgotten;
    out_.repeated += network_->repeated;
    out_.reordered += network_->reordered;
    out_.lost += network_->lost;
  }

  void fresh_station(std::uint64_t number) {
    gather();
    network_.emplace(config_.seed, 2 * number + 1);
    random_.emplace(config_.seed, 2 * number + 2);
    bench_ = std::make_unique<StationBench>(nullptr, [](StationConfig& config) {
      config.programs.programs["two-sides"].blocks[0].reps = 60;
    });
    bench_->loop.ticks_a_phase = 100;
    bench_->loop.bottom_ticks = 20;
    model_ = std::make_unique<Model>();
    taken_ = bench_->loop.commands().size();
    panel_ns_ = 0;
    model_->observe(facts());
  }

  Facts facts() const {
    const Snapshot& now = bench_->now();
    const rt::AxisStatus& axis = bench_->loop.axis();
    Facts out;
    out.now_ns = bench_->runtime.monotonic_ns();
    out.version = now.version;
    out.idle = now.state == StationState::kIdle;
    out.fault = now.state == StationState::kFault;
    out.resting = now.state == StationState::kResting;
    out.working = now.state == StationState::kWorking;
    out.unloading = now.state == StationState::kUnloading;
    out.paused = now.paused;
    out.session = !now.session_id.empty();
    out.set_started = out.working || out.unloading;
    out.in_take_up = axis.load_state == safety::LoadState::kTakeUp;
    out.loop_applied = axis.load_applied;
    if (now.set) out.set = now.set->id;
    return out;
  }

  void tell(const std::string& line) {
    story_ += fmt::format("  {} ms: {}\n", bench_->runtime.monotonic_ns() / 1'000'000, line);
  }

  void wrong(std::uint64_t& counter, const std::string& sentence) {
    ++counter;
    went_wrong_ = true;
    tell("WRONG: " + sentence);
    if (out_.first_wrong.empty()) {
      out_.first_wrong = fmt::format("interleaving {}, {} ms: {}", now_at_,
                                     bench_->runtime.monotonic_ns() / 1'000'000, sentence);
    }
  }

  void judge(const Message& m, const Model::Answer& expected, Verdict got) {
    hash_.add(static_cast<std::uint64_t>(got));
    if (expected.verdict == got) return;
    const std::string sentence = fmt::format("{}: {}, the model says {}", words(m), to_string(got),
                                             to_string(expected.verdict));
    if (got != Verdict::kAccepted) {
      wrong(expected.verdict == Verdict::kAccepted ? out_.refused_wrongly : out_.wrong_refusals,
            sentence);
      return;
    }
    if (expected.forgotten) {
      wrong(out_.duplicate, sentence);
      return;
    }
    switch (expected.verdict) {
      case Verdict::kExpired:
      case Verdict::kVersionConflict:
      case Verdict::kStaleLease:
        wrong(out_.stale, sentence);
        break;
      case Verdict::kNoLease:
        wrong(out_.conflicting, sentence);
        break;
      case Verdict::kDenied:
        wrong(out_.unauthorised, sentence);
        break;
      default:
        wrong(out_.other, sentence);
    }
  }

  OrderHeader header_of(const Message& m, bool forgotten) {
    OrderHeader header;
    header.request_id = m.id;
    header.client_name = m.client;
    header.expected_version = m.version;
    header.lease_epoch = m.epoch;
    header.lease_required = m.remote;
    header.received_ns = m.received_ns;
    header.time_to_live_ns = m.time_to_live_ns;
    if (m.role == Role::kTherapist) header.authority = ParameterAuthority::kTherapist;
    if (config_.plant == Plant::kNoTimeToLive) header.time_to_live_ns = 0;
    if (config_.plant == Plant::kNoVersion) header.expected_version.reset();
    const bool new_id =
        config_.plant == Plant::kNoIds || (config_.plant == Plant::kNoOldIds && forgotten);
    if (new_id) header.request_id = fmt::format("planted-{}", ++planted_);
    if (config_.plant == Plant::kNoLease) {
      header.lease_required = false;
      header.lease_epoch.reset();
      if (bench_->now().lease) {
        header.client_name = bench_->now().lease->holder;
        header.lease_epoch = bench_->now().lease->epoch;
      }
    }
    return header;
  }

  Station::Answer<Receipt> answer(const Message& m, const Model::Answer& expected) {
    asked_.push_back(std::make_shared<Asked>(Asked{m, expected, 0}));
    return [this, asked = asked_.back()](const Result& result) {
      hear(*asked, result);
      judge(asked->message, asked->expected,
            result ? Verdict::kAccepted : verdict_of(result.error().code));
      if (!result && result.error().message.empty()) {
        wrong(out_.wrong_refusals, words(asked->message) + ": refused without a reason");
      }
      if (!result || asked->expected.verdict != Verdict::kAccepted) return;
      if (result->duplicate != asked->expected.duplicate) {
        wrong(out_.duplicate, words(asked->message) + ": carried out again, or not at all");
      }
      if (asked->message.kind == Kind::kAdjust && result->accepted != asked->message.value) {
        wrong(out_.other, words(asked->message) + ": another load was accepted");
      }
    };
  }

  void hear(Asked& asked, const Result& result) {
    ++asked.answers;
    model_->answered(asked.message);
    tell(fmt::format("answer to '{}': {}", asked.message.id,
                     result ? "accepted" : result.error().message));
  }

  void deliver(const InFlight& one) {
    Message m = one.message;
    m.received_ns = one.arrives_ns;
    ++out_.messages;
    const Facts met = facts();
    const Model::Answer expected = model_->deliver(m, met);
    tell(words(m) + "; " + words(met, *model_, expected));
    ++out_.expected[static_cast<std::size_t>(expected.verdict)];
    const access::MethodRule* rule = access::find_rule(method_of(m.kind));
    const bool lets_in = rule != nullptr && rule->roles.has(role_of(m.role));
    if (!lets_in && config_.plant != Plant::kNoRoles) {
      judge(m, expected, Verdict::kDenied);
      return;
    }
    send(m, expected);
  }

  void send(const Message& m, const Model::Answer& expected) {
    Station& station = *bench_->station;
    const OrderHeader header = header_of(m, expected.forgotten);
    switch (m.kind) {
      case Kind::kStart: {
        StartSessionOrder order;
        order.header = header;
        order.program_id = m.text;
        station.start_session(order, answer(m, expected));
        if (expected.verdict == Verdict::kAccepted && !expected.duplicate) ++out_.sessions;
        break;
      }
      case Kind::kAdjust: {
        AdjustLoadOrder order;
        order.header = header;
        order.load = m.value;
        order.axis = static_cast<std::uint8_t>(m.axis);
        order.coordinate = m.in_newton ? hal::CoordinateKind::kCable : hal::CoordinateKind::kLever;
        station.adjust_load(order, answer(m, expected));
        break;
      }
      case Kind::kParameter: {
        SetParameterOrder order;
        order.header = header;
        order.parameter = m.text;
        order.value = m.value;
        station.set_parameter(order, answer(m, expected));
        break;
      }
      case Kind::kPause:
        station.pause(header, answer(m, expected));
        break;
      case Kind::kResume:
        station.resume(header, answer(m, expected));
        break;
      case Kind::kStop:
        stop(m, header, expected);
        break;
      default:
        lead(m, expected);
    }
  }

  // Carried out each time it comes: its receipt says only the first time that it is new.
  void stop(const Message& m, const OrderHeader& header, const Model::Answer& expected) {
    asked_.push_back(std::make_shared<Asked>(Asked{m, expected, 0}));
    bench_->station->stop(header, [this, asked = asked_.back()](const Result& result) {
      hear(*asked, result);
      judge(asked->message, asked->expected,
            result ? Verdict::kAccepted : verdict_of(result.error().code));
    });
    model_->observe(facts());  // it may have ended the session at once
  }

  void lead(const Message& m, const Model::Answer& expected) {
    Station& station = *bench_->station;
    const LeaseClaim claim{m.client, m.epoch.value_or(0), 0};
    const auto told = [&](const auto& result) {
      judge(m, expected, result ? Verdict::kAccepted : verdict_of(result.error().code));
      return result.has_value();
    };
    if (m.kind == Kind::kAcquire) {
      const auto grant = station.acquire_lease({m.client, m.duration_ns, m.new_epoch});
      if (told(grant)) model_->granted(grant->lease.epoch);
    } else if (m.kind == Kind::kRenew) {
      (void)told(station.renew_lease(claim));
    } else if (m.kind == Kind::kRelease) {
      (void)told(station.release_lease(claim));
    } else if (m.kind == Kind::kHandOver) {
      const auto lease = station.hand_over_lease(claim, m.text);
      if (told(lease)) model_->granted(lease->epoch);
    } else if (m.kind == Kind::kLost) {
      station.client_lost(m.client);
    } else {
      station.client_returned(m.client);
    }
  }

  // The person and the machine have a life of their own.
  void disturb() {
    if (random_->chance(0.002)) {
      bench_->loop.latch(safety::FaultCode::kLinkLost, safety::Reaction::kFastUnload);
      panel_ns_ = bench_->runtime.monotonic_ns() + 300'000'000;
    }
    if (random_->chance(0.01)) bench_->loop.release_handle();
    if (panel_ns_ != 0 && bench_->runtime.monotonic_ns() >= panel_ns_) {
      bench_->loop.reset_panel();
      panel_ns_ = 0;
    }
  }

  // What the loop was told in this tick must be what the model says, no more and no less.
  void check_loop() {
    const auto& commands = bench_->loop.commands();
    for (; taken_ < commands.size(); ++taken_) {
      const rt::Command& command = commands[taken_].command;
      tell(words(command, commands[taken_].refused));
      const bool is_load = command.kind == rt::CommandKind::kSetLoad;
      if (!is_load && command.kind != rt::CommandKind::kSetParameter) continue;
      auto& expected = model_->loop_orders;
      while (!expected.empty() && expected.front().maybe &&
             expected.front().value != command.value) {
        expected.pop_front();
      }
      if (expected.empty() || expected.front().is_load != is_load ||
          expected.front().value != command.value) {
        wrong(out_.loop_disagrees,
              fmt::format("the loop took {} {}, the model says {}", is_load ? "load" : "parameter",
                          command.value,
                          expected.empty() ? "nothing" : std::to_string(expected.front().value)));
      }
      if (!expected.empty()) expected.pop_front();
    }
    while (!model_->loop_orders.empty() && model_->loop_orders.front().maybe) {
      model_->loop_orders.pop_front();
    }
    if (!model_->loop_orders.empty()) {
      wrong(out_.loop_disagrees,
            fmt::format("the loop was not told {}", model_->loop_orders.front().value));
      model_->loop_orders.clear();
    }
    if (bench_->loop.axis().increases_frozen != model_->frozen()) {
      wrong(out_.freeze_disagrees, model_->frozen() ? "increases are not frozen in the loop"
                                                    : "increases are frozen in the loop");
    }
  }

  void look_at_load() {
    const rt::AxisStatus& axis = bench_->loop.axis();
    if (axis.load_state == safety::LoadState::kLoaded &&
        std::abs(axis.load_applied - axis.load_requested) <= kSameLoad) {
      model_->load_came_in(axis.load_applied);
    }
  }

  void check_lease() {
    const Snapshot& now = bench_->now();
    const std::string holder = now.lease ? now.lease->holder : "";
    if (holder != model_->holder() || !model_->epochs_grew()) {
      wrong(out_.lease_disagrees,
            fmt::format("'{}' holds the lease, the model says '{}'", holder, model_->holder()));
    }
    if (now.increases_frozen != model_->frozen()) {
      wrong(out_.freeze_disagrees, "what is told about frozen increases is not so");
    }
  }

  void interleave() {
    story_.clear();
    went_wrong_ = false;
    const Snapshot& now = bench_->now();
    Heard heard{bench_->runtime.monotonic_ns(), now.version, "", 0, model_->load()};
    if (now.lease) heard.holder = now.lease->holder;
    if (now.lease) heard.epoch = now.lease->epoch;
    const std::vector<InFlight> flight = network_->interleaving(heard);
    std::size_t next = 0;
    int quiet_steps = 0;
    while (next < flight.size() || quiet_steps < 2) {
      quiet_steps += next == flight.size() ? 1 : 0;
      if (bench_->runtime.monotonic_ns() % kStepNs == 0) disturb();
      for (int ms = 0; ms < 10; ++ms) {
        bench_->runtime.advance(1'000'000);
        ++out_.simulated_ms;
        if (bench_->runtime.monotonic_ns() % kStepNs == 0) at_step(flight, next);
        bench_->loop.tick();
        look_at_load();
        check_loop();
      }
    }
    for (const auto& asked : asked_) {
      if (asked->answers == 1) continue;
      wrong(out_.answers_missing,
            fmt::format("{}: answered {} times", words(asked->message), asked->answers));
    }
    asked_.clear();
    keep_story();
  }

  void keep_story() {
    const bool asked_for = now_at_ >= config_.tell_from && now_at_ <= config_.tell_to;
    if (!asked_for && !(went_wrong_ && out_.stories.size() < kStoriesMax)) return;
    out_.stories.push_back(fmt::format("interleaving {}\n{}", now_at_, story_));
  }

  void at_step(const std::vector<InFlight>& flight, std::size_t& next) {
    model_->observe(facts());
    check_lease();
    // While the load is about to come in the station is between two of its own orders to the loop.
    if (bench_->now().state == StationState::kReady) return;
    for (; next < flight.size() && flight[next].taken_ns <= bench_->runtime.monotonic_ns();
         ++next) {
      deliver(flight[next]);
      check_lease();
    }
  }

  const CampaignConfig config_;
  std::optional<Network> network_;
  std::optional<Random> random_;
  std::unique_ptr<StationBench> bench_;
  std::unique_ptr<Model> model_;
  std::vector<std::shared_ptr<Asked>> asked_;
  CampaignResult out_;
  TraceHash hash_;
  std::size_t taken_ = 0;
  std::int64_t panel_ns_ = 0;
  std::uint64_t planted_ = 0;
  std::uint64_t now_at_ = 0;  // the interleaving
  std::string story_;         // of this interleaving
  bool went_wrong_ = false;
};

}  // namespace

CampaignResult run_campaign(const CampaignConfig& config) {
  return Campaign(config).run();
}

}  // namespace medius::station::model
