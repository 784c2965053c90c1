// Reports as text and as JSON.
#include "qfa/GpuEmulator/Report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace qfa::emu;
using nlohmann::ordered_json;

static std::string name(const Dim3 &at) { return fmt::format("({},{},{})", at.x, at.y, at.z); }
static ordered_json list(const Dim3 &at) { return {at.x, at.y, at.z}; }

static const char *verb(const TrafficRow &row) {
  return row.reads && row.writes ? "atomic" : row.writes ? "write" : "read";
}

std::string Report::text() const {
  std::string text;
  if (fault) {
    text += fmt::format("error: {}\n  kernel {}", fault->message, kernel);
    if (fault->block)
      text += " block " + name(*fault->block);
    if (fault->thread)
      text += fmt::format(" thread {} [warp {} lane {}]", name(*fault->thread), fault->warp, fault->lane);
    text += "\n";
    if (!fault->where.empty())
      text += "  at " + fault->where + "\n";
    if (fault->address)
      text += fmt::format("  address {:#x}: {}\n", *fault->address, fault->object);
    for (const FaultNote &note : fault->notes)
      text += "  note: " + note.text + (note.where.empty() ? "" : " " + note.where) + "\n";
  }
  for (const TrafficRow &row : traffic)
    text += fmt::format("{} {:6} warp accesses {:7}, {} {:7}, least {:7} ({:.2f}x){} {}\n",
                        row.shared ? "shared" : "global", verb(row), row.warpAccesses,
                        row.shared ? "wavefronts" : "sectors   ", row.transactions, row.least,
                        row.least ? double(row.transactions) / row.least : 1.0,
                        row.transactions > row.least ? " <--" : "    ", row.where);
  return text;
}

std::string Report::json() const {
  ordered_json root = {{"kernel", kernel}, {"grid", list(grid)}, {"block", list(block)}, {"ok", ok()}};
  if (fault) {
    ordered_json found = {{"kind", fault->kind}, {"message", fault->message}};
    if (!fault->where.empty())
      found["where"] = fault->where;
    if (!fault->source.empty())
      found["source"] = fault->source;
    if (fault->block)
      found["block"] = list(*fault->block);
    if (fault->thread) {
      found["thread"] = list(*fault->thread);
      found["warp"] = fault->warp;
      found["lane"] = fault->lane;
    }
    if (fault->address) {
      found["address"] = *fault->address;
      found["object"] = fault->object;
    }
    found["notes"] = ordered_json::array();
    for (const FaultNote &note : fault->notes)
      found["notes"].push_back({{"text", note.text}, {"where", note.where}});
    root["fault"] = found;
  }
  root["counters"] = {{"blocks", counters.blocks},
                      {"threads", counters.threads},
                      {"switches", counters.switches},
                      {"accesses", counters.accesses},
                      {"warp_operations", counters.warpOperations},
                      {"mmas", counters.mmas}};
  root["traffic"] = ordered_json::array();
  for (const TrafficRow &row : traffic)
    root["traffic"].push_back({{"where", row.where},
                               {"space", row.shared ? "shared" : "global"},
                               {"access", verb(row)},
                               {"warp_accesses", row.warpAccesses},
                               {"transactions", row.transactions},
                               {"least", row.least}});
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}
