#include <cstdio>

void say() {
  std::puts("late");
}
