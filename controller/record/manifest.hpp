// The manifest: a small file beside the database that says what the database must contain, so that
// a tail lost with a damaged WAL frame is noticed and named. Two slots are written in turn, each
// with a CRC; a torn write leaves the other one. Goes through SQLite's VFS, as every byte of the
// store does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/audit.hpp"

struct sqlite3_file;

namespace medius::record {

class Disk;

// The last acknowledged writes are kept by name. The store checkpoints after half as many, so that
// whatever a damaged WAL can take with it is named here.
inline constexpr std::size_t kManifestNames = 192;

struct AcknowledgedWrite {
  std::uint64_t sequence = 0;
  std::uint64_t id = 0;  // of a set, a session or a guided exercise
};

struct ManifestState {
  std::uint64_t id_high_water = 0;  // no id above this was ever handed out
  std::uint64_t sequence =
      0;  // of the last acknowledged write (set closed, session or exercise put)
  std::uint64_t last_set_id = 0;
  std::uint64_t set_count = 0;            // closed sets
  std::uint64_t chain_head = 0;           // of the last closed set
  std::vector<AcknowledgedWrite> recent;  // oldest first, at most kManifestNames
  AuditHead audit;                        // newest row of the audit log

  // Appends to `recent` and forgets the oldest beyond the bound.
  void remember(const AcknowledgedWrite& write);
};

class Manifest {
 public:
  // Opens or creates the file. `found` is false when neither slot is valid.
  struct Opened {
    std::unique_ptr<Manifest> manifest;
    ManifestState state;
    bool found = false;
    bool existed = false;           // the file was there, whatever was in it
    bool unreadable = false;        // the disk answered a read with an error
    bool first_write_torn = false;  // nothing was ever in it
    int damaged_slots = 0;          // whole in length, but not by their CRC
  };
  // `vfs_name`: a registered VFS, null for SQLite's default.
  static tl::expected<Opened, std::string> open(const std::string& path,
                                                const char* vfs_name = nullptr);
  ~Manifest();
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  // Writes the older slot and syncs it. On an error the newer slot still stands; writing again is
  // safe since it writes the same slot anew.
  [[nodiscard]] tl::expected<void, std::string> write(const ManifestState& state);

 private:
  Manifest() = default;

  std::string path_;
  std::vector<unsigned char> file_memory_;  // sqlite3_file is as long as the VFS says
  bool open_ = false;
  std::uint64_t generation_ = 0;  // of the newest valid slot
  int newest_slot_ = 1;

  [[nodiscard]] sqlite3_file* file() noexcept;
};

// Writes, syncs and reads back a file that goes away: does the disk under this folder work at all?
[[nodiscard]] bool disk_answers(const Disk& disk, const std::string& directory);

}  // namespace medius::record
