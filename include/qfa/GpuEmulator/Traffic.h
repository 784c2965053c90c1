// Bank conflicts and coalescing: how many transactions the accesses of each warp take, beside the fewest possible.
#ifndef QFA_GPUEMULATOR_TRAFFIC_H
#define QFA_GPUEMULATOR_TRAFFIC_H

#include "qfa/GpuEmulator/Report.h"
#include "qfa/GpuEmulator/Site.h"

#include <map>
#include <vector>

namespace qfa::emu {

class Traffic {
public:
  // One thread's access; the n-th of a thread at an instruction belongs with the n-th of the others of its warp.
  void record(const Site &site, uint32_t thread, uint64_t address, uint32_t bytes, bool shared);
  std::vector<TrafficRow> rows() const; // in the order of the program

private:
  struct Access {
    uint32_t thread, bytes;
    uint64_t address;
  };
  struct Instruction {
    const Site *site;
    bool shared, writes;
    std::map<uint32_t, uint32_t> times;                                    // accesses so far of each thread
    std::map<std::pair<uint32_t, uint32_t>, std::vector<Access>> accesses; // by (time, warp)
  };
  std::map<std::pair<uint32_t, bool>, Instruction> instructions; // by site and space
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_TRAFFIC_H
