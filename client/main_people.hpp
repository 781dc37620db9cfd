#pragma once

#include <memory>

#include <CLI/CLI.hpp>

#include "client/options.hpp"

namespace medius::client {

// Where the callbacks find the common options and leave the exit code; both outlive the parsing.
struct PeopleArguments {
  const CommonOptions* common = nullptr;
  int* code = nullptr;
};
void add_people_commands(CLI::App& app, const PeopleArguments& people);

}  // namespace medius::client
