// Which planted bug is alive: included by the patched copy of the sources only, see run.py.
#pragma once

#include <cstdlib>
#include <cstring>

// [any] True when MEDIUS_PLANTED names this bug; looked up once a place.
#define PLANTED(name)                                             \
  ([]() noexcept {                                                \
    static const bool alive = [] {                                \
      const char* active = std::getenv("MEDIUS_PLANTED");         \
      return active != nullptr && std::strcmp(active, name) == 0; \
    }();                                                          \
    return alive;                                                 \
  }())
