#include <cmath>

double swing(double t) {
  return std::sin(t);
}
