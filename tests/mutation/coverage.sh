#!/bin/sh
# Lines and branches of the safety kernel that its unit tests take, by gcov.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$root/build/coverage"
cd "$root/build/coverage"
rm -f ./*.gcda
g++ -std=c++20 -O0 --coverage -ffp-contract=off -fno-exceptions -fno-rtti -I"$root" -c "$root"/controller/safety/*.cpp
g++ -std=c++20 -O0 --coverage -I"$root" "$root"/tests/safety/*.cpp ./*.o "$root/controller/base/det_math.cpp" \
  -lgtest -lgtest_main -lrapidcheck -lpthread -o kernel_test
./kernel_test --gtest_brief=1
gcov -b bounds.gcno faults.gcno felt_force.gcno supervise.gcno torque.gcno | grep -A3 "File '.*controller/safety"
