#include "tests/station/commands_model/model.hpp"

#include <algorithm>
#include <cmath>

namespace medius::station::model {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// The bench's machine and program (tests/station/station_bench.cpp), and what a profile allows.
constexpr double kUserMax = 200.0, kStepMax = 30.0, kProgramLoad = 60.0, kProgramRatio = 1.3;
constexpr double kRatioMin = 0.5, kRatioMax = 2.0, kRatioUserMax = 1.5;
constexpr double kWaitingMin = 0.1;  // less than that is in force
constexpr double kSameLoad = 1e-6;   // so near, a load is the one that was ordered
constexpr std::int64_t kGoneNs = 2 * kSecondNs;
constexpr std::size_t kAnswersKept = 1024;  // of accepted orders, and as many of refused ones

// What makes an order the same order when it comes again.
std::string content_of(const Message& m) {
  switch (m.kind) {
    case Kind::kStart:
      return "start " + m.text;
    case Kind::kAdjust:
      return "load " + std::to_string(m.value) + (m.in_newton ? "N" : "Nm") +
             std::to_string(m.axis);
    case Kind::kParameter:
      return "parameter " + m.text + std::to_string(m.value);
    case Kind::kPause:
      return "pause";
    default:
      return "resume";
  }
}

std::string key_of(const Message& m) {
  return m.client + " " + m.id;
}

bool is_order(Kind kind) {
  return kind <= Kind::kStop;
}

bool name_is_wrong(const std::string& id) {
  return id.empty() || id.size() > 64 ||
         std::any_of(id.begin(), id.end(), [](char c) { return c <= ' ' || c > '~'; });
}

}  // namespace

const char* to_string(Verdict verdict) {
  constexpr const char* kWords[] = {"accepted",      "invalid",    "not_found", "wrong_state",
                                    "stale_version", "over_limit", "expired",   "no_lease",
                                    "stale_lease",   "denied",     "other"};
  return kWords[static_cast<std::size_t>(verdict)];
}

const Answers::First* Answers::find(const std::string& key) const {
  const auto found = first_.find(key);
  return found == first_.end() ? nullptr : &found->second;
}

void Answers::keep(const std::string& key, const First& first) {
  if (!first_.emplace(key, first).second) return;
  oldest_.push_back(key);
  if (oldest_.size() <= kAnswersKept) return;
  first_.erase(oldest_.front());
  oldest_.pop_front();
}

// A lease that has ended leaves the session without a leader, and takes back what waits.
void Model::run_out(const Facts& facts) {
  if (holder_.empty() || facts.now_ns < ends_ns_) return;
  holder_.clear();
  ++leases_run_out;
  ran_out_ = ran_out_ || facts.session;
  const bool under_way = facts.set_started && !facts.unloading;
  if (!under_way && !was_under_way_) return;
  const double stays = std::max(std::min(load_, facts.loop_applied), in_force_);
  if (!(stays < load_ - kWaitingMin)) return;
  loop_orders.push_back({true, stays, !under_way});
  if (!under_way) return;
  load_ = stays;
  ++increases_taken_back;
}

void Model::settle(const Facts& facts) {
  bool lost = false;
  if (facts.session && holder_.empty()) lost = starter_gone_ || ran_out_;
  if (facts.session && !holder_.empty()) {
    lost = holder_ == starter_ ? starter_gone_ : holder_gone_;
  }
  if (lost && !frozen_) ++times_frozen;
  frozen_ = lost;
}

void Model::observe(const Facts& facts) {
  if (had_session_ && !facts.session) {
    ran_out_ = starter_gone_ = false;
    starter_.clear();
  }
  if (facts.resting && !was_resting_) {  // the next side's set: as the program says
    load_ = in_force_ = kProgramLoad;
    ratio_ = 1.0;
  }
  if (facts.set != set_ && !facts.set.empty()) ratio_ = kProgramRatio;
  if (!facts.session || facts.unloading) ratio_ = 1.0;
  set_ = facts.set;
  was_resting_ = facts.resting;
  had_session_ = facts.session;
  const bool under_way = facts.set_started && !facts.unloading;
  if (under_way && came_in_) in_force_ = *came_in_ < load_ - kSameLoad ? *came_in_ : load_;
  came_in_.reset();
  run_out(facts);
  was_under_way_ = under_way;
  settle(facts);
}

bool Model::gone_lately(const std::string& client, std::int64_t now_ns) const {
  const auto gone = gone_.find(client);
  return gone != gone_.end() && now_ns - gone->second < kGoneNs;
}

