// Reads one descriptor file, table by table. Private to the loader; the rest of the world sees
// descriptor.hpp.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hal/modbus/descriptor.hpp"
#include "hal/modbus/toml_reader.hpp"

namespace medius::hal::modbus {

class DescriptorLoader {
 public:
  DescriptorLoader(const std::string& path, CoordinateKind coordinate)
      : path_(path), coordinate_(coordinate), root_(parse_toml(path)) {
    device_.path = path;
  }

  [[nodiscard]] DeviceDescriptor load();

 private:
  using ReadEntry = void (DescriptorLoader::*)(const TomlReader&);

  // descriptor.cpp: what there is to read and write.
  void read_device(const TomlReader& t);
  void read_cyclic(const TomlReader& t);
  void read_config(const TomlReader& t);
  void read_window(const TomlReader& t);
  void add_window(const TomlReader& t, Block block, Window window);
  void check_window(const TomlReader& t, Block block, const Window& window) const;
  [[nodiscard]] FunctionCode default_function(Block block) const noexcept;
  void check_overlap(const TomlReader& t) const;
  void compile_transfers(const TomlReader& t);
  void read_register(const TomlReader& t);
  void read_value_keys(const TomlReader& t, RegisterSpec& spec, const std::string& name);
  void place(const TomlReader& t, RegisterSpec& spec, Block block);
  void read_bit(const TomlReader& t);
  void read_entries(const char* key, ReadEntry read);
  [[nodiscard]] const RegisterSpec& named(const TomlReader& t, std::string_view key, Block block);
  [[nodiscard]] BlockSpec& block_of(Block block) noexcept;

  // descriptor_behaviour.cpp: how the device behaves.
  void read_identity(const TomlReader& t);
  void read_sequence(const TomlReader& t);
  void read_heartbeat(const TomlReader& t);
  void read_freshness(const TomlReader& t);
  void read_enable(const TomlReader& t);
  void read_enable_words(const TomlReader& t);
  void read_state(const TomlReader& t);
  void read_watchdog(const TomlReader& t);
  void read_limits(const TomlReader& t);
  void read_init(const TomlReader& t);
  void read_forbidden(const TomlReader& t);
  [[nodiscard]] bool init_sets(InitStep::Value value) const noexcept;
  void check_required() const;
  void check_forbidden() const;
  void check_groups() const;

  std::string path_;
  CoordinateKind coordinate_;
  toml::table root_;
  WordOrder order_ = WordOrder::kHighFirst;
  Source source_ = Source::kUnverified;
  DeviceDescriptor device_;
  std::vector<int> taken_;
};

}  // namespace medius::hal::modbus
