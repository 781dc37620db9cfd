#include "client/display.hpp"

#include <fmt/format.h>

#include "client/print.hpp"

namespace medius::client {

Display::Display(const CommonOptions& common) : common_(common) {
  if (!common.quiet && !common.json && stdout_is_terminal()) {
    screen_ = std::make_unique<LiveScreen>();
  }
}

void Display::update(const v1::Station& station) {
  model_.station = station;
  if (const v1::AxisState* axis = axis_of(station); axis != nullptr) {
    if (model_.trace.size() == kTracePoints) model_.trace.pop_front();
    model_.trace.push_back({axis->force_measured(), axis->force_target()});
  }
  const auto lines = progress_.update(station);
  if (screen_ == nullptr && !common_.quiet && !common_.json) print_lines(lines);
}

void Display::notice(const std::string& text) {
  if (text == model_.notice) return;
  model_.notice = text;
  if (screen_ == nullptr && !common_.quiet && !common_.json && !text.empty()) print_lines({text});
}

void Display::connected(bool connected) {
  model_.connected = connected;
}

void Display::refresh() {
  constexpr std::chrono::milliseconds kPeriod{100};
  const auto now = std::chrono::steady_clock::now();
  if (screen_ == nullptr || now < next_draw_) return;
  next_draw_ = now + kPeriod;
  screen_->draw(live_lines(model_, screen_of_stdout(common_.color)));
}

void Display::finish() {
  if (screen_ == nullptr) return;
  screen_->draw(live_lines(model_, screen_of_stdout(common_.color)));
  screen_.reset();
  fmt::print("\n");
}

}  // namespace medius::client
