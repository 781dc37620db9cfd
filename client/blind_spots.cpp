#include "client/print.hpp"

namespace medius::client {

std::string blind_spots(std::span<const record::SetRecord> sets) {
  for (const record::SetRecord& set : sets) {
    if (set.coordinate != hal::CoordinateKind::kCable) continue;  // a seat holds the pelvis
    for (const measure::RepMetrics& rep : set.reps) {
      const measure::MetricValue* drop =
          measure::find_value(rep.values, measure::MetricId::kPelvicDrop);
      if (drop != nullptr && (drop->flags & measure::kValueNotMeasured) != 0) {
        return "pelvis: not measured. This machine has no pelvis-tilt sensor, so a pelvis that "
               "drops during the repetitions is not seen; have somebody watch it.\n";
      }
    }
  }
  return "";
}

}  // namespace medius::client
