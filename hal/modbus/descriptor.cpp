#include "hal/modbus/descriptor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_loader.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {
namespace {

// Units that the SI side understands; those of kBases need a number of the machine file.
const std::initializer_list<std::string_view> kUnits = {
    "1", "rated", "rev", "rev/s", "count", "m",   "m/s",   "N",
    "s", "us",    "Cel", "V",     "%/s",   "rad", "rad/s", "Nm"};
constexpr UnitBasis kBases[] = {UnitBasis::kSi, UnitBasis::kRated, UnitBasis::kTravel,
                                UnitBasis::kTravel, UnitBasis::kCell};

constexpr int kMaxFc16Words = 123;
constexpr int kBitsInWord = 16;

struct FunctionName {
  const char* name;
  FunctionCode code;
};
constexpr FunctionName kFunctions[] = {
    {"fc1", FunctionCode::kReadCoils},           {"fc2", FunctionCode::kReadDiscreteInputs},
    {"fc3", FunctionCode::kReadRegisters},       {"fc4", FunctionCode::kReadInputRegisters},
    {"fc6", FunctionCode::kWriteRegister},       {"fc16", FunctionCode::kWriteRegisters},
    {"fc23", FunctionCode::kReadWriteRegisters},
};

bool reads_bits(FunctionCode function) noexcept {
  return function == FunctionCode::kReadCoils || function == FunctionCode::kReadDiscreteInputs;
}

bool fits(Block block, FunctionCode function) noexcept {
  const bool writes =
      function == FunctionCode::kWriteRegister || function == FunctionCode::kWriteRegisters;
  if (function == FunctionCode::kReadWriteRegisters) return block != Block::kConfig;
  return writes == (block == Block::kWrite);
}

std::uint16_t address(const TomlReader& t, std::string_view key) {
  return static_cast<std::uint16_t>(t.integer(key, {0, 0xFFFF}));
}

}  // namespace

DeviceDescriptor DescriptorLoader::load() {
  const TomlReader top(root_, path_);
  const auto section = [&](std::string_view key, bool required) {
    return TomlReader(top.section(key, required), fmt::format("{}: [{}]", path_, key));
  };
  top.only({"device", "cyclic", "config", "window", "identity", "sequence", "heartbeat",
            "freshness", "enable", "state", "watchdog", "limits", "init", "forbidden", "register",
            "bit"});
  read_device(section("device", true));
  read_cyclic(section("cyclic", true));
  read_config(section("config", false));
  read_entries("window", &DescriptorLoader::read_window);
  check_overlap(top);
  compile_transfers(top);
  read_entries("register", &DescriptorLoader::read_register);
  read_entries("bit", &DescriptorLoader::read_bit);
  read_entries("init", &DescriptorLoader::read_init);
  read_entries("forbidden", &DescriptorLoader::read_forbidden);
  read_identity(section("identity", false));
  read_sequence(section("sequence", false));
  read_heartbeat(section("heartbeat", false));
  read_freshness(section("freshness", false));
  read_enable(section("enable", device_.kind == DeviceKind::kDrive));
  read_entries("state", &DescriptorLoader::read_state);
  read_watchdog(section("watchdog", false));
  read_limits(section("limits", false));
  check_required();
  check_forbidden();
  check_groups();
  return std::move(device_);
}

void DescriptorLoader::read_device(const TomlReader& t) {
  t.only({"id", "title", "kind", "verified", "unit_id", "word_order", "transaction", "source",
          "separate_areas", "align_words", "max_read_words", "max_write_words", "not_established"});
  device_.id = t.text("id");
  device_.title = t.text_or("title", "");
  device_.kind = static_cast<DeviceKind>(
      t.choice("kind", {"drive", "panel", "pelvis-tilt", "load-cell", "io"}));
  device_.hardware_verified = t.choice("verified", {"hardware", "simulator"}) == 0;
  device_.unit_id = static_cast<std::uint8_t>(t.integer("unit_id", {0, 255}));
  order_ = t.choice("word_order", {"high-first", "low-first"}) == 0 ? WordOrder::kHighFirst
                                                                    : WordOrder::kLowFirst;
  device_.transaction =
      static_cast<Transaction>(t.choice("transaction", {"fc23", "fc16+fc3", "fc6+fc3", "fc3"}));
  if (t.has("source")) {
    source_ = static_cast<Source>(
        t.choice("source", {"project", "manual", "public-code", "derived", "unverified"}));
  }
  device_.separate_areas = t.flag_or("separate_areas", false);
  device_.align_words = static_cast<int>(t.integer_or("align_words", {1, 4}, 1));
  device_.max_read_words =
      static_cast<int>(t.integer_or("max_read_words", {1, kMaxReadWords}, kMaxReadWords));
  device_.max_write_words =
      static_cast<int>(t.integer_or("max_write_words", {1, kMaxWriteWords}, kMaxWriteWords));
  device_.not_established = t.texts_or_none("not_established");
  const bool reads_only = device_.transaction == Transaction::kFc3;
  const bool must_write = device_.kind == DeviceKind::kDrive || device_.kind == DeviceKind::kPanel;
  const bool must_not =
      device_.kind == DeviceKind::kPelvisTilt || device_.kind == DeviceKind::kLoadCell;
  if (reads_only && must_write) {
    t.fail("'transaction' is fc3, which cannot write; only a sensor is only read");
  }
  if (!reads_only && must_not) {
    t.fail("'transaction' writes to a sensor; write transaction = \"fc3\"");
  }
}

