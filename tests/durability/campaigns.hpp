// What may happen to a disk, many times over, and whether the store kept what it had acknowledged.
// Deterministic for a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace medius::durability {

using Progress = std::function<void(std::uint64_t done)>;

struct CutResult {
  std::uint64_t cuts = 0;
  std::uint64_t cut_while_opening = 0;
  std::uint64_t places = 0;  // changes of the disk that a cut fell on, of an opening and two sets
  std::uint64_t acknowledged = 0;  // sets, each checked after every later cut of its disk
  std::uint64_t partial = 0;       // sets that came back as interrupted
  std::vector<std::string> problems;
};
// Power goes `cuts` times: at every change of the disk in turn, five times a disk.
[[nodiscard]] CutResult cut_power(std::uint64_t cuts, std::uint64_t seed, const Progress& progress);

struct FailureResult {
  std::uint64_t failures = 0;  // runs, each with one failure or with one that lasts
  std::map<std::string, std::uint64_t> by_kind;
  std::uint64_t acknowledged = 0;
  std::vector<std::string> problems;
};
// Every n-th call of every kind fails, once or from then on; then power goes.
[[nodiscard]] FailureResult fail_calls(std::uint64_t seed, const Progress& progress);

struct FlipResult {
  std::uint64_t flips = 0;    // in bytes that carry something
  std::uint64_t noticed = 0;  // of those
  struct Place {
    std::uint64_t flips = 0, noticed = 0, bookkeeping = 0, empty = 0;
  };
  std::map<std::string, Place> by_file;  // `bookkeeping` and `empty` are beyond `flips`
  std::vector<std::string> problems;
};
// Flips one bit at a time until `flips` of them have hit bytes that carry something.
[[nodiscard]] FlipResult flip_bits(std::uint64_t flips, std::uint64_t seed,
                                   const Progress& progress);

}  // namespace medius::durability
