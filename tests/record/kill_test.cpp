// kill -9 at any moment: no acknowledged set is lost, altered or doubled, and no id comes twice.
#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/random.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {
namespace {

constexpr int kKills = 40;

// Starts the writer, kills it after `lines` lines it told (and then somewhere in the next write),
// and returns everything it told.
std::string run_and_kill(const std::string& directory, std::uint64_t seed, int lines,
                         unsigned grace_us) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return {};
  const std::string seed_text = std::to_string(seed);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    execl(RECORD_WRITER, RECORD_WRITER, directory.c_str(), seed_text.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  std::string told;
  char buffer[4096];
  ssize_t count = 0;
  bool killed = false;
  while ((count = read(pipe_ends[0], buffer, sizeof buffer)) > 0) {
    told.append(buffer, static_cast<std::size_t>(count));
    if (!killed && std::count(told.begin(), told.end(), '\n') >= lines) {
      usleep(grace_us);
      kill(child, SIGKILL);
      killed = true;
    }
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(killed && WIFSIGNALED(status)) << "the writer ended by itself: " << told;
  return told;
}

TEST(Kill, LosesNoAcknowledgedSetAndReusesNoId) {
  TempDir dir;
  Random random(50);
  std::set<std::string> ids;
  std::map<std::string, std::uint64_t> acknowledged;  // set -> fingerprint
  std::set<std::uint64_t> sequences;
  std::size_t interrupted = 0;
  for (int round = 0; round < kKills; ++round) {
    const std::string told = run_and_kill(dir.store(), 1000 + static_cast<std::uint64_t>(round),
                                          static_cast<int>(random.below(60)), random.below(4000));
    std::istringstream lines(told);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string word;
      std::string id;
      words >> word >> id;
      if (word == "id") {
        ASSERT_TRUE(ids.insert(id).second) << "id " << id << " came twice";
      }
      if (word != "ack") continue;
      std::uint64_t print = 0;
      std::uint64_t sequence = 0;
      words >> print >> sequence;
      acknowledged[id] = print;
      ASSERT_TRUE(sequences.insert(sequence).second);
      ASSERT_EQ(sequence, *sequences.rbegin()) << "sequence went back";
    }

    const auto store = Store::open(dir.store());
    ASSERT_TRUE(store) << "round " << round << ": " << store.error().message;
    const StoreReport& report = (*store)->opening_report();
    interrupted += report.interrupted_ids.size();
    ASSERT_LE(report.interrupted_ids.size(), 1u);
    ASSERT_TRUE(report.missing_ids.empty()) << report.missing_ids.front();
    ASSERT_EQ(report.rows_damaged, 0u);
    ASSERT_TRUE(report.notes.empty()) << report.notes.front();
    for (const auto& [id, print] : acknowledged) {
      const auto set = (*store)->set(id);
      ASSERT_TRUE(set) << "acknowledged set " << id << " lost in round " << round;
      ASSERT_EQ(fingerprint(*set), print) << "acknowledged set " << id << " altered";
    }
    const auto id = (*store)->next_id();
    ASSERT_TRUE(id && ids.insert(*id).second);
  }
  RecordProperty("kills", kKills);
  RecordProperty("acknowledged sets", static_cast<int>(acknowledged.size()));
  RecordProperty("interrupted sets", static_cast<int>(interrupted));
  EXPECT_GT(acknowledged.size(), 50u);
  EXPECT_GT(interrupted, 5u) << "no kill fell into an open set: the test proves little";
}

}  // namespace
}  // namespace medius::record::test
