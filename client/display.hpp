// Shows the station as it changes: redrawn ten times a second in a terminal, as plain lines
// elsewhere, not at all when quiet or when the output is JSON.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "client/live_view.hpp"
#include "client/options.hpp"
#include "client/progress.hpp"
#include "client/terminal.hpp"

namespace medius::client {

class Display {
 public:
  explicit Display(const CommonOptions& common);

  void update(const v1::Station& station);
  // A line about what the client itself does, e.g. "stopping".
  void notice(const std::string& text);
  void connected(bool connected);
  // Call often; draws when it is time.
  void refresh();
  // Draws the last state and leaves it on the screen.
  void finish();

 private:
  const CommonOptions common_;
  LiveModel model_;
  Progress progress_;
  std::unique_ptr<LiveScreen> screen_;  // null: plain lines
  std::chrono::steady_clock::time_point next_draw_{};
};

}  // namespace medius::client
