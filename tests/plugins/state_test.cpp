// Save and load of the shipped profiles, straight through the C ABI.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "tests/plugins/plugin_fixture.hpp"
#include "tests/plugins/shipped.hpp"

namespace medius {
namespace {

struct Bytes {
  std::vector<unsigned char> data;
  std::size_t at = 0;
  std::uint64_t most = UINT64_MAX;  // bytes a call
};

std::int64_t write_bytes(const medius_ostream_t* stream, const void* data, std::uint64_t size) {
  auto& bytes = *static_cast<Bytes*>(stream->context);
  size = std::min(size, bytes.most);
  const auto* from = static_cast<const unsigned char*>(data);
  bytes.data.insert(bytes.data.end(), from, from + size);
  return static_cast<std::int64_t>(size);
}

std::int64_t read_bytes(const medius_istream_t* stream, void* data, std::uint64_t size) {
  auto& bytes = *static_cast<Bytes*>(stream->context);
  size = std::min({size, bytes.most, std::uint64_t{bytes.data.size() - bytes.at}});
  if (size > 0) std::memcpy(data, bytes.data.data() + bytes.at, size);
  bytes.at += size;
  return static_cast<std::int64_t>(size);
}

constexpr medius_host_t kHost{
    MEDIUS_ABI_VERSION, 0, "test", "1",
    [](const medius_host_t*, const char*) -> const void* { return nullptr; }};

struct Destroyer {
  void operator()(const medius_plugin_t* plugin) const { plugin->destroy(plugin); }
};
using Plugin = std::unique_ptr<const medius_plugin_t, Destroyer>;

class PluginState : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = std::string(MEDIUS_PLUGIN_DIR "/") + GetParam() + ".so";
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    entry_ = static_cast<const medius_entry_t*>(::dlsym(library, MEDIUS_ENTRY_SYMBOL));
    ASSERT_NE(entry_, nullptr);
  }

  Plugin create() const { return Plugin(entry_->create(&kHost, entry_->descriptor(0)->id)); }

  static const medius_state_t& state(const Plugin& plugin) {
    return *static_cast<const medius_state_t*>(
        plugin->get_extension(plugin.get(), MEDIUS_EXT_STATE));
  }
  static bool save(const Plugin& plugin, std::uint32_t context, Bytes& bytes) {
    const medius_ostream_t stream{&bytes, &write_bytes};
    return state(plugin).save(plugin.get(), context, &stream) != 0;
  }
  static bool load(const Plugin& plugin, std::uint32_t context, Bytes bytes) {
    bytes.at = 0;
    const medius_istream_t stream{&bytes, &read_bytes};
    return state(plugin).load(plugin.get(), context, &stream) != 0;
  }
  static Bytes saved(const Plugin& plugin, std::uint32_t context = MEDIUS_STATE_SESSION) {
    Bytes bytes;
    EXPECT_TRUE(save(plugin, context, bytes));
    return bytes;
  }
  static void activate(const Plugin& plugin) {
    const auto with = test::activation();
    ASSERT_EQ(plugin->activate(plugin.get(), &with), 1);
  }
  static double step(const Plugin& plugin, medius_phase_t phase, double velocity) {
    const auto in = test::input(phase, velocity, 80.0);
    medius_step_out_t out{};
    out.size = sizeof(out);
    EXPECT_EQ(plugin->step(plugin.get(), &in, &out), MEDIUS_STEP_OK);
    return out.force;
  }
  static void change_a_parameter(const Plugin& plugin) {
    const auto* params =
        static_cast<const medius_params_t*>(plugin->get_extension(plugin.get(), MEDIUS_EXT_PARAMS));
    for (std::uint32_t i = 0; i < params->count(plugin.get()); ++i) {
      medius_param_info_t info{};
      ASSERT_EQ(params->info(plugin.get(), i, &info), 1);
      ASSERT_EQ(params->set(plugin.get(), info.id, info.max), 1);
    }
  }

