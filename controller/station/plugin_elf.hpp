// What a shared object would pull in when it is opened, read from the file before it is opened.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace medius::station {

struct ElfReferences {
  std::vector<std::string> libraries;  // DT_NEEDED
  std::vector<std::string> symbols;    // undefined symbols that relocations ask for
};

// [control] From the program headers and the relocations, which is what the loader itself follows;
// section headers may lie or be stripped. The error says what is wrong with the file.
[[nodiscard]] tl::expected<ElfReferences, std::string> read_elf_references(
    const std::vector<unsigned char>& file);

// [any] Whether a profile may refer to this symbol: memory and string functions, the C library's
// mathematics, and what compiler and loader add by themselves. No heap, lock, thread, clock, file,
// socket, process or loader. Inline system calls are beyond this check.
[[nodiscard]] bool symbol_allowed(const std::string& name);
[[nodiscard]] bool library_allowed(const std::string& name);

}  // namespace medius::station
