// One round of a device: its transactions in order, their outcome and when the sample was taken.
// Belongs to the bus thread.
#pragma once

#include <array>
#include <cstdint>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/connection.hpp"

namespace medius::hal::modbus {

// How an exchange ended.
enum class Exchange : std::uint8_t {
  kAccepted = 0,  // a fresh sample, or a round that shows no more than that the device answers
  kNotAccepted,   // the link is alive, the sample is not to be trusted: exception, old echo, frozen
                  // clock, an error that a serial line has paused for
  kLinkFailed,    // close the connection
};

struct RoundInput {
  MachineOutput output;
  bool send = false;           // false: read only, the device's watchdog is not fed
  std::uint16_t sequence = 0;  // cmd_seq of this round
  std::int64_t stamp_ns = 0;   // lockstep: the tick's time; wall: 0 = mid-transaction
  std::uint32_t epoch = 0;
};

struct ExchangeStats {
  LinkCounters& counters;
  std::int64_t rtt_ns = 0;  // of the exchange just made
};

using WriteImage = std::array<std::uint16_t, kMaxWriteWords>;
using ReadImage = std::array<std::uint16_t, kMaxReadWords>;

// What has been read last, window by window, and what is to be written.
struct DeviceImage {
  WriteImage out{};
  ReadImage in{};
  std::uint64_t exchanges = 0;  // on this connection
};

struct Stamped {
  Outcome outcome = Outcome::kClosed;
  std::int64_t stamp_ns = 0;  // middle of the first read: no value is older
};

// Makes the transactions that are due; ends with the first that fails.
[[nodiscard]] Stamped transact(Connection& connection, const DevicePlan& plan,
                               const RoundInput& round, DeviceImage& image, ExchangeStats& stats);
// Writes everything that is cyclic once, whatever is due.
[[nodiscard]] Outcome write_all(Connection& connection, const DevicePlan& plan,
                                const WriteImage& out);
[[nodiscard]] Outcome read_config(Connection& connection, const DevicePlan& plan, ReadImage& in);
// Reads one window into its place in the image, by FC3 where a cyclic exchange would use FC23.
[[nodiscard]] Outcome read_window(Connection& connection, const DevicePlan& plan,
                                  const Window& window, ReadImage& in);

// Counts an outcome under its name; true when it is kOk.
bool counts_up(LinkCounters& counters, Outcome outcome) noexcept;
[[nodiscard]] Exchange failed(const Connection& connection, Outcome outcome) noexcept;
[[nodiscard]] Freshness renewed(const Freshness& last, std::int64_t stamp_ns,
                                std::uint32_t epoch) noexcept;

// What a device said at connect.
struct Admission {
  Outcome outcome = Outcome::kOk;     // of the transactions
  std::string refusal;                // empty = admitted
  std::vector<std::string> warnings;  // reductions
};
// The writes at connect, each read back. `rated` scales what counts in fractions of it.
[[nodiscard]] Admission run_init(Connection& connection, const DevicePlan& plan, double rated);

}  // namespace medius::hal::modbus