  const medius_entry_t* entry_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(All, PluginState, testing::ValuesIn(test::kShippedProfiles));

TEST_P(PluginState, SaveLoadSaveGivesTheSameBytes) {
  for (const std::uint32_t context : {MEDIUS_STATE_PRESET, MEDIUS_STATE_SESSION}) {
    const Plugin from = create();
    change_a_parameter(from);
    activate(from);
    for (int i = 0; i < 100; ++i) step(from, MEDIUS_PHASE_ECCENTRIC, -0.2);
    from->deactivate(from.get());
    const Bytes bytes = saved(from, context);
    std::uint32_t version = 0;
    std::memcpy(&version, bytes.data.data(), sizeof(version));
    EXPECT_EQ(version, 1u);  // the first bytes are the version
    const Plugin to = create();
    ASSERT_TRUE(load(to, context, bytes));
    EXPECT_EQ(saved(to, context).data, bytes.data);
  }
}

TEST_P(PluginState, AThawedSessionGoesOnBitForBit) {
  const Plugin whole = create();
  const Plugin first = create();
  change_a_parameter(whole);
  change_a_parameter(first);
  activate(whole);
  activate(first);
  for (int i = 0; i < 130; ++i) {
    step(whole, MEDIUS_PHASE_ECCENTRIC, -0.2);
    step(first, MEDIUS_PHASE_ECCENTRIC, -0.2);
  }
  first->deactivate(first.get());
  const Plugin second = create();
  ASSERT_TRUE(load(second, MEDIUS_STATE_SESSION, saved(first)));
  activate(second);
  for (int i = 0; i < 500; ++i) {
    const auto phase = i < 200 ? MEDIUS_PHASE_ECCENTRIC : MEDIUS_PHASE_BOTTOM;
    ASSERT_EQ(step(whole, phase, -0.2), step(second, phase, -0.2)) << i;
  }
}

TEST_P(PluginState, StreamsThatGiveAFewBytesAtATimeAreEnough) {
  const Plugin from = create();
  change_a_parameter(from);
  const Bytes whole = saved(from);
  for (const std::uint64_t most : {1u, 3u, 7u}) {
    Bytes bytes;
    bytes.most = most;
    ASSERT_TRUE(save(from, MEDIUS_STATE_SESSION, bytes));
    EXPECT_EQ(bytes.data, whole.data);
    EXPECT_TRUE(load(create(), MEDIUS_STATE_SESSION, bytes)) << most;
  }
}

TEST_P(PluginState, EveryCutEveryFlippedBitAndEveryExtraByteIsRefusedAndChangesNothing) {
  const Plugin from = create();
  change_a_parameter(from);
  const Bytes good = saved(from);
  const Plugin to = create();
  const Bytes before = saved(to);
  for (std::size_t size = 0; size < good.data.size(); ++size) {
    Bytes cut = good;
    cut.data.resize(size);
    EXPECT_FALSE(load(to, MEDIUS_STATE_SESSION, cut)) << size;
  }
  for (std::size_t bit = 0; bit < 8 * good.data.size(); ++bit) {
    Bytes flipped = good;
    flipped.data[bit / 8] = static_cast<unsigned char>(flipped.data[bit / 8] ^ (1u << bit % 8));
    EXPECT_FALSE(load(to, MEDIUS_STATE_SESSION, flipped)) << bit;
  }
  Bytes longer = good;
  longer.data.push_back(0);
  EXPECT_FALSE(load(to, MEDIUS_STATE_SESSION, longer));
  EXPECT_FALSE(load(to, MEDIUS_STATE_PRESET, good)) << "of another context";
  EXPECT_FALSE(load(to, 7, good)) << "of no known context";
  EXPECT_EQ(saved(to).data, before.data);
  EXPECT_TRUE(load(to, MEDIUS_STATE_SESSION, good));  // the control: it was only the damage
}

TEST_P(PluginState, AMegabyteOfRandomBytesIsRefused) {
  const Plugin plugin = create();
  const Bytes before = saved(plugin);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Random random(seed);
    Bytes garbage;
    garbage.data.resize(1 << 20);
    for (auto& byte : garbage.data) byte = static_cast<unsigned char>(random.next() & 0xffu);
    EXPECT_FALSE(load(plugin, MEDIUS_STATE_SESSION, garbage));
    EXPECT_FALSE(load(plugin, MEDIUS_STATE_PRESET, garbage));
  }
  EXPECT_EQ(saved(plugin).data, before.data);
}

