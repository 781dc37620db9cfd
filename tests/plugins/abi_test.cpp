// The C ABI is the same for C and C++ and does not move unnoticed; what is shipped exports one
// symbol and needs nothing that a profile may not have.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "controller/station/plugin_elf.hpp"
#include "plugins/abi/medius/plugin.h"
#include "tests/plugins/abi_layout.h"
#include "tests/plugins/shipped.hpp"

namespace {

constexpr abi_layout_row kLayout[] = {
#include "tests/plugins/abi_layout.inc"
};

std::vector<std::string> lines(const abi_layout_row* rows, std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(std::string(rows[i].name) + " " + std::to_string(rows[i].value));
  }
  return result;
}

TEST(PluginAbi, HasTheSameLayoutInCAndCpp) {
  EXPECT_EQ(lines(kLayout, std::size(kLayout)), lines(abi_layout_c, abi_layout_c_count));
}

TEST(PluginAbi, MatchesItsGoldenLayout) {
  std::ifstream file(MEDIUS_SOURCE_DIR "/tests/plugins/abi_layout.golden");
  std::vector<std::string> golden;
  for (std::string line; std::getline(file, line);) golden.push_back(line);
  EXPECT_EQ(lines(kLayout, std::size(kLayout)), golden)
      << "the ABI changed: raise its minor version, say so in plugins/abi/CHANGELOG.md, then renew "
         "tests/plugins/abi_layout.golden";
}

TEST(PluginAbi, ReadsAMemberOnlyWhenTheStructIsLongEnough) {
  medius_step_out_t out{};
  out.size = offsetof(medius_step_out_t, force);
  EXPECT_FALSE(MEDIUS_HAS(&out, medius_step_out_t, force));
  out.size = sizeof(out);
  EXPECT_TRUE(MEDIUS_HAS(&out, medius_step_out_t, force));
  out.size = sizeof(out) + 16;  // a host of the future
  EXPECT_TRUE(MEDIUS_HAS(&out, medius_step_out_t, force));
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) {
    text += part.data();
  }
  ::pclose(pipe);
  return text;
}

std::vector<unsigned char> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ShippedProfile : public testing::TestWithParam<const char*> {
 protected:
  std::string path_ = std::string(MEDIUS_PLUGIN_DIR "/") + GetParam() + ".so";
};

TEST_P(ShippedProfile, ExportsItsEntryAndNothingElse) {
  const std::string symbols = output_of("nm -D --defined-only --format=just-symbols " + path_);
  EXPECT_EQ(symbols, "medius_entry\n");
}

TEST_P(ShippedProfile, NeedsNoFunctionButWhatTheToolChainAdds) {
  const auto references = medius::station::read_elf_references(bytes_of(path_));
  ASSERT_TRUE(references.has_value()) << references.error();
  for (const std::string& symbol : references->symbols) {
    EXPECT_TRUE(medius::station::symbol_allowed(symbol)) << symbol;
    // No mathematics but sqrt, which IEEE 754 defines: of the rest the C library picks variants by
    // processor, and the bits would differ.
    EXPECT_TRUE(symbol.rfind("_", 0) == 0 || symbol.rfind("mem", 0) == 0 || symbol == "sqrt")
        << symbol;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ShippedProfile, testing::ValuesIn(medius::test::kShippedProfiles));

// The reader must find what the loader would bind; binutils is the judge.
TEST_P(ShippedProfile, RefersToWhatBinutilsSees) {
  const auto references = medius::station::read_elf_references(bytes_of(path_));
  ASSERT_TRUE(references.has_value()) << references.error();
  const std::string judged = output_of("nm -D --undefined-only --format=just-symbols " + path_);
  for (const std::string& symbol : references->symbols) {
    EXPECT_NE(judged.find(symbol), std::string::npos) << symbol;
  }
}

TEST(PluginSymbols, TheListLetsMathematicsInAndKeepsTheRestOut) {
  for (const char* good : {"memcpy", "sin", "sinf", "sqrt", "fmaxf", "__stack_chk_fail"}) {
    EXPECT_TRUE(medius::station::symbol_allowed(good)) << good;
  }
  for (const char* bad : {"malloc",
                          "free",
                          "calloc",
                          "realloc",
                          "_Znwm",
                          "_ZdlPv",
                          "pthread_mutex_lock",
                          "pthread_create",
                          "open",
                          "read",
                          "write",
                          "socket",
                          "dlopen",
                          "dlsym",
                          "time",
                          "clock_gettime",
                          "gettimeofday",
                          "rand",
                          "getenv",
                          "printf",
                          "syscall",
                          "fork",
                          "memcpyf",
                          "nanosleep",
                          "__tls_get_addr",
                          "longjmp",
                          "abort",
                          "exit",
                          ""}) {
    EXPECT_FALSE(medius::station::symbol_allowed(bad)) << bad;
  }
}

TEST(PluginSymbols, DamagedFilesAreRefusedWithoutReadingOutsideThem) {
  const auto good = bytes_of(MEDIUS_PLUGIN_DIR "/constant_tension.so");
  ASSERT_GT(good.size(), 4096u);
  for (std::size_t size = 0; size < good.size(); size += size < 1024 ? 1 : 97) {
    const std::vector<unsigned char> cut(good.begin(),
                                         good.begin() + static_cast<std::ptrdiff_t>(size));
    const auto references = medius::station::read_elf_references(cut);
    if (size < 512) {
      EXPECT_FALSE(references.has_value()) << size;
    }
  }
  std::uint32_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    auto damaged = good;
    for (int i = 0; i < 8; ++i) {
      random = random * 1664525u + 1013904223u;
      damaged[random % 4096u] = static_cast<unsigned char>(random >> 24);
    }
    (void)medius::station::read_elf_references(damaged);  // the sanitizers judge
  }
}

}  // namespace