Model::Answer Model::deliver(const Message& m, const Facts& facts) {
  Answer answer;
  if (m.kind == Kind::kLost || m.kind == Kind::kReturned) {
    const bool gone = m.kind == Kind::kLost;
    if (gone) gone_[m.client] = facts.now_ns;
    if (!gone) gone_.erase(m.client);
    if (facts.session && m.client == starter_) starter_gone_ = gone;
    if (!holder_.empty() && m.client == holder_) holder_gone_ = gone;
    settle(facts);
    return answer;
  }
  if (m.kind == Kind::kStop) {
    stop(m);
    return answer;
  }
  if (m.role == Role::kObserver) {
    answer.verdict = Verdict::kDenied;
    return answer;
  }
  if (!is_order(m.kind)) {
    answer.verdict = lead(m, facts);
    settle(facts);
    return answer;
  }
  if (name_is_wrong(m.id)) {
    answer.verdict = Verdict::kInvalid;
    return answer;
  }
  if (const auto before = answered_before(m)) return *before;
  answer.verdict = order(m, facts);
  under_way_[key_of(m)] = {content_of(m), answer.verdict};
  return answer;
}

// Always, whoever asks and whatever it carries. The first answer to its id stays.
void Model::stop(const Message& m) {
  const std::string key = key_of(m);
  if (name_is_wrong(m.id) || accepted_.find(key) != nullptr) return;
  under_way_.emplace(key, Answers::First{"stop", Verdict::kAccepted});
}

Verdict Model::lead(const Message& m, const Facts& facts) {
  if (m.kind == Kind::kAcquire) return acquire(m, facts);
  if (m.kind == Kind::kRenew) return renew(m, facts);
  if (m.kind == Kind::kHandOver) return hand_over(m, facts);
  // A lease that is over already is released.
  if (holder_.empty() || m.epoch != epoch_) return Verdict::kAccepted;
  const Verdict verdict = claim(m);
  if (verdict == Verdict::kAccepted) holder_.clear();
  return verdict;
}

std::optional<Model::Answer> Model::answered_before(const Message& m) {
  const std::string key = key_of(m);
  const Answers::First* first = refused_.find(key);
  if (first == nullptr) first = accepted_.find(key);
  if (const auto waits = under_way_.find(key); first == nullptr && waits != under_way_.end()) {
    first = &waits->second;
  }
  Answer answer;
  if (first == nullptr) {
    if (!used_.contains(key)) return std::nullopt;
    answer.verdict = Verdict::kInvalid;
    answer.forgotten = true;
    ++forgotten;
  } else if (first->content != content_of(m)) {
    answer.verdict = Verdict::kInvalid;
  } else {
    answer.verdict = first->verdict;
    answer.duplicate = answer.verdict == Verdict::kAccepted;
  }
  return answer;
}

void Model::answered(const Message& m) {
  const auto waits = under_way_.find(key_of(m));
  if (waits == under_way_.end()) return;
  const bool accepted = waits->second.verdict == Verdict::kAccepted;
  (accepted ? accepted_ : refused_).keep(waits->first, waits->second);
  if (accepted) used_.insert(waits->first);
  under_way_.erase(waits);
}

// The rules in the order in which the API names them: too late, not theirs, stale, not possible.
Verdict Model::order(const Message& m, const Facts& facts) {
  if (facts.now_ns - m.received_ns > m.time_to_live_ns) return Verdict::kExpired;
  const bool has_load = facts.session && !facts.unloading;
  const bool raises =
      m.kind != Kind::kPause && (m.kind != Kind::kAdjust || (has_load && m.value > load_));
  if (const Verdict lease = lease_of(m, raises, m.kind == Kind::kPause);
      lease != Verdict::kAccepted) {
    return lease;
  }
  if (m.version && *m.version != facts.version) return Verdict::kVersionConflict;
  switch (m.kind) {
    case Kind::kStart:
      return start(m, facts);
    case Kind::kAdjust:
      return adjust(m, facts);
    case Kind::kParameter:
      return parameter(m, facts);
    case Kind::kPause:
      return facts.working || facts.resting ? Verdict::kAccepted : Verdict::kWrongState;
    default:
      return resume(facts);
  }
}

Verdict Model::lease_of(const Message& m, bool raises, bool exempt) const {
  if (exempt) return Verdict::kAccepted;
  if (m.epoch) {
    if (holder_.empty() || *m.epoch != epoch_) return Verdict::kStaleLease;
    return m.client == holder_ ? Verdict::kAccepted : Verdict::kNoLease;
  }
  if (!raises) return Verdict::kAccepted;
  return holder_.empty() && !m.remote ? Verdict::kAccepted : Verdict::kNoLease;
}

