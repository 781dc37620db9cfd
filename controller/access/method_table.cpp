#include "controller/access/method_table.hpp"

#include <array>

namespace medius::access {
namespace {

constexpr RoleSet kEverybody =
    roles(Role::kObserver, Role::kTrainer, Role::kTherapist, Role::kTechnician, Role::kAdmin);
// Whoever leads somebody's training.
constexpr RoleSet kLeads = roles(Role::kTrainer, Role::kTherapist);
// Whoever answers for the records: what was measured is measured anew.
constexpr RoleSet kKeepsRecords = roles(Role::kTherapist, Role::kTechnician, Role::kAdmin);

// Whoever answers for somebody's data as a whole.
constexpr RoleSet kOwnsPeople = roles(Role::kTherapist, Role::kAdmin);
// What is proposed for somebody in therapy.
constexpr RoleSet kDecides = roles(Role::kTherapist);

constexpr MethodRule kRules[] = {
    {"/medius.v1.StationService/GetStation", kEverybody, Rate::kRead},
    {"/medius.v1.StationService/WatchStation", kEverybody, Rate::kStream},
    {"/medius.v1.StationService/WatchSamples", kEverybody, Rate::kStream},
    {"/medius.v1.SampleService/FollowSamples", kEverybody, Rate::kStream},
    {"/medius.v1.StationService/StartSession", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/StartSet", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/AdjustLoad", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/SetParameter", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/Pause", kLeads, Rate::kOrder},
    {"/medius.v1.StationService/Resume", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/ConfirmGuided", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/SkipGuided", kLeads, Rate::kOrder, LeaseRule::kRaising},
    {"/medius.v1.StationService/Stop", kEverybody, Rate::kStop},
    {"/medius.v1.LeaseService/AcquireLease", kLeads, Rate::kOrder},
    {"/medius.v1.LeaseService/RenewLease", kLeads, Rate::kOrder},
    {"/medius.v1.LeaseService/ReleaseLease", kLeads, Rate::kOrder},
    {"/medius.v1.LeaseService/HandOverLease", kLeads, Rate::kOrder},
    {"/medius.v1.LeaseService/GetLease", kEverybody, Rate::kRead},
    {"/medius.v1.ProgramService/GetProgram", kEverybody, Rate::kRead},
    {"/medius.v1.ProgramService/ListPrograms", kEverybody, Rate::kRead},
    {"/medius.v1.ProgramService/ListProfiles", kEverybody, Rate::kRead},
    {"/medius.v1.SessionService/ListSessions", kEverybody, Rate::kRead},
    {"/medius.v1.SessionService/GetSession", kEverybody, Rate::kRead},
    {"/medius.v1.SessionService/GetSet", kEverybody, Rate::kRead},
    {"/medius.v1.SessionService/ReadSamples", kEverybody, Rate::kStream},
    {"/medius.v1.SessionService/RecomputeSet", kKeepsRecords, Rate::kOrder},
    {"/medius.v1.ClientService/GetClient", kLeads, Rate::kRead},
    {"/medius.v1.ClientService/ListClients", kLeads, Rate::kRead},
    {"/medius.v1.ClientService/CreateClient", kLeads, Rate::kOrder},
    {"/medius.v1.ClientService/UpdateClient", kLeads, Rate::kOrder},
    {"/medius.v1.ClientService/DeleteClient", kOwnsPeople, Rate::kOrder},
    {"/medius.v1.ClientService/ExportClient", kOwnsPeople, Rate::kStream},
    {"/medius.v1.ClientService/EraseClient", kOwnsPeople, Rate::kOrder},
    {"/medius.v1.ClientService/ListTestResults", kLeads, Rate::kRead},
    {"/medius.v1.ClientService/GetProgress", kLeads, Rate::kRead},
    {"/medius.v1.PlanService/GetPlan", kLeads, Rate::kRead},
    {"/medius.v1.PlanService/ListPlans", kLeads, Rate::kRead},
    {"/medius.v1.PlanService/CreatePlan", kLeads, Rate::kOrder},
    {"/medius.v1.PlanService/UpdatePlan", kLeads, Rate::kOrder},
    {"/medius.v1.PlanService/DeletePlan", kLeads, Rate::kOrder},
    {"/medius.v1.PlanService/GetNextSession", kLeads, Rate::kRead},
    {"/medius.v1.PlanService/ListPlanDays", kLeads, Rate::kRead},
    {"/medius.v1.PlanService/DecideProposal", kDecides, Rate::kOrder},
    {"/medius.v1.PlanService/ImportLoads", kLeads, Rate::kOrder},
    {"/medius.v1.MachineService/GetMachine", kEverybody, Rate::kRead},
    {"/medius.v1.MachineService/ListMachines", kEverybody, Rate::kRead},
    {"/medius.v1.MachineService/ListFaultRecords", kEverybody, Rate::kRead},
    {"/medius.v1.MachineService/ListFaultKinds", kEverybody, Rate::kRead},
    {"/medius.v1.AuditService/ListAuditEvents", kKeepsRecords, Rate::kRead},
    {"/medius.v1.AuditService/WatchAuditEvents", kKeepsRecords, Rate::kStream},
    {"/medius.v1.AuditService/VerifyAudit", kKeepsRecords, Rate::kOrder},
    {"/medius.v1.StoreService/GetStore", kKeepsRecords, Rate::kRead},
    {"/medius.v1.StoreService/VerifyStore", kKeepsRecords, Rate::kStream},
    {"/medius.v1.StoreService/BackupStore", kKeepsRecords, Rate::kStream},
    {"/grpc.health.v1.Health/Check", kEverybody, Rate::kRead},
    {"/grpc.health.v1.Health/Watch", kEverybody, Rate::kStream},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEverybody, Rate::kStream},
};

}  // namespace

Bucket bucket_of(Rate rate) noexcept {
  switch (rate) {
    case Rate::kOrder:
      return {10.0, 20.0};  // faster than any hand, slow enough that no peer fills the queue
    case Rate::kRead:
      return {50.0, 100.0};  // a page of lists at once
    case Rate::kStream:
      return {5.0, 10.0};  // opened, not messages
    case Rate::kStop:
      return {100.0, 100.0};  // well above the 20 a second that must always pass
    case Rate::kCount:
      break;
  }
  return {};
}

std::span<const MethodRule> method_rules() noexcept {
  return kRules;
}

const MethodRule* find_rule(std::string_view path) noexcept {
  for (const MethodRule& rule : kRules) {
    if (rule.path == path) return &rule;
  }
  return nullptr;
}

}  // namespace medius::access
