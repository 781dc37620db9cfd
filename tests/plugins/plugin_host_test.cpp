// The host: what it refuses and with which sentence, and how its instances behave in the loop.
#include <cmath>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plugins/plugin_fixture.hpp"
#include "tests/plugins/shipped.hpp"

namespace medius::station {
namespace {

using test::activation;
using test::input;
using test::make;
using testing::AllOf;
using testing::HasSubstr;

std::string shipped(const std::string& name) {
  return MEDIUS_PLUGIN_DIR "/" + name + ".so";
}
std::string bad(const std::string& name) {
  return MEDIUS_BAD_PLUGIN_DIR "/bad_" + name + ".so";
}

std::string refusal(PluginHost& host, const std::string& path) {
  const auto loaded = host.load_file(path);
  EXPECT_FALSE(loaded.has_value()) << path << " was let in";
  return loaded ? "" : loaded.error().message;
}

TEST(PluginHost, FindsTheShippedProfilesWithTheirParameters) {
  PluginHost host;
  EXPECT_TRUE(host.load_directory(MEDIUS_PLUGIN_DIR).empty());
  for (const char* folder : test::kShippedProfiles) {
    ASSERT_EQ(host.profiles().count(test::profile_id(folder)), 1u) << folder;
    EXPECT_EQ(host.profiles().at(test::profile_id(folder)).coordinates, 3u) << folder;
  }
  EXPECT_EQ(host.profiles().size(), std::size(test::kShippedProfiles)) << "shipped.hpp lists all";
  const ProfileInfo& profile = host.profiles().at("eccentric-emphasis");
  EXPECT_EQ(profile.coordinates, 3u);
  EXPECT_THAT(profile.path, HasSubstr("eccentric_emphasis.so"));
  ASSERT_EQ(profile.parameters.size(), 1u);
  const ParameterInfo& ratio = profile.parameters[0];
  EXPECT_EQ(ratio.name, "eccentric_ratio");
  EXPECT_EQ(ratio.unit, "1");
  EXPECT_EQ(ratio.min, 0.5);
  EXPECT_EQ(ratio.max, 2.0);
  EXPECT_EQ(ratio.default_value, 1.2);
  EXPECT_EQ(ratio.user_max, 1.5);
  EXPECT_EQ(ratio.flags, MEDIUS_PARAM_SLEW | MEDIUS_PARAM_THERAPIST);
}

struct BadCase {
  const char* name;
  std::vector<std::string> parts;
};

TEST(PluginHost, RefusesEachBadLibraryWithThingValueLimitAndNextStep) {
  const BadCase cases[] = {
      {"version", {"ABI 0.2", "speaks 0.1", "rebuild"}},
      {"no_entry", {"exports no symbol 'medius_entry'", "not a profile"}},
      {"param_order", {"'ratio'", "default 1.8", "user_max 1.5", "in this order"}},
      {"param_nan", {"'ratio'", "not a number", "finite"}},
      {"param_twice", {"'ratio'", "id 1", "twice", "renumber"}},
      {"symbol", {"uses malloc", "not on the list", "remove the call"}},
      {"id", {"kebab-case id", "set medius_descriptor_t.id"}},
  };
  for (const BadCase& bad_case : cases) {
    PluginHost host;
    const std::string message = refusal(host, bad(bad_case.name));
    EXPECT_THAT(message, HasSubstr(bad(bad_case.name)));
    for (const std::string& part : bad_case.parts) EXPECT_THAT(message, HasSubstr(part));
    EXPECT_TRUE(host.profiles().empty()) << bad_case.name;
  }
}

TEST(PluginHost, RefusesASecondProfileOfTheSameId) {
  PluginHost host;
  ASSERT_TRUE(host.load_file(shipped("constant_tension")).has_value());
  EXPECT_THAT(refusal(host, bad("duplicate")),
              AllOf(HasSubstr("'constant-tension' is already provided by"),
                    HasSubstr("constant_tension.so"), HasSubstr("rename")));
  EXPECT_THAT(host.profiles().at("constant-tension").path, HasSubstr("/constant_tension.so"));
  // The same file again is the same id again.
  EXPECT_THAT(refusal(host, shipped("constant_tension")), HasSubstr("already provided"));
}

TEST(PluginHost, RefusesWhatIsNoLibrary) {
  PluginHost host;
  EXPECT_THAT(refusal(host, "/nowhere/x.so"), HasSubstr("cannot be opened: No such file"));
  EXPECT_THAT(refusal(host, MEDIUS_BINARY_DIR), HasSubstr("is not a file"));
  const std::string path = testing::TempDir() + "medius_plugin_host_test.so";
  std::ofstream(path) << "this is no shared object";
  EXPECT_THAT(refusal(host, path), HasSubstr("is not a shared object"));
  std::ofstream(path).close();
  EXPECT_THAT(refusal(host, path), HasSubstr("is not a shared object"));
  std::filesystem::copy_file(shipped("constant_tension"), path,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(path, 300);
  EXPECT_THAT(refusal(host, path), HasSubstr("is cut short"));
  std::remove(path.c_str());
}

TEST(PluginHost, ReportsABrokenFileOfADirectoryAndLoadsTheOthers) {
  PluginHost host;
  const auto errors = host.load_directory(MEDIUS_BAD_PLUGIN_DIR);
  EXPECT_EQ(errors.size(), 7u);
  // In the order of their names, so that what wins does not depend on the file system.
  EXPECT_THAT(errors.front().message, HasSubstr("bad_id.so"));
  EXPECT_THAT(errors.back().message, HasSubstr("bad_version.so"));
  for (const char* id : {"bad-nan", "bad-error", "bad-huge", "bad-hang", "bad-crash"}) {
    EXPECT_EQ(host.profiles().count(id), 1u) << id;
  }
  PluginHost other;
  const auto missing = other.load_directory("/nowhere");
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_THAT(missing[0].message, AllOf(HasSubstr("/nowhere"), HasSubstr("cannot be read")));
}

class LoadedHost : public testing::Test {
 protected:
  void SetUp() override {
    host_.load_directory(MEDIUS_PLUGIN_DIR);
    for (const char* name : {"nan", "error", "huge"}) {
      ASSERT_TRUE(host_.load_file(bad(name)).has_value()) << name;
    }
  }
  std::string refused(const std::string& id, const std::map<std::string, double>& parameters,
                      const medius_activation_t& with = activation()) {
    const auto made = host_.create(id, parameters, with);
    EXPECT_FALSE(made.has_value());
    return made ? "" : made.error().message;
  }
  PluginHost host_;
};

TEST_F(LoadedHost, RefusesValuesWithTheProfileTheParameterTheValueAndTheRange) {
  EXPECT_THAT(refused("elastic", {}),
              AllOf(HasSubstr("'elastic' is not loaded"), HasSubstr("constant-tension")));
  EXPECT_THAT(refused("constant-tension", {{"ratio", 1.0}}),
              AllOf(HasSubstr("no parameter 'ratio'"), HasSubstr("it has none")));
  EXPECT_THAT(refused("eccentric-emphasis", {{"ratio", 1.0}}),
              AllOf(HasSubstr("no parameter 'ratio'"), HasSubstr("eccentric_ratio")));
  EXPECT_THAT(refused("eccentric-emphasis", {{"eccentric_ratio", 0.4}}),
              AllOf(HasSubstr("eccentric_ratio is 0.4"), HasSubstr("0.5 to 1.5")));
  EXPECT_THAT(refused("eccentric-emphasis", {{"eccentric_ratio", std::nan("")}}),
              AllOf(HasSubstr("eccentric_ratio is nan"), HasSubstr("0.5 to 1.5")));
  EXPECT_THAT(refused("bad-nan", {{"after_steps", 2.5}}),
              AllOf(HasSubstr("after_steps is 2.5"), HasSubstr("whole numbers")));
  auto on_nothing = activation();
  on_nothing.coordinate = 9;
  EXPECT_THAT(refused("constant-tension", {}, on_nothing), HasSubstr("does not run on"));
  EXPECT_THAT(refused("constant-tension", {}, activation(std::nan(""))),
              AllOf(HasSubstr("refuses to run"), HasSubstr("force to nan")));
}

TEST_F(LoadedHost, LetsOnlyATherapistGoBeyondTheUsersLimit) {
  const std::map<std::string, double> wish = {{"eccentric_ratio", 1.8}};
  EXPECT_THAT(
      refused("eccentric-emphasis", wish),
      AllOf(HasSubstr("eccentric_ratio is 1.8"), HasSubstr("at most 1.5"), HasSubstr("therapist")));
  const auto made =
      host_.create("eccentric-emphasis", wish, activation(), ParameterAuthority::kTherapist);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_NEAR(test::run(**made, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 50.0), 3.0), 90.0, 1e-6);
  EXPECT_FALSE(host_.check_parameter("eccentric-emphasis", "eccentric_ratio", 1.6).has_value());
  EXPECT_FALSE(host_
                   .check_parameter("eccentric-emphasis", "eccentric_ratio", 2.1,
                                    ParameterAuthority::kTherapist)
                   .has_value());
  EXPECT_EQ(host_.check_parameter("eccentric-emphasis", "eccentric_ratio", 1.4).value(), 1u);
}

TEST_F(LoadedHost, GivesAFreshInstanceTheDefaultsAlsoAfterAnotherHadOtherValues) {
  make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  const auto profile = make(host_, "eccentric-emphasis");
  EXPECT_NEAR(test::run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0), 3.0), 120.0, 1e-6);
}

