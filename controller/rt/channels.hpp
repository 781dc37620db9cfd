// Everything that crosses between the loop and the rest, sized once, never reallocated.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include "controller/rt/exchange.hpp"
#include "controller/rt/exchange_types.hpp"

namespace medius::rt {

// Wait-free on both sides; push() is false when full.
using CommandQueue = boost::lockfree::spsc_queue<Command, boost::lockfree::capacity<256>>;
using EventQueue = boost::lockfree::spsc_queue<Event, boost::lockfree::capacity<1024>>;
// 16 s of two axes: longer than any stall of the disk that the recorder must survive.
using SampleQueue = boost::lockfree::spsc_queue<SampleRecord, boost::lockfree::capacity<32768>>;

struct EngineChannels {
  CommandQueue commands;   // control -> rt
  EventQueue events;       // rt -> control
  SampleQueue samples;     // rt -> record
  SeqLock<Status> status;  // rt -> many
};

}  // namespace medius::rt
