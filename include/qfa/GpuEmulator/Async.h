// cp.async: the copies of one thread, in groups. Data moves when it is waited for; until then the destination is in
// flight.
#ifndef QFA_GPUEMULATOR_ASYNC_H
#define QFA_GPUEMULATOR_ASYNC_H

#include "qfa/GpuEmulator/Site.h"

#include <cstddef>
#include <deque>
#include <vector>

namespace qfa::emu {

struct AsyncCopy {
  std::byte *to;
  const std::byte *from;
  uint32_t bytes;       // written: the rest after sourceBytes is zero
  uint32_t sourceBytes; // read
  const Site *site;

  void perform() const;
};

class AsyncCopies {
public:
  void issue(const AsyncCopy &copy) { open.push_back(copy); }
  // cp.async.commit_group: an empty group counts too.
  void commit();
  // cp.async.wait_group n: all but the latest n groups; gives the copies that have to be performed, oldest first.
  std::vector<AsyncCopy> wait(size_t groupsLeft);
  // cp.async.wait_all: committed or not.
  std::vector<AsyncCopy> waitAll();
  // A copy that is still in flight, if there is one.
  const AsyncCopy *pending() const;
  void clear();

private:
  std::vector<AsyncCopy> open;
  std::deque<std::vector<AsyncCopy>> groups;
};

} // namespace qfa::emu

#endif // QFA_GPUEMULATOR_ASYNC_H