TEST_F(LoadedHost, TellsErrorFromForceAndPassesNonsenseOnForTheKernelToRefuse) {
  const auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.1, 60.0);
  const auto error = make(host_, "bad-error", {{"after_steps", 2.0}});
  EXPECT_TRUE(error->step(in).ok);
  EXPECT_TRUE(error->step(in).ok);
  EXPECT_FALSE(error->step(in).ok);
  const auto nan = make(host_, "bad-nan");
  EXPECT_TRUE(std::isnan(nan->step(in).force));
  const auto huge = make(host_, "bad-huge");
  EXPECT_EQ(huge->step(in).force, 1e9);
}

sigjmp_buf before_the_crash;

TEST_F(LoadedHost, NeverCallsAnInstanceAgainWhoseStepWasEndedFromOutside) {
  ASSERT_TRUE(host_.load_file(bad("crash")).has_value());
  auto profile = make(host_, "bad-crash", {{"after_steps", 1.0}});
  const auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.1, 60.0);
  EXPECT_EQ(profile->step(in).force, 60.0);
  struct sigaction catcher {};
  struct sigaction previous {};
  catcher.sa_handler = [](int) { siglongjmp(before_the_crash, 1); };
  ASSERT_EQ(::sigaction(SIGSEGV, &catcher, &previous), 0);
  volatile bool crashed = true;
  if (sigsetjmp(before_the_crash, 1) == 0) {
    (void)profile->step(in);
    crashed = false;
  }
  ASSERT_EQ(::sigaction(SIGSEGV, &previous, nullptr), 0);
  EXPECT_TRUE(crashed);
  const auto after = profile->step(in);  // would crash the test
  EXPECT_FALSE(after.ok);
  EXPECT_EQ(after.force, 0.0);
  profile->reset();
  profile.reset();
}