TEST_P(PluginState, AStreamThatFailsIsAFailure) {
  const Plugin plugin = create();
  Bytes none;
  none.most = 0;
  EXPECT_FALSE(save(plugin, MEDIUS_STATE_SESSION, none));
  const medius_ostream_t broken{nullptr, [](const medius_ostream_t*, const void*, std::uint64_t) {
                                  return std::int64_t{-1};
                                }};
  EXPECT_EQ(state(plugin).save(plugin.get(), MEDIUS_STATE_PRESET, &broken), 0);
  const medius_istream_t liar{nullptr, [](const medius_istream_t*, void*, std::uint64_t size) {
                                return static_cast<std::int64_t>(size) +
                                       1;  // more than was asked for
                              }};
  EXPECT_EQ(state(plugin).load(plugin.get(), MEDIUS_STATE_PRESET, &liar), 0);
}

TEST_P(PluginState, StructsOfAnotherSizeAreReadAsFarAsTheyGo) {
  const Plugin plugin = create();
  activate(plugin);
  struct Future {
    medius_step_in_t in;
    std::uint64_t tail[2];
  } future{test::input(MEDIUS_PHASE_CONCENTRIC, 0.1, 50.0), {~0ull, ~0ull}};
  future.in.size = sizeof(future);
  medius_step_out_t out{};
  out.size = sizeof(out);
  EXPECT_EQ(plugin->step(plugin.get(), &future.in, &out), MEDIUS_STEP_OK);
  const Plugin twin = create();
  activate(twin);
  const auto today = test::input(MEDIUS_PHASE_CONCENTRIC, 0.1, 50.0);
  medius_step_out_t expected{};
  expected.size = sizeof(expected);
  EXPECT_EQ(twin->step(twin.get(), &today, &expected), MEDIUS_STEP_OK);
  EXPECT_GE(expected.force, 50.0);
  EXPECT_EQ(out.force, expected.force);
  future.in.size = 8;  // shorter than any version ever was
  EXPECT_EQ(plugin->step(plugin.get(), &future.in, &out), MEDIUS_STEP_ERROR);
  future.in.size = sizeof(medius_step_in_t);
  out = {};
  out.size = 8;
  EXPECT_EQ(plugin->step(plugin.get(), &future.in, &out), MEDIUS_STEP_ERROR);
  EXPECT_EQ(out.force, 0.0);
}

TEST_P(PluginState, AnActivationThatIsNoMachineIsRefused) {
  const Plugin plugin = create();
  auto with = test::activation();
  with.coordinate = 31;
  EXPECT_EQ(plugin->activate(plugin.get(), &with), 0);
  with = test::activation();
  with.dt_s = 0.0;
  EXPECT_EQ(plugin->activate(plugin.get(), &with), 0);
  with = test::activation(std::nan(""));
  EXPECT_EQ(plugin->activate(plugin.get(), &with), 0);
  with = test::activation();
  with.size = 8;
  EXPECT_EQ(plugin->activate(plugin.get(), &with), 0);
  with = test::activation();
  EXPECT_EQ(plugin->activate(plugin.get(), &with), 1);
}

TEST_P(PluginState, AnUnknownIdOrOneInstanceTooManyGivesNone) {
  const std::string id = entry_->descriptor(0)->id;
  EXPECT_EQ(entry_->create(&kHost, (id + "x").c_str()), nullptr);
  EXPECT_EQ(entry_->create(&kHost, ""), nullptr);
  EXPECT_EQ(entry_->descriptor(1), nullptr);
  for (int round = 0; round < 2; ++round) {
    std::vector<Plugin> all;
    for (int i = 0; i < 16; ++i) {
      all.push_back(create());
      ASSERT_NE(all.back(), nullptr) << i;
    }
    EXPECT_EQ(entry_->create(&kHost, id.c_str()), nullptr);
  }
}

}  // namespace
}  // namespace medius
