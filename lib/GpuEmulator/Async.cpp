// The queue of copy groups behind cp.async.
#include "qfa/GpuEmulator/Async.h"

using namespace qfa::emu;

void AsyncCopy::perform() const {
  std::memcpy(to, from, sourceBytes);
  std::memset(to + sourceBytes, 0, bytes - sourceBytes);
}

void AsyncCopies::commit() {
  groups.push_back(std::move(open));
  open.clear();
}

std::vector<AsyncCopy> AsyncCopies::wait(size_t groupsLeft) {
  std::vector<AsyncCopy> done;
  for (; groups.size() > groupsLeft; groups.pop_front())
    done.insert(done.end(), groups.front().begin(), groups.front().end());
  return done;
}

std::vector<AsyncCopy> AsyncCopies::waitAll() {
  commit();
  return wait(0);
}

const AsyncCopy *AsyncCopies::pending() const {
  for (const std::vector<AsyncCopy> &group : groups)
    if (!group.empty())
      return &group.front();
  return open.empty() ? nullptr : &open.front();
}

void AsyncCopies::clear() {
  open.clear();
  groups.clear();
}