TEST_F(LoadedHost, QueuesThirtyTwoChangesAndNoMore) {
  const auto profile = make(host_, "eccentric-emphasis");
  for (int i = 0; i < rt::kMaxParameterEvents; ++i) {
    EXPECT_TRUE(profile->queue_parameter(1, 1.0 + 0.01 * i));
  }
  EXPECT_FALSE(profile->queue_parameter(1, 1.5));
  const auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0);
  profile->step(in);
  EXPECT_TRUE(profile->queue_parameter(1, 1.4));
  EXPECT_NEAR(test::run(*profile, in, 4.0), 140.0, 1e-6);  // the last one wins
}

TEST_F(LoadedHost, RefusesAChangeThatNoPluginMaySee) {
  const auto profile = make(host_, "eccentric-emphasis");
  EXPECT_FALSE(profile->queue_parameter(2, 1.0));
  EXPECT_FALSE(profile->queue_parameter(1, std::nan("")));
  EXPECT_FALSE(profile->queue_parameter(1, 2.01));
  EXPECT_FALSE(profile->queue_parameter(1, 0.49));
  EXPECT_TRUE(profile->queue_parameter(1, 2.0));
}

TEST_F(LoadedHost, RunsOutOfInstancesWithASentenceAndGetsThemBack) {
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<rt::ProfileInstance>> all;
    std::string message;
    for (int i = 0; i < 17 && message.empty(); ++i) {
      auto made = host_.create("constant-tension", {}, activation());
      if (made) {
        all.push_back(std::move(*made));
      } else {
        message = made.error().message;
      }
    }
    EXPECT_EQ(all.size(), 16u);
    EXPECT_THAT(message, AllOf(HasSubstr("no further instance"), HasSubstr("end a set first")));
  }
}

}  // namespace
}  // namespace medius::station
