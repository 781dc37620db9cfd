#include "client/print.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include "client/connection.hpp"
#include "client/tables.hpp"

namespace medius::client {

std::string json_of(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(message, &out, print).ok()) out = "{}";
  return out;
}

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) fmt::print("{}\n", line);
  std::fflush(stdout);
}

void print_sets(std::span<const record::SetRecord> sets, const CommonOptions& common) {
  for (const record::SetRecord& set : sets) {
    print_lines(repetition_table(set, common.color));
    fmt::print("\n");
  }
  if (!sets.empty()) print_lines(session_summary(sets, common.color));
}

void print_guided(std::span<const record::GuidedRecord> guided, const CommonOptions& common) {
  if (guided.empty()) return;
  print_lines(guided_table(guided, common.color));
  fmt::print("\n");
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return true;
  complain(path + " could not be written (" + std::strerror(errno) +
           "); choose a place that can be written to");
  return false;
}

}  // namespace medius::client
