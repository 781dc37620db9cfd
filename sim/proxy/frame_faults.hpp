// What the faults in force make of one frame. Pure: no clock, no descriptor; the same seed and the
// same frames give the same verdicts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "controller/base/random.hpp"
#include "sim/proxy/fault.hpp"

namespace medius::sim::proxy {

struct Verdict {
  enum class Cut : std::uint8_t { kNone, kReset, kHalfClose };

  Bytes bytes;  // what is sent; empty: nothing
  int copies = 1;
  std::int64_t delay_ns = 0;  // before it is sent
  std::int64_t wire_ns = 0;   // for which the direction is busy before the frame counts as sent
  std::int64_t gap_ns = 0;    // between bytes; 0: all at once
  bool held = false;          // until the next frame of its direction has been sent
  Cut cut = Cut::kNone;
  std::string done;                  // names of the faults that acted, for the log
  std::vector<std::uint32_t> ended;  // faults whose count is used up
};

class FrameFaults {
 public:
  FrameFaults(Wire wire, std::uint64_t seed) : wire_(wire), random_(seed) {}

  void add(std::uint32_t id, const FaultSpec& fault) { faults_.push_back({id, fault, 0}); }
  [[nodiscard]] bool remove(std::uint32_t id);  // false: not there any more
  [[nodiscard]] bool stands(FaultKind kind) const noexcept;
  [[nodiscard]] int standing() const noexcept { return static_cast<int>(faults_.size()); }
  [[nodiscard]] std::vector<std::uint32_t> ids() const;

  [[nodiscard]] Verdict judge(Way way, const Bytes& frame);

 private:
  struct Standing {
    std::uint32_t id;
    FaultSpec spec;
    int used;
  };
  using Kind = std::tuple<std::uint8_t, std::uint8_t, std::size_t>;  // unit, function, size

  void act(const FaultSpec& fault, const FrameInfo& info, Verdict& verdict);
  void turn_bits(int bits, Bytes& bytes);
  void make_stale(int by, const FrameInfo& info, Bytes& bytes);
  void remember(const FrameInfo& info, const Bytes& frame);

  Wire wire_;
  Random random_;
  std::vector<Standing> faults_;
  std::map<Kind, std::deque<Bytes>> replies_;  // the latest last
};

}  // namespace medius::sim::proxy
