// What the transactions of a link cost, and how old a sample is when the loop uses it: a model, in
// microseconds. Serial lines by the bits on the wire, TCP by the device's own time.
#pragma once

#include "hal/modbus/bus_plan.hpp"

namespace medius::hal::modbus {

struct TransferTime {
  int request_bytes = 0;  // of the frame, with address and CRC or MBAP header
  int reply_bytes = 0;
  double wire_us = 0.0;        // both frames; TCP: within turnaround_us
  double silence_us = 0.0;     // before the request and before the reply's end counts
  double turnaround_us = 0.0;  // the device's
  [[nodiscard]] double total_us() const noexcept { return wire_us + silence_us + turnaround_us; }
};
[[nodiscard]] TransferTime transfer_time(const LinkPlan& link, const DevicePlan& device,
                                         const BlockSpec& read_block,
                                         const Transfer& transfer) noexcept;
// One exchange with everything that is due in it, or on average.
[[nodiscard]] double exchange_us_max(const LinkPlan& link, const DevicePlan& device) noexcept;
[[nodiscard]] double exchange_us_mean(const LinkPlan& link, const DevicePlan& device) noexcept;
// A device's share of one second of its link, in microseconds.
[[nodiscard]] double link_time_us(const LinkPlan& link, const DevicePlan& device) noexcept;

// The loop uses a sample from its arrival until the next one arrives, so its age is spread evenly
// over one cycle, beginning with what it has at arrival: from the middle of the first read, where
// it is stamped, to the end of the exchange. What other devices of the line delay now and then
// counts for the 99th percentile.
struct DataAge {
  double cycle_us = 0.0;
  double p50_us = 0.0;
  double p99_us = 0.0;
};
[[nodiscard]] DataAge data_age(const LinkPlan& link, const DevicePlan& device) noexcept;

// Silence between frames: 3.5 characters up to 19200 baud and 1.75 ms above (Modbus over serial
// line V1.02, 2.5.1.1), 3.5 characters everywhere on a line with a short gap; or what the device
// demands.
[[nodiscard]] double silence_us(const LinkPlan& link, const DevicePlan& device) noexcept;
// What a lost reply of a serial line costs: the time-out, and the pause in which a late one
// arrives.
[[nodiscard]] double lost_reply_us(const LinkPlan& link, const DevicePlan& device) noexcept;
// How old a sample gets by it: the last transaction of the next exchange waits in vain, then a
// whole exchange follows.
[[nodiscard]] double lost_reply_age_us(const LinkPlan& link, const DevicePlan& device) noexcept;
// Of the longest transaction of the link.
[[nodiscard]] double longest_transfer_us(const LinkPlan& link) noexcept;

}  // namespace medius::hal::modbus
