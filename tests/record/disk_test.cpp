// Failing, full and powerless disks: no false acknowledgement, nothing half-applied.
#include <csignal>
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/record/store.hpp"
#include "tests/record/broken_disk.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

struct Acknowledged {
  std::map<std::string, SetRecord> sets;
  std::map<std::string, std::vector<rt::SampleRecord>> samples;
  std::map<std::string, SessionRecord> sessions;
  std::vector<std::string> ids;
};

const BrokenDisk* watched = nullptr;

// Calls again, as a caller may, until it works or the disk is beyond hope. While a disk is watched,
// no call during which it failed may say that it succeeded.
template <typename Call>
bool persist(Call call, int attempts = 3) {
  for (int i = 0; i < attempts; ++i) {
    const std::uint64_t failures = watched != nullptr ? watched->failures() : 0;
    const bool done = call();
    if (watched != nullptr && done) {
      EXPECT_EQ(watched->failures(), failures) << "a false acknowledgement";
    }
    if (done) return true;
  }
  return false;
}

// One session of one set; what was acknowledged is noted. False: the disk took no more.
bool one_set(Store& store, Random& random, Acknowledged& acknowledged) {
  std::string session_id;
  std::string set_id;
  for (std::string* id : {&session_id, &set_id}) {
    const bool done = persist([&] {
      auto next = store.next_id();
      if (next) *id = *next;
      return next.has_value();
    });
    if (!done) return false;
    acknowledged.ids.push_back(*id);
  }
  const SessionRecord session = random_session(random, session_id);
  if (!persist([&] { return store.put_session(session).has_value(); })) return false;
  acknowledged.sessions[session.id] = session;
  const SetRecord set = random_set(random, set_id, session_id);
  if (!persist([&] { return store.open_set(set).has_value(); })) return false;
  for (const auto& rep : set.reps) {
    if (!persist([&] { return store.add_rep(set.id, rep).has_value(); })) return false;
  }
  const auto samples = lifelike_samples(random, 300, 100, 1);
  if (!persist([&] { return store.add_samples(set.id, samples).has_value(); })) return false;
  if (!persist([&] { return store.close_set(set).has_value(); })) return false;
  acknowledged.sets[set.id] = set;
  acknowledged.samples[set.id] = samples;
  return true;
}

void expect_acknowledged(Store& store, const Acknowledged& acknowledged, const std::string& when) {
  for (const auto& [id, set] : acknowledged.sets) {
    const auto found = store.set(id);
    ASSERT_TRUE(found && same(*found, set)) << "set " << id << " " << when;
    const auto samples = store.samples(id);
    ASSERT_TRUE(samples && same(*samples, acknowledged.samples.at(id))) << id << " " << when;
  }
  for (const auto& [id, session] : acknowledged.sessions) {
    const auto found = store.session(id);
    ASSERT_TRUE(found && same(*found, session)) << "session " << id << " " << when;
  }
  ASSERT_TRUE(store.opening_report().missing_ids.empty()) << when;
  ASSERT_EQ(store.opening_report().rows_damaged, 0u) << when;
  const auto next = store.next_id();
  ASSERT_TRUE(next) << when;
  for (const std::string& id : acknowledged.ids) ASSERT_GT(*next, id) << when;
}

std::uint64_t operations_of_a_session() {
  TempDir dir;
  BrokenDisk disk;
  auto store = Store::open(dir.store());
  Random random(40);
  Acknowledged acknowledged;
  const std::uint64_t before = disk.operations();
  EXPECT_TRUE(one_set(**store, random, acknowledged));
  return disk.operations() - before;
}

// The anomaly test of SQLite's own suite: the n-th call fails, for every n.
TEST(Disk, AFailedWriteOrSyncAtAnyPlaceIsSurvivedByCallingAgain) {
  const std::uint64_t operations = operations_of_a_session();
  ASSERT_GT(operations, 40u);
  for (std::uint64_t n = 1; n <= operations; ++n) {
    TempDir dir;
    BrokenDisk disk;
    Random random(41);
    Acknowledged acknowledged;
    const std::string when = "when call " + std::to_string(n) + " failed";
    {
      auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      disk.fail_at(n, false);
      watched = &disk;
      ASSERT_TRUE(one_set(**store, random, acknowledged)) << when;
      watched = nullptr;
      ASSERT_TRUE(disk.failures() == 1) << when;
      ASSERT_TRUE(one_set(**store, random, acknowledged)) << when;
      expect_acknowledged(**store, acknowledged, when);
    }
    auto store = Store::open(dir.store());
    ASSERT_TRUE(store) << when;
    expect_acknowledged(**store, acknowledged, when + ", after reopening");
  }
}

