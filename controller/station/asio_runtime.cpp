#include "controller/station/asio_runtime.hpp"

#include <cstdio>
#include <ctime>
#include <map>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

namespace medius::station {
namespace {

namespace asio = boost::asio;

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

struct AsioRuntime::Impl {
  explicit Impl(std::uint64_t first_id) : next_id(first_id) {}

  // The pool is destroyed first: its last work may still post to the context.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep{context.get_executor()};
  asio::signal_set signals{context};
  Task on_signal;
  // [control] Timers that have not run; a cancelled one is gone, whatever Asio has queued.
  std::map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
  TimerId next_timer = 1;
  std::uint64_t next_id;
  asio::thread_pool record{1};

  void wait_for_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      on_signal();
      wait_for_signal();
    });
  }
};

AsioRuntime::AsioRuntime(const Options& options)
    : impl_(std::make_unique<Impl>(options.first_id)) {}

AsioRuntime::~AsioRuntime() {
  impl_->record.join();
}

void AsioRuntime::run() {
  impl_->context.run();
}

void AsioRuntime::stop() {
  impl_->context.stop();
}

void AsioRuntime::on_signals(const std::vector<int>& signals, Task task) {
  for (const int signal : signals) impl_->signals.add(signal);
  impl_->on_signal = std::move(task);
  impl_->wait_for_signal();
}

// Asio's steady clock and the loop's tick source both read CLOCK_MONOTONIC.
std::int64_t AsioRuntime::monotonic_ns() const {
  return clock_ns(CLOCK_MONOTONIC);
}

std::int64_t AsioRuntime::wall_unix_ns() const {
  return clock_ns(CLOCK_REALTIME);
}

std::string AsioRuntime::new_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(impl_->next_id++));
  return text;
}

void AsioRuntime::post(Task task) {
  asio::post(impl_->context, std::move(task));
}

Runtime::TimerId AsioRuntime::at(std::int64_t monotonic_ns, Task task) {
  const TimerId id = impl_->next_timer++;
  const std::chrono::steady_clock::time_point due{std::chrono::nanoseconds(monotonic_ns)};
  auto timer = std::make_unique<asio::steady_timer>(impl_->context, due);
  timer->async_wait(
      [impl = impl_.get(), id, task = std::move(task)](const boost::system::error_code& error) {
        if (error || impl->timers.erase(id) == 0) return;
        task();
      });
  impl_->timers.emplace(id, std::move(timer));
  return id;
}

void AsioRuntime::cancel(TimerId timer) {
  impl_->timers.erase(timer);
}

void AsioRuntime::run_blocking(Task work, Task done) {
  asio::post(impl_->record, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    if (done) post(std::move(done));
  });
}

}  // namespace medius::station
