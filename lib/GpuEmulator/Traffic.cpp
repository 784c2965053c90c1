// Shared memory: 32 banks of 4 bytes; 8-byte accesses go by half warps, 16-byte ones by quarters. Global: sectors of 32
// bytes.
#include "qfa/GpuEmulator/Traffic.h"

#include "qfa/GpuEmulator/Shadow.h"

#include <algorithm>
#include <set>

using namespace qfa::emu;

static constexpr uint64_t banks = 32, bankBytes = 4, sectorBytes = 32;

void Traffic::record(const Site &site, uint32_t thread, uint64_t address, uint32_t bytes, bool shared) {
  Instruction &instruction =
      instructions.try_emplace({site.id, shared}, Instruction{&site, shared, site.writes, {}, {}}).first->second;
  uint32_t time = instruction.times[thread]++;
  instruction.accesses[{time, thread / warpLanes}].push_back({thread, bytes, address});
}

std::vector<TrafficRow> Traffic::rows() const {
  std::vector<TrafficRow> rows;
  for (const auto &[key, instruction] : instructions) {
    TrafficRow row;
    row.where = instruction.site->where();
    row.shared = instruction.shared;
    // A cp.async reads global and writes shared memory.
    bool copies = instruction.site->kind == OpKind::CopyAsync;
    row.reads = instruction.site->reads && !(copies && row.shared);
    row.writes = instruction.site->writes && !(copies && !row.shared);
    for (const auto &[when, accesses] : instruction.accesses) {
      ++row.warpAccesses;
      uint32_t bytes = accesses.front().bytes;
      uint32_t lanes = !row.shared || bytes <= 4 ? warpLanes : bytes <= 8 ? warpLanes / 2 : warpLanes / 4;
      for (uint32_t first = 0; first < warpLanes; first += lanes) {
        std::set<uint64_t> words, sectors; // touched together; a word that many lanes want is broadcast
        std::map<uint64_t, uint64_t> perBank;
        for (const Access &access : accesses) {
          if (access.thread % warpLanes < first || access.thread % warpLanes >= first + lanes)
            continue;
          for (uint64_t word = access.address / bankBytes; word <= (access.address + access.bytes - 1) / bankBytes;
               ++word)
            if (words.insert(word).second)
              ++perBank[word % banks];
          for (uint64_t sector = access.address / sectorBytes;
               sector <= (access.address + access.bytes - 1) / sectorBytes; ++sector)
            sectors.insert(sector);
        }
        if (words.empty())
          continue;
        if (row.shared) {
          uint64_t most = 0;
          for (const auto &[bank, count] : perBank)
            most = std::max(most, count);
          row.transactions += most;
          row.least += (words.size() + banks - 1) / banks;
        } else {
          row.transactions += sectors.size();
          row.least += (words.size() * bankBytes + sectorBytes - 1) / sectorBytes;
        }
      }
    }
    rows.push_back(row);
  }
  return rows;
}
