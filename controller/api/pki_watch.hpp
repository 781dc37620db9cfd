// Writes into the station's audit log what the station goes by when peers from elsewhere knock: its
// certificate, the list of what was taken back, and how far the authority's own log has come. So
// each row of that log is held by a second chain soon after it was written.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/access/doorkeeper.hpp"
#include "controller/record/audit.hpp"

namespace medius::api {

class PkiWatch {
 public:
  // How soon a change is written down; it is in force earlier, from the next call on.
  static constexpr std::chrono::seconds kLook{10};

  // [main] Notes what it finds, and looks again from time to time. The audit outlives it.
  PkiWatch(std::filesystem::path folder, std::shared_ptr<access::Doorkeeper> doorkeeper,
           record::AuditSink& audit);
  ~PkiWatch();
  PkiWatch(const PkiWatch&) = delete;
  PkiWatch& operator=(const PkiWatch&) = delete;

  // [one thread at a time] Notes what has changed since the last look. Once a look is enough.
  void look();

 private:
  // What the files say now.
  struct Seen {
    access::RevokedNow list;
    std::string certificate;  // the server's serial number; or why there is none
    std::string not_after;
    std::string log;  // head of the authority's own log; empty: it keeps none
  };
  [[nodiscard]] Seen read() const;
  void note(record::AuditResult result, const char* action, const std::string& reason,
            const Seen& seen);
  void run();

  const std::filesystem::path folder_;
  const std::shared_ptr<access::Doorkeeper> doorkeeper_;
  record::AuditSink& audit_;
  std::optional<Seen> seen_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace medius::api
