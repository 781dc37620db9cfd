#include "controller/base/det_math.hpp"

#include <bit>
#include <cstdint>
#include <limits>

#include "controller/base/clamp.hpp"

namespace medius::det {
namespace {

// pi/2 in three parts, the first two exact in 33 bits, so that k * part is exact for |k| < 2^20.
constexpr double kHalfPiHigh = 0x1.921fb544p0;
constexpr double kHalfPiMid = 0x1.0b4611a6p-34;
constexpr double kHalfPiLow = 0x1.3198a2e037073p-69;
constexpr double kAngleMax = 1e6;  // |k| < 2^20 holds up to 1.6e6 rad
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// 2^k for -1022 <= k <= 1023, from the bits.
double power_of_two(int k) noexcept {
  return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

// Nearest integer, halves away from zero; |x| < 2^31.
int nearest(double x) noexcept {
  return static_cast<int>(x < 0.0 ? x - 0.5 : x + 0.5);
}

// Taylor series on |r| <= pi/4: the first omitted term is below 1e-17.
double sin_kernel(double r) noexcept {
  const double s = r * r;
  double p = 1.0 / 355687428096000.0;
  p = p * s - 1.0 / 1307674368000.0;
  p = p * s + 1.0 / 6227020800.0;
  p = p * s - 1.0 / 39916800.0;
  p = p * s + 1.0 / 362880.0;
  p = p * s - 1.0 / 5040.0;
  p = p * s + 1.0 / 120.0;
  p = p * s - 1.0 / 6.0;
  return r + r * s * p;
}

double cos_kernel(double r) noexcept {
  const double s = r * r;
  double p = 1.0 / 20922789888000.0;
  p = p * s - 1.0 / 87178291200.0;
  p = p * s + 1.0 / 479001600.0;
  p = p * s - 1.0 / 3628800.0;
  p = p * s + 1.0 / 40320.0;
  p = p * s - 1.0 / 720.0;
  p = p * s + 1.0 / 24.0;
  p = p * s - 0.5;
  return 1.0 + s * p;
}

}  // namespace

SinCos sin_cos(double x) noexcept {
  // Also keeps the conversion to an integer defined.
  if (!(absolute(x) <= kAngleMax)) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, kNaN};
  }
  const int k = nearest(x * (2.0 / kPi));
  const double n = static_cast<double>(k);
  const double r = ((x - n * kHalfPiHigh) - n * kHalfPiMid) - n * kHalfPiLow;
  const double s = sin_kernel(r);
  const double c = cos_kernel(r);
  switch (k & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

double sin(double x) noexcept {
  return sin_cos(x).sin;
}
double cos(double x) noexcept {
  return sin_cos(x).cos;
}

double exp(double x) noexcept {
  if (x != x) return x;
  if (x < -745.0) return 0.0;
  if (x > 709.0) return std::numeric_limits<double>::max();
  const int k = nearest(x * 1.44269504088896340736);
  const double n = static_cast<double>(k);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor series on |r| <= ln(2)/2: the first omitted term is below 1e-17.
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  const double e = 1.0 + (r + r * r * p);
  // In two halves, so that results near the ends of the range do not overflow on the way.
  const int half = k / 2;
  return e * power_of_two(half) * power_of_two(k - half);
}

double log(double x) noexcept {
  if (x != x) return x;
  if (!(x > 0.0)) return -std::numeric_limits<double>::max();
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000f'ffff'ffff'ffffu) | 0x3ff0'0000'0000'0000u);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++k;
  }
  // log(m) = 2 atanh(s), |s| < 0.1716: the first omitted term is below 1e-18.
  const double s = (m - 1.0) / (m + 1.0);
  const double t = s * s;
  double p = 1.0 / 21.0;
  for (int odd = 19; odd >= 3; odd -= 2) p = p * t + 1.0 / static_cast<double>(odd);
  const double n = static_cast<double>(k);
  return n * kLn2High + (2.0 * s + (2.0 * s * t * p + n * kLn2Low));
}

double pow(double x, double y) noexcept {
  return exp(y * log(x));
}

double sqrt(double x) noexcept {
  return x > 0.0 ? __builtin_sqrt(x) : 0.0;
}

double atan(double x) noexcept {
  // atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))), twice: |r| < 0.1990 remains.
  double r = x;
  if (absolute(r) > 1e150) return r > 0.0 ? kPi / 2 : -kPi / 2;
  r = r / (1.0 + sqrt(1.0 + r * r));
  r = r / (1.0 + sqrt(1.0 + r * r));
  r = r / (1.0 + sqrt(1.0 + r * r));
  const double t = r * r;
  double p = 1.0 / 21.0;
  for (int odd = 19; odd >= 3; odd -= 2) p = 1.0 / static_cast<double>(odd) - p * t;
  return 8.0 * (r - r * t * p);
}

double atan2(double y, double x) noexcept {
  if (x != x) return x;
  if (y != y) return y;
  if (x > 0.0) return atan(y / x);
  if (x < 0.0) return y >= 0.0 ? atan(y / x) + kPi : atan(y / x) - kPi;
  if (y > 0.0) return kPi / 2;
  return y < 0.0 ? -kPi / 2 : 0.0;
}

}  // namespace medius::det
