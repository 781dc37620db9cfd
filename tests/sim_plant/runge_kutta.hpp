// One step of the classical fourth-order Runge-Kutta method: what the plants' own integration is
// held against.
#pragma once

#include <array>
#include <cstddef>

namespace medius::test {

// `rate(state)` gives the state's derivative.
template <std::size_t kStates, typename Rate>
void runge_kutta(std::array<double, kStates>& s, double dt, const Rate& rate) {
  using Vector = std::array<double, kStates>;
  const auto add = [](const Vector& a, const Vector& b, double k) {
    Vector r;
    for (std::size_t i = 0; i < a.size(); ++i) r[i] = a[i] + k * b[i];
    return r;
  };
  const Vector k1 = rate(s);
  const Vector k2 = rate(add(s, k1, dt / 2));
  const Vector k3 = rate(add(s, k2, dt / 2));
  const Vector k4 = rate(add(s, k3, dt));
  for (std::size_t i = 0; i < s.size(); ++i) {
    s[i] += dt / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
  }
}

}  // namespace medius::test
