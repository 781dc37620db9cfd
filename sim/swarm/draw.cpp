#include "sim/swarm/draw.hpp"

#include <algorithm>
#include <numeric>

#include "controller/base/random.hpp"

namespace medius::sim {
namespace {

struct Tempo {
  double out_s, hold_s, back_s;
};
constexpr Tempo kTempi[] = {{2.0, 1.0, 3.0}, {1.5, 0.5, 2.0}, {1.0, 0.3, 1.5}, {2.0, 0.0, 2.0}};
// With a fault the set is only its stage: short phases, none left out.
constexpr Tempo kShortTempi[] = {{1.5, 0.5, 2.0}, {1.0, 0.3, 1.5}, {1.2, 0.4, 1.2}};
constexpr int kShortReps = 3;
constexpr int kEstopRow = 220;
// Whoever feels half of the load they came for takes it for the end of the set.
constexpr double kLoweredShare = 0.3;
constexpr double kFourShare = 0.6;
constexpr double kSeatedShare = 0.3;  // it costs three times as much to simulate
// Most second faults strike while the first one is being answered: 1 ms to 0.15 s after it.
constexpr double kFollowsShare = 0.9;
constexpr double kSoonestLog = -6.9, kLatestLog = -1.9;  // of seconds, natural logarithm
// Arming takes 20 ms, unloading up to 500 ms; everything else longer than half a second.
constexpr double kArmingDelayS = 0.005, kUnloadingDelayS = 0.1, kDelayS = 0.2;

// Why two rows cannot act together; null: they can.
const char* never_together(const FaultRow& a, const FaultRow& b) {
  const auto profile = [](const FaultRow& row) {
    return row.injector >= Injector::kWishNan && row.injector <= Injector::kProfileCrashes;
  };
  const auto cuff_off = [](const FaultRow& row) {
    return row.injector == Injector::kRelease || row.injector == Injector::kCableCut ||
           row.injector == Injector::kHooked;
  };
  const auto daemon_gone = [](const FaultRow& row) {
    return row.injector == Injector::kKill || row.injector == Injector::kPowerLost;
  };
  if (daemon_gone(a) && daemon_gone(b)) return "a daemon dies once";
  if (profile(a) && profile(b)) return "one profile fails in one way at a time";
  if (cuff_off(a) && cuff_off(b)) return "the cuff comes off once";
  return nullptr;
}

// Who hides what strikes after it, the more the higher: has to be the later one of a pair.
int hides(const FaultRow& row) {
  switch (row.injector) {
    case Injector::kStaleRegisters:
      return 1;
    case Injector::kLinkDown:
      return 2;
    case Injector::kRelease:
    case Injector::kCableCut:
    case Injector::kHooked:
      return 3;
    case Injector::kKill:
    case Injector::kPowerLost:
      return 4;
    default:
      return 0;
  }
}

// The n-th of `size` cards: every run of `size` numbers deals each card once, neighbours far apart.
std::size_t dealt(std::uint64_t n, std::size_t size) {
  constexpr double kGolden = 0.6180339887498949;
  auto stride = static_cast<std::uint64_t>(kGolden * static_cast<double>(size));
  while (stride == 0 || std::gcd(stride, static_cast<std::uint64_t>(size)) != 1) ++stride;
  return static_cast<std::size_t>(n % size * stride % size);
}

FaultPhase draw_phase(PhaseMask phases, Random& random) {
  for (;;) {
    const auto phase = static_cast<FaultPhase>(random.below(kFaultPhases));
    if ((phases & mask(phase)) != 0) return phase;
  }
}

FaultEvent draw_event(const FaultRow& row, FaultPhase phase, const Scenario& s, Random& random) {
  FaultEvent event;
  event.row = row.number;
  event.axis = s.seated && random.chance(0.5) ? 1 : 0;
  event.phase = phase;
  // After the last repetition the set is over.
  event.after_reps = static_cast<int>(random.below(static_cast<std::uint32_t>(s.reps)));
  event.delay_s = random.uniform(0.0, phase == FaultPhase::kArming      ? kArmingDelayS
                                      : phase == FaultPhase::kUnloading ? kUnloadingDelayS
                                                                        : kDelayS);
  // Log-uniform: mild ones are the hard ones.
  event.intensity = det::exp(random.uniform(-4.6, 0.0));
  event.seed = random.next();
  return event;
}

// Only ever one set: what can be waited for only before its first repetition comes then.
void place(FaultEvent& event) {
  if (event.phase == FaultPhase::kIdle || event.phase == FaultPhase::kArming ||
      event.phase == FaultPhase::kTakeUp) {
    event.after_reps = 0;
  }
}

void add_follower(const FaultRow& row, Scenario& s, Random& random) {
  FaultEvent event = draw_event(row, draw_phase(row.phases, random), s, random);
  if (random.chance(kFollowsShare)) {
    event.follows = true;
    event.delay_s = det::exp(random.uniform(kSoonestLog, kLatestLog));
  }
  place(event);
  s.faults.push_back(event);
}

bool fits(const FaultRow& row, const Scenario& s) {
  if ((row.machines & (s.seated ? kSeatedMachine : kCableMachine)) == 0) return false;
  return std::none_of(s.faults.begin(), s.faults.end(), [&](const FaultEvent& event) {
    const FaultRow& other = *find_fault(event.row);
    return &other == &row || never_together(other, row) != nullptr || hides(other) > hides(row);
  });
}

// The number-th pair that the machines allow.
Pair pair_of(std::uint64_t number, const Draw& draw) {
  const auto& pairs = reachable_pairs();
  for (;; ++number) {
    const Pair pair = pairs[dealt(number, pairs.size())];
    const auto both = find_fault(pair.first)->machines & find_fault(pair.second)->machines;
    if (draw.machine != 2 || (both & kSeatedMachine) != 0) return pair;
  }
}

void draw_pair(Pair pair, Scenario& s, Random& random) {
  const FaultRow* first = find_fault(pair.first);
  const FaultRow* second = find_fault(pair.second);
  if (hides(*first) == hides(*second) && random.chance(0.5)) std::swap(first, second);
  // Where both matter.
  const auto common = static_cast<PhaseMask>(first->phases & second->phases);
  FaultEvent event = draw_event(*first, draw_phase(common, random), s, random);
  place(event);
  s.faults.push_back(event);
  add_follower(*second, s, random);
  const auto& rows = drawn_rows();
  // Four make six pairs for the price of one.
  const std::size_t count = random.chance(kFourShare) ? 4 : 2 + random.below(2);
  for (int tries = 0; tries < 8 && s.faults.size() < count; ++tries) {
    const FaultRow& row = *rows[random.below(static_cast<std::uint32_t>(rows.size()))];
    if (fits(row, s)) add_follower(row, s, random);
  }
}

// The cells that a draw may use.
std::vector<Cell> cells_of(const Draw& draw) {
  std::vector<Cell> cells;
  for (const Cell& cell : reachable_cells()) {
    if (draw.row > 0 && cell.row != draw.row) continue;
    if (draw.machine != 0 && cell.seated != (draw.machine == 2)) continue;
    cells.push_back(cell);
  }
  return cells;
}

void draw_set(Scenario& s, bool plain, Random& random) {
  s.side = random.chance(0.5) ? 1 : 2;
  s.load_n = s.seated ? random.uniform(30.0, 110.0) : random.uniform(20.0, 75.0);
  s.reps = plain ? 3 + static_cast<int>(random.below(3)) : kShortReps;
  const Tempo& tempo = plain ? kTempi[random.below(4)] : kShortTempi[random.below(3)];
  s.out_s = tempo.out_s;
  s.hold_s = tempo.hold_s;
  s.back_s = tempo.back_s;
  if (random.chance(0.4)) {
    s.profile = "eccentric-emphasis";
    s.eccentric_ratio = random.uniform(1.0, 1.5);
  }
  s.range_rad = random.uniform(0.35, 0.55);
  s.sway_m = random.uniform(0.0, 0.003);
  s.tempo_cv = random.uniform(0.03, 0.09);
  if (random.chance(0.3)) {
    s.raise_after_reps = 1 + static_cast<int>(random.below(2));
    s.raise_n = std::max(random.uniform(-10.0, 10.0), -kLoweredShare * s.load_n);
  }
}

}  // namespace

const std::vector<const FaultRow*>& drawn_rows() {
  static const std::vector<const FaultRow*> drawn = [] {
    std::vector<const FaultRow*> rows;
    for (const FaultRow& row : fault_table()) {
      if (row.injector != Injector::kNone) rows.push_back(&row);
    }
    rows.push_back(find_fault(kEstopRow));
    return rows;
  }();
  return drawn;
}

const std::vector<Cell>& reachable_cells() {
  static const std::vector<Cell> cells = [] {
    std::vector<Cell> found;
    for (const FaultRow* row : drawn_rows()) {
      for (int phase = 0; phase < kFaultPhases; ++phase) {
        for (const bool seated : {false, true}) {
          const auto at = static_cast<FaultPhase>(phase);
          if (row->strikes(at, seated)) found.push_back({row->number, at, seated});
        }
      }
    }
    return found;
  }();
  return cells;
}

namespace {

struct Pairs {
  std::vector<Pair> reachable;
  std::vector<UnreachablePair> unreachable;
  Pairs() {
    const auto& rows = drawn_rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = i + 1; j < rows.size(); ++j) {
        const FaultRow &a = *rows[i], &b = *rows[j];
        if (const char* why = never_together(a, b)) {
          unreachable.push_back({{a.number, b.number}, why});
        } else if (hides(a) > hides(b)) {
          reachable.emplace_back(b.number, a.number);
        } else {
          reachable.emplace_back(a.number, b.number);
        }
      }
    }
  }
};

