// Tensors lie one behind the other in the open slab; a slab goes when the last of its tensors does.
#include "device/DeviceSlabs.h"

using namespace qfa::rt;

DeviceSlabs::Address DeviceSlabs::placeIn(Address start, uint64_t bytes) {
  Slab &slab = slabs.at(start);
  Address place = start + slab.used;
  slab.used += bytes;
  ++slab.tensors;
  return place;
}

DeviceSlabs::Address DeviceSlabs::allocate(uint64_t bytes) {
  bytes = (bytes + alignment - 1) / alignment * alignment;
  if (bytes <= largest) {
    if (open && slabs.at(open).used + bytes <= slabs.at(open).bytes)
      return placeIn(open, bytes);
    if (Address slab = take(slabBytes)) {
      slabs[slab] = {slabBytes};
      return placeIn(open = slab, bytes);
    }
  }
  Address slab = take(bytes); // large, or the last that there is
  if (!slab)
    return 0;
  slabs[slab] = {bytes};
  return placeIn(slab, bytes);
}

void DeviceSlabs::release(Address address) {
  auto found = std::prev(slabs.upper_bound(address));
  if (--found->second.tensors > 0)
    return;
  if (found->first == open)
    open = 0;
  giveBack(found->first);
  slabs.erase(found);
}
