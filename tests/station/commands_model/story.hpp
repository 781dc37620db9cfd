// What happens in an interleaving, in words: for whoever looks at a single one.
#pragma once

#include <string>

#include "controller/rt/exchange_types.hpp"
#include "tests/station/commands_model/model.hpp"

namespace medius::station::model {

[[nodiscard]] std::string words(const Message& message);
// What the message met, and what the model says to it.
[[nodiscard]] std::string words(const Facts& facts, const Model& model,
                                const Model::Answer& answer);
[[nodiscard]] std::string words(const rt::Command& command, bool refused);

}  // namespace medius::station::model
