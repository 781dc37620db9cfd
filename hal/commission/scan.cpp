#include "hal/commission/scan.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hal/commission/device_reader.hpp"
#include "hal/commission/link_users.hpp"
#include "hal/commission/machine_plan.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/enable_words.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal {
namespace {

using modbus::Connection;
using modbus::DeviceDescriptor;
using modbus::DeviceKind;
using modbus::DevicePlan;
using modbus::Field;
using modbus::LinkPlan;
using modbus::Outcome;
using modbus::Window;

constexpr std::array kUsualBauds = {115200, 57600, 38400, 19200, 9600};
// Gateway exceptions: nobody behind the gateway has this unit id.
constexpr int kGatewayPath = 10;
constexpr int kGatewayTarget = 11;
constexpr std::size_t kConnectsAtOnce = 64;
constexpr int kLateReplyUs = 20'000;

std::vector<DeviceDescriptor> descriptors_in(const std::string& directory,
                                             std::vector<std::string>& notes) {
  std::vector<DeviceDescriptor> all;
  std::error_code problem;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, problem)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    auto loaded = modbus::load_descriptor(file.string(), CoordinateKind::kCable);
    if (loaded) {
      all.push_back(std::move(*loaded));
    } else {
      notes.push_back(loaded.error().message);
    }
  }
  if (all.empty()) {
    notes.push_back(fmt::format(
        "{}: no descriptor to compare with; give their directory with --devices", directory));
  }
  return all;
}

// Which of the addresses take a TCP connection. Tried many at once: most of a subnet is silent.
std::vector<ScanTarget> that_listen(const std::vector<ScanTarget>& targets, int timeout_ms,
                                    const ScanProgress& progress, bool& go_on) {
  std::vector<ScanTarget> open;
  for (std::size_t begin = 0; begin < targets.size() && go_on; begin += kConnectsAtOnce) {
    const std::size_t count = std::min(kConnectsAtOnce, targets.size() - begin);
    std::vector<pollfd> sockets;
    for (std::size_t i = 0; i < count; ++i) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<std::uint16_t>(targets[begin + i].port));
      ::inet_pton(AF_INET, targets[begin + i].where.c_str(), &address.sin_addr);
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd >= 0) {
        static_cast<void>(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
      }
      sockets.push_back({fd, POLLOUT, 0});
    }
    const std::int64_t end_ns = modbus::monotonic_ns() + timeout_ms * 1'000'000ll;
    for (std::size_t waiting = count; waiting > 0;) {
      const auto left_ms = static_cast<int>((end_ns - modbus::monotonic_ns()) / 1'000'000);
      if (left_ms <= 0 || ::poll(sockets.data(), sockets.size(), left_ms) <= 0) break;
      for (std::size_t i = 0; i < count; ++i) {
        if (sockets[i].fd < 0 || sockets[i].revents == 0) continue;
        int error = 0;
        socklen_t length = sizeof error;
        ::getsockopt(sockets[i].fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error == 0) open.push_back(targets[begin + i]);
        ::close(sockets[i].fd);
        sockets[i].fd = -1;  // poll leaves it alone from now on
        --waiting;
      }
    }
    for (const pollfd& socket : sockets) {
      if (socket.fd >= 0) ::close(socket.fd);
    }
    go_on = progress(
        fmt::format("{} of {} addresses asked for a connection", begin + count, targets.size()),
        static_cast<double>(begin + count) / static_cast<double>(targets.size()));
  }
  return open;
}

// Reads every window and every register written at connect; false when one is missing.
struct Reading {
  modbus::ReadImage in{}, config{};
};
bool read_all(Connection& connection, const DevicePlan& plan, Reading& reading) {
  for (const Window& window : plan.descriptor.read.windows) {
    if (modbus::read_window(connection, plan, window, reading.in) != Outcome::kOk) return false;
  }
  for (const Window& window : plan.descriptor.config.windows) {
    if (modbus::read_window(connection, plan, window, reading.config) != Outcome::kOk) return false;
  }
  for (const modbus::InitStep& step : plan.descriptor.init) {
    if (!step.read_back) continue;
    modbus::ReadImage ignored{};
    Window window;
    window.address = step.spec.address;
    window.words = step.spec.words;
    if (modbus::read_window(connection, plan, window, ignored) != Outcome::kOk) return false;
  }
  return true;
}

