// Device memory in slabs. A driver gives whole pages of 2 MiB to all but small requests, and a large model's copies are
// thousands of tensors of one to three: one by one they would take hundreds of megabytes more than planned.
#ifndef QFA_RUNTIME_DEVICE_DEVICESLABS_H
#define QFA_RUNTIME_DEVICE_DEVICESLABS_H

#include <cstdint>
#include <functional>
#include <map>

namespace qfa::rt {

class DeviceSlabs {
public:
  using Address = uint64_t; // 0: none
  /// take: so many bytes of the device; 0 when it has not as many.
  DeviceSlabs(std::function<Address(uint64_t bytes)> take, std::function<void(Address)> giveBack)
      : take(std::move(take)), giveBack(std::move(giveBack)) {}

  /// On 256 bytes; 0 when the device has no more.
  Address allocate(uint64_t bytes);
  void release(Address address);
  /// Taken from the device, and in no tensor yet.
  uint64_t spareBytes() const { return open ? slabs.at(open).bytes - slabs.at(open).used : 0; }

private:
  static constexpr uint64_t slabBytes = 64 << 20, largest = slabBytes / 16, alignment = 256;
  struct Slab {
    uint64_t bytes, used = 0;
    int64_t tensors = 0; // that live in it
  };
  Address placeIn(Address slab, uint64_t bytes);

  std::function<Address(uint64_t)> take;
  std::function<void(Address)> giveBack;
  std::map<Address, Slab> slabs; // by where they begin; a large tensor has one of its own
  Address open = 0;              // the one that is being filled
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_DEVICESLABS_H
