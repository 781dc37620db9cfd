#include "controller/record/manifest.hpp"

#include <algorithm>
#include <optional>

#include <sqlite3.h>

#include "controller/base/crc32c.hpp"
#include "controller/record/bytes.hpp"
#include "controller/record/disk.hpp"

namespace medius::record {
namespace {

constexpr std::string_view kMagic = "MEDMAN01";
// One slot is one page of the file system: 72 bytes of head, 16 a name, 40 of the audit log's
// newest row, CRC at the end. Slots from before there was an audit log have zeros there: no row.
constexpr std::size_t kSlotSize = 4096;
static_assert(72 + 16 * kManifestNames + 40 + 4 <= kSlotSize);

struct Slot {
  std::uint64_t generation = 0;
  ManifestState state;
};

std::string encode(const Slot& slot) {
  ByteWriter writer;
  writer.raw(kMagic)
      .put(slot.generation)
      .put(slot.state.id_high_water)
      .put(slot.state.sequence)
      .put(slot.state.last_set_id)
      .put(slot.state.set_count)
      .put(slot.state.chain_head)
      .put(static_cast<std::uint32_t>(slot.state.recent.size()));
  for (const AcknowledgedWrite& write : slot.state.recent) writer.put(write.sequence).put(write.id);
  const Sha256& hash = slot.state.audit.hash;
  writer.put(slot.state.audit.sequence)
      .raw({reinterpret_cast<const char*>(hash.data()), hash.size()});
  std::string bytes = writer.take();
  bytes.resize(kSlotSize - sizeof(std::uint32_t), '\0');
  const std::uint32_t crc = crc32c(bytes.data(), bytes.size());
  return bytes + ByteWriter().put(crc).take();
}

std::optional<Slot> decode(std::string_view bytes) {
  const std::string_view body = bytes.substr(0, kSlotSize - sizeof(std::uint32_t));
  if (ByteReader(bytes.substr(body.size())).get<std::uint32_t>() !=
      crc32c(body.data(), body.size())) {
    return std::nullopt;
  }
  ByteReader reader(body);
  if (reader.raw(kMagic.size()) != kMagic) return std::nullopt;
  Slot slot;
  slot.generation = reader.get<std::uint64_t>();
  slot.state.id_high_water = reader.get<std::uint64_t>();
  slot.state.sequence = reader.get<std::uint64_t>();
  slot.state.last_set_id = reader.get<std::uint64_t>();
  slot.state.set_count = reader.get<std::uint64_t>();
  slot.state.chain_head = reader.get<std::uint64_t>();
  const auto names = reader.get<std::uint32_t>();
  if (names > kManifestNames) return std::nullopt;
  for (std::uint32_t i = 0; i < names; ++i) {
    AcknowledgedWrite write;
    write.sequence = reader.get<std::uint64_t>();
    write.id = reader.get<std::uint64_t>();
    slot.state.recent.push_back(write);
  }
  slot.state.audit.sequence = reader.get<std::uint64_t>();
  const std::string_view hash = reader.raw(slot.state.audit.hash.size());
  std::copy(hash.begin(), hash.end(), slot.state.audit.hash.begin());
  return slot;
}

}  // namespace

void ManifestState::remember(const AcknowledgedWrite& write) {
  recent.push_back(write);
  if (recent.size() > kManifestNames) {
    recent.erase(recent.begin(), recent.end() - static_cast<std::ptrdiff_t>(kManifestNames));
  }
}

sqlite3_file* Manifest::file() noexcept {
  return reinterpret_cast<sqlite3_file*>(file_memory_.data());
}

tl::expected<Manifest::Opened, std::string> Manifest::open(const std::string& path,
                                                           const char* vfs_name) {
  Opened opened;
  opened.manifest.reset(new Manifest);
  Manifest& manifest = *opened.manifest;
  manifest.path_ = path;
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name);
  manifest.file_memory_.resize(static_cast<std::size_t>(vfs->szOsFile));

  int exists = 0;
  vfs->xAccess(vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &exists);
  opened.existed = exists != 0;
  // Opened as a super-journal, so that the first sync also syncs the directory.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
  const int code = vfs->xOpen(vfs, manifest.path_.c_str(), manifest.file(), flags, &flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_READONLY) != 0) {
    return tl::unexpected(path + ": cannot be opened for writing (SQLite " + std::to_string(code) +
                          "); check its owner and mode");
  }
  manifest.open_ = true;

  sqlite3_int64 size = 0;
  opened.unreadable = manifest.file()->pMethods->xFileSize(manifest.file(), &size) != SQLITE_OK;
  for (int index = 0; index < 2; ++index) {
    std::string bytes(kSlotSize, '\0');
    sqlite3_file* file = manifest.file();
    const int read = file->pMethods->xRead(file, bytes.data(), static_cast<int>(kSlotSize),
                                           static_cast<sqlite3_int64>(kSlotSize) * index);
    if (read != SQLITE_OK) {  // too short: an empty slot
      opened.unreadable = opened.unreadable || read != SQLITE_IOERR_SHORT_READ;
      continue;
    }
    auto slot = decode(bytes);
    if (!slot) ++opened.damaged_slots;
    if (!slot || (opened.found && slot->generation < manifest.generation_)) continue;
    opened.found = true;
    opened.state = std::move(slot->state);
    manifest.generation_ = slot->generation;
    manifest.newest_slot_ = index;
  }
  opened.first_write_torn =
      !opened.found && !opened.unreadable && size <= static_cast<sqlite3_int64>(kSlotSize);
  return opened;
}

bool disk_answers(const Disk& disk, const std::string& directory) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(disk.vfs());
  std::vector<unsigned char> memory(static_cast<std::size_t>(vfs->szOsFile));
  auto* file = reinterpret_cast<sqlite3_file*>(memory.data());
  const std::string path = directory + "/probe";
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
  if (vfs->xOpen(vfs, path.c_str(), file, flags, &flags) != SQLITE_OK) return false;
  const std::string sent(kSlotSize, '\x5a');
  std::string got(kSlotSize, '\0');
  const int size = static_cast<int>(kSlotSize);
  const bool answers = file->pMethods->xWrite(file, sent.data(), size, 0) == SQLITE_OK &&
                       file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK &&
                       file->pMethods->xRead(file, got.data(), size, 0) == SQLITE_OK && got == sent;
  file->pMethods->xClose(file);
  vfs->xDelete(vfs, path.c_str(), 0);
  return answers;
}

Manifest::~Manifest() {
  if (open_) file()->pMethods->xClose(file());
}

tl::expected<void, std::string> Manifest::write(const ManifestState& state) {
  const int slot = 1 - newest_slot_;
  const std::string bytes = encode({generation_ + 1, state});
  int code = file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()),
                                      static_cast<sqlite3_int64>(kSlotSize) * slot);
  if (code == SQLITE_OK) code = file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) {
    return tl::unexpected(path_ + ": could not be written (SQLite " + std::to_string(code) +
                          "); free space on this disk or replace it");
  }
  ++generation_;
  newest_slot_ = slot;
  return {};
}

}  // namespace medius::record
