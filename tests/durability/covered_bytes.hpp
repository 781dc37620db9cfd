// Which bytes of a SQLite database carry something: read from the file format alone
// (https://www.sqlite.org/fileformat2.html), with no code of the store or of SQLite. A flipped bit
// in one of them must be noticed; in the others there is nothing to damage.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace medius::durability {

enum class Use : unsigned char {
  kNothing = 0,  // space in a page that no cell uses, a free page, the tail of an overflow chain
  kBookkeeping,  // header fields that SQLite writes and that change nothing of what is read
  kContent,
};

// One entry a byte. An empty result: the file is no database of whole pages.
[[nodiscard]] std::vector<Use> uses_of_database(const std::string& file);

// Of a write-ahead log: frames up to the last one that belongs to it; behind it lie an older log's.
[[nodiscard]] std::vector<Use> uses_of_wal(const std::string& file);

}  // namespace medius::durability
