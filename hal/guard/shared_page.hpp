// Pages of POSIX shared memory between mediusd and medius-guard: created by the one that writes,
// readable and writable by its owner only, mapped read-only by the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "hal/guard/heartbeat.hpp"

namespace medius::guard {

// A mapping and, for the creator, the name that goes with it.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();  // unmaps; the creator removes the name too

  // Replaces what a dead process left; locked in memory. The error is one sentence.
  static tl::expected<SharedMemory, std::string> create(const std::string& name, std::size_t bytes);
  // Read-only. None when it is not there, too small, or not ours alone.
  static std::optional<SharedMemory> open(const std::string& name, std::size_t bytes);

  [[nodiscard]] void* data() const noexcept { return data_; }
  // Another page now has the name: what is mapped is a dead one's.
  [[nodiscard]] bool replaced() const noexcept;

 private:
  std::string name_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t inode_ = 0;
  bool owner_ = false;
};

// "/medius-heartbeat.NAME" and "/medius-guard.NAME". A name is letters, digits, '-' and '_'.
[[nodiscard]] std::string heartbeat_name(const std::string& name);
[[nodiscard]] std::string report_name(const std::string& name);
[[nodiscard]] bool valid_name(const std::string& name);

template <typename Content>
class OwnPage {
 public:
  static tl::expected<OwnPage, std::string> create(const std::string& name) {
    auto memory = SharedMemory::create(name, sizeof(Page<Content>));
    if (!memory) return tl::make_unexpected(memory.error());
    OwnPage page;
    page.memory_ = std::move(*memory);
    page.page_ = new (page.memory_.data()) Page<Content>;
    return page;
  }
  [[nodiscard]] Page<Content>* get() const noexcept { return page_; }

 private:
  SharedMemory memory_;
  Page<Content>* page_ = nullptr;
};

// Somebody else's page, looked up by name again and again until it is there.
template <typename Content>
class ForeignPage {
 public:
  explicit ForeignPage(std::string name) : name_(std::move(name)) {}

  // Maps it, or maps the one that has taken its name. System calls: not for every look.
  void refresh() {
    if (memory_ && !memory_->replaced()) return;
    memory_ = SharedMemory::open(name_, sizeof(Page<Content>));
    if (memory_ && !page()->ours()) memory_.reset();
  }
  [[nodiscard]] bool mapped() const noexcept { return memory_.has_value(); }
  // A few tries; false when not there, or when the writer died in the middle of a write.
  [[nodiscard]] bool read(Content& content) const noexcept {
    constexpr int kTries = 16;
    for (int i = 0; memory_ && i < kTries; ++i) {
      if (page()->content.try_load(content)) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] const Page<Content>* page() const noexcept {
    return static_cast<const Page<Content>*>(memory_->data());
  }
  std::string name_;
  std::optional<SharedMemory> memory_;
};

}  // namespace medius::guard
