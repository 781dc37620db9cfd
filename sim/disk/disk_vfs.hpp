// SQLite's side of the simulated disk: the methods of a VFS, each judged by the disk and then done
// to its files in memory.
#pragma once

#include <memory>
#include <string>

struct sqlite3_vfs;

namespace medius::sim {

class SimulatedDisk;

// Registers a VFS of this name, not as the default. `name` and `disk` outlive it.
[[nodiscard]] std::unique_ptr<sqlite3_vfs> make_disk_vfs(SimulatedDisk& disk,
                                                         const std::string& name);
void unregister_disk_vfs(sqlite3_vfs& vfs);

}  // namespace medius::sim
