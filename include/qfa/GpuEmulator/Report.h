// What a launch found and counted, as text for a terminal and as JSON for a script.
#ifndef QFA_GPUEMULATOR_REPORT_H
#define QFA_GPUEMULATOR_REPORT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qfa::emu {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

// Another instruction or thread that has to do with a fault.
struct FaultNote {
  std::string text;
  std::string where; // source and instruction, empty when there is none
};

struct Fault {
  std::string kind; // kebab-case, for scripts: "data-race"
  std::string message;
  std::string where;  // source line and instruction, empty when no single one is at fault
  std::string source; // file:line alone
  std::optional<Dim3> block, thread;
  uint32_t warp = 0, lane = 0;
  std::optional<uint64_t> address;
  std::string object; // what lies at the address: "@tile+64 of 512 bytes"
  std::vector<FaultNote> notes;
};

// How the warps' accesses of one instruction meet memory, in the first block run.
struct TrafficRow {
  std::string where;
  bool shared = false, reads = false, writes = false;
  uint64_t warpAccesses = 0;
  uint64_t transactions = 0; // shared: wavefronts; global: sectors of 32 bytes
  uint64_t least = 0;        // the same bytes at best
};

struct Counters {
  uint64_t blocks = 0, threads = 0, switches = 0, accesses = 0, warpOperations = 0, mmas = 0;
};

struct Report {
  std::string kernel;
  Dim3 grid, block;
  std::optional<Fault> fault;
  std::vector<TrafficRow> traffic;
  Counters counters;

  bool ok() const { return !fault; }
  std::string text() const;
  std::string json() const;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_REPORT_H
