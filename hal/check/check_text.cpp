// A check as lines for people and as JSON for machines.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hal/check/machine_check.hpp"

namespace medius::hal {
namespace {

std::string registers(int address, int count) {
  return address < 0 ? std::string("-") : fmt::format("{:#06x}+{}", address, count);
}

std::string device_lines(const CheckedDevice& device) {
  const char* const unit = device.lever ? "Nm" : "N";
  std::string text = fmt::format(
      "  {} (unit {}, {}{}): {:.0f} exchanges/s, at most {:.2f} ms each, {:.0f} % of "
      "the link\n",
      device.name, device.unit_id, device.kind, device.axis.empty() ? "" : ", axis " + device.axis,
      device.cycle_hz, device.exchange_us_max / 1e3, 100.0 * device.link_share);
  text +=
      "    function  written    read       when        bytes    wire ms  silence  device  total\n";
  for (const CheckedTransfer& t : device.transfers) {
    const std::string when = t.every == 0   ? std::string("slowly")
                             : t.every == 1 ? std::string("each")
                                            : fmt::format("every {}", t.every);
    text += fmt::format(
        "    {:<8}  {:<9}  {:<9}  {:<10}  {:>3}+{:<3}  {:>7.2f}  {:>7.2f}  {:>6.2f}  "
        "{:>5.2f}\n",
        t.function, registers(t.write_address, t.write_words),
        registers(t.read_address, t.read_words), when, t.request_bytes, t.reply_bytes,
        t.wire_us / 1e3, t.silence_us / 1e3, t.turnaround_us / 1e3, t.total_us / 1e3);
  }
  text += fmt::format("    data age p50 {:.1f} ms, p99 {:.1f} ms (model)\n", device.age_ms_p50,
                      device.age_ms_p99);
  if (device.age_ms_lost_reply > 0.0) {
    text += fmt::format("    after a lost reply a sample gets {:.1f} ms old (model)\n",
                        device.age_ms_lost_reply);
  }
  if (device.kind != "drive") return text;
  text += fmt::format("    force: {:.0f} {} asked, {:.0f} {} allowed\n", device.force_asked, unit,
                      device.force_allowed, unit);
  for (const std::string& reduction : device.reductions) text += "      " + reduction + "\n";
  text += fmt::format("    virtual stiffness that stays passive: {:.0f} {}\n", device.stiffness,
                      device.lever ? "Nm/rad" : "N/m");
  return text;
}

nlohmann::json to_json(const CheckedTransfer& t) {
  return {{"function", t.function},
          {"write_address", t.write_address},
          {"write_words", t.write_words},
          {"read_address", t.read_address},
          {"read_words", t.read_words},
          {"every", t.every},
          {"request_bytes", t.request_bytes},
          {"reply_bytes", t.reply_bytes},
          {"wire_us", t.wire_us},
          {"silence_us", t.silence_us},
          {"turnaround_us", t.turnaround_us},
          {"total_us", t.total_us}};
}

nlohmann::json to_json(const CheckedDevice& d) {
  nlohmann::json out = {{"name", d.name},
                        {"descriptor", d.descriptor},
                        {"kind", d.kind},
                        {"unit_id", d.unit_id},
                        {"exchange_us_max", d.exchange_us_max},
                        {"cycle_hz", d.cycle_hz},
                        {"age_ms_p50", d.age_ms_p50},
                        {"age_ms_p99", d.age_ms_p99},
                        {"age_ms_lost_reply", d.age_ms_lost_reply},
                        {"link_share", d.link_share}};
  out["transfers"] = nlohmann::json::array();
  for (const CheckedTransfer& t : d.transfers) out["transfers"].push_back(to_json(t));
  if (!d.axis.empty()) out["axis"] = d.axis;
  if (d.kind != "drive") return out;
  const std::string unit = d.lever ? "nm" : "n";
  out["force_asked_" + unit] = d.force_asked;
  out["force_allowed_" + unit] = d.force_allowed;
  out["reductions"] = d.reductions;
  out[d.lever ? "stiffness_nmprad" : "stiffness_npm"] = d.stiffness;
  return out;
}

}  // namespace

std::string check_text(const MachineCheck& check) {
  if (!check.fits) return fmt::format("{}: refused\n  {}\n", check.file, check.refusal);
  std::string text = fmt::format("{}: fits\n", check.file);
  for (const CheckedLink& link : check.links) {
    text += fmt::format("{} ({}): {:.0f} % of its time used, response time-out {} ms\n", link.name,
                        link.address, 100.0 * link.load, link.response_timeout_ms);
    for (const CheckedDevice& device : link.devices) text += device_lines(device);
  }
  for (const std::string& warning : check.warnings) text += "warning: " + warning + "\n";
  return text;
}

std::string check_json(const std::vector<MachineCheck>& checks) {
  nlohmann::json all = nlohmann::json::array();
  for (const MachineCheck& check : checks) {
    nlohmann::json out = {{"file", check.file}, {"fits", check.fits}, {"warnings", check.warnings}};
    if (!check.fits) out["refusal"] = check.refusal;
    out["links"] = nlohmann::json::array();
    for (const CheckedLink& link : check.links) {
      nlohmann::json one = {{"name", link.name},
                            {"address", link.address},
                            {"load", link.load},
                            {"response_timeout_ms", link.response_timeout_ms}};
      one["devices"] = nlohmann::json::array();
      for (const CheckedDevice& device : link.devices) one["devices"].push_back(to_json(device));
      out["links"].push_back(std::move(one));
    }
    all.push_back(std::move(out));
  }
  return all.dump(2) + "\n";
}

}  // namespace medius::hal
