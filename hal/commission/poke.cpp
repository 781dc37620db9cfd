#include "hal/commission/poke.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controller/base/clamp.hpp"
#include "hal/commission/device_reader.hpp"
#include "hal/commission/link_users.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/enable_words.hpp"

namespace medius::hal {
namespace {

using modbus::Connection;
using modbus::DeviceDescriptor;
using modbus::DeviceKind;
using modbus::DevicePlan;
using modbus::Field;
using modbus::FunctionCode;
using modbus::Outcome;
using modbus::RegisterSpec;

// A drive that stands still and makes no torque: within its noise.
constexpr double kStillMps = 0.02;       // m/s | rad/s
constexpr double kNoTorqueShare = 0.05;  // of rated
constexpr std::size_t kMostRawWords = 4;

[[noreturn]] void refuse(std::string message) {
  throw PokeRefusal{std::move(message), false};
}
[[noreturn]] void fail(std::string message) {
  throw PokeRefusal{std::move(message), true};
}

// A write, worked out and found harmless.
struct Write {
  PokedValue poked;
  RegisterSpec spec;
  FunctionCode function = FunctionCode::kWriteRegisters;
  bool read_back = true;
};

template <typename Number>
bool to_number(std::string_view text, Number& value, int base = 10) {
  std::from_chars_result parsed{};
  if constexpr (std::is_integral_v<Number>) {
    const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex) text.remove_prefix(2);
    parsed = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : base);
  } else {
    parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty();
}

class Poker {
 public:
  explicit Poker(const PokeOptions& options) : options_(options) {}

  std::vector<PokedValue> run() {
    if (!options_.unloaded) {
      refuse(
          "nothing is written: a register written by hand can move the machine; take everybody off "
          "it, unhook the cuff, then add --i-know-it-is-unloaded");
    }
    auto machine = load_machine(options_.source, modbus::PlanUse::kLook);
    if (!machine) refuse(machine.error());
    machine_ = std::move(*machine);
    target_ = find_device(machine_.bus, options_.device);
    if (target_.device == nullptr) {
      refuse(fmt::format("{} has no [[device]] '{}'; it has {}", options_.source.file,
                         options_.device, device_names(machine_.bus)));
    }
    if (options_.values.empty()) refuse("nothing to write; give NAME=VALUE or ADDRESS=WORD");
    std::vector<Write> writes;
    for (const std::string& text : options_.values) writes.push_back(worked_out(text));
    check_links_free();
    check_drives_off();
    return carry_out(writes);
  }

 private:
  const DevicePlan& device() const { return *target_.device; }

  Write worked_out(const std::string& text) const {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      refuse(
          fmt::format("'{}' is not NAME=VALUE; write e.g. torque_limit=100 (in N) or 0x0607=1 "
                      "(one raw word; =1,2 for two)",
                      text));
    }
    const std::string name = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    int address = 0;
    Write write = to_number(name, address) ? raw_write(address, value) : named_write(name, value);
    check_hazards(write);
    return write;
  }

