// Faults that a hand asks for by what fails and how: a menu over the failure table and over rows
// of its own, which no campaign draws but the emergency stop. Scenario files, medius-sim and its
// clients share the words.
#pragma once

#include <span>
#include <string_view>

#include "sim/faults/fault_table.hpp"

namespace medius::sim {

struct MenuEntry {
  const char* target = "";  // encoder, load-cell, drive, link, station, person
  const char* kind = "";    // stuck, slow, ...
  int row = 0;              // find_fault() has it
};

// [any]
[[nodiscard]] std::span<const MenuEntry> fault_menu() noexcept;
// Numbers from 201 on.
[[nodiscard]] std::span<const FaultRow> on_demand_rows() noexcept;
// Null when there is none.
[[nodiscard]] const MenuEntry* find_on_menu(std::string_view target,
                                            std::string_view kind) noexcept;
[[nodiscard]] const MenuEntry* find_on_menu(int row) noexcept;
// "encoder stuck"; a row that is not on the menu has its own name.
[[nodiscard]] const char* fault_name(int row) noexcept;

// Between the frames of a link, not in what they say: a server of frames acts it out.
[[nodiscard]] bool is_of_frames(Injector injector) noexcept;
// Of signals, drive or link: FaultyImage acts it out.
[[nodiscard]] bool is_of_image(Injector injector) noexcept;

}  // namespace medius::sim