// What speaks for the descriptor; empty `why` of a likely one: nothing beyond its registers.
Recognised judged(const DeviceDescriptor& d, const Reading& reading) {
  Recognised fit{d.id, d.title, Certainty::kPossible, "all of its registers are there"};
  if (d.map_version != 0) {
    const auto version = modbus::get_raw(d.field(Field::kMapVersion), reading.config.data());
    if (version != d.map_version) {
      fit.id.clear();  // the registers are there and say that this is something else
      return fit;
    }
    fit.certainty = Certainty::kSure;
    fit.why = fmt::format("its identity register says map version {}", version);
    return fit;
  }
  if (!d.field(Field::kStatusword).present) return fit;
  const auto status =
      static_cast<std::uint16_t>(modbus::get_raw(d.field(Field::kStatusword), reading.in.data()));
  const DriveState state = modbus::drive_state(d.enable, status);
  if (state == DriveState::kUnknown) {
    fit.why += fmt::format(", but {:#06x} is no state of it", status);
    return fit;
  }
  fit.certainty = Certainty::kLikely;
  fit.why += fmt::format(", and its status {:#06x} means '{}'", status, to_string(state));
  return fit;
}

// Between frames of a line: 3.5 characters, and no less than the standard has for fast lines.
int silence_us(const LinkPlan& link) noexcept {
  constexpr int kFastLineUs = 1750;
  constexpr int kBitsOf35Characters = 39;  // 3.5 x 11
  if (link.transport != modbus::Transport::kRtu) return 0;
  return std::max(kFastLineUs, kBitsOf35Characters * 1'000'000 / link.line.baud);
}

std::vector<Recognised> recognise(Connection& connection, const LinkPlan& link, int unit,
                                  const std::vector<DeviceDescriptor>& descriptors) {
  std::vector<Recognised> fits;
  for (const DeviceDescriptor& descriptor : descriptors) {
    if (!connection.is_open() && open_link(connection, link) != Outcome::kOk) break;
    DevicePlan plan;
    plan.descriptor = descriptor;
    plan.unit_id = static_cast<std::uint8_t>(unit);
    plan.silence_us = std::max(silence_us(link), descriptor.silence_us);
    Reading reading;
    const bool there = read_all(connection, plan, reading);
    // A device may hang up on a question that it does not like.
    if (!there && !connection.is_serial() && connection.exception_code() == 0) connection.close();
    if (!there || descriptor.read.windows.empty()) continue;
    Recognised fit = judged(descriptor, reading);
    if (!fit.id.empty()) fits.push_back(std::move(fit));
  }
  std::stable_sort(fits.begin(), fits.end(), [](const Recognised& a, const Recognised& b) {
    return a.certainty > b.certainty;
  });
  // Two that explain it equally well are both only possible.
  if (fits.size() > 1 && fits[0].certainty == Certainty::kLikely &&
      fits[1].certainty == Certainty::kLikely) {
    for (Recognised& fit : fits) fit.certainty = Certainty::kPossible;
  }
  return fits;
}

// One question to one unit; "" = nobody there.
std::string ask(Connection& connection, const LinkPlan& link, int unit) {
  if (!connection.is_open() && open_link(connection, link) != Outcome::kOk) return {};
  std::array<std::uint16_t, 1> word{};
  // A reply to a question at the wrong rate may still come.
  connection.set_pauses({silence_us(link), kLateReplyUs});
  const Outcome outcome = connection.read(static_cast<std::uint8_t>(unit), 0, word);
  switch (outcome) {
    case Outcome::kOk:
      return "a value";
    case Outcome::kException: {
      const int code = connection.exception_code();
      if (code == kGatewayPath || code == kGatewayTarget) return {};
      return failure_text(connection, outcome);
    }
    case Outcome::kProtocol:
      if (!connection.is_serial()) connection.close();
      return "a malformed reply";
    case Outcome::kTimeout:
    case Outcome::kClosed:
      break;
  }
  if (!connection.is_serial() || outcome == Outcome::kClosed) connection.close();
  return {};
}

