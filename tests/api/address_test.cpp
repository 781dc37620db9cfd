#include "controller/api/address.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace medius::api {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "medius-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ListenAddress, LoopbackAndSocketsAreServed) {
  for (const char* text : {"127.0.0.1:50051", "127.9.8.7:1", "[::1]:65535", "127.0.0.1:0"}) {
    const auto address = parse_listen(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(parse_listen("localhost:7")->text(), "127.0.0.1:7");
  EXPECT_EQ(parse_listen("unix:/run/m.sock")->path, "/run/m.sock");
  EXPECT_EQ(parse_listen("unix:///run/m.sock")->path, "/run/m.sock");
}

TEST(ListenAddress, EverythingElseIsRefusedWithASentenceThatNamesIt) {
  for (const char* text : {"0.0.0.0:50051", "192.168.1.5:50051", "[::]:50051", "station:50051",
                           "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:12x", "128.0.0.1:1", "1270.0.0.1:1", "", "unix:"}) {
    const auto address = parse_listen(text);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().find(text), std::string::npos) << address.error();
    EXPECT_EQ(address.error().find('\n'), std::string::npos);
  }
  EXPECT_FALSE(parse_listen("unix:/" + std::string(200, 'x')));
}

TEST(ListenAddress, APortInUseIsFoundBeforeAnythingIsStarted) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof in;
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&in), sizeof in), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&in), &length);
  const ListenAddress address{false, "", "127.0.0.1", ntohs(in.sin_port)};
  const auto found = check_free(address);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().find("in use"), std::string::npos) << found.error();
  ::close(taken);
  EXPECT_TRUE(check_free(address)) << "negative control: a free port is free";
}

TEST(ListenAddress, ALiveSocketIsNotTakenOverAndADeadOneIs) {
  const Folder folder;
  const ListenAddress address{true, folder.file("s"), "", 0};
  EXPECT_TRUE(check_free(address));
  const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  address.path.copy(un.sun_path, sizeof un.sun_path - 1);
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&un), sizeof un), 0);
  ASSERT_EQ(::listen(server, 1), 0);
  const auto live = check_free(address);
  ASSERT_FALSE(live);
  EXPECT_NE(live.error().find("another program serves there"), std::string::npos);
  ::close(server);
  EXPECT_TRUE(check_free(address));
}

TEST(ListenAddress, FilesAndMissingFoldersInTheWayAreNamed) {
  const Folder folder;
  std::ofstream(folder.file("plain")) << "x";
  EXPECT_FALSE(check_free({true, folder.file("plain"), "", 0}));
  const auto missing = check_free({true, folder.file("no/such/s"), "", 0});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("does not exist"), std::string::npos);
}

TEST(ListenAddress, ARealMachineNeedsASocketInAGuardedFolder) {
  EXPECT_FALSE(check_private({false, "", "127.0.0.1", 50051}));
  const Folder folder;
  const ListenAddress address{true, folder.file("s"), "", 0};
  ASSERT_EQ(::chmod(folder.path().c_str(), 0750), 0);
  EXPECT_TRUE(check_private(address));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_FALSE(check_private(address));
}

}  // namespace
}  // namespace medius::api
