// The real server on a unix socket, a real station on the Asio runtime, a scripted loop behind it.
#include "controller/api/server.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <google/protobuf/descriptor.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include "controller/api/admission.hpp"
#include "controller/station/asio_runtime.hpp"
#include "medius/v1/station.grpc.pb.h"
#include "tests/station/station_bench.hpp"

namespace medius::api {
namespace {

using grpc::StatusCode;
using station::test::FakeLoop;

// The API's way to the control executor, with the number of tasks that have gone that way.
class CountingRuntime final : public station::Runtime {
 public:
  explicit CountingRuntime(station::Runtime& behind) : behind_(behind) {}
  [[nodiscard]] std::int64_t monotonic_ns() const override { return behind_.monotonic_ns(); }
  [[nodiscard]] std::int64_t wall_unix_ns() const override { return behind_.wall_unix_ns(); }
  [[nodiscard]] std::string new_id() override { return behind_.new_id(); }
  void post(Task task) override {
    behind_.post(std::move(task));
    ++posted;
  }
  TimerId at(std::int64_t time_ns, Task task) override {
    return behind_.at(time_ns, std::move(task));
  }
  void cancel(TimerId timer) override { behind_.cancel(timer); }
  void run_blocking(Task work, Task done) override {
    behind_.run_blocking(std::move(work), std::move(done));
  }

  std::atomic<int> posted{0};

 private:
  station::Runtime& behind_;
};

class Bench : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "medius-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    store_ = std::move(record::Store::open_in_memory().value());
    ASSERT_TRUE(plugins_.load_directory(MEDIUS_PLUGIN_DIR).empty());
    station::StationConfig config;
    config.machine = station::test::bench_machine();
    config.realtime_granted = true;
    station::Program program;
    program.id = "two-sides";
    program.blocks = {station::test::bench_block()};
    program.blocks[0].rest_s = 0.1;
    config.programs.programs["two-sides"] = program;
    station_ = std::make_unique<station::Station>(runtime_, *channels_, plugins_, *store_,
                                                  std::move(config));
    loop_.ticks_a_phase = 200;
    runtime_.post([this] { station_->start(); });
    control_ = std::thread([this] { runtime_.run(); });
    looping_ = std::thread([this] {
      // The loop runs as fast as it likes: station time is the loop's ticks.
      while (!ended_) {
        loop_.tick();
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
    });
    start_server();
    wait_for_state(v1::STATION_STATE_IDLE);
  }

  void TearDown() override {
    std::promise<void> down;
    runtime_.post([&] { station_->shutdown([&] { down.set_value(); }); });
    down.get_future().wait();
    server_.reset();
    runtime_.stop();
    control_.join();
    ended_ = true;
    looping_.join();
    std::promise<void> idle;
    runtime_.run_blocking([&] { idle.set_value(); }, {});
    idle.get_future().wait();
    station_.reset();
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] ServerOptions options() const {
    ServerOptions out;
    out.listen = {true, folder_ + "/s", "", 0};
    return out;
  }

