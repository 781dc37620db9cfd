// Failing, full and powerless disks: no false acknowledgement, nothing half-applied.
#include <csignal>
#include <set>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/disk/simulated_disk.hpp"
#include "tests/record/store_trial.hpp"

namespace medius::record::test {
namespace {

using sim::DiskCall;
using sim::DiskFailure;
using sim::SimulatedDisk;

constexpr int kAttempts = 3;
constexpr sim::DiskCallMask kEveryCall = (1u << sim::kDiskCalls) - 1;

void expect_nothing_wrong(const StoreTrial& trial) {
  ASSERT_TRUE(trial.problems().empty()) << trial.problems().front();
}

// How many calls of a kind one set makes.
std::uint64_t calls_of_a_set(DiskCall call) {
  SimulatedDisk disk(40);
  StoreTrial trial(disk, 40);
  EXPECT_TRUE(trial.open() && trial.write_set(1));
  const std::uint64_t before = disk.calls(call);
  EXPECT_TRUE(trial.write_set(1));
  return disk.calls(call) - before;
}

std::uint64_t changes_of_a_set() {
  SimulatedDisk disk(40);
  StoreTrial trial(disk, 40);
  EXPECT_TRUE(trial.open());
  const std::uint64_t before = disk.changes();
  EXPECT_TRUE(trial.write_set(1));
  return disk.changes() - before;
}

// A failure, the caller calls again and is answered; then power goes. The pages of a failed sync
// are clean in the page cache and not on the disk: an answer that relied on them would be a false
// one.
void fail_then_cut(const DiskFailure& failure, std::uint64_t seed) {
  SimulatedDisk disk(seed);
  StoreTrial trial(disk, seed);
  ASSERT_TRUE(trial.open() && trial.write_set(1));
  disk.fail(failure);
  const bool survived = trial.write_set(kAttempts);
  ASSERT_TRUE(survived || failure.lasting);
  if (failure.lasting) trial.close();
  disk.heal();
  if (failure.lasting) {
    ASSERT_TRUE(trial.open());
  }
  trial.judge("after the failure");
  expect_nothing_wrong(trial);
  ASSERT_TRUE(trial.write_set(kAttempts)) << "healed";
  disk.cut_power();
  trial.close();
  disk.restart();
  ASSERT_TRUE(trial.open());
  trial.judge("after the power cut that followed it");
  expect_nothing_wrong(trial);
}

// The anomaly test of SQLite's own suite: the n-th call fails, for every n and kind of call.
TEST(Disk, AFailureOfEveryKindAtAnyPlaceIsSurvivedByCallingAgain) {
  for (int kind = 0; kind < sim::kDiskCalls; ++kind) {
    const auto call = static_cast<DiskCall>(kind);
    const std::uint64_t calls = calls_of_a_set(call);
    for (std::uint64_t n = 1; n <= calls; ++n) {
      SCOPED_TRACE("kind " + std::to_string(kind) + ", call " + std::to_string(n));
      fail_then_cut({mask(call), n, false}, 1000 + n);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(calls_of_a_set(DiskCall::kSync), 10u);
  EXPECT_GT(calls_of_a_set(DiskCall::kWrite), 20u);
}

// Whatever a failed close has left on the disk: the next call says that the set is stored, and only
// once it is.
TEST(Disk, ACloseThatFailedIsMadeGoodByTheNextCall) {
  int failed = 0;
  for (std::uint64_t at = 1; at <= 20; ++at) {
    SCOPED_TRACE("change " + std::to_string(at));
    SimulatedDisk disk(51);
    Random random(51);
    SetRecord set;
    std::uint64_t sequence = 0;
    {
      const auto store = Store::open("/station", disk);
      ASSERT_TRUE(store);
      set = random_set(random, *(*store)->next_id(), *(*store)->next_id());
      set.end = SetEnd::kCount;
      ASSERT_TRUE((*store)->open_set(set));
      disk.fail({sim::kDiskChanges, at, false});
      const auto first = (*store)->close_set(set);
      disk.heal();
      if (!first) ++failed;
      const auto second = (*store)->close_set(set);
      ASSERT_TRUE(second) << second.error().message;
      EXPECT_TRUE(same(second->set, set));
      sequence = second->sequence;
      EXPECT_FALSE((*store)->add_rep(set.id, random_rep(random))) << "it is closed";
      disk.cut_power();
    }
    disk.restart();
    const auto store = Store::open("/station", disk);
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->set(set.id));
    EXPECT_TRUE(same(*(*store)->set(set.id), set));
    EXPECT_EQ((*store)->close_set(set)->sequence, sequence);
    EXPECT_EQ((*store)->opening_report().sets, 1u);
  }
  EXPECT_GT(failed, 3);
}

TEST(Disk, ADiskThatStaysBrokenAcknowledgesNothingAndLosesNothing) {
  const std::uint64_t changes = changes_of_a_set();
  ASSERT_GT(changes, 40u);
  for (std::uint64_t n = 1; n <= changes; ++n) {
    SCOPED_TRACE("from change " + std::to_string(n) + " on");
    fail_then_cut({sim::kDiskChanges, n, true}, 2000 + n);
    if (HasFatalFailure()) return;
  }
  for (std::uint64_t n = 1; n <= 40; ++n) {
    SCOPED_TRACE("from call " + std::to_string(n) + " on");
    fail_then_cut({kEveryCall, n, true}, 3000 + n);
    if (HasFatalFailure()) return;
  }
}

TEST(Disk, AFullDiskAcknowledgesNothingAndGoesOnWhenThereIsSpace) {
  SimulatedDisk disk(43);
  StoreTrial trial(disk, 43);
  ASSERT_TRUE(trial.open());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(trial.write_set(1));
  disk.fill();
  int taken = 0;
  // SQLite writes over WAL space that it already has: a few sets may still fit.
  while (taken < 1000 && trial.write_set(kAttempts)) ++taken;
  ASSERT_LT(taken, 1000) << "the disk never filled";
  trial.close();
  ASSERT_TRUE(trial.open()) << "a full disk must still show the history";
  trial.judge("while the disk is full");
  expect_nothing_wrong(trial);
  disk.heal();
  ASSERT_TRUE(trial.write_set(kAttempts));
  disk.cut_power();
  trial.close();
  disk.restart();
  ASSERT_TRUE(trial.open());
  trial.judge("after the disk was full");
  expect_nothing_wrong(trial);
}

// Power goes at every change of the disk in turn, of an opening and of a set.
TEST(Disk, APowerCutAtAnyPlaceLosesNoAcknowledgedSet) {
  const std::uint64_t changes = changes_of_a_set() + 20;
  std::uint64_t partial_sets = 0;
  for (std::uint64_t n = 1; n <= changes; ++n) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const std::string when = "when power went at change " + std::to_string(n);
      SimulatedDisk disk(100 * n + seed);
      StoreTrial trial(disk, 46);
      ASSERT_TRUE(trial.open() && trial.write_set(1));
      trial.close();
      disk.cut_power_at(n);
      if (trial.open(true)) trial.write_set(1);
      disk.cut_power();
      trial.close();
      disk.restart();
      ASSERT_TRUE(trial.open()) << when;
      trial.judge(when);
      expect_nothing_wrong(trial);
      partial_sets += trial.partial_sets();
    }
  }
  EXPECT_GT(partial_sets, changes) << "the cuts did not hit open sets";
}

// The control of all of the above: a drive that answers a flush and does not do it.
TEST(Disk, ADiskThatLiesAboutItsSyncsIsSeenToLoseSets) {
  std::size_t losses = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedDisk disk(seed);
    StoreTrial trial(disk, seed);
    ASSERT_TRUE(trial.open() && trial.write_set(1));
    disk.lie();
    ASSERT_TRUE(trial.write_set(1));
    disk.cut_power();
    trial.close();
    disk.restart();
    if (trial.open()) trial.judge("");
    if (!trial.problems().empty()) ++losses;
  }
  EXPECT_GT(losses, 5u);
}

