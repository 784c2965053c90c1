// The text of kernels for tests.
#ifndef QFA_TEST_UNIT_KERNELS_KERNELTEXT_H
#define QFA_TEST_UNIT_KERNELS_KERNELTEXT_H

#include <cstdint>
#include <string>
#include <vector>

namespace qfa::test {

// "2x8x" + element
inline std::string shaped(const std::vector<int64_t> &dims, const std::string &element = "f32") {
  std::string text;
  for (int64_t dim : dims)
    text += std::to_string(dim) + "x";
  return text + element;
}
inline std::string tensor(const std::vector<int64_t> &dims, const std::string &element = "f32") {
  return "tensor<" + shaped(dims, element) + ">";
}
inline std::string buffer(const std::vector<int64_t> &dims) { return "!qfa.buffer<" + shaped(dims) + ">"; }

// Kernel @k with arguments %a0, %a1, ... of the types; `op` assigns its results to %r (or %r:2, ...); they are yielded.
inline std::string kernel(const std::vector<std::string> &types, const std::string &op,
                          const std::vector<std::string> &results) {
  std::string text = "qfa.kernel @k {\n^bb0(", yielded, yieldedTypes;
  for (size_t i = 0; i < types.size(); ++i)
    text += (i ? ", %a" : "%a") + std::to_string(i) + ": " + types[i];
  for (size_t i = 0; i < results.size(); ++i) {
    yielded += std::string(i ? ", " : " ") + "%r" + (results.size() > 1 ? "#" + std::to_string(i) : "");
    yieldedTypes += (i ? ", " : " : ") + results[i];
  }
  return text + "):\n  " + op + "\n  qfa.yield" + yielded + yieldedTypes + "\n}\n";
}

} // namespace qfa::test

#endif // QFA_TEST_UNIT_KERNELS_KERNELTEXT_H
