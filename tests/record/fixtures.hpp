// Random records for the store's tests, comparison by bits, and folders that go away.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record::test {

// A folder of one's own, removed with its content.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string store() const { return (path_ / "store").string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Any 64 bits: infinities, denormals, NaNs with payloads, negative zero.
[[nodiscard]] double random_bits(Random& random);

[[nodiscard]] SessionRecord random_session(Random& random, const std::string& id);
[[nodiscard]] measure::RepMetrics random_rep(Random& random);
// Closed, with repetitions.
[[nodiscard]] SetRecord random_set(Random& random, const std::string& id,
                                   const std::string& session_id);
// Every field random but the tick, which grows.
[[nodiscard]] std::vector<rt::SampleRecord> random_samples(Random& random, std::size_t count);
// What a set looks like: smooth motion with noise, constant fields constant.
[[nodiscard]] std::vector<rt::SampleRecord> lifelike_samples(Random& random, std::size_t count,
                                                             std::uint64_t first_tick,
                                                             std::uint16_t serial);

// Bit for bit. Structured bindings inside make a forgotten field a compile error.
[[nodiscard]] bool same(const SessionRecord& a, const SessionRecord& b);
[[nodiscard]] bool same(const measure::RepMetrics& a, const measure::RepMetrics& b);
[[nodiscard]] bool same(const SetRecord& a, const SetRecord& b);
[[nodiscard]] bool same(const std::vector<rt::SampleRecord>& a,
                        const std::vector<rt::SampleRecord>& b);

// 64 bits that stand for all of a set, for comparing across processes.
[[nodiscard]] std::uint64_t fingerprint(const SetRecord& set);

[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

}  // namespace medius::record::test
