// What goes on behind the threads: asynchronous copies and products, in groups that are waited for.
#ifndef QFA_GPUEMULATOR_ASYNC_H
#define QFA_GPUEMULATOR_ASYNC_H

#include "qfa/GpuEmulator/Site.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <vector>

namespace qfa::emu {

template <typename Work>
class AsyncGroups {
public:
  void issue(Work work) { open.push_back(std::move(work)); }
  // An empty group counts too.
  void commit() {
    groups.push_back(std::move(open));
    open.clear();
  }
  // All but the latest n groups: the work that has to be done, oldest first.
  std::vector<Work> wait(size_t groupsLeft) {
    std::vector<Work> done;
    for (; groups.size() > groupsLeft; groups.pop_front())
      std::move(groups.front().begin(), groups.front().end(), std::back_inserter(done));
    return done;
  }
  // Committed or not.
  std::vector<Work> waitAll() {
    commit();
    return wait(0);
  }
  // What is still in flight, if there is anything.
  const Work *pending() const {
    for (const std::vector<Work> &group : groups)
      if (!group.empty())
        return &group.front();
    return open.empty() ? nullptr : &open.front();
  }

private:
  std::vector<Work> open;
  std::deque<std::vector<Work>> groups;
};

// cp.async of one thread. Data moves when it is waited for; until then the destination is in flight.
struct AsyncCopy {
  std::byte *to;
  const std::byte *from;
  uint32_t bytes;       // written: the rest after sourceBytes is zero
  uint32_t sourceBytes; // read
  const Site *site;

  void perform() const {
    std::memcpy(to, from, sourceBytes);
    std::memset(to + sourceBytes, 0, bytes - sourceBytes);
  }
};

// wgmma.mma_async of one warp. It is computed when it is issued; that its factors are still the same is seen when it is
// waited for.
struct AsyncProduct {
  struct Factor {
    const std::byte *at;
    std::byte seen[16];
  };
  const Site *site;
  std::vector<Factor> factors; // empty where nobody checks
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_ASYNC_H
