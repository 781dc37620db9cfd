#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/export_text.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/wire.hpp"

namespace medius::client {
namespace {

// Text for a set or all sets of a session.
tl::expected<std::string, int> text_of(const Connection& connection, const ExportOptions& options,
                                       const std::vector<record::SetRecord>& sets) {
  const CommonOptions& common = connection.options();
  if (options.what == "samples") {
    if (sets.size() != 1) {
      std::string names;
      for (const record::SetRecord& set : sets) names += " " + resource_name(set);
      complain(options.name + " has " + std::to_string(sets.size()) +
               " sets, and samples are exported one set at a time; choose one of" + names);
      return tl::unexpected<int>(kExitUsage);
    }
    const auto samples = fetch_samples(connection, sets.front(), options.divider);
    if (!samples) return tl::unexpected<int>(complain(samples.error(), common));
    return options.format == "csv" ? samples_csv(sets.front(), *samples)
                                   : samples_json(sets.front(), *samples);
  }
  if (options.what == "guided") {
    const auto record =
        fetch_session(connection, options.name.substr(0, options.name.find("/sets/")));
    if (!record) return tl::unexpected<int>(complain(record.error(), common));
    return options.format == "csv"
               ? guided_csv(record->guided)
               : session_json(session_from_pb(record->session), {}, record->guided);
  }
  if (options.format == "csv") {
    auto csv = repetitions_csv(sets);
    if (!csv) return tl::unexpected<int>(complain(csv.error()));
    return std::move(*csv);
  }
  const std::string session = sets.empty() ? options.name : "sessions/" + sets.front().session_id;
  const auto record = fetch_session(connection, session);
  if (!record) return tl::unexpected<int>(complain(record.error(), common));
  return session_json(session_from_pb(record->session), sets, record->guided);
}

}  // namespace

int export_records(const CommonOptions& common, const ExportOptions& options) {
  const Connection connection(common);
  const auto sets = fetch_sets(connection, options.name);
  if (!sets) return complain(sets.error(), common);
  const auto text = text_of(connection, options, *sets);
  if (!text) return text.error();
  if (options.output.empty()) {
    fmt::print("{}", *text);
    return kExitOk;
  }
  return write_file(options.output, *text) ? kExitOk : kExitFailed;
}

}  // namespace medius::client
