// Zeroed memory for tensors, aligned for any vector instruction; pages are taken when first touched.
#ifndef QFA_RUNTIME_SUPPORT_MEMORY_H
#define QFA_RUNTIME_SUPPORT_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace qfa::rt {

class Memory {
public:
  Memory() = default;
  /// Throws Error when the system has no room for it.
  explicit Memory(uint64_t bytes);
  Memory(Memory &&other) noexcept
      : start(std::exchange(other.start, nullptr)), length(std::exchange(other.length, 0)) {}
  Memory &operator=(Memory &&other) noexcept {
    std::swap(start, other.start);
    std::swap(length, other.length);
    return *this;
  }
  ~Memory();

  char *data() const { return start; }
  uint64_t size() const { return length; }
  bool empty() const { return length == 0; }
  template <typename T>
  T *as() const {
    return reinterpret_cast<T *>(start);
  }

private:
  char *start = nullptr;
  uint64_t length = 0;
};

inline Memory floats(int64_t count) { return Memory(static_cast<uint64_t>(count) * sizeof(float)); }

} // namespace qfa::rt

#endif // QFA_RUNTIME_SUPPORT_MEMORY_H
