// The subcommands about people and plans. Each returns the process' exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/options.hpp"

namespace medius::client {

// What is left out is not changed (set) or not said (add).
struct ClientOptions {
  std::string id;
  std::optional<std::string> goal, notes, sex, affected_side;
  std::optional<std::uint32_t> birth_year;
  std::optional<double> body_mass_kg, height_m, leg_length_m;
  std::optional<bool> therapy;
  std::vector<std::string> caps;  // "60N", "cable-standing-abduction=60N", "seated-abduction=40Nm"
  bool no_caps = false;
  bool yes = false;    // of erase
  std::string output;  // of export; empty = standard output
};
int client_add(const CommonOptions& common, const ClientOptions& options);
int client_list(const CommonOptions& common, const ClientOptions& options);
int client_show(const CommonOptions& common, const ClientOptions& options);
int client_set(const CommonOptions& common, const ClientOptions& options);
int client_delete(const CommonOptions& common, const ClientOptions& options);
int client_export(const CommonOptions& common, const ClientOptions& options);
int client_erase(const CommonOptions& common, const ClientOptions& options);
int client_tests(const CommonOptions& common, const ClientOptions& options);

struct PlanOptions {
  std::string plan;
  std::string client;
  std::string program;
  std::string exercise;
  std::string file;  // to read in; of progress: to write the plot to
  std::uint32_t weeks = 0, days = 0;
  std::optional<double> load;
  std::optional<std::uint32_t> reps;
  bool accept = false, decline = false;
  std::string reason;
};
int plan_new(const CommonOptions& common, const PlanOptions& options);
int plan_list(const CommonOptions& common, const PlanOptions& options);
int plan_show(const CommonOptions& common, const PlanOptions& options);
int plan_next(const CommonOptions& common, const PlanOptions& options);
int plan_due(const CommonOptions& common, const PlanOptions& options);
int plan_set(const CommonOptions& common, const PlanOptions& options);
int plan_decide(const CommonOptions& common, const PlanOptions& options);
int plan_import(const CommonOptions& common, const PlanOptions& options);
int plan_progress(const CommonOptions& common, const PlanOptions& options);
int plan_delete(const CommonOptions& common, const PlanOptions& options);

int machine(const CommonOptions& common);
int faults(const CommonOptions& common, bool kinds);

}  // namespace medius::client