void DescriptorLoader::read_cyclic(const TomlReader& t) {
  t.only({"write_address", "write_words", "read_address", "read_words", "rate_hz", "turnaround_us",
          "turnaround_max_us", "silence_us", "stale_ms"});
  device_.rate_hz = static_cast<int>(t.integer("rate_hz", {1, 1000}));
  device_.turnaround_us = static_cast<int>(t.integer("turnaround_us", {1, 1'000'000}));
  device_.turnaround_max_us =
      static_cast<int>(t.integer_or("turnaround_max_us", {1, 1'000'000}, 20'000));
  device_.silence_us = static_cast<int>(t.integer_or("silence_us", {0, 100'000}, 0));
  device_.stale_ms = static_cast<int>(t.integer("stale_ms", {1, 60}));
  if (device_.turnaround_max_us < device_.turnaround_us) {
    t.fail(fmt::format("'turnaround_max_us' is {}, less than 'turnaround_us' {}; correct one",
                       device_.turnaround_max_us, device_.turnaround_us));
  }
  const auto one = [&](Block block, const char* at, const char* words) {
    if (!t.has(at) && !t.has(words)) return;
    Window window;
    window.function = default_function(block);
    window.address = address(t, at);
    window.words = static_cast<std::uint16_t>(t.integer(words, {1, kMaxReadWords}));
    add_window(t, block, window);
  };
  one(Block::kWrite, "write_address", "write_words");
  one(Block::kRead, "read_address", "read_words");
}

void DescriptorLoader::read_config(const TomlReader& t) {
  t.only({"address", "words", "period_ms"});
  if (t.has("period_ms")) {
    device_.config_period_ms = static_cast<int>(t.integer("period_ms", {10, 60'000}));
  }
  if (!t.has("address")) return;
  Window window;
  window.address = address(t, "address");
  window.words = static_cast<std::uint16_t>(t.integer("words", {1, kMaxReadWords}));
  static_cast<void>(t.integer("period_ms", {10, 60'000}));
  add_window(t, Block::kConfig, window);
}

void DescriptorLoader::read_window(const TomlReader& t) {
  t.only({"name", "block", "address", "words", "bits", "function", "every"});
  const auto block = static_cast<Block>(t.choice("block", {"write", "read", "config"}));
  Window window;
  window.function = default_function(block);
  if (t.has("function")) {
    window.function =
        kFunctions[t.choice("function", {"fc1", "fc2", "fc3", "fc4", "fc6", "fc16", "fc23"})].code;
  }
  if (!fits(block, window.function)) {
    t.fail(
        "'function' does not fit its block: fc6, fc16 and fc23 write, the others read; correct "
        "one of them");
  }
  window.address = address(t, "address");
  if (reads_bits(window.function)) {
    window.bits = static_cast<std::uint16_t>(t.integer("bits", {1, 2000}));
    window.words = static_cast<std::uint16_t>((window.bits + kBitsInWord - 1) / kBitsInWord);
  } else {
    window.words = static_cast<std::uint16_t>(t.integer("words", {1, kMaxReadWords}));
  }
  window.every = static_cast<int>(t.integer_or("every", {1, 1000}, 1));
  if (window.every > 1 && block == Block::kConfig) {
    t.fail("'every' is for cyclic windows; the config block has [config] period_ms");
  }
  add_window(t, block, window);
}

FunctionCode DescriptorLoader::default_function(Block block) const noexcept {
  if (block == Block::kConfig) return FunctionCode::kReadRegisters;
  switch (device_.transaction) {
    case Transaction::kFc23:
      return FunctionCode::kReadWriteRegisters;
    case Transaction::kFc16Fc3:
      return block == Block::kWrite ? FunctionCode::kWriteRegisters : FunctionCode::kReadRegisters;
    case Transaction::kFc6Fc3:
      return block == Block::kWrite ? FunctionCode::kWriteRegister : FunctionCode::kReadRegisters;
    case Transaction::kFc3:
      break;
  }
  return FunctionCode::kReadRegisters;
}

BlockSpec& DescriptorLoader::block_of(Block block) noexcept {
  return block == Block::kWrite  ? device_.write
         : block == Block::kRead ? device_.read
                                 : device_.config;
}

void DescriptorLoader::add_window(const TomlReader& t, Block block, Window window) {
  BlockSpec& spec = block_of(block);
  const int most = block == Block::kWrite ? kMaxWriteWords : kMaxReadWords;
  if (block == Block::kWrite && device_.transaction == Transaction::kFc3) {
    t.fail("a device with transaction = \"fc3\" is only read; remove what is written");
  }
  check_window(t, block, window);
  if (spec.words + window.words > most) {
    t.fail(
        fmt::format("the windows of one block hold {} words together, {} are supported; leave "
                    "out what is not needed",
                    spec.words + window.words, most));
  }
  window.first = spec.words;
  spec.words = static_cast<std::uint16_t>(spec.words + window.words);
  spec.windows.push_back(window);
}

void DescriptorLoader::check_window(const TomlReader& t, Block block, const Window& window) const {
  const bool writes = block == Block::kWrite;
  int most = writes ? device_.max_write_words : device_.max_read_words;
  if (window.function == FunctionCode::kWriteRegister) most = 1;
  if (window.function == FunctionCode::kWriteRegisters) most = std::min(most, kMaxFc16Words);
  if (window.words > most) {
    t.fail(
        fmt::format("{} words from address {} in one request, {} are the most{}; split the "
                    "window",
                    window.words, window.address, most,
                    window.function == FunctionCode::kWriteRegister ? " for fc6" : ""));
  }
  if (window.address + std::max<int>(window.words, window.bits) > 0x10000) {
    t.fail(fmt::format("the window from address {} ends beyond 65535; correct it", window.address));
  }
  if (window.address % device_.align_words != 0 || window.words % device_.align_words != 0) {
    t.fail(
        fmt::format("the window of {} words from address {} is not aligned to {} words, which "
                    "this device demands ('align_words'); widen it",
                    window.words, window.address, device_.align_words));
  }
}

void DescriptorLoader::check_overlap(const TomlReader& t) const {
  if (device_.read.words == 0) t.fail("nothing is read; give [cyclic] read_address and read_words");
  const bool must_write = device_.kind == DeviceKind::kDrive || device_.kind == DeviceKind::kPanel;
  if (must_write && device_.write.words == 0 && device_.not_established.empty()) {
    t.fail("nothing is written; give [cyclic] write_address and write_words");
  }
  for (const Window& out : device_.write.windows) {
    for (const Window& in : device_.read.windows) {
      const int write_end = out.address + out.words;
      const int read_end = in.address + in.words;
      if (out.function != FunctionCode::kReadWriteRegisters || device_.separate_areas) continue;
      if (out.address < read_end && in.address < write_end) {
        // WAGO 750: the result of FC23 is undefined where the areas overlap.
        t.fail(
            fmt::format("[cyclic]: write block {}..{} and read block {}..{} overlap; move one of "
                        "them, or say separate_areas = true where the device keeps them apart",
                        out.address, write_end - 1, in.address, read_end - 1));
      }
    }
  }
}

void DescriptorLoader::compile_transfers(const TomlReader& t) {
  const auto is_pair = [](const Window& w) {
    return w.function == FunctionCode::kReadWriteRegisters;
  };
  std::vector<Transfer> pairs;
  for (std::size_t i = 0; i < device_.write.windows.size(); ++i) {
    const Transfer transfer{static_cast<int>(i), -1, device_.write.windows[i].every, 0};
    (is_pair(device_.write.windows[i]) ? pairs : device_.cyclic).push_back(transfer);
  }
  std::size_t paired = 0;
  std::vector<Transfer> reads;
  for (std::size_t i = 0; i < device_.read.windows.size(); ++i) {
    const Window& window = device_.read.windows[i];
    if (!is_pair(window)) {
      reads.push_back({-1, static_cast<int>(i), window.every, 0});
    } else if (paired < pairs.size() && pairs[paired].every == window.every) {
      pairs[paired++].read = static_cast<int>(i);
    } else {
      paired = pairs.size() + 1;
      break;
    }
  }
  if (paired != pairs.size()) {
    t.fail(
        "fc23 needs one write and one read window with the same 'every'; pair them, or give "
        "single windows function = \"fc3\" or \"fc16\"");
  }
  device_.cyclic.insert(device_.cyclic.end(), pairs.begin(), pairs.end());
  device_.cyclic.insert(device_.cyclic.end(), reads.begin(), reads.end());
  int phase = 0;
  for (Transfer& transfer : device_.cyclic) {
    if (transfer.every > 1) transfer.phase = phase++ % transfer.every;
  }
  for (std::size_t i = 0; i < device_.config.windows.size(); ++i) {
    device_.slow.push_back({-1, static_cast<int>(i), 1, 0});
  }
}

void DescriptorLoader::read_entries(const char* key, ReadEntry read) {
  const toml::node_view<const toml::node> node = std::as_const(root_)[key];
  const toml::array* const entries = node.as_array();
  if (node && entries == nullptr) {
    throw BusError{fmt::format("{}: '{}' must be written as [[{}]]; correct it", path_, key, key)};
  }
  if (entries == nullptr) return;
  for (const toml::node& entry : *entries) {
    const toml::table* const table = entry.as_table();
    if (table == nullptr) {
      throw BusError{fmt::format("{}: '{}' must hold tables; correct it", path_, key)};
    }
    const std::string name = (*table)["name"].value_or(std::string("?"));
    (this->*read)(TomlReader(*table, fmt::format("{}: [[{}]] '{}'", path_, key, name)));
  }
}

void DescriptorLoader::read_register(const TomlReader& t) {
  t.only({"name", "block", "address", "type", "words", "word_order", "unit", "scale", "scale_lever",
          "offset", "persistent", "source", "note"});
  const std::string name = t.text("name");
  const auto row = std::find_if(kFieldRows.begin(), kFieldRows.end(), [&](const FieldRow& r) {
    return r.kind == device_.kind && name == r.name;
  });
  if (row == kFieldRows.end()) {
    t.fail("a device of this kind has no such register; hal/modbus/README.md lists the names");
  }
  RegisterSpec& spec = device_.fields[static_cast<std::size_t>(row->field)];
  if (spec.present) t.fail("is described twice; remove one");
  const auto block = static_cast<Block>(t.choice("block", {"write", "read", "config"}));
  if (block != row->block) t.fail("belongs into another block; see hal/modbus/README.md");
  read_value_keys(t, spec, name);
  if (t.flag_or("persistent", false)) {
    t.fail("is written to permanent memory; a cyclic register must not be: it would wear out");
  }
  place(t, spec, block);
}

// The keys that a register shares with a write at connect.
void DescriptorLoader::read_value_keys(const TomlReader& t, RegisterSpec& spec,
                                       const std::string& name) {
  spec.type = static_cast<RegisterType>(
      t.choice("type", {"u16", "i16", "i8", "u8", "u32", "i32", "f32", "bits"}));
  const int natural = words_of(spec.type);
  spec.words = static_cast<std::uint8_t>(t.integer_or("words", {natural, 2}, natural));
  spec.order = !t.has("word_order")                                       ? order_
               : t.choice("word_order", {"high-first", "low-first"}) == 0 ? WordOrder::kHighFirst
                                                                          : WordOrder::kLowFirst;
  const std::size_t unit = t.has("unit") ? t.choice("unit", kUnits) : 0;
  spec.basis = unit < std::size(kBases) ? kBases[unit] : UnitBasis::kSi;
  spec.scale = t.number_or("scale", {-1e9, 1e9}, 1.0);
  if (coordinate_ == CoordinateKind::kLever) {
    spec.scale = t.number_or("scale_lever", {-1e9, 1e9}, spec.scale);
  }
  if (spec.scale == 0.0) t.fail("'scale' is 0, must not be; give the SI value of one count");
  spec.offset = t.number_or("offset", {-1e9, 1e9}, 0.0);
  if (spec.type == RegisterType::kBits && (spec.scale != 1.0 || spec.offset != 0.0)) {
    t.fail("is a word of bits, which has no 'scale' or 'offset'; remove them");
  }
  spec.source = source_;
  if (t.has("source")) {
    spec.source = static_cast<Source>(
        t.choice("source", {"project", "manual", "public-code", "derived", "unverified"}));
  }
  static_cast<void>(t.text_or("note", ""));
  if (spec.source == Source::kUnverified) device_.unverified.push_back(name);
}

void DescriptorLoader::place(const TomlReader& t, RegisterSpec& spec, Block block) {
  const BlockSpec& where = block_of(block);
  const int at = address(t, "address");
  spec.address = static_cast<std::uint16_t>(at);
  const Window* home = nullptr;
  int index = 0;
  for (const Window& window : where.windows) {
    const bool bits = reads_bits(window.function);
    const int distance = at - window.address;
    if (distance < 0 || (bits && distance % kBitsInWord != 0)) continue;
    const int word = bits ? distance / kBitsInWord : distance;
    if (word + spec.words > window.words) continue;
    if (bits && spec.type != RegisterType::kBits) {
      t.fail("lies in coils or discrete inputs; its 'type' must be bits");
    }
    home = &window;
    index = window.first + word;
    break;
  }
  if (home == nullptr) {
    std::string blocks;
    for (const Window& window : where.windows) {
      const int words = std::max<int>(window.words, window.bits);
      blocks += fmt::format("{}{}..{}", blocks.empty() ? "" : ", ", window.address,
                            window.address + words - 1);
    }
    t.fail(fmt::format("'address' is {}, its block is {}; correct one of them", at,
                       blocks.empty() ? "empty" : blocks));
  }
  for (int word = index; word < index + spec.words; ++word) {
    const auto key = static_cast<int>(block) * 0x10000 + word;
    if (std::find(taken_.begin(), taken_.end(), key) != taken_.end()) {
      t.fail(fmt::format("'address' {} is used by another register too; correct it",
                         at + word - index));
    }
    taken_.push_back(key);
  }
  spec.index = static_cast<std::uint16_t>(index);
  spec.present = true;
}

void DescriptorLoader::read_bit(const TomlReader& t) {
  t.only({"name", "register", "bit", "active_low", "source", "note"});
  const std::string name = t.text("name");
  const auto row = std::find_if(kBitRows.begin(), kBitRows.end(), [&](const BitRow& r) {
    return r.kind == device_.kind && name == r.name;
  });
  if (row == kBitRows.end()) {
    t.fail("a device of this kind has no such bit; hal/modbus/README.md lists the names");
  }
  const RegisterSpec& home = named(t, "register", Block::kRead);
  BitSpec& spec = device_.bits[static_cast<std::size_t>(row->bit)];
  if (spec.present) t.fail("is described twice; remove one");
  const int bit = static_cast<int>(t.integer("bit", {0, home.words * kBitsInWord - 1}));
  const int word = bit / kBitsInWord;
  const bool high_first = home.order == WordOrder::kHighFirst;
  spec.present = true;
  spec.index = static_cast<std::uint16_t>(home.index + (high_first ? home.words - 1 - word : word));
  spec.bit = static_cast<std::uint8_t>(bit % kBitsInWord);
  spec.active_low = t.flag_or("active_low", false);
  static_cast<void>(t.text_or("note", ""));
  if (t.has("source") &&
      t.choice("source", {"project", "manual", "public-code", "derived", "unverified"}) == 4) {
    device_.unverified.push_back(name);
  }
}

// The register that a key of another table refers to.
const RegisterSpec& DescriptorLoader::named(const TomlReader& t, std::string_view key,
                                            Block block) {
  const std::string name = t.text(key);
  for (const FieldRow& row : kFieldRows) {
    if (row.kind != device_.kind || name != row.name || row.block != block) continue;
    const RegisterSpec& spec = device_.field(row.field);
    if (spec.present) return spec;
  }
  t.fail(fmt::format("'{}' is '{}', which is not described in the right block; add a [[register]]",
                     key, name));
}

tl::expected<DeviceDescriptor, BusError> load_descriptor(const std::string& path,
                                                         CoordinateKind coordinate) {
  try {
    return DescriptorLoader(path, coordinate).load();
  } catch (const BusError& error) {
    return tl::make_unexpected(error);
  }
}

}  // namespace medius::hal::modbus