  void start_server() {
    auto server = ApiServer::start(options(), parts());
    ASSERT_TRUE(server) << server.error();
    server_ = std::move(*server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    stub_ = v1::StationService::NewStub(channel_);
    sessions_ = v1::SessionService::NewStub(channel_);
    programs_ = v1::ProgramService::NewStub(channel_);
  }

  [[nodiscard]] ServerParts parts() { return {api_runtime_, *station_, plugins_, *store_}; }

  static std::unique_ptr<grpc::ClientContext> context(int seconds = 20) {
    auto out = std::make_unique<grpc::ClientContext>();
    out->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
    return out;
  }

  v1::OrderHeader header() {
    v1::OrderHeader out;
    out.set_request_id("r" + std::to_string(++requests_));
    out.set_client_name("trainer");
    return out;
  }

  v1::Station now() {
    v1::Station out;
    const auto status = stub_->GetStation(context().get(), {}, &out);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return out;
  }

  v1::Station wait_for(const std::function<bool(const v1::Station&)>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    v1::Station state = now();
    while (!condition(state) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      state = now();
    }
    EXPECT_TRUE(condition(state)) << state.ShortDebugString();
    return state;
  }
  v1::Station wait_for_state(v1::StationState state) {
    return wait_for([state](const v1::Station& s) { return s.state() == state; });
  }

  grpc::Status start(v1::Receipt* receipt) {
    v1::StartSessionRequest request;
    *request.mutable_header() = header();
    request.set_program("programs/two-sides");
    return stub_->StartSession(context().get(), request, receipt);
  }

  grpc::Status adjust(const v1::AdjustLoadRequest& request, v1::Receipt* receipt) {
    return stub_->AdjustLoad(context().get(), request, receipt);
  }
  v1::AdjustLoadRequest adjust_to(double load_n) {
    v1::AdjustLoadRequest request;
    *request.mutable_header() = header();
    request.mutable_load()->set_load_n(load_n);
    return request;
  }

  // Declared so that what is used last is destroyed last.
  std::string folder_;
  std::unique_ptr<record::Store> store_;
  station::PluginHost plugins_;
  std::unique_ptr<rt::EngineChannels> channels_ = std::make_unique<rt::EngineChannels>();
  FakeLoop loop_{*channels_};
  station::AsioRuntime runtime_{{}};
  CountingRuntime api_runtime_{runtime_};
  std::unique_ptr<station::Station> station_;
  std::unique_ptr<ApiServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::StationService::Stub> stub_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::unique_ptr<v1::ProgramService::Stub> programs_;
  std::thread control_, looping_;
  std::atomic<bool> ended_{false};
  int requests_ = 0;
};

TEST_F(Bench, AProgramRunsFromStartToStoredSets) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  EXPECT_FALSE(receipt.session().empty());
  wait_for_state(v1::STATION_STATE_WORKING);
  wait_for_state(v1::STATION_STATE_IDLE);

  v1::GetSessionRequest get;
  get.set_name(receipt.session());
  v1::Session session;
  ASSERT_TRUE(sessions_->GetSession(context().get(), get, &session).ok());
  ASSERT_EQ(session.sets_size(), 2);
  EXPECT_EQ(session.sets(0).side(), v1::SIDE_LEFT);
  EXPECT_EQ(session.sets(1).side(), v1::SIDE_RIGHT);
  v1::GetSetRequest get_set;
  get_set.set_name(session.sets(1).name());
  v1::Set set;
  ASSERT_TRUE(sessions_->GetSet(context().get(), get_set, &set).ok());
  EXPECT_EQ(set.end(), v1::SET_END_COUNT);
  EXPECT_EQ(set.repetitions_size(), 3);

  v1::ReadSamplesRequest read;
  read.set_name(set.name());
  const auto reading = context();
  const auto reader = sessions_->ReadSamples(reading.get(), read);
  v1::RecordedSamples part, all;
  while (reader->Read(&part)) {
    EXPECT_LE(part.ByteSizeLong(), 64u * 1024u);
    all.MergeFrom(part);
  }
  ASSERT_TRUE(reader->Finish().ok());
  ASSERT_EQ(static_cast<std::uint64_t>(all.tick_size()), set.samples());
  EXPECT_GT(all.tick_size(), 1000);
  for (int i = 1; i < all.tick_size(); ++i) ASSERT_LT(all.tick(i - 1), all.tick(i));
  EXPECT_EQ(all.force_measured_size(), all.tick_size());
  EXPECT_EQ(all.load_state_size(), all.tick_size());

  v1::ListSessionsResponse listed;
  ASSERT_TRUE(sessions_->ListSessions(context().get(), {}, &listed).ok());
  ASSERT_EQ(listed.sessions_size(), 1);
  EXPECT_EQ(listed.sessions(0).name(), receipt.session());
}

TEST_F(Bench, AStoredSetIsMeasuredAnewAndKeepsTheSealedValues) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  wait_for_state(v1::STATION_STATE_IDLE);
  v1::GetSessionRequest get;
  get.set_name(receipt.session());
  v1::Session session;
  ASSERT_TRUE(sessions_->GetSession(context().get(), get, &session).ok());
  const std::string name = session.sets(0).name();
  const std::string id = name.substr(name.rfind('/') + 1);