const Pairs& pairs() {
  static const Pairs all;
  return all;
}

}  // namespace

const std::vector<Pair>& reachable_pairs() {
  return pairs().reachable;
}

const std::vector<UnreachablePair>& unreachable_pairs() {
  return pairs().unreachable;
}

Scenario expand(std::uint64_t seed, const Draw& draw) {
  Random random(seed, 7);
  Scenario s;
  s.seed = seed;
  const bool seated = random.chance(kSeatedShare);
  s.seated = draw.machine == 0 ? seated : draw.machine == 2;
  // Fault-free, single, several take turns; within its turn a seed has its place in the deal.
  const std::uint64_t turn = draw.row > 0 ? 1 : seed % 3;
  const std::uint64_t number = draw.row > 0 ? seed : seed / 3;
  if (!draw.faults || turn == 0) {
    draw_set(s, true, random);
  } else if (turn == 1) {
    const std::vector<Cell> cells = cells_of(draw);
    if (cells.empty()) return s;
    const Cell cell = cells[dealt(number, cells.size())];
    s.seated = cell.seated;
    draw_set(s, false, random);
    s.faults.push_back(draw_event(*find_fault(cell.row), cell.phase, s, random));
    place(s.faults.back());
  } else {
    const Pair pair = pair_of(number, draw);
    const auto both = find_fault(pair.first)->machines & find_fault(pair.second)->machines;
    if ((both & kSeatedMachine) == 0) s.seated = false;
    draw_set(s, false, random);
    draw_pair(pair, s, random);
  }
  return s;
}

}  // namespace medius::sim
