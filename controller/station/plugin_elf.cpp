#include "controller/station/plugin_elf.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include <elf.h>

namespace medius::station {
namespace {

// Bounds-checked view of the file.
class Reader {
 public:
  explicit Reader(const std::vector<unsigned char>& file) : file_(file) {}

  template <class T>
  [[nodiscard]] std::optional<T> at(std::uint64_t offset) const {
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }

  [[nodiscard]] std::optional<std::string> text(std::uint64_t offset) const {
    std::string result;
    for (; offset < file_.size(); ++offset) {
      if (file_[offset] == 0) return result;
      result.push_back(static_cast<char>(file_[offset]));
    }
    return std::nullopt;
  }

 private:
  const std::vector<unsigned char>& file_;
};

struct Dynamic {
  std::uint64_t symbols = 0, strings = 0;
  std::uint64_t rela = 0, rela_size = 0;
  std::uint64_t plt = 0, plt_size = 0;
  std::vector<std::uint64_t> needed;
};

constexpr std::uint64_t kNowhere = UINT64_MAX;

std::uint64_t file_offset(const std::vector<Elf64_Phdr>& segments, std::uint64_t address) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return kNowhere;
}

tl::expected<std::vector<Elf64_Phdr>, std::string> read_segments(const Reader& reader) {
  const auto header = reader.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
    return tl::unexpected(std::string("is not a shared object"));
  }
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_type != ET_DYN || header->e_phentsize != sizeof(Elf64_Phdr)) {
    return tl::unexpected(std::string("is not a 64-bit little-endian shared object"));
  }
  std::vector<Elf64_Phdr> segments;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = reader.at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return tl::unexpected(std::string("is cut short"));
    segments.push_back(*segment);
  }
  return segments;
}

tl::expected<Dynamic, std::string> read_dynamic(const Reader& reader,
                                                const std::vector<Elf64_Phdr>& segments) {
  const auto dynamic = std::find_if(segments.begin(), segments.end(),
                                    [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; });
  if (dynamic == segments.end()) return tl::unexpected(std::string("has no dynamic section"));
  Dynamic result;
  for (std::uint64_t at = 0; at < dynamic->p_memsz; at += sizeof(Elf64_Dyn)) {
    const auto entry = reader.at<Elf64_Dyn>(dynamic->p_offset + at);
    if (!entry) return tl::unexpected(std::string("is cut short"));
    const std::uint64_t value = entry->d_un.d_val;
    switch (entry->d_tag) {
      case DT_NULL:
        return result;
      case DT_SYMTAB:
        result.symbols = value;
        break;
      case DT_STRTAB:
        result.strings = value;
        break;
      case DT_RELA:
        result.rela = value;
        break;
      case DT_RELASZ:
        result.rela_size = value;
        break;
      case DT_JMPREL:
        result.plt = value;
        break;
      case DT_PLTRELSZ:
        result.plt_size = value;
        break;
      case DT_NEEDED:
        result.needed.push_back(value);
        break;
      case DT_REL:
        return tl::unexpected(
            std::string("uses relocations without addends, which no 64-bit tool chain makes"));
      default:
        break;
    }
  }
  return tl::unexpected(std::string("has a dynamic section without an end"));
}

tl::expected<void, std::string> read_relocations(const Reader& reader,
                                                 const std::vector<Elf64_Phdr>& segments,
                                                 const Dynamic& dynamic, std::uint64_t address,
                                                 std::uint64_t size,
                                                 std::vector<std::string>& symbols) {
  for (std::uint64_t at = 0; at < size; at += sizeof(Elf64_Rela)) {
    const auto relocation = reader.at<Elf64_Rela>(file_offset(segments, address + at));
    if (!relocation) return tl::unexpected(std::string("is cut short"));
    const std::uint64_t index = ELF64_R_SYM(relocation->r_info);
    if (index == 0) continue;
    const auto symbol =
        reader.at<Elf64_Sym>(file_offset(segments, dynamic.symbols + index * sizeof(Elf64_Sym)));
    if (!symbol) return tl::unexpected(std::string("is cut short"));
    if (symbol->st_shndx != SHN_UNDEF) continue;
    const auto name = reader.text(file_offset(segments, dynamic.strings + symbol->st_name));
    if (!name) return tl::unexpected(std::string("is cut short"));
    if (std::find(symbols.begin(), symbols.end(), *name) == symbols.end()) symbols.push_back(*name);
  }
  return {};
}

}  // namespace

tl::expected<ElfReferences, std::string> read_elf_references(
    const std::vector<unsigned char>& file) {
  const Reader reader(file);
  const auto segments = read_segments(reader);
  if (!segments) return tl::unexpected(segments.error());
  const auto dynamic = read_dynamic(reader, *segments);
  if (!dynamic) return tl::unexpected(dynamic.error());
  ElfReferences references;
  for (const std::uint64_t needed : dynamic->needed) {
    const auto name = reader.text(file_offset(*segments, dynamic->strings + needed));
    if (!name) return tl::unexpected(std::string("is cut short"));
    references.libraries.push_back(*name);
  }
  for (const auto& [address, size] :
       {std::pair{dynamic->rela, dynamic->rela_size}, std::pair{dynamic->plt, dynamic->plt_size}}) {
    const auto read =
        read_relocations(reader, *segments, *dynamic, address, size, references.symbols);
    if (!read) return tl::unexpected(read.error());
  }
  return references;
}

bool symbol_allowed(const std::string& name) {
  static constexpr std::string_view kAllowed[] = {
      // the compiler calls these for plain copies and comparisons
      "memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp", "strncmp", "__memcpy_chk",
      "__memset_chk", "__memmove_chk",
      // added by compiler and start files
      "__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable",
      "_ITM_registerTMCloneTable", "__stack_chk_fail", "__cxa_pure_virtual",
      // mathematics
      "acos", "asin", "atan", "atan2", "cbrt", "ceil", "copysign", "cos", "cosh", "exp", "exp2",
      "expm1", "fabs", "fdim", "floor", "fma", "fmax", "fmin", "fmod", "hypot", "log", "log10",
      "log1p", "log2", "lround", "nearbyint", "pow", "remainder", "rint", "round", "sin", "sincos",
      "sinh", "sqrt", "tan", "tanh", "trunc"};
  if (std::find(std::begin(kAllowed), std::end(kAllowed), name) != std::end(kAllowed)) return true;
  if (name.size() > 1 && name.back() == 'f') {  // the same in single precision
    const std::string stem = name.substr(0, name.size() - 1);
    const auto first = std::find(std::begin(kAllowed), std::end(kAllowed), "acos");
    return std::find(first, std::end(kAllowed), stem) != std::end(kAllowed);
  }
#ifdef MEDIUS_SANITIZED
  for (const char* prefix : {"__asan_", "__ubsan_", "__tsan_", "__sanitizer_"}) {
    if (name.rfind(prefix, 0) == 0) return true;
  }
#endif
  return false;
}

bool library_allowed(const std::string& name) {
  // A compiler driver names its run-time libraries whether they are used or not.
  for (const char* stem : {"libc.so", "libm.so", "libgcc_s.so", "libstdc++.so", "ld-linux"}) {
    if (name.rfind(stem, 0) == 0) return true;
  }
#ifdef MEDIUS_SANITIZED
  for (const char* stem : {"libasan.so", "libubsan.so", "libtsan.so"}) {
    if (name.rfind(stem, 0) == 0) return true;
  }
#endif
  return false;
}

}  // namespace medius::station
