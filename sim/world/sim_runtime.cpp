#include "sim/world/sim_runtime.hpp"

#include <cstdio>
#include <utility>

namespace medius::sim {

SimRuntime::SimRuntime(std::uint64_t seed, std::int64_t wall_start_unix_ns)
    : wall_start_unix_ns_(wall_start_unix_ns), next_id_((seed << 24) & 0x0fff'ffff'ff00'0000u) {}

std::string SimRuntime::new_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(++next_id_));
  return text;
}

void SimRuntime::post(Task task) {
  at(now_ns_, std::move(task));
}

SimRuntime::TimerId SimRuntime::at(std::int64_t monotonic_ns, Task task) {
  const std::int64_t due = monotonic_ns > now_ns_ ? monotonic_ns : now_ns_;
  const TimerId id = next_timer_++;
  queue_.emplace(Key{due, id}, std::move(task));
  due_.emplace(id, due);
  return id;
}

void SimRuntime::cancel(TimerId timer) {
  const auto found = due_.find(timer);
  if (found == due_.end()) return;
  queue_.erase(Key{found->second, timer});
  due_.erase(found);
}

void SimRuntime::run_blocking(Task work, Task done) {
  at(now_ns_ + store_delay_ns_, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    if (done) post(std::move(done));
  });
}

void SimRuntime::advance_to(std::int64_t monotonic_ns) {
  while (!queue_.empty() && queue_.begin()->first.first <= monotonic_ns) {
    auto node = queue_.extract(queue_.begin());
    if (node.key().first > now_ns_) now_ns_ = node.key().first;
    due_.erase(node.key().second);
    node.mapped()();
  }
  now_ns_ = monotonic_ns;
}

std::int64_t SimRuntime::next_event_ns() const {
  return queue_.empty() ? INT64_MAX : queue_.begin()->first.first;
}

}  // namespace medius::sim