  Write raw_write(int address, const std::string& text) const {
    Write write;
    if (address < 0 || address > 0xFFFF) {
      refuse(fmt::format("address {} is none, must be 0 to 65535; correct it", address));
    }
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      int word = 0;
      if (!to_number(std::string_view(text).substr(begin, comma - begin), word) || word < -0x8000 ||
          word > 0xFFFF) {
        refuse(fmt::format("'{}' is no list of words from -32768 to 65535; correct it", text));
      }
      write.poked.written.push_back(static_cast<std::uint16_t>(word));
      begin = comma + 1;
    }
    if (write.poked.written.size() > kMostRawWords) {
      refuse(fmt::format("{} words at once, {} are the most; write fewer",
                         write.poked.written.size(), kMostRawWords));
    }
    write.poked.what = address_text(static_cast<std::uint16_t>(address));
    write.poked.address = static_cast<std::uint16_t>(address);
    const bool one = write.poked.written.size() == 1;
    write.function = one && device().descriptor.transaction == modbus::Transaction::kFc6Fc3
                         ? FunctionCode::kWriteRegister
                         : FunctionCode::kWriteRegisters;
    return write;
  }

  Write named_write(const std::string& name, const std::string& text) const {
    double value = 0.0;
    if (!to_number(text, value) || !is_finite(value)) {
      refuse(fmt::format("'{}={}': the value is no number; correct it", name, text));
    }
    Write write = find_named(name);
    const modbus::RawValue raw = modbus::to_raw(write.spec, value, device().rated_force);
    if (raw.refused) {
      refuse(fmt::format("'{}={}' does not fit the register, which ends at {:g}; write less", name,
                         text, value_of(write.spec, raw.raw)));
    }
    RegisterSpec spec = write.spec;
    spec.index = 0;
    std::array<std::uint16_t, 2> words{};
    modbus::put_raw(spec, raw.raw, words.data());
    write.poked.written.assign(words.begin(), words.begin() + spec.words);
    write.poked.what = name;
    write.poked.address = spec.address;
    write.poked.named = true;
    write.poked.value_written = value_of(spec, raw.raw);
    write.spec = spec;
    check_motion(name, raw.raw);
    return write;
  }

  [[nodiscard]] double value_of(const RegisterSpec& spec, std::int64_t raw) const {
    RegisterSpec local = spec;
    local.index = 0;
    std::array<std::uint16_t, 2> words{};
    modbus::put_raw(local, raw, words.data());
    return modbus::get_value(local, words.data(), device().rated_force);
  }

  [[nodiscard]] Write find_named(const std::string& name) const {
    const DeviceDescriptor& d = device().descriptor;
    std::string known;
    for (const modbus::FieldRow& row : modbus::kFieldRows) {
      const RegisterSpec& spec = d.field(row.field);
      if (row.kind != d.kind || row.block != modbus::Block::kWrite || !spec.present) continue;
      known += (known.empty() ? "" : ", ") + std::string(row.name);
      if (name != row.name) continue;
      if (d.separate_areas) {
        refuse(fmt::format(
            "{}: '{}' lies in the output image of {}, which only the controller's combined request "
            "reaches; write the parameter by its own address instead",
            device().name, name, d.id));
      }
      Write write;
      write.spec = spec;
      for (const modbus::Window& window : d.write.windows) {
        const bool here = spec.index >= window.first && spec.index < window.first + window.words;
        if (here && window.function == FunctionCode::kWriteRegister) {
          write.function = FunctionCode::kWriteRegister;
        }
      }
      return write;
    }
    for (const modbus::InitStep& step : d.init) {
      known += (known.empty() ? "" : ", ") + step.name;
      if (name != step.name) continue;
      Write write;
      write.spec = step.spec;
      write.function = step.function;
      write.read_back = step.read_back;
      return write;
    }
    refuse(fmt::format("{}: {} describes no register '{}' that is written; it has {}",
                       device().name, d.path, name, known.empty() ? "none" : known));
  }

  // Motion is not poke's business: what is left in a set point acts when the drive is enabled.
  void check_motion(const std::string& name, std::int64_t raw) const {
    const modbus::EnableSpec& enable = device().descriptor.enable;
    if ((name == "target_torque" || name == "target_velocity") && raw != 0) {
      refuse(
          fmt::format("'{}' is a set point, which acts when the drive is next enabled; only 0 "
                      "can be written by hand; use `medius hal identify` to move",
                      name));
    }
    if (name != "controlword") return;
    const auto word = static_cast<std::uint16_t>(raw);
    constexpr std::uint16_t kOperate = 0x0F;  // CiA 402: enable operation
    const bool enables =
        enable.kind == modbus::EnableKind::kCia402
            ? (word & kOperate) == kOperate
            : std::find(enable.on.begin(), enable.on.end(), word) != enable.on.end() &&
                  word != enable.off;
    if (enables) {
      refuse(
          fmt::format("controlword {:#06x} enables the drive, which is not done by hand; use "
                      "`medius hal identify`, which watches it",
                      word));
    }
  }

  void check_hazards(const Write& write) const {
    const DeviceDescriptor& d = device().descriptor;
    const int first = write.poked.address;
    const int last = first + static_cast<int>(write.poked.written.size()) - 1;
    const auto covers = [&](int address, int words) {
      return first < address + words && address <= last;
    };
    if (!write.poked.named) check_raw_motion(covers, write);
    if (options_.wears_memory) return;
    const std::string next =
        "; it wears out, and keeps a mistake: if that is meant, add --i-know-it-may-be-permanent";
    for (const modbus::AddressRange& range : d.forbidden) {
      if (!covers(range.address, range.words)) continue;
      refuse(fmt::format("{}: address {} is [[forbidden]] in {}: {}{}", device().name,
                         address_text(range.address), d.path, range.why, next));
    }
    for (const modbus::InitStep& step : d.init) {
      if (!step.persistent || !covers(step.spec.address, step.spec.words)) continue;
      refuse(fmt::format("{}: '{}' ({}) is permanent memory{}", device().name, step.name,
                         address_text(step.spec.address), next));
    }
    if (write.poked.named || is_described(first, last)) return;
    refuse(fmt::format("{}: {} does not describe address {}: it may be permanent memory{}",
                       device().name, d.path, write.poked.what, next));
  }

  // A raw address is no way around the rule for set points and control words.
  template <typename Covers>
  void check_raw_motion(const Covers& covers, const Write& write) const {
    const DeviceDescriptor& d = device().descriptor;
    for (const modbus::FieldRow& row : modbus::kFieldRows) {
      const RegisterSpec& spec = d.field(row.field);
      const bool moves = row.field == Field::kControlword || row.field == Field::kTargetForce ||
                         row.field == Field::kTargetVelocity;
      if (row.kind != d.kind || row.block != modbus::Block::kWrite || !spec.present || !moves) {
        continue;
      }
      if (covers(spec.address, spec.words)) {
        refuse(
            fmt::format("{}: address {} is '{}'; write it by its name: then what it may do is "
                        "looked at",
                        device().name, write.poked.what, row.name));
      }
    }
  }

  [[nodiscard]] bool is_described(int first, int last) const {
    const DeviceDescriptor& d = device().descriptor;
    for (const modbus::Window& window : d.write.windows) {
      if (first >= window.address && last < window.address + window.words) return true;
    }
    return std::any_of(d.init.begin(), d.init.end(), [&](const modbus::InitStep& step) {
      return first >= step.spec.address && last < step.spec.address + step.spec.words;
    });
  }

  void check_links_free() const {
    for (const modbus::LinkPlan& link : machine_.bus.links) {
      for (const std::string& user : users_of(link)) {
        refuse(fmt::format("[[link]] '{}' ({}) is in use by {}; stop it, then write", link.name,
                           link.address, user));
      }
    }
  }

  // All drives of the machine, not only the device that is written to: a panel's relay or another
  // arm can move it as well.
  void check_drives_off() const {
    for (const modbus::LinkPlan& link : machine_.bus.links) {
      for (const DevicePlan& drive : link.devices) {
        if (drive.descriptor.kind == DeviceKind::kDrive) check_drive_off(link, drive);
      }
    }
  }

  static void check_drive_off(const modbus::LinkPlan& link, const DevicePlan& drive) {
    Connection connection;
    if (open_link(connection, link) != Outcome::kOk) {
      fail(
          fmt::format("{} ({}): no connection: {}; whether drive '{}' is off cannot be seen, so "
                      "nothing is written; start the device or correct the [[link]]",
                      link.name, link.address, connection.error(), drive.name));
    }
    DeviceReader reader(drive);
    const Outcome outcome = reader.read(connection);
    const RegisterValue* const status = reader.find("statusword");
    if (outcome != Outcome::kOk || status == nullptr || !status->ok) {
      fail(fmt::format(
          "{}: its status cannot be read ({}), so nothing is written; check unit id "
          "{} and the register map with `medius hal monitor`",
          drive.name,
          status != nullptr && !status->error.empty() ? status->error
                                                      : failure_text(connection, outcome),
          drive.unit_id));
    }
    const DriveState state =
        modbus::drive_state(drive.descriptor.enable, static_cast<std::uint16_t>(status->raw));
    if (state == DriveState::kOperationEnabled || state == DriveState::kQuickStopActive ||
        state == DriveState::kFaultReactionActive || state == DriveState::kUnknown) {
      refuse(fmt::format("{}: is in '{}' (status {:#06x}), must be off; disable it, then write",
                         drive.name, status->text, status->raw));
    }
    const auto magnitude = [&](const char* name) {
      const RegisterValue* const value = reader.find(name);
      return value != nullptr && value->ok ? absolute(value->value) : 0.0;
    };
    if (!(magnitude("velocity") <= kStillMps)) {
      refuse(fmt::format("{}: moves at {:.3f}, {:.2f} is the most; wait until it stands still",
                         drive.name, magnitude("velocity"), kStillMps));
    }
    const double most = kNoTorqueShare * drive.rated_force;
    if (!(magnitude("torque_actual") <= most)) {
      refuse(fmt::format("{}: makes a torque of {:.1f}, {:.1f} is the most; disable it, then write",
                         drive.name, magnitude("torque_actual"), most));
    }
  }

  std::vector<PokedValue> carry_out(std::vector<Write>& writes) const {
    Connection connection;
    if (open_link(connection, *target_.link) != Outcome::kOk) {
      fail(fmt::format("{}: no connection: {}; start the device or correct the [[link]]",
                       target_.link->address, connection.error()));
    }
    connection.set_pauses({device().silence_us, device().descriptor.turnaround_max_us});
    std::vector<PokedValue> done;
    for (Write& write : writes) {
      PokedValue& poked = write.poked;
      poked.readable = read_words(connection, write, poked.before, poked.value_before);
      const Outcome outcome =
          write.function == FunctionCode::kWriteRegister
              ? connection.write_one(device().unit_id, poked.address, poked.written[0])
              : connection.write(device().unit_id, poked.address, poked.written);
      if (outcome != Outcome::kOk) {
        fail(fmt::format("{}: {} was not taken: {}; check that it can be written in this state",
                         device().name, poked.what, failure_text(connection, outcome)));
      }
      poked.readable = read_words(connection, write, poked.after, poked.value_after);
      poked.kept = poked.readable && poked.after == poked.written;
      done.push_back(poked);
    }
    return done;
  }

  bool read_words(Connection& connection, const Write& write, std::vector<std::uint16_t>& words,
                  double& value) const {
    words.assign(write.poked.written.size(), 0);
    if (!write.read_back ||
        connection.read(device().unit_id, write.poked.address, words) != Outcome::kOk) {
      words.clear();
      return false;
    }
    if (write.poked.named) {
      value = modbus::get_value(write.spec, words.data(), device().rated_force);
    }
    return true;
  }

  const PokeOptions& options_;
  MachinePlan machine_;
  DeviceOnLink target_;
};

