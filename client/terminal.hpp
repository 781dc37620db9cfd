// The terminal: what it can do, drawing in place, and Ctrl-C as a flag that the commands look at.
#pragma once

#include <string>
#include <vector>

#include "client/live_view.hpp"

namespace medius::client {

// A terminal that can redraw; TERM=dumb and pipes cannot.
[[nodiscard]] bool stdout_is_terminal();
// NO_COLOR is set and not empty.
[[nodiscard]] bool no_color_in_environment();
[[nodiscard]] Screen screen_of_stdout(bool color);

// Draws frames over each other where the cursor is: no alternate screen, so nothing needs to be
// given back but the cursor, and the last frame stays in the scrollback.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();  // shows the cursor again
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;
  void draw(const std::vector<std::string>& lines);

 private:
  std::size_t drawn_ = 0;
};

// Counts SIGINT, SIGTERM and SIGHUP from construction on; a third one ends the process the hard
// way.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;
  [[nodiscard]] static int count();
};

}  // namespace medius::client
