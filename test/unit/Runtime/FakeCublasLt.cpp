// The numbers are those of cublasLt.h, written out here: a wrong one in the runtime must not agree with itself.
#include "FakeCublasLt.h"

#include <bit>
#include <cstring>
#include <gtest/gtest.h>

using namespace qfa::rt;
using namespace qfa::rt::test;

FakeCublasLt test::fakeCublasLt;

namespace {

struct Description {
  int32_t operationA = 0, operationB = 0;
};
struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t stride;

  double load(const void *memory, uint64_t row, uint64_t column) const {
    uint64_t at = column * stride + row;
    if (type == 0) // CUDA_R_32F
      return static_cast<const float *>(memory)[at];
    EXPECT_EQ(type, 14); // CUDA_R_16BF
    return std::bit_cast<float>(static_cast<uint32_t>(static_cast<const uint16_t *>(memory)[at]) << 16);
  }
};

int status(const char *member) { return fakeCublasLt.failing == member ? 13 : 0; } // CUBLAS_STATUS_EXECUTION_FAILED

template <typename Object, typename Handle>
int make(Handle *handle, const char *member, Object object) {
  if (status(member))
    return status(member);
  ++fakeCublasLt.objects;
  *handle = reinterpret_cast<Handle>(new Object(object));
  return 0;
}
template <typename Object, typename Handle>
int destroy(Handle handle) {
  --fakeCublasLt.objects;
  delete reinterpret_cast<Object *>(handle);
  return 0;
}

int multiply(cublas::Handle, cublas::Description description, const void *alpha, const void *a, cublas::Layout layoutA,
             const void *b, cublas::Layout layoutB, const void *beta, const void *c, cublas::Layout layoutC, void *d,
             cublas::Layout layoutD, const cublas::Algorithm *algorithm, void *workspace, size_t bytes,
             cuda::Stream stream) {
  EXPECT_EQ(algorithm->data[0], 7u) << "not the algorithm that was found";
  EXPECT_NE(workspace, nullptr);
  EXPECT_EQ(bytes, 32u << 20);
  const auto &operation = *reinterpret_cast<Description *>(description);
  const auto &forA = *reinterpret_cast<Layout *>(layoutA), &forB = *reinterpret_cast<Layout *>(layoutB);
  const auto &forC = *reinterpret_cast<Layout *>(layoutC), &forD = *reinterpret_cast<Layout *>(layoutD);
  bool turnA = operation.operationA == 1, turnB = operation.operationB == 1; // CUBLAS_OP_T
  uint64_t inner = turnA ? forA.rows : forA.columns;
  EXPECT_EQ(inner, turnB ? forB.columns : forB.rows);
  EXPECT_EQ(forD.rows, turnA ? forA.columns : forA.rows);
  EXPECT_EQ(forD.columns, turnB ? forB.rows : forB.columns);
  for (const Layout *layout : {&forA, &forB, &forC, &forD})
    EXPECT_GE(layout->stride, static_cast<int64_t>(layout->rows));
  for (uint64_t column = 0; column < forD.columns; ++column)
    for (uint64_t row = 0; row < forD.rows; ++row) {
      double sum = 0;
      for (uint64_t l = 0; l < inner; ++l)
        sum += forA.load(a, turnA ? l : row, turnA ? row : l) * forB.load(b, turnB ? column : l, turnB ? l : column);
      sum *= *static_cast<const float *>(alpha);
      if (float factor = *static_cast<const float *>(beta)) // else C is not read
        sum += factor * forC.load(c, row, column);
      static_cast<float *>(d)[column * forD.stride + row] = static_cast<float>(sum);
    }
  fakeCublasLt.onMultiply(stream);
  return status("multiply");
}

} // namespace

CublasLt test::makeFakeCublasLt() {
  CublasLt library;
  library.create = [](cublas::Handle *handle) { return make(handle, "create", 0); };
  library.destroy = [](cublas::Handle handle) { return destroy<int>(handle); };
  library.getVersion = [] { return size_t{120804}; };
  library.getStatusString = [](int status) {
    return status == 13 ? "the library failed to launch on the GPU" : "unknown";
  };
  library.descriptionCreate = [](cublas::Description *handle, int compute, int scale) {
    EXPECT_EQ(compute, 68); // CUBLAS_COMPUTE_32F
    EXPECT_EQ(scale, 0);    // CUDA_R_32F
    return make(handle, "descriptionCreate", Description());
  };
  library.descriptionDestroy = [](cublas::Description handle) { return destroy<Description>(handle); };
  library.descriptionSet = [](cublas::Description handle, int attribute, const void *value, size_t bytes) {
    EXPECT_EQ(bytes, 4u);
    EXPECT_TRUE(attribute == 3 || attribute == 4) << attribute; // CUBLASLT_MATMUL_DESC_TRANSA and _TRANSB
    auto &description = *reinterpret_cast<Description *>(handle);
    std::memcpy(attribute == 3 ? &description.operationA : &description.operationB, value, 4);
    return 0;
  };
  library.layoutCreate = [](cublas::Layout *handle, int type, uint64_t rows, uint64_t columns, int64_t stride) {
    return make(handle, "layoutCreate", Layout{type, rows, columns, stride});
  };
  library.layoutDestroy = [](cublas::Layout handle) { return destroy<Layout>(handle); };
  library.preferenceCreate = [](cublas::Preference *handle) {
    fakeCublasLt.alignments.assign(4, 0);
    return make(handle, "preferenceCreate", 0);
  };
  library.preferenceDestroy = [](cublas::Preference handle) { return destroy<int>(handle); };
  library.preferenceSet = [](cublas::Preference, int attribute, const void *value, size_t bytes) {
    if (attribute == 1) { // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
      EXPECT_EQ(bytes, 8u);
      EXPECT_EQ(*static_cast<const uint64_t *>(value), 32u << 20);
      return 0;
    }
    EXPECT_EQ(bytes, 4u);
    uint32_t number = *static_cast<const uint32_t *>(value);
    if (attribute == 3) // CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK
      fakeCublasLt.reductions = number;
    else // CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES and its neighbours, 5 .. 8
      fakeCublasLt.alignments.at(attribute - 5) = number;
    return 0;
  };
  library.getHeuristic = [](cublas::Handle, cublas::Description, cublas::Layout, cublas::Layout, cublas::Layout,
                            cublas::Layout, cublas::Preference, int requested, cublas::Heuristic *results, int *found) {
    EXPECT_EQ(requested, 1);
    ++fakeCublasLt.heuristics;
    results[0].algorithm.data[0] = 7;
    *found = fakeCublasLt.hasAlgorithm;
    if (int failed = status("getHeuristic"))
      return failed;
    return fakeCublasLt.hasAlgorithm ? 0 : 15; // CUBLAS_STATUS_NOT_SUPPORTED
  };
  library.multiply = multiply;
  return library;
}
