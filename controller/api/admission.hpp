// How many calls of each kind may run at once. gRPC's synchronous server gives every call a thread
// out of a bounded number; these bounds keep threads free for Stop whatever else is asked.
#pragma once

#include <atomic>

namespace medius::api {

inline constexpr int kMaxWatches = 16;
inline constexpr int kMaxSampleStreams = 12;  // ten watch a session, and room to come back
inline constexpr int kMaxReads = 2;           // recorded samples: each holds a whole set in memory
inline constexpr int kMaxUnary = 16;          // orders but Stop, and queries
// The sum above, and a reserve for Stop, health, reflection and gRPC's own pollers.
inline constexpr int kMaxThreads = kMaxWatches + kMaxSampleStreams + kMaxReads + kMaxUnary + 22;

class Gate {
 public:
  explicit Gate(int places) : places_(places) {}

  // [grpc] A place held while the object lives; test it before going on.
  class Place {
   public:
    explicit Place(Gate& gate) : gate_(gate), held_(gate.used_.fetch_add(1) < gate.places_) {}
    ~Place() { gate_.used_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    explicit operator bool() const { return held_; }

   private:
    Gate& gate_;
    bool held_;
  };

  [[nodiscard]] int places() const { return places_; }

 private:
  const int places_;
  std::atomic<int> used_{0};
};

}  // namespace medius::api