// The kernel's own limit on the size of a file, in a process of its own: no VFS of ours between.
TEST(Disk, AFileSizeLimitOfTheKernelLeadsToNoFalseAcknowledgement) {
  TempDir dir;
  int to_parent[2];
  ASSERT_EQ(pipe(to_parent), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400 * 1024, 400 * 1024};
    setrlimit(RLIMIT_FSIZE, &limit);
    StoreTrial trial(real_disk(), 45, dir.store());
    if (!trial.open()) _exit(2);
    std::size_t told = 0;
    for (int i = 0; i < 500 && trial.write_set(kAttempts); ++i) {
      const std::uint64_t print = fingerprint(trial.acknowledged().sets.rbegin()->second);
      if (write(to_parent[1], &print, sizeof print) != sizeof print) _exit(3);
      ++told;
    }
    _exit(told == 500 ? 4 : 0);  // 4: the limit was never met
  }
  close(to_parent[1]);
  std::vector<std::uint64_t> prints;
  for (std::uint64_t print = 0; read(to_parent[0], &print, sizeof print) == sizeof print;) {
    prints.push_back(print);
  }
  close(to_parent[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  ASSERT_FALSE(prints.empty());
  auto store = Store::open(dir.store());
  ASSERT_TRUE(store) << store.error().message;
  std::set<std::uint64_t> found;
  for (const SessionRecord& session : (*store)->sessions(10'000, "")) {
    for (const SetRecord& set : (*store)->sets_of(session.id)) found.insert(fingerprint(set));
  }
  for (const std::uint64_t print : prints) EXPECT_TRUE(found.contains(print));
}

}  // namespace
}  // namespace medius::record::test
