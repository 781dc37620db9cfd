// Broken configuration files and the sentence that each must give.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace medius::station::test {

struct BrokenFile {
  const char* name;      // of the case
  const char* replace;   // a piece of the good file ...
  const char* by;        // ... and what stands there instead
  const char* sentence;  // part of the error, after the file's name
};

// A directory of its own, removed afterwards: tests of one name in two suites may run side by side.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    const std::string name = std::string("medius-") + test.test_suite_name() + "-" + test.name();
    path_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name) << content;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline std::string with_change(std::string text, const BrokenFile& broken) {
  const std::size_t at = text.find(broken.replace);
  EXPECT_NE(at, std::string::npos) << broken.name << ": the good file has no " << broken.replace;
  if (at != std::string::npos) text.replace(at, std::string(broken.replace).size(), broken.by);
  return text;
}

// An error is one sentence that begins with the file.
inline void expect_sentence(const std::string& message, const std::string& file,
                            const BrokenFile& broken) {
  EXPECT_EQ(message.rfind(file, 0), 0u) << broken.name << ": " << message;
  EXPECT_NE(message.find(broken.sentence), std::string::npos)
      << broken.name << "\n  is:       " << message << "\n  expected: " << broken.sentence;
  EXPECT_EQ(message.find('\n'), std::string::npos) << broken.name;
}

}  // namespace medius::station::test
