// Remembers the first answer to each request id, so that a repeated order is applied once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
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

// The ids of what was carried out, for long after its answer is forgotten: an order that comes
// again so late is refused instead of carried out twice. Eight bytes of each id are kept; two ids
// that share them, less than one pair in 10^9 memories of 131,072, cost the later one a refusal,
// nothing else.
class UsedIds {
 public:
  // When full the oldest id is forgotten.
  explicit UsedIds(std::size_t capacity) : capacity_(capacity) {}

  void add(const std::string& id) {
    const std::uint64_t digest = digest_of(id);
    if (!digests_.insert(digest).second) return;
    order_.push_back(digest);
    if (order_.size() <= capacity_) return;
    digests_.erase(order_.front());
    order_.pop_front();
  }
  [[nodiscard]] bool contains(const std::string& id) const {
    return digests_.contains(digest_of(id));
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  static std::uint64_t digest_of(const std::string& id) { return std::hash<std::string>{}(id); }

  std::size_t capacity_;
  std::unordered_set<std::uint64_t> digests_;  // looked up, never iterated: order is not ours
  std::deque<std::uint64_t> order_;
};

}  // namespace medius::station