  v1::RecomputeSetRequest request;
  request.set_name(name);
  v1::RecomputeSetResponse fresh;
  ASSERT_TRUE(sessions_->RecomputeSet(context().get(), request, &fresh).ok());
  EXPECT_EQ(fresh.changes_size(), 0) << fresh.changes(0).after().key();
  EXPECT_FALSE(fresh.stored());

  // As if the set had been recorded before there were metrics of sets.
  std::promise<bool> forgotten;
  runtime_.run_blocking(
      [&] {
        record::SetRecord set = *store_->set(id);
        set.metrics.clear();
        forgotten.set_value(store_->put_recomputed(set).has_value());
      },
      [] {});
  ASSERT_TRUE(forgotten.get_future().get());
  request.set_dry_run(true);
  v1::RecomputeSetResponse dry, wet, again;
  ASSERT_TRUE(sessions_->RecomputeSet(context().get(), request, &dry).ok());
  request.set_dry_run(false);
  ASSERT_TRUE(sessions_->RecomputeSet(context().get(), request, &wet).ok());
  ASSERT_TRUE(sessions_->RecomputeSet(context().get(), request, &again).ok());
  EXPECT_GT(dry.changes_size(), 10);
  EXPECT_FALSE(dry.stored());
  EXPECT_EQ(wet.changes_size(), dry.changes_size());
  EXPECT_TRUE(wet.stored());
  EXPECT_EQ(again.changes_size(), 0);
  EXPECT_EQ(wet.changes(0).repetition(), 0u);
  EXPECT_FALSE(wet.changes(0).has_before());
  EXPECT_EQ(wet.changes(0).after().key(), "velocity_best");
  EXPECT_EQ(wet.changes(0).after().unit(), "m/s");

  v1::GetSetRequest get_set;
  get_set.set_name(name);
  v1::Set set;
  ASSERT_TRUE(sessions_->GetSet(context().get(), get_set, &set).ok());
  EXPECT_EQ(set.metrics_size(), wet.changes_size());
  EXPECT_GT(set.repetitions(0).metrics_size(), 30);
  request.set_name(receipt.session() + "/sets/ffffffffffffffff");
  EXPECT_EQ(sessions_->RecomputeSet(context().get(), request, &again).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(Bench, ARepeatedRequestIdGetsTheFirstAnswerAndIsAppliedOnce) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  const auto request = adjust_to(55.0);
  v1::Receipt first, second;
  ASSERT_TRUE(adjust(request, &first).ok());
  ASSERT_TRUE(adjust(request, &second).ok());
  EXPECT_FALSE(first.duplicate());
  EXPECT_TRUE(second.duplicate());
  second.set_duplicate(false);
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(first.accepted(), 55.0);
  EXPECT_GT(first.tick(), 0u);
}

TEST_F(Bench, EveryRefusalHasItsCodeAndChangesNothing) {
  v1::Receipt receipt;
  const auto refused = [&](const grpc::Status& status, StatusCode code) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_GT(status.error_message().size(), 20u) << "a sentence says why";
  };
  refused(adjust(adjust_to(50.0), &receipt), StatusCode::FAILED_PRECONDITION);
  v1::StartSessionRequest unknown;
  *unknown.mutable_header() = header();
  unknown.set_program("programs/nope");
  refused(stub_->StartSession(context().get(), unknown, &receipt), StatusCode::NOT_FOUND);
  unknown.set_program("nope");
  refused(stub_->StartSession(context().get(), unknown, &receipt), StatusCode::INVALID_ARGUMENT);

