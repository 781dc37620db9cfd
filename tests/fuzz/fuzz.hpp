// What the fuzz targets share. Each target defines LLVMFuzzerTestOneInput and ends the process when
// something holds no longer; the sanitizers watch the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace medius::fuzz {

// A condition that must hold for every input.
inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// The input as a file, for loaders that take a path.
class InputFile {
 public:
  InputFile(const std::uint8_t* data, std::size_t size)
      : fd_(::memfd_create("input", MFD_CLOEXEC)) {
    must(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "the input is a file");
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  ~InputFile() { ::close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

// Takes an input apart, byte by byte; zeros when it is used up.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  [[nodiscard]] std::uint16_t word() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  [[nodiscard]] const std::uint8_t* rest() const { return data_; }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace medius::fuzz
