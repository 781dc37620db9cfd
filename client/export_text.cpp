#include "client/export_text.hpp"

#include <sstream>

#include <nlohmann/json.hpp>

#include "client/records.hpp"
#include "client/wire.hpp"
#include "client/wording.hpp"
#include "controller/record/export.hpp"

namespace medius::client {

tl::expected<std::string, std::string> repetitions_csv(std::span<const record::SetRecord> sets) {
  std::ostringstream out;
  if (const auto written = record::write_reps_csv(out, sets); !written) {
    return tl::unexpected(written.error().message);
  }
  return out.str();
}

std::string session_json(const record::SessionRecord& session,
                         std::span<const record::SetRecord> sets,
                         std::span<const record::GuidedRecord> guided) {
  std::ostringstream out;
  record::write_session_json(out, session, sets, guided);
  return out.str();
}

std::string guided_csv(std::span<const record::GuidedRecord> guided) {
  std::ostringstream out;
  record::write_guided_csv(out, guided);
  return out.str();
}

std::string samples_csv(const record::SetRecord& set, const v1::RecordedSamples& samples) {
  std::ostringstream out;
  record::write_samples_csv(out, set, samples_from_pb(samples));
  return out.str();
}

std::string samples_json(const record::SetRecord& set, const v1::RecordedSamples& samples) {
  const Units units = units_of(set.coordinate);
  nlohmann::ordered_json out;
  out["set"] = resource_name(set);
  out["side"] = record::to_string(set.side);
  out["units"] = {{"force", units.force}, {"position", units.length}};
  const auto add = [&out](const char* name, const auto& column) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const auto value : column) values.push_back(value);
    out[name] = std::move(values);
  };
  add("tick", samples.tick());
  add("position", samples.position());
  add("velocity", samples.velocity());
  add("force_measured", samples.force_measured());
  add("force_wish", samples.force_wish());
  add("force_target", samples.force_target());
  add("force_output", samples.force_output());
  add("base_load", samples.base_load());
  add("disturbance", samples.disturbance());
  add("drive_age_ns", samples.drive_age_ns());
  add("late_ns", samples.late_ns());
  add("missed", samples.missed());
  add("fault", samples.fault());
  std::vector<std::string> phases;
  for (const auto phase : samples.phase()) phases.push_back(word(static_cast<v1::Phase>(phase)));
  out["phase"] = phases;
  return out.dump() + "\n";
}

}  // namespace medius::client
