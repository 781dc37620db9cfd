// What the table is for: each aim, whether it is reached, and by which row it is worst.
#pragma once

#include <string>
#include <vector>

#include "bench/fidelity/rows.hpp"

namespace medius::bench {

struct Aim {
  std::string name;
  double limit = 0.0;
  double worst = 0.0;
  int rows = 0;         // judged
  int rows_missed = 0;  // that do not reach it
  std::string worst_row = {};
  [[nodiscard]] bool reached() const { return rows > 0 && rows_missed == 0; }
};

[[nodiscard]] std::vector<Aim> judge_aims(const std::vector<Row>& rows);
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<Aim>& aims);
// One line that names a row.
[[nodiscard]] std::string name_of(const Case& what);

}  // namespace medius::bench