  ASSERT_TRUE(start(&receipt).ok());
  const v1::Station working = wait_for_state(v1::STATION_STATE_WORKING);
  refused(adjust(adjust_to(9000.0), &receipt), StatusCode::OUT_OF_RANGE);
  auto stale = adjust_to(50.0);
  stale.mutable_header()->set_expected_version(working.version() + 1000);
  refused(adjust(stale, &receipt), StatusCode::ABORTED);
  auto lever = adjust_to(50.0);
  lever.mutable_load()->set_load_nm(50.0);
  refused(adjust(lever, &receipt), StatusCode::INVALID_ARGUMENT);
  auto nowhere = adjust_to(50.0);
  nowhere.mutable_header()->set_station("stations/other");
  refused(adjust(nowhere, &receipt), StatusCode::NOT_FOUND);
  auto nameless = adjust_to(50.0);
  nameless.mutable_header()->set_request_id("");
  refused(adjust(nameless, &receipt), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(now().axes(0).load_requested(), 60.0);
}

TEST_F(Bench, AnOrderThatWaitedTooLongIsNotCarriedOut) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  std::promise<void> release;
  const auto held = release.get_future().share();
  runtime_.post([held] { held.wait(); });
  auto request = adjust_to(50.0);
  request.mutable_header()->mutable_time_to_live()->set_nanos(1'000'000);
  const int before = api_runtime_.posted;
  auto answer = std::async(std::launch::async, [&] { return adjust(request, &receipt); });
  while (api_runtime_.posted == before) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // older than its millisecond
  release.set_value();
  const grpc::Status status = answer.get();
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_NE(status.error_message().find("time to live"), std::string::npos);
  EXPECT_EQ(now().axes(0).load_requested(), 60.0);
}

TEST_F(Bench, AnOrderThatNobodyWaitsForIsNotCarriedOut) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  std::promise<void> release;
  const auto held = release.get_future().share();
  runtime_.post([held] { held.wait(); });
  grpc::ClientContext impatient;
  impatient.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  EXPECT_EQ(stub_->AdjustLoad(&impatient, adjust_to(50.0), &receipt).error_code(),
            StatusCode::DEADLINE_EXCEEDED);
  // The server's deadline is the client's, rounded up on the wire.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  release.set_value();
  EXPECT_EQ(now().axes(0).load_requested(), 60.0);
}

TEST_F(Bench, TheStarterThatStopsWatchingIsLostAndComesBack) {
  v1::WatchStationRequest request;
  request.set_client_name("trainer");
  auto watching = std::make_unique<grpc::ClientContext>();
  auto reader = stub_->WatchStation(watching.get(), request);
  v1::WatchStationResponse response;
  ASSERT_TRUE(reader->Read(&response));
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  EXPECT_FALSE(now().axes(0).increases_frozen());
  watching->TryCancel();
  while (reader->Read(&response)) {
  }
  reader->Finish();
  const v1::Station lost =
      wait_for([](const v1::Station& s) { return s.axes(0).increases_frozen(); });
  EXPECT_EQ(lost.state(), v1::STATION_STATE_WORKING) << "the set goes on";
  auto again = std::make_unique<grpc::ClientContext>();
  auto second = stub_->WatchStation(again.get(), request);
  ASSERT_TRUE(second->Read(&response));
  wait_for([](const v1::Station& s) {
    return s.state() != v1::STATION_STATE_WORKING || !s.axes(0).increases_frozen();
  });
  again->TryCancel();
  while (second->Read(&response)) {
  }
  second->Finish();
}

TEST_F(Bench, AnOnlookerThatLeavesFreezesNothing) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  for (const char* name : {"", "somebody-else"}) {
    v1::WatchStationRequest request;
    request.set_client_name(name);
    grpc::ClientContext watching;
    auto reader = stub_->WatchStation(&watching, request);
    v1::WatchStationResponse response;
    ASSERT_TRUE(reader->Read(&response));
    watching.TryCancel();
    while (reader->Read(&response)) {
    }
    reader->Finish();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(now().axes(0).increases_frozen());
}

TEST_F(Bench, StopIsTakenWhileEveryOtherPlaceIsTaken) {
  v1::Receipt receipt;
  ASSERT_TRUE(start(&receipt).ok());
  wait_for_state(v1::STATION_STATE_WORKING);
  struct Watch {
    std::unique_ptr<grpc::ClientContext> context = std::make_unique<grpc::ClientContext>();
    std::unique_ptr<grpc::ClientReader<v1::WatchStationResponse>> reader;
  };
  std::vector<Watch> watches(kMaxWatches);
  v1::WatchStationResponse response;
  for (Watch& watch : watches) {
    watch.reader = stub_->WatchStation(watch.context.get(), {});
    ASSERT_TRUE(watch.reader->Read(&response));
  }
  grpc::ClientContext too_many;
  auto refused = stub_->WatchStation(&too_many, {});
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_EQ(refused->Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);

  v1::StopRequest stop;  // even without a header
  EXPECT_TRUE(stub_->Stop(context().get(), stop, &receipt).ok());
  wait_for_state(v1::STATION_STATE_IDLE);
  for (Watch& watch : watches) {
    watch.context->TryCancel();
    while (watch.reader->Read(&response)) {
    }
    watch.reader->Finish();
  }
}

