#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/commands.hpp"
#include "client/export_text.hpp"
#include "client/print.hpp"
#include "client/records.hpp"

namespace medius::client {
namespace {

Fetched<std::string> samples_text(const Connection& connection,
                                  const std::vector<record::SetRecord>& sets,
                                  const ExportOptions& options) {
  std::string csv;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const record::SetRecord& set : sets) {
    const auto samples = fetch_samples(connection, set, options.divider);
    if (!samples) return tl::unexpected(samples.error());
    if (options.format == "csv") {
      csv += samples_csv(set, *samples, csv.empty());
    } else {
      json.push_back(samples_json(set, *samples));
    }
  }
  return options.format == "csv" ? csv : json.dump() + "\n";
}

}  // namespace

int export_records(const CommonOptions& common, const ExportOptions& options) {
  const Connection connection(common);
  const auto sets = fetch_sets(connection, options.name);
  if (!sets) return complain(sets.error(), common);
  std::string text;
  if (options.what == "reps") {
    text =
        options.format == "csv" ? repetitions_csv(*sets) : repetitions_json(*sets).dump(2) + "\n";
  } else {
    auto samples = samples_text(connection, *sets, options);
    if (!samples) return complain(samples.error(), common);
    text = std::move(*samples);
  }
  if (options.output.empty()) {
    fmt::print("{}", text);
    return kExitOk;
  }
  return write_file(options.output, text) ? kExitOk : kExitFailed;
}

}  // namespace medius::client
