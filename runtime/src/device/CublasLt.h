// The part of cuBLASLt that is used, found at run time like the driver. Names, types and numbers are those of the
// cuBLASLt API.
#ifndef QFA_RUNTIME_DEVICE_CUBLASLT_H
#define QFA_RUNTIME_DEVICE_CUBLASLT_H

#include "device/CudaDriver.h"

namespace qfa::rt::cublas {

using Status = int; // cublasStatus_t, 0: success
struct HandleObject;
struct DescriptionObject;
struct LayoutObject;
struct PreferenceObject;
using Handle = HandleObject *;
using Description = DescriptionObject *; // cublasLtMatmulDesc_t
using Layout = LayoutObject *;           // cublasLtMatrixLayout_t: column by column
using Preference = PreferenceObject *;   // cublasLtMatmulPreference_t

struct Algorithm { // cublasLtMatmulAlgo_t
  uint64_t data[8];
};
struct Heuristic { // cublasLtMatmulHeuristicResult_t
  Algorithm algorithm;
  size_t workspaceBytes;
  Status status;
  float waves;
  int reserved[4];
};

constexpr int typeF32 = 0, typeBf16 = 14;                // cudaDataType_t
constexpr int computeF32 = 68;                           // cublasComputeType_t: no rounding of f32 factors
constexpr int32_t asStored = 0, transposed = 1;          // cublasOperation_t
constexpr int descriptionOfA = 3, descriptionOfB = 4;    // cublasLtMatmulDescAttributes_t: TRANSA, TRANSB
constexpr int preferWorkspace = 1, preferReductions = 3; // cublasLtMatmulPreferenceAttributes_t
constexpr int preferAlignmentOfA = 5;                    // B, C and D follow
constexpr uint32_t reductionsInOrder = 2 | 4;            // cublasLtReductionScheme_t: all but INPLACE

constexpr Status notSupported = 15;

// return type, name of the member, symbol, parameters
#define QFA_CUBLASLT_FUNCTIONS(F)                                                                                      \
  F(Status, create, cublasLtCreate, (Handle * handle))                                                                 \
  F(Status, destroy, cublasLtDestroy, (Handle handle))                                                                 \
  F(size_t, getVersion, cublasLtGetVersion, ())                                                                        \
  F(const char *, getStatusString, cublasLtGetStatusString, (Status status))                                           \
  F(Status, descriptionCreate, cublasLtMatmulDescCreate, (Description * description, int compute, int scaleType))      \
  F(Status, descriptionDestroy, cublasLtMatmulDescDestroy, (Description description))                                  \
  F(Status, descriptionSet, cublasLtMatmulDescSetAttribute,                                                            \
    (Description description, int attribute, const void *value, size_t bytes))                                         \
  F(Status, layoutCreate, cublasLtMatrixLayoutCreate,                                                                  \
    (Layout * layout, int type, uint64_t rows, uint64_t columns, int64_t stride))                                      \
  F(Status, layoutDestroy, cublasLtMatrixLayoutDestroy, (Layout layout))                                               \
  F(Status, preferenceCreate, cublasLtMatmulPreferenceCreate, (Preference * preference))                               \
  F(Status, preferenceDestroy, cublasLtMatmulPreferenceDestroy, (Preference preference))                               \
  F(Status, preferenceSet, cublasLtMatmulPreferenceSetAttribute,                                                       \
    (Preference preference, int attribute, const void *value, size_t bytes))                                           \
  F(Status, getHeuristic, cublasLtMatmulAlgoGetHeuristic,                                                              \
    (Handle handle, Description description, Layout a, Layout b, Layout c, Layout d, Preference preference,            \
     int requested, Heuristic *results, int *found))                                                                   \
  F(Status, multiply, cublasLtMatmul,                                                                                  \
    (Handle handle, Description description, const void *alpha, const void *a, Layout layoutA, const void *b,          \
     Layout layoutB, const void *beta, const void *c, Layout layoutC, void *d, Layout layoutD,                         \
     const Algorithm *algorithm, void *workspace, size_t workspaceBytes, cuda::Stream stream))

struct Functions {
#define QFA_CUBLASLT_MEMBER(type, member, symbol, parameters) type(*member) parameters = nullptr;
  QFA_CUBLASLT_FUNCTIONS(QFA_CUBLASLT_MEMBER)
#undef QFA_CUBLASLT_MEMBER
};

} // namespace qfa::rt::cublas

namespace qfa::rt {

struct CublasLt : cublas::Functions {
  /// The machine's library. Throws Error that says what is missing.
  static CublasLt open();

  /// "12.8.4"
  std::string version() const;
  /// Throws Error when a call did not succeed, with the library's own words.
  void check(cublas::Status status, const char *call) const;
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_DEVICE_CUBLASLT_H