TEST_F(Bench, LiveSamplesComeInColumnsOfEqualLength) {
  v1::WatchSamplesRequest request;
  request.set_divider(2);
  grpc::ClientContext watching;
  auto reader = stub_->WatchSamples(&watching, request);
  v1::SampleBatch batch;
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(reader->Read(&batch));
    EXPECT_EQ(batch.sequence(), static_cast<std::uint64_t>(i + 1));
    ASSERT_GE(batch.tick_size(), 10);
    EXPECT_EQ(batch.position_micro_size(), batch.tick_size());
    EXPECT_EQ(batch.phase_size(), batch.tick_size());
    for (const std::uint64_t tick : batch.tick()) {
      EXPECT_EQ(tick % 2, 0u);
      EXPECT_GT(tick, last);
      last = tick;
    }
  }
  watching.TryCancel();
  while (reader->Read(&batch)) {
  }
  reader->Finish();
}

TEST_F(Bench, StreamLimitsOutsideTheirRangeAreRefused) {
  v1::WatchSamplesRequest request;
  request.set_batch_ms(1);
  v1::SampleBatch batch;
  const auto one = context();
  auto reader = stub_->WatchSamples(one.get(), request);
  EXPECT_FALSE(reader->Read(&batch));
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::INVALID_ARGUMENT);
  v1::WatchStationRequest fast;
  fast.set_rate_hz(1000);
  v1::WatchStationResponse response;
  const auto two = context();
  auto watch = stub_->WatchStation(two.get(), fast);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(Bench, AHugeRequestIsRefusedBeforeItIsRead) {
  v1::StartSessionRequest request;
  *request.mutable_header() = header();
  request.set_program("programs/" + std::string(100'000, 'x'));
  v1::Receipt receipt;
  EXPECT_EQ(stub_->StartSession(context().get(), request, &receipt).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(Bench, ProgramsAndProfilesComeInPages) {
  v1::ListProfilesRequest request;
  request.set_page_size(1);
  std::vector<std::string> names;
  while (true) {
    v1::ListProfilesResponse page;
    ASSERT_TRUE(programs_->ListProfiles(context().get(), request, &page).ok());
    ASSERT_LE(page.profiles_size(), 1);
    for (const auto& profile : page.profiles()) names.push_back(profile.name());
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  EXPECT_TRUE(has("profiles/constant-tension"));
  EXPECT_TRUE(has("profiles/eccentric-emphasis"));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  v1::GetProgramRequest get;
  get.set_name("programs/two-sides");
  v1::Program program;
  ASSERT_TRUE(programs_->GetProgram(context().get(), get, &program).ok());
  EXPECT_EQ(program.blocks(0).load().load_n(), 60.0);
}

TEST_F(Bench, ASecondServerOnTheSameSocketIsRefused) {
  const auto second = ApiServer::start(options(), parts());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another program serves there"), std::string::npos);
  EXPECT_EQ(now().name(), "stations/local") << "the first one is not disturbed";
}

TEST_F(Bench, ShutdownEndsOpenStreamsAndALaterServerStartsAnew) {
  grpc::ClientContext watching;
  auto reader = stub_->WatchStation(&watching, {});
  v1::WatchStationResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server_->shutdown();
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAVAILABLE);
  start_server();
  EXPECT_EQ(now().state(), v1::STATION_STATE_IDLE);
}

TEST_F(Bench, OrdersAreRefusedDuringShutdownButStopIsNot) {
  server_->refuse_orders();
  v1::Receipt receipt;
  EXPECT_EQ(start(&receipt).error_code(), StatusCode::UNAVAILABLE);
  v1::StopRequest stop;
  *stop.mutable_header() = header();
  EXPECT_TRUE(stub_->Stop(context().get(), stop, &receipt).ok());
}

}  // namespace
}  // namespace medius::api
