#include "controller/access/authority.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "controller/access/doorkeeper.hpp"

namespace medius::access {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86400;
constexpr const char* kStop = "/medius.v1.StationService/Stop";
constexpr const char* kAdjust = "/medius.v1.StationService/AdjustLoad";

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "medius-pki-XXXXXX";
    root_ = ::mkdtemp(name.data());
    auto made = Authority::init(pki(), "station 1", {"127.0.0.1", "localhost"}, kNow);
    ASSERT_TRUE(made) << made.error();
    authority_ = std::make_unique<Authority>(std::move(*made));
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] fs::path pki() const { return root_ / "pki"; }

  // The certificate in PEM form.
  std::string person(const std::string& name, Role role, int days = 365) {
    const fs::path out = root_ / name;
    const auto peer = authority_->issue_person(name, role, days, out, kNow);
    EXPECT_TRUE(peer) << peer.error();
    return read_small_file(out / "client.crt").value();
  }

  std::unique_ptr<Doorkeeper> keeper() {
    auto opened = Doorkeeper::open(pki());
    EXPECT_TRUE(opened) << opened.error();
    return std::move(*opened);
  }

  fs::path root_;
  std::unique_ptr<Authority> authority_;
};

mode_t mode_of(const fs::path& file) {
  struct stat info {};
  EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
  return info.st_mode & 0777u;
}

TEST_F(Folder, KeepsKeysFromEverybodyElse) {
  person("ada", Role::kTrainer);
  EXPECT_EQ(mode_of(pki() / "ca.key"), 0600u);
  EXPECT_EQ(mode_of(pki() / "server.key"), 0600u);
  EXPECT_EQ(mode_of(root_ / "ada" / "client.key"), 0600u);
  EXPECT_EQ(mode_of(root_ / "ada"), 0700u);
}

TEST_F(Folder, IsNeverMadeTwice) {
  const auto before = read_small_file(pki() / "ca.crt").value();
  const auto again = Authority::init(pki(), "station 1", {"localhost"}, kNow);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("already"), std::string::npos);
  EXPECT_EQ(read_small_file(pki() / "ca.crt").value(), before);
}

TEST_F(Folder, RefusesWhatCannotBeACertificateBeforeAnythingIsWritten) {
  EXPECT_FALSE(Authority::init(root_ / "b", "", {"localhost"}, kNow));
  EXPECT_FALSE(Authority::init(root_ / "b", "station", {}, kNow));
  EXPECT_FALSE(Authority::init(root_ / "b", "station", {"a b,URI:urn:medius:role:admin"}, kNow));
  EXPECT_FALSE(fs::exists(root_ / "b"));
  EXPECT_FALSE(authority_->issue_person("ada\n", Role::kAdmin, 365, root_ / "x", kNow));
  EXPECT_FALSE(authority_->issue_person("ada", Role::kAdmin, 0, root_ / "x", kNow));
  EXPECT_FALSE(authority_->issue_person("ada", Role::kAdmin, 99999, root_ / "x", kNow));
  EXPECT_FALSE(fs::exists(root_ / "x"));
}

TEST_F(Folder, IssuesTheRoleThatWasAskedFor) {
  for (const Role role : kRoles) {
    const std::string pem = person(std::string(to_string(role)), role);
    const auto peer = peer_of(**certificate_from_pem(pem));
    ASSERT_TRUE(peer) << peer.error();
    EXPECT_EQ(peer->role, role);
    EXPECT_EQ(peer->name, to_string(role));
    EXPECT_EQ(peer->not_after_unix_s, kNow + 365 * kDay);
  }
}

TEST_F(Folder, NeverGivesTheSameSerialTwice) {
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) {
    const auto name = "p" + std::to_string(i);
    const auto peer = authority_->issue_person(name, Role::kObserver, 1, root_ / name, kNow);
    ASSERT_TRUE(peer);
    EXPECT_TRUE(serials.insert(peer->serial).second);
    EXPECT_GE(peer->serial.size(), 16u);
  }
}

TEST_F(Folder, DoesNotOverwriteAPersonsKey) {
  person("ada", Role::kTrainer);
  const auto key = read_small_file(root_ / "ada" / "client.key").value();
  EXPECT_FALSE(authority_->issue_person("ada", Role::kTrainer, 9, root_ / "ada", kNow));
  EXPECT_EQ(read_small_file(root_ / "ada" / "client.key").value(), key);
}

TEST_F(Folder, ListsHowEveryCertificateStands) {
  person("ada", Role::kTrainer);
  person("soon", Role::kTrainer, 20);
  person("short", Role::kObserver, 1);
  person("gone", Role::kAdmin);
  ASSERT_TRUE(authority_->revoke("gone", kNow));
  std::map<std::string, Standing> standing;
  const auto all = authority_->list(kNow + 2 * kDay).value();
  for (const Issued& each : all) {
    standing[each.facts.name] = each.standing;
  }
  EXPECT_EQ(standing.at("ada"), Standing::kValid);
  EXPECT_EQ(standing.at("soon"), Standing::kEndsSoon);
  EXPECT_EQ(standing.at("short"), Standing::kEnded);
  EXPECT_EQ(standing.at("gone"), Standing::kRevoked);
  EXPECT_EQ(standing.at("station 1"), Standing::kValid);
}

