// The thread pool: every tile once, whatever the threads do.
#include "core/ThreadPool.h"

#include "support/Usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

using namespace qfa::rt;

TEST(ThreadPool, RunsEveryTileOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threadCount(), threads);
    for (int64_t tiles : {0, 1, 2, 7, 64, 1000}) {
      std::vector<std::atomic<int>> seen(tiles);
      std::atomic<bool> validThread = true;
      pool.parallelFor(tiles, [&](int64_t begin, int64_t end, int thread) {
        if (thread < 0 || thread >= threads)
          validThread = false;
        for (int64_t tile = begin; tile < end; ++tile)
          ++seen[tile];
      });
      EXPECT_TRUE(validThread);
      for (auto &count : seen)
        EXPECT_EQ(count, 1);
    }
  }
}

// Many short jobs after one another, so that threads arrive late, early and in the middle of another job.
TEST(ThreadPool, SurvivesManyShortJobs) {
  ThreadPool pool(4);
  int64_t wrong = 0;
  for (int64_t job = 0; job < 20000; ++job) {
    std::atomic<int64_t> sum = 0;
    int64_t tiles = 1 + job % 13;
    pool.parallelFor(tiles, [&](int64_t begin, int64_t end, int) {
      for (int64_t tile = begin; tile < end; ++tile)
        sum += tile + job;
    });
    wrong += sum != tiles * job + tiles * (tiles - 1) / 2;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, OneThreadAtATimePerIndex) {
  ThreadPool pool(3);
  std::atomic<int> inside[3] = {};
  std::atomic<bool> shared = false;
  for (int job = 0; job < 200; ++job)
    pool.parallelFor(50, [&](int64_t, int64_t, int thread) {
      if (++inside[thread] != 1)
        shared = true;
      --inside[thread];
    });
  EXPECT_FALSE(shared);
}

// Idle threads sleep: CPU time stands still while the process waits.
TEST(ThreadPool, SleepsWhenIdle) {
  ThreadPool pool(4);
  pool.parallelFor(100, [](int64_t, int64_t, int) {});
  usleep(50000);
  double before = cpuSeconds();
  usleep(300000);
  EXPECT_LT(cpuSeconds() - before, 0.15);
}

TEST(ThreadPool, FindsCores) { EXPECT_GE(availableCores(), 1); }
