// Memory of a device with so many bytes, in slabs.
#include "device/DeviceSlabs.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

using namespace qfa::rt;

namespace {

constexpr uint64_t mebibyte = 1 << 20;

struct Device {
  uint64_t free = 1024 * mebibyte, next = 4096;
  std::map<uint64_t, uint64_t> taken;
  DeviceSlabs slabs{[this](uint64_t bytes) -> uint64_t {
                      if (bytes > free)
                        return 0;
                      free -= bytes;
                      uint64_t start = next;
                      next += bytes + 4096;
                      taken[start] = bytes;
                      return start;
                    },
                    [this](uint64_t start) {
                      free += taken.at(start);
                      taken.erase(start);
                    }};
};

} // namespace

TEST(DeviceSlabs, SmallTensorsShareThem) {
  Device device;
  std::vector<uint64_t> places;
  for (int i = 0; i < 100; ++i)
    places.push_back(device.slabs.allocate(mebibyte + 100));
  EXPECT_EQ(device.taken.size(), 2u); // 63 in one
  for (size_t i = 1; i < places.size(); ++i) {
    EXPECT_EQ(places[i] % 256, 0u);
    EXPECT_GE(places[i], places[i - 1] + mebibyte + 100) << "they overlap";
  }
  for (size_t i = 0; i < places.size(); i += 2)
    device.slabs.release(places[i]);
  EXPECT_EQ(device.taken.size(), 2u) << "a slab went with tensors in it";
  for (size_t i = 1; i < places.size(); i += 2)
    device.slabs.release(places[i]);
  EXPECT_TRUE(device.taken.empty());
  EXPECT_NE(device.slabs.allocate(1), 0u) << "the open slab is gone";
}

TEST(DeviceSlabs, LargeTensorsHaveTheirOwn) {
  Device device;
  uint64_t small = device.slabs.allocate(1), large = device.slabs.allocate(200 * mebibyte);
  EXPECT_EQ(device.taken.at(large), 200 * mebibyte);
  EXPECT_EQ(device.slabs.allocate(1), small + 256) << "a large one closed the slab";
  device.slabs.release(large);
  EXPECT_EQ(device.taken.size(), 1u);
}

TEST(DeviceSlabs, TheLastMemoryIsGivenAsWell) {
  Device device;
  device.free = 3 * mebibyte;
  EXPECT_NE(device.slabs.allocate(2 * mebibyte), 0u);
  EXPECT_EQ(device.slabs.allocate(2 * mebibyte), 0u);
  EXPECT_NE(device.slabs.allocate(mebibyte), 0u);
}
