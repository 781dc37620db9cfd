// A store put to the test: sets are written, each acknowledgement is noted, and
// what a later store returns is compared with the notes. Used by the tests of this folder and by
// tests/durability.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/record/disk.hpp"
#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {

// What the store has answered without an error.
struct Acknowledged {
  std::map<std::string, SetRecord> sets;
  std::map<std::string, std::vector<rt::SampleRecord>> samples;
  std::map<std::string, SessionRecord> sessions;
  std::vector<std::string> ids;
};

// The set that was under way when the process ended: it comes back as interrupted with what had
// been journaled, or whole if its last commit was just not answered any more.
struct UnderWay {
  SetRecord set;
  std::vector<rt::SampleRecord> samples;
  std::size_t reps_answered = 0;
  std::size_t samples_answered = 0;
};

class StoreTrial {
 public:
  StoreTrial(Disk& disk, std::uint64_t seed, std::string folder = "/station")
      : disk_(disk), folder_(std::move(folder)), random_(seed) {}

  // Opens the store. False: it was refused; problems() says why unless `may_fail`.
  bool open(bool may_fail = false);
  // One session of one set. Each call is made up to `attempts` times. False: the disk took no more.
  bool write_set(int attempts);
  // Compares everything with the notes; what is wrong is added to problems().
  void judge(const std::string& when);
  void close() { store_.reset(); }

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] const Acknowledged& acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // Sets that came back as interrupted.
  [[nodiscard]] std::uint64_t partial_sets() const { return partial_sets_; }

 private:
  bool persist(const std::function<bool()>& call);
  bool take_id(std::string& id);
  bool journal(const SetRecord& set);
  void judge_under_way(const std::string& when);
  void wrong(const std::string& what, const std::string& when);

  Disk& disk_;
  std::string folder_;
  Random random_;
  std::unique_ptr<Store> store_;
  Acknowledged acknowledged_;
  std::optional<UnderWay> under_way_;
  std::vector<std::string> problems_;
  std::uint64_t partial_sets_ = 0;
  int attempts_ = 1;
};

}  // namespace medius::record::test