TEST_F(Folder, RevokesOnlyWhoWasMeant) {
  person("ada", Role::kTrainer);
  person("bob", Role::kTrainer);
  EXPECT_FALSE(authority_->revoke("carol", kNow));
  EXPECT_FALSE(authority_->revoke("station 1", kNow)) << "the server's is not a person's";
  ASSERT_TRUE(authority_->revoke("ada", kNow));
  EXPECT_FALSE(authority_->revoke("ada", kNow)) << "twice";
  const auto reopened = Authority::open(pki());
  ASSERT_TRUE(reopened) << reopened.error();
  int revoked = 0;
  const auto all = reopened->list(kNow).value();
  for (const Issued& each : all) {
    revoked += each.standing == Standing::kRevoked ? 1 : 0;
  }
  EXPECT_EQ(revoked, 1);
}

TEST_F(Folder, IsNotOpenedWithTheKeyOfAnother) {
  const auto other = Authority::init(root_ / "other", "station 2", {"localhost"}, kNow);
  ASSERT_TRUE(other);
  fs::copy_file(root_ / "other" / "ca.key", pki() / "ca.key", fs::copy_options::overwrite_existing);
  EXPECT_FALSE(Authority::open(pki()));
}

TEST_F(Folder, DoorkeeperLetsRolesDoWhatTheTableSays) {
  auto door = keeper();
  const std::string trainer = person("ada", Role::kTrainer);
  const std::string observer = person("bob", Role::kObserver);
  EXPECT_EQ(door->admit(trainer, kAdjust, kNow, 0.0).denial, Denial::kNone);
  EXPECT_EQ(door->admit(observer, kStop, kNow, 0.0).denial, Denial::kNone);
  const Admission denied = door->admit(observer, kAdjust, kNow, 0.0);
  EXPECT_EQ(denied.denial, Denial::kNotAllowed);
  EXPECT_NE(denied.why.find("'bob', observer"), std::string::npos) << denied.why;
  EXPECT_EQ(door->admit(trainer, "/medius.v1.StationService/Fly", kNow, 0.0).denial,
            Denial::kNotAllowed);
}

TEST_F(Folder, DoorkeeperTurnsAwayEndedEarlyAndUnreadableCertificates) {
  auto door = keeper();
  const std::string pem = person("ada", Role::kTrainer, 1);
  EXPECT_EQ(door->admit(pem, kStop, kNow + kDay, 0.0).denial, Denial::kNone);
  EXPECT_EQ(door->admit(pem, kStop, kNow + kDay + 1, 0.0).denial, Denial::kUnknownPeer);
  EXPECT_EQ(door->admit(pem, kStop, 0, 0.0).denial, Denial::kUnknownPeer) << "a clock at 1970";
  EXPECT_EQ(door->admit("", kStop, kNow, 0.0).denial, Denial::kUnknownPeer);
  EXPECT_EQ(door->admit("junk", kStop, kNow, 0.0).denial, Denial::kUnknownPeer);
  const std::string server = read_small_file(pki() / "server.crt").value();
  EXPECT_EQ(door->admit(server, kStop, kNow, 0.0).denial, Denial::kUnknownPeer)
      << "a server's certificate has no role";
}

TEST_F(Folder, DoorkeeperNoticesARevocationWhileItRuns) {
  auto door = keeper();
  const std::string ada = person("ada", Role::kTrainer);
  const std::string bob = person("bob", Role::kTrainer);
  ASSERT_TRUE(door->still_valid(ada, kNow));
  ASSERT_TRUE(authority_->revoke("ada", kNow));
  // The next second's file: clocks of some file systems are that coarse.
  fs::last_write_time(pki() / "crl.pem",
                      fs::last_write_time(pki() / "crl.pem") + std::chrono::seconds(1));
  EXPECT_FALSE(door->still_valid(ada, kNow));
  EXPECT_TRUE(door->still_valid(bob, kNow));
}

TEST_F(Folder, DoorkeeperKeepsTheLastGoodListWhenAnotherSpoilsIt) {
  auto door = keeper();
  const std::string ada = person("ada", Role::kTrainer);
  ASSERT_TRUE(authority_->revoke("ada", kNow));
  const auto touch = [&](int s) {
    fs::last_write_time(pki() / "crl.pem",
                        fs::last_write_time(pki() / "crl.pem") + std::chrono::seconds(s));
  };
  touch(1);
  ASSERT_FALSE(door->still_valid(ada, kNow));
  std::ofstream(pki() / "crl.pem") << "spoilt";
  touch(2);
  EXPECT_FALSE(door->still_valid(ada, kNow));
  const auto other = Authority::init(root_ / "other", "station 2", {"localhost"}, kNow);
  ASSERT_TRUE(other);
  fs::copy_file(root_ / "other" / "crl.pem", pki() / "crl.pem",
                fs::copy_options::overwrite_existing);
  touch(3);
  EXPECT_FALSE(door->still_valid(ada, kNow)) << "an empty list of another authority";
  EXPECT_FALSE(Doorkeeper::open(pki())) << "nor is it one to start with";
}

}  // namespace
}  // namespace medius::access
