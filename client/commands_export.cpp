#include <cstdio>
#include <sstream>

#include "client/commands.hpp"
#include "client/export_text.hpp"
#include "client/print.hpp"
#include "client/records.hpp"
#include "client/terminal.hpp"
#include "client/wire.hpp"
#include "controller/record/export_binary.hpp"

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

// A FIT activity is a session; of a set, the session that it belongs to with no other set.
tl::expected<std::string, int> fit_of(const Connection& connection, const ExportOptions& options,
                                      const std::vector<record::SetRecord>& sets) {
  const bool whole = options.name.find("/sets/") == std::string::npos;
  const auto session =
      fetch_session(connection, options.name.substr(0, options.name.find("/sets/")));
  if (!session) return tl::unexpected<int>(complain(session.error(), connection.options()));
  std::ostringstream out;
  const auto written =
      record::write_session_fit(out, session_from_pb(session->session), sets,
                                whole ? std::span<const record::GuidedRecord>(session->guided)
                                      : std::span<const record::GuidedRecord>());
  if (!written) return tl::unexpected<int>(complain(written.error().message));
  return out.str();
}

tl::expected<std::string, int> mcap_of(const Connection& connection, const ExportOptions& options,
                                       const std::vector<record::SetRecord>& sets) {
  std::ostringstream out;
  record::McapWriter writer(out);
  for (const record::SetRecord& set : sets) {
    const auto samples = fetch_samples(connection, set, options.divider);
    if (!samples) return tl::unexpected<int>(complain(samples.error(), connection.options()));
    writer.add_set(set, samples_from_pb(*samples));
  }
  writer.finish();
  return out.str();
}

}  // namespace

int export_records(const CommonOptions& common, const ExportOptions& options) {
  const Connection connection(common);
  const auto sets = fetch_sets(connection, options.name);
  if (!sets) return complain(sets.error(), common);
  const bool binary = options.format == "fit" || options.format == "mcap";
  if (binary && options.output.empty() && stdout_is_terminal()) {
    complain(options.format + " is no text for a terminal; name a file with --out");
    return kExitUsage;
  }
  const auto text = options.format == "fit"    ? fit_of(connection, options, *sets)
                    : options.format == "mcap" ? mcap_of(connection, options, *sets)
                                               : text_of(connection, options, *sets);
  if (!text) return text.error();
  if (options.output.empty()) {
    return std::fwrite(text->data(), 1, text->size(), stdout) == text->size() ? kExitOk
                                                                              : kExitFailed;
  }
  return write_file(options.output, *text) ? kExitOk : kExitFailed;
}

}  // namespace medius::client
