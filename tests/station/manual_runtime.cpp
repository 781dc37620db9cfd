#include "tests/station/manual_runtime.hpp"

#include <cstdio>

namespace medius::station::test {

std::string ManualRuntime::new_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(next_id_++));
  return text;
}

Runtime::TimerId ManualRuntime::at(std::int64_t monotonic_ns, Task task) {
  const std::int64_t due = monotonic_ns > now_ns_ ? monotonic_ns : now_ns_;
  const TimerId id = next_timer_++;
  queue_.emplace(Key{due, id}, std::move(task));
  due_.emplace(id, due);
  return id;
}

void ManualRuntime::cancel(TimerId timer) {
  const auto found = due_.find(timer);
  if (found == due_.end()) return;
  queue_.erase(Key{found->second, timer});
  due_.erase(found);
}

void ManualRuntime::run_blocking(Task work, Task done) {
  Task job = [this, work = std::move(work), done = std::move(done)] {
    work();
    post(done);
  };
  if (record_stalled_) {
    record_backlog_.push_back(std::move(job));
  } else {
    post(std::move(job));
  }
}

void ManualRuntime::stall_record_thread(bool stalled) {
  record_stalled_ = stalled;
  if (stalled) return;
  for (Task& job : record_backlog_) post(std::move(job));
  record_backlog_.clear();
}

void ManualRuntime::advance(std::int64_t by_ns) {
  const std::int64_t end = now_ns_ + by_ns;
  while (!queue_.empty() && queue_.begin()->first.first <= end) {
    auto node = queue_.extract(queue_.begin());
    now_ns_ = node.key().first;
    due_.erase(node.key().second);
    node.mapped()();
  }
  now_ns_ = end;
}

}  // namespace medius::station::test