class Scanner {
 public:
  Scanner(const ScanOptions& options, const ScanProgress& progress)
      : options_(options), progress_(progress) {}

  tl::expected<ScanResult, std::string> run();

 private:
  void scan_tcp(const ScanTarget& target);
  void scan_line(const std::string& device);
  bool scan_units(const LinkPlan& link, const std::string& settings, const std::vector<int>& units);
  bool tell(const std::string& what, double share) {
    go_on_ = go_on_ && progress_(what, share);
    return go_on_;
  }

  const ScanOptions& options_;
  const ScanProgress& progress_;
  std::vector<DeviceDescriptor> descriptors_;
  std::vector<int> tcp_units_, line_units_;
  ScanResult result_;
  bool go_on_ = true;
};

tl::expected<ScanResult, std::string> Scanner::run() {
  auto targets = scan_targets(options_.targets);
  if (!targets) return tl::make_unexpected(targets.error());
  // A drive with a unit id of its own on TCP usually has 1 or 255; a gateway has its line behind
  // it.
  auto tcp = number_list(options_.units.empty() ? "1-5,247,255" : options_.units, 0, 255);
  if (!tcp) return tl::make_unexpected(tcp.error());
  auto line = number_list(options_.units.empty() ? "1-10" : options_.units, 0, 255);
  tcp_units_ = std::move(*tcp);
  for (const int unit : *line) {
    if (unit >= 1 && unit <= 247) line_units_.push_back(unit);
  }
  for (const int baud : options_.bauds) {
    if (modbus::is_sure_baud(baud)) continue;
    return tl::make_unexpected(
        fmt::format("--baud {} is not one that libmodbus knows for sure; use one of {}", baud,
                    fmt::join(modbus::kSureBauds, ", ")));
  }
  descriptors_ = descriptors_in(options_.devices, result_.notes);
  std::vector<ScanTarget> addresses;
  for (const ScanTarget& target : *targets) {
    if (!target.serial) addresses.push_back(target);
  }
  result_.addresses_tried = targets->size();
  const auto open = that_listen(addresses, options_.connect_timeout_ms, progress_, go_on_);
  for (const ScanTarget& target : open) {
    if (go_on_) scan_tcp(target);
  }
  for (const ScanTarget& target : *targets) {
    if (target.serial && go_on_) scan_line(target.where);
  }
  return std::move(result_);
}

bool Scanner::scan_units(const LinkPlan& link, const std::string& settings,
                         const std::vector<int>& units) {
  Connection connection;
  const Outcome opened = open_link(connection, link);
  if (opened != Outcome::kOk) {
    result_.notes.push_back(
        fmt::format("{}: cannot be opened: {}", link.address, connection.error()));
    return false;
  }
  FoundLink found{link.address, settings, {}};
  for (std::size_t i = 0; i < units.size() && go_on_; ++i) {
    const std::string where = settings.empty() ? link.address : link.address + " at " + settings;
    if (!tell(fmt::format("{}: unit {}", where, units[i]),
              static_cast<double>(i) / static_cast<double>(units.size()))) {
      break;
    }
    const std::string answer = ask(connection, link, units[i]);
    if (answer.empty()) continue;
    FoundUnit unit{units[i], answer, recognise(connection, link, units[i], descriptors_)};
    found.units.push_back(std::move(unit));
  }
  const bool any = !found.units.empty();
  if (any || link.transport == modbus::Transport::kTcp) result_.links.push_back(std::move(found));
  return any;
}

