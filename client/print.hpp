// Output that several commands share.
#pragma once

#include <span>
#include <string>

#include <google/protobuf/message.h>

#include "client/options.hpp"
#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::client {

// proto3's JSON with the field names of the .proto file, on one line.
[[nodiscard]] std::string json_of(const google::protobuf::Message& message);

void print_lines(const std::vector<std::string>& lines);
// A table a set, then the summary.
void print_sets(std::span<const record::SetRecord> sets, const CommonOptions& common);
void print_guided(std::span<const record::GuidedRecord> guided, const CommonOptions& common);
// What nobody measured though it matters: the pelvis of somebody who stands, without a sensor.
// Empty when all was.
[[nodiscard]] std::string blind_spots(std::span<const record::SetRecord> sets);

// The whole text into a file; false with a sentence on stderr.
[[nodiscard]] bool write_file(const std::string& path, const std::string& text);

}  // namespace medius::client
