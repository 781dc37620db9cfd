#include <algorithm>
#include <cstring>

#include "controller/diagnosis/limits_copy.hpp"
#include "controller/rt/axis_loop.hpp"
#include "sim/disk/simulated_disk.hpp"
#include "tests/durability/campaigns.hpp"
#include "tests/durability/covered_bytes.hpp"
#include "tests/record/store_trial.hpp"

namespace medius::durability {
namespace {

using record::test::same;
using record::test::StoreTrial;
using sim::SimulatedDisk;
using Files = std::map<std::string, std::string>;

constexpr int kSets = 8;
const std::string kLimits = "limits in memory";

// A station's folder with eight sets: as a daemon that ended well leaves it, or as a crash does,
// with everything still in the write-ahead logs.
struct Folder {
  Files files;
  record::test::Acknowledged content;
};
Folder make_folder(std::uint64_t seed, bool crashed) {
  SimulatedDisk disk(seed);
  StoreTrial trial(disk, seed);
  Folder folder;
  if (!trial.open()) return folder;
  for (int i = 0; i < kSets; ++i) (void)trial.write_set(1);
  if (!crashed) trial.close();
  folder.files = disk.files();
  folder.content = trial.acknowledged();
  return folder;
}

std::vector<Use> uses_of(const std::string& path, const std::string& content) {
  if (path.ends_with("-wal")) return uses_of_wal(content);
  if (path.ends_with(".db")) return uses_of_database(content);
  return std::vector<Use>(content.size(), Use::kContent);  // the manifest: both slots have a CRC
}

struct Finding {
  bool noticed = false;
  std::vector<std::string> wrong;  // returned with another content, or gone without a word
};

void compare(record::Store& store, const record::test::Acknowledged& content, Finding& finding) {
  std::vector<std::string> gone;
  for (const auto& [id, set] : content.sets) {
    const auto found = store.set(id);
    if (!found || (!same(*found, set) && found->end == record::SetEnd::kInterrupted)) {
      gone.push_back(id);
      continue;
    }
    if (!same(*found, set)) finding.wrong.push_back("set " + id + " came back changed");
    const auto samples = store.samples(id);
    if (!samples) {
      finding.noticed = true;  // its error names set and block
    } else if (!same(*samples, content.samples.at(id))) {
      finding.wrong.push_back("the samples of set " + id + " came back changed");
    }
  }
  for (const auto& [id, session] : content.sessions) {
    const auto found = store.session(id);
    if (!found) gone.push_back(id);
    if (found && !same(*found, session)) finding.wrong.push_back("session " + id + " changed");
  }
  const record::StoreReport& report = store.opening_report();
  for (const std::string& id : gone) {
    const auto in = [&id](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), id) != list.end();
    };
    if (!in(report.missing_ids) && !in(report.damaged_ids) && report.quarantined.empty()) {
      finding.wrong.push_back(id + " is gone and nothing names it");
    }
  }
  finding.noticed = finding.noticed || !report.notes.empty() || !report.damaged_ids.empty() ||
                    !report.missing_ids.empty() || !report.quarantined.empty() ||
                    !report.interrupted_ids.empty();
}

Finding open_damaged(const Folder& folder, const std::string& path, std::size_t byte, int bit) {
  SimulatedDisk disk(1);
  for (const auto& [name, content] : folder.files) disk.put(name, content);
  std::string damaged = folder.files.at(path);
  damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
  disk.put(path, std::move(damaged));
  Finding finding;
  auto store = record::Store::open("/station", disk);
  if (!store) {
    finding.wrong.push_back("not opened: " + store.error().message);
    return finding;
  }
  compare(**store, folder.content, finding);
  const auto id = (*store)->next_id();
  if (!id || (!folder.content.ids.empty() && *id <= folder.content.ids.back())) {
    finding.wrong.push_back("the next id was used before, or there is none");
  }
  return finding;
}

// The two copies of an axis' limits and the checksum between them.
bool limits_flip_noticed(Random& random) {
  alignas(rt::AxisConfig) unsigned char memory[sizeof(rt::AxisConfig)];
  rt::AxisConfig limits;
  std::memcpy(memory, &limits, sizeof memory);
  std::memcpy(&limits, memory, sizeof memory);
  diagnosis::LimitsCopy<rt::AxisConfig> copy;
  copy.take(limits);
  const auto bit = static_cast<unsigned char>(1u << random.below(8));
  const bool first = random.chance(0.5);
  auto* bytes =
      first ? reinterpret_cast<unsigned char*>(&limits) : reinterpret_cast<unsigned char*>(&copy);
  bytes[random.below(sizeof(rt::AxisConfig))] ^= bit;
  return !copy.agrees(limits);
}

// Where the next flip goes: big files do not get all of them.
struct Choice {
  const Folder* folder;
  std::string path;
  std::string name;
  std::vector<Use> uses;
};

std::vector<Choice> choices_of(const Folder& closed, const Folder& crashed) {
  std::vector<Choice> choices;
  for (const Folder* folder : {&closed, &crashed}) {
    for (const auto& [path, content] : folder->files) {
      if (content.empty()) continue;
      // In a crashed folder all that counts is in the logs and in the manifest.
      if (folder == &crashed && path.ends_with(".db")) continue;
      const std::string file = path.substr(path.rfind('/') + 1);
      const char* how = file == "manifest.bin" && folder == &crashed ? " (after a crash)" : "";
      choices.push_back({folder, path, file + how, uses_of(path, content)});
    }
  }
  return choices;
}

}  // namespace

FlipResult flip_bits(std::uint64_t flips, std::uint64_t seed, const Progress& progress) {
  FlipResult result;
  const Folder closed = make_folder(seed, false);
  const Folder crashed = make_folder(seed + 1, true);
  const std::vector<Choice> choices = choices_of(closed, crashed);
  Random random(seed);
  while (result.flips < flips) {
    const auto pick = random.below(static_cast<std::uint32_t>(choices.size() + 1));
    if (pick == choices.size()) {
      FlipResult::Place& place = result.by_file[kLimits];
      const bool noticed = limits_flip_noticed(random);
      ++result.flips, ++place.flips;
      result.noticed += noticed, place.noticed += noticed;
      continue;
    }
    const Choice& choice = choices[pick];
    const auto byte = random.below(static_cast<std::uint32_t>(choice.uses.size()));
    const int bit = static_cast<int>(random.below(8));
    const Finding finding = open_damaged(*choice.folder, choice.path, byte, bit);
    FlipResult::Place& place = result.by_file[choice.name];
    const std::string where =
        choice.name + " byte " + std::to_string(byte) + " bit " + std::to_string(bit);
    for (const std::string& wrong : finding.wrong) result.problems.push_back(where + ": " + wrong);
    if (choice.uses[byte] == Use::kContent) {
      ++result.flips, ++place.flips;
      result.noticed += finding.noticed, place.noticed += finding.noticed;
      if (!finding.noticed) result.problems.push_back(where + ": not noticed");
    } else {
      ++(choice.uses[byte] == Use::kBookkeeping ? place.bookkeeping : place.empty);
    }
    progress(result.flips);
  }
  return result;
}

}  // namespace medius::durability
