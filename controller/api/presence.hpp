// Who is watching. The station freezes load increases when the client that started the session is
// gone; a client is there while at least one watch stream with its name is open.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "controller/station/runtime.hpp"
#include "controller/station/station.hpp"

namespace medius::api {

class Presence {
 public:
  Presence(station::Runtime& runtime, station::Station& station)
      : runtime_(runtime), station_(station) {}

  // [grpc] One open watch; counts while the object lives. An empty name is an onlooker.
  class Watch {
   public:
    Watch(Presence& presence, std::string name) : presence_(presence), name_(std::move(name)) {
      if (!name_.empty()) presence_.change(name_, +1);
    }
    ~Watch() {
      if (!name_.empty()) presence_.change(name_, -1);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Presence& presence_;
    const std::string name_;
  };

 private:
  void change(const std::string& name, int by) {
    // Posted under the lock, so that the station hears of them in the order in which they happened.
    const std::lock_guard lock(mutex_);
    int& watches = watches_[name];
    watches += by;
    if (by > 0 && watches == 1) {
      runtime_.post([this, name] { station_.client_returned(name); });
    }
    if (watches == 0) {
      watches_.erase(name);
      runtime_.post([this, name] { station_.client_lost(name); });
    }
  }

  station::Runtime& runtime_;
  station::Station& station_;
  std::mutex mutex_;
  std::map<std::string, int> watches_;
};

}  // namespace medius::api
