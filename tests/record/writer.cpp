// A process that writes sets and tells each acknowledgement on stdout, to be killed in the middle.
//   record_writer DIR SEED            until killed
//   record_writer DIR SEED --cost N   N sets, then the cost of close_set() in microseconds
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <unistd.h>

#include "controller/record/store.hpp"
#include "tests/record/fixtures.hpp"

namespace {

using namespace medius::record;
using medius::Random;

// One write(2) a line: a line is told whole or not at all.
void tell(const std::string& line) {
  const std::string whole = line + '\n';
  if (write(STDOUT_FILENO, whole.data(), whole.size()) < 0) std::exit(3);
}

std::string next_id(Store& store) {
  const auto id = store.next_id();
  if (!id) {
    std::fprintf(stderr, "%s\n", id.error().message.c_str());
    std::exit(4);
  }
  tell("id " + *id);
  return *id;
}

// False when the store refused something.
bool write_set(Store& store, Random& random, const std::string& session_id, double& cost_us) {
  const SetRecord set = test::random_set(random, next_id(store), session_id);
  if (!store.open_set(set)) return false;
  tell("open " + set.id);
  for (const auto& rep : set.reps) {
    if (!store.add_rep(set.id, rep)) return false;
  }
  if (!store.add_samples(set.id, test::lifelike_samples(random, 1000, 1, 1))) return false;
  const auto before = std::chrono::steady_clock::now();
  const auto stored = store.close_set(set);
  if (!stored) return false;
  const std::chrono::duration<double, std::micro> cost = std::chrono::steady_clock::now() - before;
  cost_us = cost.count();
  tell("ack " + set.id + " " + std::to_string(test::fingerprint(set)) + " " +
       std::to_string(stored->sequence));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const bool measure = argc == 5 && std::strcmp(argv[3], "--cost") == 0;
  const int count = measure ? std::atoi(argv[4]) : -1;
  auto store = Store::open(argv[1]);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  tell("ready");
  Random random(std::strtoull(argv[2], nullptr, 10));
  std::vector<double> costs_us;
  std::string session_id;
  for (int i = 0; i != count; ++i) {
    if (i % 4 == 0) {
      session_id = next_id(**store);
      if (!(*store)->put_session(test::random_session(random, session_id))) return 5;
    }
    double cost_us = 0.0;
    if (!write_set(**store, random, session_id, cost_us)) return 5;
    if (measure) costs_us.push_back(cost_us);
  }
  std::sort(costs_us.begin(), costs_us.end());
  if (!costs_us.empty()) {
    std::fprintf(stderr, "close_set: %zu sets, p50 %.0f us, p99 %.0f us, max %.0f us\n",
                 costs_us.size(), costs_us[costs_us.size() / 2],
                 costs_us[costs_us.size() * 99 / 100], costs_us.back());
  }
  return 0;
}
