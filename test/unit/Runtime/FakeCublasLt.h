// A cuBLASLt that computes: on host memory, column by column, as NVIDIA's documentation defines cublasLtMatmul.
#ifndef QFA_TEST_FAKECUBLASLT_H
#define QFA_TEST_FAKECUBLASLT_H

#include "device/CublasLt.h"

#include <functional>
#include <string>
#include <vector>

namespace qfa::rt::test {

struct FakeCublasLt {
  std::string failing; // member that returns an error
  bool hasAlgorithm = true;
  int objects = 0;                  // made and not destroyed
  int heuristics = 0;               // asked for
  std::vector<uint32_t> alignments; // of the operands A, B, C, D in the last question
  uint32_t reductions = 0;          // accepted in the last question
  std::function<void(cuda::Stream)> onMultiply = [](cuda::Stream) {};
};
/// The library's state; its functions are plain functions, so it is global and made anew by each test.
extern FakeCublasLt fakeCublasLt;

CublasLt makeFakeCublasLt();

} // namespace qfa::rt::test

#endif // QFA_TEST_FAKECUBLASLT_H
