// One table of every method: who may call it, and how often. What is not in it is denied.
#pragma once

#include <span>
#include <string_view>

#include "controller/access/role.hpp"

namespace medius::access {

// How often one peer may call, each kind with a token bucket of its own.
enum class Rate : std::uint8_t { kOrder, kRead, kStream, kStop, kCount };

struct Bucket {
  double per_second = 0.0;
  double burst = 0.0;
};

// [any] What a rate class allows one peer.
[[nodiscard]] Bucket bucket_of(Rate rate) noexcept;

// Whether a peer from elsewhere needs the lease of control.
enum class LeaseRule : std::uint8_t {
  kNone,     // reads, lets load out, or is about the lease itself
  kRaising,  // leads training on: needs it, but for lowering a load
};

struct MethodRule {
  std::string_view path;  // as on the wire: /package.Service/Method
  RoleSet roles;
  Rate rate = Rate::kOrder;
  LeaseRule lease = LeaseRule::kNone;
};

// [any] Every rule, for tests and for printing.
[[nodiscard]] std::span<const MethodRule> method_rules() noexcept;
// [any] Null when no rule names the method: deny it.
[[nodiscard]] const MethodRule* find_rule(std::string_view path) noexcept;

}  // namespace medius::access
