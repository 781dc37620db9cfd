#include "client/watcher.hpp"

namespace medius::client {

Watcher::Watcher(const Connection& connection, bool present)
    : connection_(connection), present_(present), thread_([this] { run(); }) {}

Watcher::~Watcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  changed_.notify_all();
  thread_.join();
}

std::vector<v1::Station> Watcher::take(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, longest, [&] { return !waiting_.empty(); });
  std::vector<v1::Station> out(std::make_move_iterator(waiting_.begin()),
                               std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return out;
}

grpc::Status Watcher::last_error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Watcher::run() {
  constexpr std::chrono::milliseconds kAgain{300};
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    follow_once();
    connected_ = false;
    lock.lock();
    changed_.wait_for(lock, kAgain, [&] { return stop_; });
  }
}

void Watcher::follow_once() {
  grpc::ClientContext context;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    context_ = &context;
  }
  v1::WatchStationRequest request;
  request.set_name("stations/-");
  if (present_) request.set_client_name(connection_.options().name);
  const auto reader = connection_.station().WatchStation(&context, request);
  v1::WatchStationResponse response;
  while (reader->Read(&response)) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() == kWaiting) waiting_.pop_front();
      waiting_.push_back(std::move(*response.mutable_station()));
    }
    connected_ = true;
    changed_.notify_all();
  }
  const grpc::Status status = reader->Finish();
  const std::lock_guard lock(mutex_);
  error_ = status;
  context_ = nullptr;
}

}  // namespace medius::client