void Scanner::scan_tcp(const ScanTarget& target) {
  LinkPlan link;
  link.numeric_ip = target.where;
  link.port = target.port;
  link.address = fmt::format("{}:{}", target.where, target.port);
  link.response_timeout_ms = options_.timeout_ms;
  for (const std::string& user : users_of(link)) {
    result_.notes.push_back(fmt::format("{}: {} is connected too", link.address, user));
  }
  static_cast<void>(scan_units(link, "", tcp_units_));
}

void Scanner::scan_line(const std::string& device) {
  LinkPlan link;
  link.transport = modbus::Transport::kRtu;
  link.address = device;
  link.line.device = device;
  link.response_timeout_ms = options_.timeout_ms;
  for (const std::string& user : users_of(link)) {
    result_.notes.push_back(fmt::format(
        "{}: in use by {}; not scanned, for two masters garble each other; stop it first", device,
        user));
    return;
  }
  std::vector<int> bauds = options_.bauds;
  if (bauds.empty()) bauds.assign(kUsualBauds.begin(), kUsualBauds.end());
  std::vector<std::string> parities = options_.parities;
  if (parities.empty()) parities = {"none", "even"};
  for (const int baud : bauds) {
    for (const std::string& parity : parities) {
      link.line.baud = baud;
      link.line.parity = parity == "even" ? 'E' : parity == "odd" ? 'O' : 'N';
      const std::size_t notes = result_.notes.size();
      // A line has one setting: where somebody answers, the others need not be tried.
      if (scan_units(link, fmt::format("{} baud, parity {}", baud, parity), line_units_)) return;
      if (result_.notes.size() != notes || !go_on_) return;
    }
  }
}

nlohmann::ordered_json to_json(const FoundUnit& unit) {
  nlohmann::ordered_json fits = nlohmann::ordered_json::array();
  for (const Recognised& fit : unit.fits) {
    fits.push_back({{"descriptor", fit.id},
                    {"title", fit.title},
                    {"certainty", to_string(fit.certainty)},
                    {"why", fit.why}});
  }
  return {{"unit", unit.unit}, {"answer", unit.answer}, {"recognised", fits}};
}

}  // namespace

const char* to_string(Certainty certainty) noexcept {
  switch (certainty) {
    case Certainty::kPossible:
      return "possible";
    case Certainty::kLikely:
      return "likely";
    case Certainty::kSure:
      return "sure";
  }
  return "possible";
}

tl::expected<ScanResult, std::string> scan(const ScanOptions& options,
                                           const ScanProgress& progress) {
  return Scanner(options, progress).run();
}

std::string scan_text(const ScanResult& result) {
  std::string text;
  std::size_t units = 0;
  for (const FoundLink& link : result.links) {
    text += link.address + (link.settings.empty() ? "" : " at " + link.settings) + "\n";
    if (link.units.empty()) text += "  takes connections, but no unit answers\n";
    for (const FoundUnit& unit : link.units) {
      ++units;
      text += fmt::format("  unit {:>3}  answers with {}\n", unit.unit, unit.answer);
      if (unit.fits.empty()) {
        text += "            no descriptor fits; write one (hal/devices/README.md)\n";
      }
      for (const Recognised& fit : unit.fits) {
        text += fmt::format("            {:<8}  {} ({}): {}\n", to_string(fit.certainty), fit.id,
                            fit.title, fit.why);
      }
    }
  }
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  text += fmt::format("{} {} tried, {} {} found\n", result.addresses_tried,
                      result.addresses_tried == 1 ? "address" : "addresses", units,
                      units == 1 ? "unit" : "units");
  return text;
}

std::string scan_json(const ScanResult& result) {
  nlohmann::ordered_json links = nlohmann::ordered_json::array();
  for (const FoundLink& link : result.links) {
    nlohmann::ordered_json units = nlohmann::ordered_json::array();
    for (const FoundUnit& unit : link.units) units.push_back(to_json(unit));
    links.push_back({{"address", link.address}, {"settings", link.settings}, {"units", units}});
  }
  const nlohmann::ordered_json all = {
      {"links", links}, {"notes", result.notes}, {"addresses_tried", result.addresses_tried}};
  return all.dump(2) + "\n";
}

}  // namespace medius::hal
