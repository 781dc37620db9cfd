// Phase of a repetition: the words that the loop, the profiles, the store and the API share.
#pragma once

#include <cstdint>

namespace medius::measure {

// Same values as medius_phase_t, plus slack.
enum class Phase : std::uint8_t {
  kRest = 0,        // no repetition under way
  kConcentric = 1,  // the person moves the load out
  kHold = 2,        // still at the peak
  kEccentric = 3,   // the load moves the person back
  kBottom = 4,      // between an eccentric and the next concentric
  kSlack = 5,       // no tension: the repetition under way waits for it
};

// Full and partial stay provisional until the range of motion is known.
enum class RepKind : std::uint8_t { kFull = 0, kPartial = 1, kRejected = 2 };

enum class RepRejection : std::uint8_t {
  kNone = 0,
  kTooShort,    // rise below the floor of the counter
  kSlack,       // tension was lost on the way
  kUnfinished,  // the set ended, or the person turned, before the return
  kLinkLost,    // samples are missing
};

}  // namespace medius::measure
