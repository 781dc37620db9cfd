#include "hal/commission/link_users.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace medius::hal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEstablished = "01";  // state column of /proc/net/tcp

// Inodes of the connections from this computer to the address.
std::vector<std::string> connections_to(const std::string& numeric_ip, int port) {
  in_addr address{};
  ::inet_pton(AF_INET, numeric_ip.c_str(), &address);
  const std::string remote = fmt::format("{:08X}:{:04X}", address.s_addr, port);
  std::vector<std::string> inodes;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);  // heading
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string number, local, far, state, skip, inode;
    columns >> number >> local >> far >> state >> skip >> skip >> skip >> skip >> skip >> inode;
    if (far == remote && state == kEstablished) inodes.push_back(inode);
  }
  return inodes;
}

std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name.empty() ? std::string("a process") : name;
}

using Match = std::function<bool(const fs::path& descriptor)>;

// Processes other than this one with a descriptor that matches.
std::vector<std::string> holders(const Match& matches, const Match& excuses) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (pid == std::to_string(::getpid())) continue;
    bool held = false;
    bool excused = false;
    std::error_code denied;
    for (const fs::directory_entry& fd : fs::directory_iterator(process.path() / "fd", denied)) {
      held = held || matches(fd.path());
      excused = excused || excuses(fd.path());
    }
    if (held && !excused) {
      found.push_back(fmt::format("{} (process {})", name_of(process.path()), pid));
    }
  }
  return found;
}

std::string target_of(const fs::path& descriptor) {
  std::error_code gone;
  return fs::read_symlink(descriptor, gone).string();
}

std::vector<std::string> users_of_address(const std::string& numeric_ip, int port) {
  const std::vector<std::string> inodes = connections_to(numeric_ip, port);
  if (inodes.empty()) return {};
  std::vector<std::string> own;
  std::error_code ignored;
  for (const fs::directory_entry& fd : fs::directory_iterator("/proc/self/fd", ignored)) {
    own.push_back(target_of(fd.path()));
  }
  std::vector<std::string> found;
  for (const std::string& inode : inodes) {
    const std::string socket = "socket:[" + inode + "]";
    if (std::find(own.begin(), own.end(), socket) != own.end()) continue;
    auto holding = holders([&](const fs::path& fd) { return target_of(fd) == socket; },
                           [](const fs::path&) { return false; });
    if (holding.empty()) holding.emplace_back("a process of another user");
    found.insert(found.end(), holding.begin(), holding.end());
  }
  return found;
}

std::vector<std::string> users_of_line(const std::string& device) {
  struct stat line {};
  if (::stat(device.c_str(), &line) != 0 || !S_ISCHR(line.st_mode)) return {};
  // Whoever has the other side of a pseudo-terminal is the device, not its user.
  const bool pseudo = device.rfind("/dev/pts/", 0) == 0;
  return holders(
      [&](const fs::path& fd) {
        struct stat held {};
        return ::stat(fd.c_str(), &held) == 0 && S_ISCHR(held.st_mode) &&
               held.st_rdev == line.st_rdev;
      },
      [&](const fs::path& fd) {
        return pseudo && target_of(fd).find("ptmx") != std::string::npos;
      });
}

}  // namespace

std::vector<std::string> users_of(const modbus::LinkPlan& link) {
  return link.transport == modbus::Transport::kTcp ? users_of_address(link.numeric_ip, link.port)
                                                   : users_of_line(link.line.device);
}

}  // namespace medius::hal