std::string words_text(const std::vector<std::uint16_t>& words) {
  std::string text;
  for (const std::uint16_t word : words) {
    text += fmt::format("{}{:04x}", text.empty() ? "" : " ", word);
  }
  return text.empty() ? std::string("?") : text;
}

}  // namespace

tl::expected<std::vector<PokedValue>, PokeRefusal> poke(const PokeOptions& options) {
  try {
    return Poker(options).run();
  } catch (const PokeRefusal& refusal) {
    return tl::make_unexpected(refusal);
  }
}

std::string poke_text(const std::vector<PokedValue>& values) {
  std::string text;
  for (const PokedValue& v : values) {
    text += fmt::format("{} ({}): ", v.what, address_text(v.address));
    text += fmt::format("was {}", words_text(v.before));
    if (v.named && !v.before.empty()) text += fmt::format(" = {:g}", v.value_before);
    text += fmt::format(", written {}", words_text(v.written));
    if (v.named) text += fmt::format(" = {:g}", v.value_written);
    if (!v.readable) {
      text += ", cannot be read back\n";
    } else if (v.kept) {
      text += ", read back the same\n";
    } else {
      text += fmt::format(", but it says {}", words_text(v.after));
      if (v.named) text += fmt::format(" = {:g}", v.value_after);
      text += "; the device did not keep it: it may be limited, or locked in this state\n";
    }
  }
  return text;
}

std::string poke_json(const std::vector<PokedValue>& values) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const PokedValue& v : values) {
    nlohmann::ordered_json one = {
        {"what", v.what},   {"address", v.address},   {"before", v.before}, {"written", v.written},
        {"after", v.after}, {"readable", v.readable}, {"kept", v.kept}};
    if (v.named) {
      one["value_before"] = v.value_before;
      one["value_written"] = v.value_written;
      one["value_after"] = v.value_after;
    }
    all.push_back(std::move(one));
  }
  return all.dump(2) + "\n";
}

}  // namespace medius::hal