TEST(Disk, ADiskThatStaysBrokenAcknowledgesNothingAndLosesNothing) {
  for (std::uint64_t n = 1; n <= 60; n += 3) {
    TempDir dir;
    BrokenDisk disk;
    Random random(n);
    Acknowledged acknowledged;
    {
      auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      ASSERT_TRUE(one_set(**store, random, acknowledged));
      disk.fail_at(n, true);
      while (one_set(**store, random, acknowledged)) {
      }
      const std::size_t sets = acknowledged.sets.size();
      EXPECT_FALSE(one_set(**store, random, acknowledged));
      EXPECT_EQ(acknowledged.sets.size(), sets);
      disk.heal();
      ASSERT_TRUE(one_set(**store, random, acknowledged)) << "healed, n = " << n;
      expect_acknowledged(**store, acknowledged, "healed");
    }
    auto store = Store::open(dir.store());
    ASSERT_TRUE(store);
    expect_acknowledged(**store, acknowledged, "after reopening, n = " + std::to_string(n));
  }
}

TEST(Disk, AFullDiskAcknowledgesNothingAndGoesOnWhenThereIsSpace) {
  TempDir dir;
  BrokenDisk disk;
  Random random(43);
  Acknowledged acknowledged;
  {
    auto store = Store::open(dir.store());
    ASSERT_TRUE(store);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(one_set(**store, random, acknowledged));
    disk.fill();
    int taken = 0;
    // SQLite writes over WAL space that it already has: a few sets may still fit.
    while (taken < 1000 && one_set(**store, random, acknowledged)) ++taken;
    ASSERT_LT(taken, 1000) << "the disk never filled";
    disk.heal();
    ASSERT_TRUE(one_set(**store, random, acknowledged));
    expect_acknowledged(**store, acknowledged, "after the disk was full");
  }
  auto store = Store::open(dir.store());
  ASSERT_TRUE(store);
  expect_acknowledged(**store, acknowledged, "after reopening");
}

TEST(Disk, AFullDiskAtStartStillShowsTheHistory) {
  TempDir dir;
  BrokenDisk disk;
  Random random(44);
  Acknowledged acknowledged;
  {
    auto store = Store::open(dir.store());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(one_set(**store, random, acknowledged));
  }
  disk.fill();
  auto store = Store::open(dir.store());
  ASSERT_TRUE(store) << store.error().message;
  for (const auto& [id, set] : acknowledged.sets) EXPECT_TRUE((*store)->set(id));
  disk.heal();
  ASSERT_TRUE(one_set(**store, random, acknowledged));
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
    auto store = Store::open(dir.store());
    if (!store) _exit(2);
    Random random(45);
    Acknowledged acknowledged;
    std::size_t told = 0;
    for (int i = 0; i < 500 && one_set(**store, random, acknowledged); ++i) {
      const std::uint64_t print = fingerprint(acknowledged.sets.rbegin()->second);
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

// Power goes at every write and sync of a session in turn; unsynced sectors arrive or not at
// random.
TEST(Disk, APowerCutAtAnyPlaceLosesNoAcknowledgedSet) {
  const std::uint64_t operations = operations_of_a_session();
  for (std::uint64_t n = 1; n <= operations; ++n) {
    TempDir dir;
    Acknowledged acknowledged;
    const std::string when = "when power went at call " + std::to_string(n);
    {
      BrokenDisk disk;
      Random random(46);
      auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      ASSERT_TRUE(one_set(**store, random, acknowledged));
      disk.cut_power_at(n);
      Acknowledged before = acknowledged;
      one_set(**store, random, acknowledged);
      disk.leave_durable(dir.store(), dir.path() / "after", n);
    }
    auto store = Store::open((dir.path() / "after").string());
    ASSERT_TRUE(store) << when << ": " << store.error().message;
    expect_acknowledged(**store, acknowledged, when);
  }
}

// A sync fails, the caller calls again and is answered; then power goes. The pages of the failed
// sync are clean in the page cache and not on the disk: an answer that relied on them would be a
// false one.
TEST(Disk, APowerCutAfterASurvivedFailureLosesNoAcknowledgedSet) {
  const std::uint64_t operations = operations_of_a_session();
  for (std::uint64_t n = 1; n <= 2 * operations; ++n) {
    const bool lasting = n > operations;  // until the process is started anew
    TempDir dir;
    Acknowledged acknowledged;
    const std::string when = "when call " + std::to_string(n) + " failed before the power cut";
    {
      BrokenDisk disk;
      Random random(47);
      auto store = Store::open(dir.store());
      ASSERT_TRUE(store);
      ASSERT_TRUE(one_set(**store, random, acknowledged));
      disk.fail_at(lasting ? n - operations : n, lasting);
      ASSERT_EQ(one_set(**store, random, acknowledged), !lasting) << when;
      if (lasting) store->reset();
      disk.heal();
      if (lasting) store = Store::open(dir.store());
      ASSERT_TRUE(store) << when;
      ASSERT_TRUE(one_set(**store, random, acknowledged)) << when;
      disk.leave_durable(dir.store(), dir.path() / "after", n);
    }
    auto store = Store::open((dir.path() / "after").string());
    ASSERT_TRUE(store) << when << ": " << store.error().message;
    expect_acknowledged(**store, acknowledged, when);
  }
}

}  // namespace
}  // namespace medius::record::test
