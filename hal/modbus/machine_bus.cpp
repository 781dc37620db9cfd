#include "hal/modbus/machine_bus.hpp"

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/link.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal::modbus {
namespace {

class BusImage final : public MachineImage {
 public:
  explicit BusImage(std::vector<std::unique_ptr<Link>>& links) : links_(links) {}

  void read(const Tick&, MachineInput& input) noexcept override {
    for (const auto& link : links_) link->read(input);
  }
  void write(const Tick& tick, const MachineOutput& output) noexcept override {
    for (const auto& link : links_) link->write(tick, output);
  }

 private:
  std::vector<std::unique_ptr<Link>>& links_;
};

}  // namespace

struct MachineBus::Impl {
  explicit Impl(BusPlan bus) : plan(std::move(bus)) {
    for (const LinkPlan& link : plan.links) {
      links.push_back(std::make_unique<Link>(link, plan, plan.lockstep ? &gate : nullptr));
    }
  }

  BusPlan plan;
  LockstepGate gate;
  LockstepTickSource source{gate};
  std::vector<std::unique_ptr<Link>> links;
  BusImage image{links};
};

MachineBus::MachineBus(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MachineBus::~MachineBus() {
  stop();
}

tl::expected<std::unique_ptr<MachineBus>, BusError> MachineBus::create(
    const std::string& machine_file, const BusOptions& options) {
  auto plan = load_bus_plan(machine_file, options);
  if (!plan) return tl::make_unexpected(plan.error());
  return std::unique_ptr<MachineBus>(new MachineBus(std::make_unique<Impl>(std::move(*plan))));
}

void MachineBus::start() {
  for (const auto& link : impl_->links) link->start();
}

void MachineBus::stop() {
  impl_->gate.close();
  for (const auto& link : impl_->links) link->stop();
}

MachineImage& MachineBus::image() noexcept {
  return impl_->image;
}

rt::TickSource* MachineBus::lockstep_source() noexcept {
  return impl_->plan.lockstep ? &impl_->source : nullptr;
}

void MachineBus::stop_lockstep_source() noexcept {
  impl_->gate.close();
}

std::vector<LinkStatus> MachineBus::status() const {
  std::vector<LinkStatus> all;
  for (const auto& link : impl_->links) all.push_back(link->status());
  return all;
}

const std::vector<std::string>& MachineBus::warnings() const noexcept {
  return impl_->plan.warnings;
}

const char* to_string(LinkState state) noexcept {
  switch (state) {
    case LinkState::kDown:
      return "down";
    case LinkState::kConnecting:
      return "connecting";
    case LinkState::kUp:
      return "up";
    case LinkState::kRefused:
      return "refused";
  }
  return "unknown";
}

}  // namespace medius::hal::modbus
