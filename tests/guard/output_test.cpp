// The serial charge pump on a pseudo-terminal, and the pages between the processes.
#include <array>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hal/guard/safe_output.hpp"
#include "hal/guard/shared_page.hpp"

namespace medius::guard {
namespace {

class Terminal {
 public:
  Terminal() : file_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    if (::grantpt(file_) == 0 && ::unlockpt(file_) == 0) name_ = ::ptsname(file_);
  }
  ~Terminal() { ::close(file_); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }
  // What has come, and what still comes: the kernel hands bytes over on a thread of its own. Waits
  // for `count` of them, however long a busy host takes.
  [[nodiscard]] std::string read(std::size_t count) const {
    constexpr int kHangMs = 10'000;
    std::string all;
    std::array<char, 4096> bytes{};
    pollfd wait{file_, POLLIN, 0};
    while (all.size() < count && ::poll(&wait, 1, kHangMs) == 1) {
      const ssize_t got = ::read(file_, bytes.data(), bytes.size());
      if (got <= 0) break;
      all.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  int file_;
  std::string name_;
};

GuardFile serial_on(const std::string& device) {
  GuardFile file;
  file.output = OutputKind::kSerial;
  file.device = device;
  return file;
}

TEST(SerialPump, SendsOneAlternatingByteAHalfWaveAndNothingWhenStarved) {
  const Terminal terminal;
  auto output = open_output(serial_on(terminal.name()));
  ASSERT_TRUE(output.has_value()) << output.error();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE((*output)->pump());
  EXPECT_EQ(terminal.read(100), std::string(100, '\x55'));
  // The single byte that follows comes alone: starving had sent none.
  for (int i = 0; i < 100; ++i) (*output)->starve();
  EXPECT_TRUE((*output)->pump());
  EXPECT_EQ(terminal.read(1), "\x55");
}

TEST(SerialPump, ALineThatTakesNothingIsAFailedOutput) {
  const Terminal terminal;
  auto output = open_output(serial_on(terminal.name()));
  ASSERT_TRUE(output.has_value()) << output.error();
  int taken = 0;
  while (taken < 1'000'000 && (*output)->pump()) ++taken;
  EXPECT_LT(taken, 1'000'000);
}

TEST(SerialPump, WhatIsNoSerialLineIsRefusedByName) {
  const auto output = open_output(serial_on("/dev/null"));
  ASSERT_FALSE(output.has_value());
  EXPECT_NE(output.error().find("/dev/null"), std::string::npos);
}

std::string own_name() {
  return "test-" + std::to_string(::getpid());
}

TEST(SharedPage, IsReadByAnotherMappingAndBelongsToItsOwnerOnly) {
  auto page = OwnPage<Beat>::create(heartbeat_name(own_name()));
  ASSERT_TRUE(page.has_value()) << page.error();
  struct stat facts {};
  ASSERT_EQ(::stat(("/dev/shm" + heartbeat_name(own_name())).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  HeartbeatWriter writer;
  writer.attach(page->get(), 3, false);
  writer.beat({17, 17'000'000, 0, 0}, 2, true, false);
  ForeignPage<Beat> foreign(heartbeat_name(own_name()));
  foreign.refresh();
  Beat beat;
  ASSERT_TRUE(foreign.read(beat));
  EXPECT_EQ(beat.epoch, 3u);
  EXPECT_EQ(beat.index, 17u);
  EXPECT_EQ(beat.reaction, 2);
  EXPECT_TRUE(beat.hold_relay);
}

TEST(SharedPage, OfOthersToReadOrOfAnotherVersionIsNotMapped) {
  auto page = OwnPage<Beat>::create(heartbeat_name(own_name()));
  ASSERT_TRUE(page.has_value()) << page.error();
  ForeignPage<Beat> foreign(heartbeat_name(own_name()));
  const std::string path = "/dev/shm" + heartbeat_name(own_name());
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  foreign.refresh();
  EXPECT_FALSE(foreign.mapped());
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  page->get()->version = HeartbeatPage::kVersion + 1;
  foreign.refresh();
  EXPECT_FALSE(foreign.mapped());
  page->get()->version = HeartbeatPage::kVersion;
  foreign.refresh();
  EXPECT_TRUE(foreign.mapped());
}

TEST(SharedPage, AFreshOneTakesTheNameOfADeadOnes) {
  auto dead = OwnPage<Beat>::create(heartbeat_name(own_name()));
  ForeignPage<Beat> foreign(heartbeat_name(own_name()));
  foreign.refresh();
  auto fresh = OwnPage<Beat>::create(heartbeat_name(own_name()));
  ASSERT_TRUE(dead.has_value() && fresh.has_value());
  HeartbeatWriter writer;
  writer.attach(fresh->get(), 4, false);
  writer.beat({1, 1'000'000, 0, 0}, 0, true, false);
  foreign.refresh();
  Beat beat;
  ASSERT_TRUE(foreign.read(beat));
  EXPECT_EQ(beat.epoch, 4u);
}

}  // namespace
}  // namespace medius::guard
