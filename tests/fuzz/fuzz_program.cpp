// Training programs, as the station checks them and as the simulated person reads them.
#include "controller/station/program.hpp"
#include "sim/station/plan_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace medius;
  const fuzz::InputFile file(data, size);
  const auto program = station::load_program(file.path());
  if (!program) fuzz::must(!program.error().message.empty(), "an error says something");
  for (const auto machine : {sim::SimulatedMachine::kCable, sim::SimulatedMachine::kSeatedLinked}) {
    const auto plan = sim::load_plan(file.path(), machine);
    fuzz::must(plan ? !plan->empty() : !plan.error().empty(), "a plan has sets, an error words");
  }
  return 0;
}
