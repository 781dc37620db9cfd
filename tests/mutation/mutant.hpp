// Which mutant is alive: compiled into the mutated copy of the sources only, see run.py.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

// What a test reaches is written at its end to the file that MEDIUS_MUTANT_REACHED names, one
// number a line, and the processor time it took.
class MediusReached {
 public:
  static void note(int number) noexcept {
    static MediusReached all;
    all.reached_[static_cast<std::size_t>(number) % kMost] = true;
  }

 private:
  static constexpr std::size_t kMost = 100'000;
  MediusReached() = default;
  ~MediusReached() {
    const char* path = std::getenv("MEDIUS_MUTANT_REACHED");
    std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
    if (file == nullptr) return;
    for (std::size_t i = 0; i < kMost; ++i) {
      if (reached_[i]) std::fprintf(file, "%zu\n", i);
    }
    std::fprintf(file, "cpu_s %.6f\n", static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
    std::fclose(file);
  }
  std::array<bool, kMost> reached_{};
};

inline int medius_active_mutant() noexcept {
  const char* text = std::getenv("MEDIUS_MUTANT");
  return text == nullptr ? 0 : std::atoi(text);
}

// Asked for at every expression: a plain variable, set before anything of ours runs, costs less
// than a static one of a function.
inline int medius_active = 0;
[[gnu::constructor(101)]] inline void medius_pick_mutant() noexcept {
  medius_active = medius_active_mutant();
}

// [any] True for the mutant whose number is in MEDIUS_MUTANT; no mutant has the number 0, and with
// -1 the numbers that are asked for are noted.
inline bool medius_mutant(int number) noexcept {
  if (__builtin_expect(number != medius_active && medius_active >= 0, 1)) return false;
  if (medius_active < 0) MediusReached::note(number);
  return number == medius_active;
}

template <typename T>
inline T medius_as_it_is(T x) noexcept {
  return x;
}

template <typename... T>
inline bool medius_always(const T&...) noexcept {
  return true;
}

template <typename T>
inline T medius_first(T x, T, T) noexcept {
  return x;
}

template <typename T>
inline T medius_smaller(T a, T b) noexcept {
  return a < b ? a : b;
}
