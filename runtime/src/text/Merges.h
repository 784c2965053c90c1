// The merge loop of byte-pair encoding: joins neighbouring symbols, best pair first, in O(n log n).
#ifndef QFA_RUNTIME_TEXT_MERGES_H
#define QFA_RUNTIME_TEXT_MERGES_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qfa::rt {

class Merges {
public:
  /// The pair (left, right) becomes id; the lowest rank goes first, among equal ranks the leftmost. A repeated pair
  /// keeps the last.
  void add(int32_t left, int32_t right, uint32_t rank, int32_t id);
  bool empty() const { return count == 0; }

  /// Joins symbols [n] in place until no pair of neighbours can be joined.
  void apply(std::vector<int32_t> &symbols) const;

private:
  struct Slot {
    uint64_t pair = kFree;
    uint32_t rank = 0;
    int32_t id = 0;
  };
  static constexpr uint64_t kFree = UINT64_MAX;

  const Slot *find(int32_t left, int32_t right) const;
  void applyShort(std::vector<int32_t> &symbols) const;
  void applyLong(std::vector<int32_t> &symbols) const;

  std::vector<Slot> slots; // open addressing; the size is a power of two, at most half full
  std::size_t count = 0;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_TEXT_MERGES_H
