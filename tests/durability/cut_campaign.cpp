#include "sim/disk/simulated_disk.hpp"
#include "tests/durability/campaigns.hpp"
#include "tests/record/store_trial.hpp"

namespace medius::durability {
namespace {

using record::test::StoreTrial;
using sim::DiskCall;
using sim::SimulatedDisk;

constexpr int kCutsADisk = 5;
constexpr int kSetsALife = 2;
constexpr int kAttempts = 3;

// Changes of the disk that an opening and two sets make.
std::uint64_t changes_of_a_life(std::uint64_t seed) {
  SimulatedDisk disk(seed);
  StoreTrial trial(disk, seed);
  if (trial.open() && trial.write_set(1)) trial.close();
  const std::uint64_t before = disk.changes();
  if (trial.open()) {
    for (int i = 0; i < kSetsALife; ++i) (void)trial.write_set(1);
  }
  return disk.changes() - before;
}

void take_problems(const StoreTrial& trial, const std::string& where,
                   std::vector<std::string>& problems) {
  for (const std::string& problem : trial.problems()) problems.push_back(where + ": " + problem);
}

const char* name_of(DiskCall call) {
  switch (call) {
    case DiskCall::kOpen:
      return "open";
    case DiskCall::kRead:
      return "read";
    case DiskCall::kWrite:
      return "write";
    case DiskCall::kSync:
      return "sync";
    case DiskCall::kTruncate:
      return "truncate";
    case DiskCall::kRemove:
      return "remove";
    case DiskCall::kSize:
      return "size";
  }
  return "";
}

// One failure, healed, then a power cut. False: the call was never made.
bool one_failure(const sim::DiskFailure& failure, std::uint64_t seed, FailureResult& result) {
  SimulatedDisk disk(seed);
  StoreTrial trial(disk, seed);
  if (!trial.open() || !trial.write_set(1)) return false;
  trial.close();
  disk.fail(failure);
  if (trial.open(true)) (void)trial.write_set(kAttempts);
  const bool struck = disk.failures() > 0;
  trial.close();
  disk.heal();
  if (trial.open()) {
    trial.judge("after the failure");
    if (!trial.write_set(kAttempts)) result.problems.push_back("the healed disk took no set");
  }
  disk.cut_power();
  trial.close();
  disk.restart();
  if (trial.open()) trial.judge("after the power cut that followed");
  result.acknowledged += trial.acknowledged().sets.size();
  take_problems(trial,
                std::string(name_of(static_cast<DiskCall>(__builtin_ctz(failure.calls)))) + " " +
                    std::to_string(failure.at),
                result.problems);
  return struck;
}

}  // namespace

CutResult cut_power(std::uint64_t cuts, std::uint64_t seed, const Progress& progress) {
  CutResult result;
  result.places = changes_of_a_life(seed);
  for (std::uint64_t number = 0; result.cuts < cuts; ++number) {
    SimulatedDisk disk(seed + number);
    StoreTrial trial(disk, seed ^ number << 20);
    for (int life = 0; life < kCutsADisk && result.cuts < cuts; ++life) {
      disk.cut_power_at(1 + result.cuts % result.places);
      if (trial.open(true)) {
        for (int i = 0; i < kSetsALife; ++i) {
          if (!trial.write_set(1)) break;
        }
      } else {
        ++result.cut_while_opening;
      }
      disk.cut_power();
      trial.close();
      disk.restart();
      ++result.cuts;
      if (trial.open()) trial.judge("after cut " + std::to_string(result.cuts));
      trial.close();
      progress(result.cuts);
    }
    result.acknowledged += trial.acknowledged().sets.size();
    result.partial += trial.partial_sets();
    take_problems(trial, "disk " + std::to_string(seed + number), result.problems);
  }
  return result;
}

FailureResult fail_calls(std::uint64_t seed, const Progress& progress) {
  // More than one opening and one set make of any kind; beyond their number nothing is struck.
  constexpr std::uint64_t kMostCalls = 400;
  FailureResult result;
  for (int kind = 0; kind < sim::kDiskCalls; ++kind) {
    const auto call = static_cast<DiskCall>(kind);
    for (const bool lasting : {false, true}) {
      for (std::uint64_t n = 1; n <= kMostCalls; ++n) {
        if (!one_failure({mask(call), n, lasting}, seed + n, result)) break;
        ++result.failures;
        ++result.by_kind[std::string(name_of(call)) + (lasting ? ", from then on" : ", once")];
        progress(result.failures);
      }
    }
  }
  return result;
}

}  // namespace medius::durability
