// Threads that share the tiles of one kernel at a time.
//
// A job is a word `next` = (number of the job, next tile). Threads take tiles by compare-and-swap of that word, so a
// thread that comes late, or never, holds up nobody: its swap fails because the job's number has moved on, and the
// caller waits only for tiles that somebody took. Idle threads spin for some microseconds, then sleep.
#ifndef QFA_RUNTIME_CORE_THREADPOOL_H
#define QFA_RUNTIME_CORE_THREADPOOL_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace qfa::rt {

class ThreadPool {
public:
  /// The caller of parallelFor is one of the threads. 0: one per physical core that the process may run on.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;

  int threadCount() const { return static_cast<int>(workers.size()) + 1; }

  /// Calls work(begin, end, thread) for disjoint ranges that cover 0 .. tiles - 1, and returns when all are done.
  /// work must not throw, nor call parallelFor of this pool. From one thread at a time; tiles < 2^32.
  template <typename Work>
  void parallelFor(int64_t tiles, Work &&work) {
    using Callable = std::remove_reference_t<Work>;
    if (tiles == 1 || workers.empty()) {
      if (tiles > 0)
        work(int64_t{0}, tiles, 0);
      return;
    }
    run(
        tiles,
        [](void *data, int64_t begin, int64_t end, int thread) {
          (*static_cast<Callable *>(data))(begin, end, thread);
        },
        const_cast<void *>(static_cast<const void *>(&work)));
  }

private:
  using Function = void (*)(void *data, int64_t begin, int64_t end, int thread);
  void run(int64_t tiles, Function function, void *data);
  void takeTiles(int thread);
  void workerLoop(int thread);

  // The job. Only the swap of `next` gives a thread the right to use what it has read of it.
  std::atomic<Function> jobFunction{nullptr};
  std::atomic<void *> jobData{nullptr};
  std::atomic<int64_t> jobTiles{0};
  alignas(64) std::atomic<uint64_t> next{0};
  alignas(64) std::atomic<int64_t> done{0};
  alignas(64) std::atomic<uint32_t> wakeups{0}; // sleeping threads wait for a change of it
  std::atomic<bool> stopping{false};
  std::vector<std::thread> workers;
};

/// Physical cores among the processors that the process may run on.
int availableCores();

} // namespace qfa::rt

#endif // QFA_RUNTIME_CORE_THREADPOOL_H
