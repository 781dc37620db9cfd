#include "client/terminal.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace medius::client {
namespace {

constexpr const char* kHideCursor = "\x1b[?25l";
constexpr const char* kShowCursor = "\x1b[?25h";
constexpr int kHardInterrupts = 3;
constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t interrupts = 0;

void on_signal(int signal) {
  interrupts = interrupts + 1;
  if (interrupts < kHardInterrupts) return;
  // Nothing but async-signal-safe calls here.
  [[maybe_unused]] const auto written =
      ::write(STDOUT_FILENO, kShowCursor, std::strlen(kShowCursor));
  ::_exit(128 + signal);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

}  // namespace

bool stdout_is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

bool no_color_in_environment() {
  const char* value = std::getenv("NO_COLOR");
  return value != nullptr && *value != '\0';
}

Screen screen_of_stdout(bool color) {
  Screen screen;
  screen.color = color;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 1) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row - 1u;  // the cursor rests on the last one
  }
  return screen;
}

LiveScreen::LiveScreen() {
  fmt::print("{}", kHideCursor);
}

LiveScreen::~LiveScreen() {
  fmt::print("{}", kShowCursor);
  std::fflush(stdout);
}

void LiveScreen::draw(const std::vector<std::string>& lines) {
  std::string frame;
  if (drawn_ > 0) frame += fmt::format("\x1b[{}A", drawn_);
  for (const std::string& line : lines) frame += "\r" + line + "\x1b[K\n";
  frame += "\x1b[J";
  drawn_ = lines.size();
  fmt::print("{}", frame);
  std::fflush(stdout);
}

InterruptFlag::InterruptFlag() {
  interrupts = 0;
  handle(&on_signal);
}

InterruptFlag::~InterruptFlag() {
  handle(SIG_DFL);
}

int InterruptFlag::count() {
  return interrupts;
}

}  // namespace medius::client
