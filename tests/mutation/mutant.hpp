// Which mutant is alive: compiled into the mutated copy of the sources only, see run.py.
#pragma once

#include <cstdlib>

// [any] True for the mutant whose number is in MEDIUS_MUTANT; no mutant has the number 0.
inline bool medius_mutant(int number) noexcept {
  static const int active = [] {
    const char* text = std::getenv("MEDIUS_MUTANT");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return number == active;
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
