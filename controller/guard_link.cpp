#include "controller/guard_link.hpp"

#include <random>
#include <utility>

#include <fmt/format.h>

namespace medius {
namespace {

// A relay with its charge pump opens within 20 ms; feedback and bus take some more. It must also
// stay open for so long while the loop holds its own contact: an open relay that nobody would have
// closed proves nothing.
constexpr std::uint64_t kOpenWithinTicks = 100;
constexpr std::uint64_t kOpenForTicks = 100;
// The guard looks every period or two.
constexpr std::uint64_t kGuardSilenceTicks = 500;

// Two starts must never have the same: the guard tells by it that the daemon was started anew.
std::uint64_t fresh_epoch() {
  std::random_device source;
  std::uint64_t epoch = 0;
  while (epoch == 0) epoch = (std::uint64_t{source()} << 32) | source();
  return epoch;
}

}  // namespace

GuardLink::GuardLink(std::string name, guard::OwnPage<guard::Beat> page, std::uint64_t epoch,
                     bool lockstep)
    : name_(std::move(name)),
      page_(std::move(page)),
      epoch_(epoch),
      foreign_(guard::report_name(name_)) {
  writer_.attach(page_.get(), epoch_, lockstep);
  writer_.prove(true);
}

tl::expected<std::unique_ptr<GuardLink>, std::string> GuardLink::create(const std::string& name,
                                                                        bool lockstep) {
  auto page = guard::OwnPage<guard::Beat>::create(guard::heartbeat_name(name));
  if (!page) return tl::make_unexpected(page.error());
  return std::unique_ptr<GuardLink>(new GuardLink(name, std::move(*page), fresh_epoch(), lockstep));
}

bool GuardLink::guard_lives(const rt::Status& status) {
  guard::Report report;
  if (!foreign_.mapped()) foreign_.refresh();
  if (foreign_.read(report)) {
    report_ = report;
    if (report.looks != looks_) {
      looks_ = report.looks;
      looked_tick_ = status.tick;
    }
  }
  if (looks_ != 0 && status.tick - looked_tick_ <= kGuardSilenceTicks) return true;
  foreign_.refresh();  // a guard that was started anew has another page
  return false;
}

std::string GuardLink::prove(const rt::Status& status) {
  writer_.prove(true);
  const bool starves = report_.doubt == guard::Doubt::kProof && !report_.asserting;
  const bool loop_holds = status.reaction < safety::Reaction::kTorqueOff;
  if (!starves || !status.link_fresh || !loop_holds) {
    starved_tick_ = 0;
    if (status.link_fresh && !loop_holds) {
      return fmt::format(
          "the proof test of guard '{}' waits until the loop may hold the relay; "
          "press reset at the machine",
          name_);
    }
    return fmt::format("the proof test of guard '{}' has not ended yet; try again in a second",
                       name_);
  }
  if (starved_tick_ == 0) open_tick_ = starved_tick_ = status.tick;
  if (status.relay_closed) open_tick_ = status.tick;
  if (status.tick - open_tick_ > kOpenForTicks) {
    proof_ = Proof::kPassed;
    writer_.prove(false);
    return fmt::format("the proof test of guard '{}' has just passed; try again in a second",
                       name_);
  }
  if (status.relay_closed && status.tick - starved_tick_ > kOpenWithinTicks) {
    proof_ = Proof::kFailed;
    writer_.prove(false);
  }
  return fmt::format("the proof test of guard '{}' is under way; try again in a second", name_);
}

std::string GuardLink::refusal(const rt::Status& status) {
  const std::lock_guard lock(mutex_);
  if (proof_ == Proof::kFailed) {
    return fmt::format(
        "proof test failed: guard '{}' starved its output and the safe-state relay stayed closed "
        "for more than {} ms; look for a welded contact or a bridged output, mend it and start the "
        "controller again",
        name_, kOpenWithinTicks);
  }
  if (!guard_lives(status)) {
    proof_ = Proof::kWanted;
    return fmt::format(
        "guard '{}' is not there and this machine is not armed without it; start "
        "medius-guard with the same machine file",
        name_);
  }
  if (report_.epoch != epoch_) {
    return fmt::format("guard '{}' does not watch this daemon yet; try again in a second", name_);
  }
  if (report_.phase == guard::Phase::kLatched) {
    return fmt::format(
        "guard '{}' has latched: {}; start the controller again, then press reset "
        "at the machine",
        name_, guard::to_string(report_.latched_for));
  }
  if (proof_ == Proof::kWanted) return prove(status);
  if (!report_.asserting) {
    return fmt::format("guard '{}' starves its output: {}; press reset at the machine", name_,
                       guard::to_string(report_.doubt));
  }
  if (!status.relay_closed) {
    return fmt::format(
        "guard '{}' holds its output, but the safe-state relay is open; look at the "
        "e-stop chain and the relay's feedback",
        name_);
  }
  return {};
}

bool GuardLink::proof_ended() {
  const std::lock_guard lock(mutex_);
  return proof_ != Proof::kWanted;
}

}  // namespace medius