Verdict Model::start(const Message& m, const Facts& facts) {
  if (m.text != "two-sides") return Verdict::kNotFound;
  if (!facts.idle) return Verdict::kWrongState;
  starter_ = m.client;
  starter_gone_ = gone_lately(m.client, facts.now_ns);
  ran_out_ = false;
  load_ = in_force_ = kProgramLoad;
  ratio_ = kProgramRatio;
  frozen_ = starter_gone_;
  return Verdict::kAccepted;
}

Verdict Model::adjust(const Message& m, const Facts& facts) {
  if (m.axis != 0 || !m.in_newton) return Verdict::kInvalid;
  if (!std::isfinite(m.value) || m.value < 0.0) return Verdict::kInvalid;
  if (m.value > kUserMax || m.value * std::max(ratio_, 1.0) > kUserMax) return Verdict::kOverLimit;
  if (!facts.session || facts.unloading || facts.fault) return Verdict::kWrongState;
  const bool raises = m.value > load_;
  if (!facts.set_started) {  // only a plan, with the program's ratio
    if (m.value * kProgramRatio > kUserMax) return Verdict::kOverLimit;
    if (raises && frozen_) return Verdict::kWrongState;
    if (raises && m.value > load_ + kStepMax + kSameLoad) return Verdict::kOverLimit;
    load_ = in_force_ = m.value;
    return Verdict::kAccepted;
  }
  if (raises && frozen_) return Verdict::kWrongState;
  if (raises && m.value > in_force_ + kStepMax + kSameLoad) return Verdict::kOverLimit;
  load_ = m.value;
  in_force_ = std::min(in_force_, m.value);
  loop_orders.push_back({true, m.value});
  return Verdict::kAccepted;
}

Verdict Model::parameter(const Message& m, const Facts& facts) {
  if (!facts.working) return Verdict::kWrongState;
  if (m.text != "eccentric_ratio") return Verdict::kNotFound;
  if (m.value < kRatioMin || m.value > kRatioMax) return Verdict::kOverLimit;
  if (m.value > kRatioUserMax && m.role != Role::kTherapist) return Verdict::kOverLimit;
  if (frozen_) return Verdict::kWrongState;
  if (std::max(load_, in_force_) * std::max(m.value, 1.0) > kUserMax) return Verdict::kOverLimit;
  ratio_ = std::max(m.value, 1.0);
  loop_orders.push_back({false, m.value});
  return Verdict::kAccepted;
}

Verdict Model::resume(const Facts& facts) const {
  if (frozen_) return Verdict::kWrongState;
  if (facts.resting) return Verdict::kAccepted;
  const bool can = facts.working && facts.paused && facts.in_take_up;
  return can ? Verdict::kAccepted : Verdict::kWrongState;
}

Verdict Model::acquire(const Message& m, const Facts& facts) {
  if (m.duration_ns < 2 * kSecondNs || m.duration_ns > 60 * kSecondNs) return Verdict::kInvalid;
  if (!holder_.empty() && holder_ != m.client) return Verdict::kNoLease;
  const bool was_free = holder_.empty();
  awaits_epoch_ = was_free || m.new_epoch;
  if (awaits_epoch_) {
    ends_ns_ = facts.now_ns + m.duration_ns;
  } else {
    ends_ns_ = std::max(ends_ns_, facts.now_ns + m.duration_ns);
  }
  lasts_ns_ = m.duration_ns;
  holder_ = m.client;
  if (was_free) {
    holder_gone_ = gone_lately(m.client, facts.now_ns);
    ran_out_ = false;
  }
  return Verdict::kAccepted;
}

Verdict Model::claim(const Message& m) const {
  if (holder_.empty() || m.epoch != epoch_) return Verdict::kStaleLease;
  return holder_ == m.client ? Verdict::kAccepted : Verdict::kNoLease;
}

Verdict Model::renew(const Message& m, const Facts& facts) {
  if (const Verdict wrong = claim(m); wrong != Verdict::kAccepted) return wrong;
  ends_ns_ = facts.now_ns + lasts_ns_;
  return Verdict::kAccepted;
}

Verdict Model::hand_over(const Message& m, const Facts& facts) {
  if (const Verdict wrong = claim(m); wrong != Verdict::kAccepted) return wrong;
  holder_ = m.text;
  ends_ns_ = facts.now_ns + lasts_ns_;
  awaits_epoch_ = true;
  if (facts.session) starter_ = m.text;
  starter_gone_ = holder_gone_ = gone_lately(m.text, facts.now_ns);
  return Verdict::kAccepted;
}

void Model::granted(std::uint64_t epoch) {
  if (awaits_epoch_) {
    epochs_grew_ = epochs_grew_ && epoch > epoch_;
  } else {
    epochs_grew_ = epochs_grew_ && epoch == epoch_;
  }
  awaits_epoch_ = false;
  epoch_ = epoch;
}

}  // namespace medius::station::model
