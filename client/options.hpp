// What every subcommand takes, and the exit codes they share.
#pragma once

#include <string>

namespace medius::client {

// What we show a station that is not on this computer, in PEM form; empty: no TLS.
struct TlsFiles {
  std::string authority;
  std::string certificate;
  std::string key;
};

struct CommonOptions {
  std::string address = "127.0.0.1:50161";  // or "unix:PATH"
  std::string name;                         // who orders and watches; decides who counts as present
  TlsFiles tls;
  bool json = false;
  bool color = true;  // --no-color, NO_COLOR and a pipe switch it off
  bool quiet = false;
};

// Documented in --help.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  // no controller, lost connection, a file that cannot be written
  kExitUsage = 2,
  kExitRefused = 3,     // the station refused the order
  kExitFault = 4,       // a fault ended the session
  kExitIncomplete = 5,  // the session ended before its last set: stopped or stood still
  kExitInterrupted = 130,
};

}  // namespace medius::client
