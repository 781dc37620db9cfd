// Who may do what: the roles a certificate can carry, and sets of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace medius::access {

enum class Role : std::uint8_t { kObserver, kTrainer, kTherapist, kTechnician, kAdmin };
inline constexpr std::array kRoles = {Role::kObserver, Role::kTrainer, Role::kTherapist,
                                      Role::kTechnician, Role::kAdmin};

[[nodiscard]] constexpr std::string_view to_string(Role role) noexcept {
  constexpr std::array<std::string_view, kRoles.size()> kWords = {
      "observer", "trainer", "therapist", "technician", "admin"};
  return kWords[static_cast<std::size_t>(role)];
}

[[nodiscard]] constexpr std::optional<Role> role_from(std::string_view word) noexcept {
  for (const Role role : kRoles) {
    if (to_string(role) == word) return role;
  }
  return std::nullopt;
}

// A set of roles, one bit each.
struct RoleSet {
  std::uint8_t bits = 0;
  [[nodiscard]] constexpr bool has(Role role) const noexcept {
    return (bits >> static_cast<unsigned>(role) & 1u) != 0;
  }
};

template <typename... Roles>
[[nodiscard]] constexpr RoleSet roles(Roles... role) noexcept {
  return {static_cast<std::uint8_t>((0u | ... | (1u << static_cast<unsigned>(role))))};
}

}  // namespace medius::access
