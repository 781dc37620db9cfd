#include "tests/record/store_trial.hpp"

#include <algorithm>
#include <utility>

namespace medius::record::test {
namespace {

constexpr std::size_t kBlockSamples = 100;

}  // namespace

void StoreTrial::wrong(const std::string& what, const std::string& when) {
  problems_.push_back(what + " " + when);
}

bool StoreTrial::open(bool may_fail) {
  auto opened = Store::open(folder_, disk_);
  if (!opened) {
    if (!may_fail) problems_.push_back("not opened: " + opened.error().message);
    return false;
  }
  store_ = std::move(*opened);
  return true;
}

bool StoreTrial::persist(const std::function<bool()>& call) {
  for (int i = 0; i < attempts_; ++i) {
    if (call()) return true;
  }
  return false;
}

bool StoreTrial::take_id(std::string& id) {
  const bool taken = persist([&] {
    auto next = store_->next_id();
    if (next) id = *next;
    return next.has_value();
  });
  if (!taken) return false;
  if (!acknowledged_.ids.empty() && id <= acknowledged_.ids.back()) {
    wrong("id " + id + " after " + acknowledged_.ids.back(), "");
  }
  acknowledged_.ids.push_back(id);
  return true;
}

bool StoreTrial::journal(const SetRecord& set) {
  if (!persist([&] { return store_->open_set(set).has_value(); })) return false;
  under_way_ = UnderWay{set, lifelike_samples(random_, 3 * kBlockSamples, 100, 1), 0, 0};
  UnderWay& now = *under_way_;
  for (const auto& rep : set.reps) {
    if (!persist([&] { return store_->add_rep(set.id, rep).has_value(); })) return false;
    ++now.reps_answered;
  }
  for (std::size_t at = 0; at < now.samples.size(); at += kBlockSamples) {
    const auto block = std::span(now.samples).subspan(at, kBlockSamples);
    if (!persist([&] { return store_->add_samples(set.id, block).has_value(); })) return false;
    now.samples_answered += block.size();
  }
  return true;
}

bool StoreTrial::write_set(int attempts) {
  attempts_ = attempts;
  std::string session_id, set_id;
  if (!take_id(session_id) || !take_id(set_id)) return false;
  const SessionRecord session = random_session(random_, session_id);
  if (!persist([&] { return store_->put_session(session).has_value(); })) return false;
  acknowledged_.sessions[session.id] = session;
  SetRecord set = random_set(random_, set_id, session_id);
  if (set.reps.empty()) set.reps.push_back(random_rep(random_));
  if (!journal(set)) return false;
  if (!persist([&] { return store_->close_set(set).has_value(); })) return false;
  acknowledged_.samples[set.id] = std::move(under_way_->samples);
  acknowledged_.sets[set.id] = std::move(set);
  under_way_.reset();
  return true;
}

void StoreTrial::judge_under_way(const std::string& when) {
  if (!under_way_) return;
  const UnderWay before = std::move(*under_way_);
  under_way_.reset();
  const std::string& id = before.set.id;
  auto found = store_->set(id);
  if (!found) return wrong("set " + id + " was under way and is gone", when);
  const auto samples = store_->samples(id);
  if (!samples) return wrong(samples.error().message, when);
  if (samples->size() < before.samples_answered || samples->size() > before.samples.size() ||
      !same(*samples, {before.samples.begin(),
                       before.samples.begin() + static_cast<std::ptrdiff_t>(samples->size())})) {
    return wrong("set " + id + ": its samples are not the ones that were journaled", when);
  }
  if (found->end != SetEnd::kInterrupted) {
    // The last commit was written, only its answer was not given.
    if (!same(*found, before.set)) wrong("set " + id + " was under way and has changed", when);
  } else {
    ++partial_sets_;
    if (found->reps.size() < before.reps_answered ||
        found->reps.size() > before.reps_answered + 1) {
      wrong("set " + id + ": " + std::to_string(found->reps.size()) + " repetitions of " +
                std::to_string(before.reps_answered) + " journaled",
            when);
    }
    for (std::size_t i = 0; i < found->reps.size(); ++i) {
      if (i >= before.set.reps.size() || !same(found->reps[i], before.set.reps[i])) {
        wrong("set " + id + ": a journaled repetition has changed", when);
      }
    }
  }
  // From here on it is sealed like any other.
  acknowledged_.samples[id] = *samples;
  acknowledged_.sets[id] = std::move(*found);
}

void StoreTrial::judge(const std::string& when) {
  judge_under_way(when);
  for (const auto& [id, set] : acknowledged_.sets) {
    const auto found = store_->set(id);
    if (!found) {
      wrong("acknowledged set " + id + " is gone", when);
      continue;
    }
    if (!same(*found, set)) wrong("acknowledged set " + id + " has changed", when);
    const auto samples = store_->samples(id);
    if (!samples || !same(*samples, acknowledged_.samples.at(id))) {
      wrong("the samples of set " + id + " are lost or changed", when);
    }
  }
  for (const auto& [id, session] : acknowledged_.sessions) {
    const auto found = store_->session(id);
    if (!found || !same(*found, session)) wrong("session " + id + " is lost or changed", when);
  }
  const StoreReport& report = store_->opening_report();
  if (!report.missing_ids.empty()) wrong("missing " + report.missing_ids.front(), when);
  if (!report.damaged_ids.empty()) wrong("damaged " + report.damaged_ids.front(), when);
  if (!report.quarantined.empty()) wrong("put aside: " + report.quarantined.front(), when);
}

}  // namespace medius::record::test
