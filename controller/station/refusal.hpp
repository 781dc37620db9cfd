// Why something was refused.
#pragma once

#include <cstdint>
#include <string>

namespace medius::station {

// Maps to a gRPC status; the message says thing, value, limit, next step.
enum class RefusalCode : std::uint8_t {
  kInvalid = 0,      // a value nobody could accept            -> INVALID_ARGUMENT
  kNotFound,         // unknown program, profile, ...          -> NOT_FOUND
  kWrongState,       // not now                                -> FAILED_PRECONDITION
  kVersionConflict,  // expected_version is stale              -> ABORTED
  kOverLimit,        // beyond a limit, named                  -> OUT_OF_RANGE
  kExpired,          // time to live has passed                -> DEADLINE_EXCEEDED
  kBusy,             // a queue is full                        -> RESOURCE_EXHAUSTED
  kUnavailable,      // no machine, store broken               -> UNAVAILABLE
  kNoLease,          // somebody else leads, or nobody may yet -> FAILED_PRECONDITION
  kStaleLease,       // given under a lease that is over       -> ABORTED
  kNotAllowed,       // somebody else decides this             -> PERMISSION_DENIED
};

struct Refusal {
  RefusalCode code = RefusalCode::kInvalid;
  std::string message;
};

}  // namespace medius::station
