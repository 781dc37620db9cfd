// Remembers the first answer to each request id, so that a repeated order is applied once.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace medius::station {

// Bounded: when full the oldest answer is forgotten.
template <typename Answer>
class AnswerMemory {
 public:
  explicit AnswerMemory(std::size_t capacity) : capacity_(capacity) {}

  [[nodiscard]] const Answer* find(const std::string& request_id) const {
    const auto found = answers_.find(request_id);
    return found == answers_.end() ? nullptr : &found->second;
  }
  // The first answer stays; a later one to the same id is ignored.
  void remember(const std::string& request_id, Answer answer) {
    if (!answers_.emplace(request_id, std::move(answer)).second) return;
    order_.push_back(request_id);
    if (order_.size() <= capacity_) return;
    answers_.erase(order_.front());
    order_.pop_front();
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  std::size_t capacity_;
  std::unordered_map<std::string, Answer> answers_;  // looked up, never iterated: order is not ours
  std::deque<std::string> order_;
};

}  // namespace medius::station
