// Device descriptors: whatever a file holds, the loader answers with a checked descriptor or with
// an error that names the file.
#include "hal/modbus/descriptor.hpp"
#include "hal/modbus/machine_bus.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace medius;
  using namespace medius::hal::modbus;
  const fuzz::InputFile file(data, size);
  for (const auto coordinate : {hal::CoordinateKind::kCable, hal::CoordinateKind::kLever}) {
    const auto loaded = load_descriptor(file.path(), coordinate);
    if (!loaded) {
      fuzz::must(loaded.error().message.find(file.path()) != std::string::npos,
                 "an error names the file");
      continue;
    }
    // What the bus thread indexes without looking.
    for (const BlockSpec* block : {&loaded->read, &loaded->write, &loaded->config}) {
      int words = 0;
      for (const Window& window : block->windows) {
        fuzz::must(window.words > 0 && window.first == words, "windows lie behind each other");
        words += window.words;
      }
      fuzz::must(words == block->words, "a block is its windows");
    }
    fuzz::must(loaded->read.words <= kMaxReadWords && loaded->config.words <= kMaxReadWords &&
                   loaded->write.words <= kMaxWriteWords,
               "blocks fit their images");
    for (const Transfer& transfer : loaded->cyclic) {
      fuzz::must(transfer.write < static_cast<int>(loaded->write.windows.size()) &&
                     transfer.read < static_cast<int>(loaded->read.windows.size()) &&
                     (transfer.read >= 0 || transfer.write >= 0),
                 "transfers name windows");
    }
  }
  return 0;
}
