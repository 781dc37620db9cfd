#include "tests/durability/covered_bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace medius::durability {
namespace {

constexpr std::size_t kFileHeader = 100;
constexpr std::size_t kWalHeader = 32;
constexpr std::size_t kFrameHeader = 24;

// Offsets of the file header that no answer depends on: change counter, default cache size, user
// version, application id, reserved space, version-valid-for and SQLite's version.
struct Field {
  std::size_t from, to;
};
constexpr Field kBookkeeping[] = {{24, 28}, {48, 52}, {60, 64}, {68, 100}};

std::uint32_t big_endian(const std::string& bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

class Reader {
 public:
  explicit Reader(const std::string& file)
      : file_(file), page_(big_endian(file, 16, 2)), uses_(file.size(), Use::kNothing) {}

  [[nodiscard]] bool sound() const { return page_ >= 512 && file_.size() % page_ == 0; }

  std::vector<Use> read() {
    mark(0, kFileHeader);
    for (const Field& field : kBookkeeping) {
      std::fill(uses_.begin() + static_cast<std::ptrdiff_t>(field.from),
                uses_.begin() + static_cast<std::ptrdiff_t>(field.to), Use::kBookkeeping);
    }
    mark_freelist();
    tree(1);
    // Every other tree is named by its row of the schema, whose root page is in the cell's record:
    // instead of decoding records, take every page that no tree or chain has reached as a root.
    for (std::size_t page = 2; page <= file_.size() / page_; ++page) {
      if (!reached(page) && is_root(page)) tree(page);
    }
    return std::move(uses_);
  }

 private:
  [[nodiscard]] std::size_t offset(std::size_t page) const { return (page - 1) * page_; }
  void mark(std::size_t at, std::size_t count) {
    for (std::size_t i = at; i < std::min(at + count, uses_.size()); ++i) uses_[i] = Use::kContent;
  }
  [[nodiscard]] bool reached(std::size_t page) const { return reached_.contains(page); }

  // A page with a b-tree's flag byte that nobody points to.
  [[nodiscard]] bool is_root(std::size_t page) {
    if (pointed_.empty()) find_pointers();
    const auto kind = static_cast<unsigned char>(file_[offset(page)]);
    return !pointed_.contains(page) && (kind == 2 || kind == 5 || kind == 10 || kind == 13);
  }
  void find_pointers();
  void mark_freelist();
  void tree(std::size_t page);
  std::size_t varint(std::size_t at, std::uint64_t& value) const;
  void cell(std::size_t at, std::size_t kind);
  void overflow(std::size_t page, std::uint64_t left);

  const std::string& file_;
  std::size_t page_;
  std::vector<Use> uses_;
  std::map<std::size_t, bool> reached_;
  std::map<std::size_t, bool> pointed_;
};

std::size_t Reader::varint(std::size_t at, std::uint64_t& value) const {
  value = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto byte = static_cast<unsigned char>(file_[at + i]);
    if (i == 8) {
      value = value << 8 | byte;
      return 9;
    }
    value = value << 7 | (byte & 0x7fu);
    if (byte < 0x80) return i + 1;
  }
  return 9;
}

void Reader::overflow(std::size_t page, std::uint64_t left) {
  while (page != 0 && page <= file_.size() / page_ && left > 0) {
    reached_[page] = true;
    const std::size_t here = std::min<std::uint64_t>(left, page_ - 4);
    mark(offset(page), 4 + here);
    left -= here;
    page = big_endian(file_, offset(page), 4);
  }
}

void Reader::cell(std::size_t at, std::size_t kind) {
  std::size_t head = kind == 2 || kind == 5 ? 4 : 0;  // the left child
  std::uint64_t payload = 0, ignored = 0;
  if (kind == 5) {
    mark(at, head + varint(at + head, ignored));
    return;
  }
  head += varint(at + head, payload);
  if (kind == 13) head += varint(at + head, ignored);
  // How much of the payload stays in the page: the format's own formula.
  const std::uint64_t largest = kind == 13 ? page_ - 35 : (page_ - 12) * 64 / 255 - 23;
  const std::uint64_t least = (page_ - 12) * 32 / 255 - 23;
  std::uint64_t local = payload;
  if (payload > largest) {
    const std::uint64_t fitting = least + (payload - least) % (page_ - 4);
    local = fitting <= largest ? fitting : least;
  }
  mark(at, head + local);
  if (local == payload) return;
  mark(at + head + local, 4);
  overflow(big_endian(file_, at + head + local, 4), payload - local);
}

void Reader::tree(std::size_t page) {
  std::vector<std::size_t> todo{page};
  while (!todo.empty()) {
    const std::size_t now = todo.back();
    todo.pop_back();
    if (now == 0 || now > file_.size() / page_ || reached(now)) continue;
    reached_[now] = true;
    const std::size_t begin = offset(now);
    const std::size_t head = begin + (now == 1 ? kFileHeader : 0);
    const std::size_t kind = static_cast<unsigned char>(file_[head]);
    const bool interior = kind == 2 || kind == 5;
    const std::size_t cells = big_endian(file_, head + 3, 2);
    const std::size_t pointers = head + (interior ? 12 : 8);
    mark(head, pointers - head + 2 * cells);
    if (interior) todo.push_back(big_endian(file_, head + 8, 4));
    for (std::size_t i = 0; i < cells; ++i) {
      const std::size_t at = begin + big_endian(file_, pointers + 2 * i, 2);
      if (interior) todo.push_back(big_endian(file_, at, 4));
      cell(at, kind);
    }
  }
}

void Reader::find_pointers() {
  pointed_[1] = true;
  for (std::size_t page = 1; page <= file_.size() / page_; ++page) {
    const std::size_t begin = offset(page);
    const std::size_t head = begin + (page == 1 ? kFileHeader : 0);
    const std::size_t kind = static_cast<unsigned char>(file_[head]);
    if (kind != 2 && kind != 5) continue;
    pointed_[big_endian(file_, head + 8, 4)] = true;
    const std::size_t cells = big_endian(file_, head + 3, 2);
    for (std::size_t i = 0; i < cells && head + 14 + 2 * i <= file_.size(); ++i) {
      const std::size_t at = begin + big_endian(file_, head + 12 + 2 * i, 2);
      if (at + 4 <= file_.size()) pointed_[big_endian(file_, at, 4)] = true;
    }
  }
}

void Reader::mark_freelist() {
  // The trunk pages' lists are content; the leaves hold nothing.
  std::size_t trunk = big_endian(file_, 32, 4);
  while (trunk != 0 && trunk <= file_.size() / page_ && !reached(trunk)) {
    reached_[trunk] = true;
    const std::size_t leaves = big_endian(file_, offset(trunk) + 4, 4);
    mark(offset(trunk), 8 + 4 * leaves);
    for (std::size_t i = 0; i < leaves; ++i) {
      reached_[big_endian(file_, offset(trunk) + 8 + 4 * i, 4)] = true;
    }
    trunk = big_endian(file_, offset(trunk), 4);
  }
}

}  // namespace

std::vector<Use> uses_of_database(const std::string& file) {
  if (file.size() < kFileHeader) return {};
  Reader reader(file);
  return reader.sound() ? reader.read() : std::vector<Use>{};
}

std::vector<Use> uses_of_wal(const std::string& file) {
  std::vector<Use> uses(file.size(), Use::kNothing);
  if (file.size() < kWalHeader) return uses;
  const std::size_t frame = kFrameHeader + big_endian(file, 8, 4);
  std::fill_n(uses.begin(), kWalHeader, Use::kContent);
  for (std::size_t at = kWalHeader; at + frame <= file.size(); at += frame) {
    // Both salts of the header are in every frame of this log.
    if (std::memcmp(&file[at + 8], &file[16], 8) != 0) break;
    std::fill_n(uses.begin() + static_cast<std::ptrdiff_t>(at), frame, Use::kContent);
  }
  return uses;
}

}  // namespace medius::durability
