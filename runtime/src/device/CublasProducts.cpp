// From the products of a launch to calls of the library.
#include "device/CublasProducts.h"

#include <algorithm>
#include <vector>

using namespace qfa::rt;

CublasProducts::CublasProducts(const CublasLt &library, bool isRounded) : library(library), isRounded(isRounded) {
  library.check(library.create(&handle), "cublasLtCreate");
}

CublasProducts::~CublasProducts() {
  for (auto &[key, plan] : plans) {
    for (cublas::Layout layout : {plan.right, plan.left, plan.result})
      if (layout)
        library.layoutDestroy(layout);
    if (plan.description)
      library.descriptionDestroy(plan.description);
  }
  library.destroy(handle);
}

// The largest power of two, up to what the library asks for, that divides an address.
static uint32_t alignmentOf(const void *memory) {
  auto address = reinterpret_cast<uintptr_t>(memory) | 256;
  return static_cast<uint32_t>(address & -address);
}

CublasProducts::Operands CublasProducts::operandsOf(const qfa_gpu_product_t &product,
                                                    std::span<void *const> pointers) const {
  const char *factors = static_cast<const char *>(pointers.back());
  auto place = [&](int32_t pointer) { return static_cast<float *>(pointers[pointer]) + product.offset; };
  float *result = place(product.result);
  return {factors + product.right.offset, factors + product.left.offset,
          product.addend < 0 ? result : place(product.addend), result};
}

// The best algorithm by the library's own model, without measuring: the same one in every run, so that a run that is
// resumed gives the same bits.
void CublasProducts::choose(Plan &plan, const Operands &operands) {
  cublas::Preference preference = nullptr;
  library.check(library.preferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  auto prefer = [&](int attribute, auto value) { library.preferenceSet(preference, attribute, &value, sizeof value); };
  prefer(cublas::preferWorkspace, workspaceBytes);
  prefer(cublas::preferReductions, cublas::reductionsInOrder);
  int attribute = cublas::preferAlignmentOfA;
  for (const void *memory :
       {operands.right, operands.left, operands.addend, static_cast<const void *>(operands.result)})
    prefer(attribute++, alignmentOf(memory));
  cublas::Heuristic best = {};
  int found = 0;
  cublas::Status status = library.getHeuristic(handle, plan.description, plan.right, plan.left, plan.result,
                                               plan.result, preference, 1, &best, &found);
  library.preferenceDestroy(preference);
  if (status != cublas::notSupported)
    library.check(status, "cublasLtMatmulAlgoGetHeuristic");
  if (status == 0 && found > 0 && best.status == 0)
    plan.algorithm = best.algorithm;
}

const CublasProducts::Plan &CublasProducts::planOf(const qfa_gpu_product_t &product, const Operands &operands) {
  auto [entry, isNew] = plans.try_emplace({&product, alignmentOf(operands.result), alignmentOf(operands.addend)});
  Plan &plan = entry->second;
  if (!isNew)
    return plan;
  library.check(library.descriptionCreate(&plan.description, cublas::computeF32, cublas::typeF32),
                "cublasLtMatmulDescCreate");
  // Of the library's columns: those of right [n, k] as stored are k long and wanted transposed, those of left serve.
  auto set = [&](int attribute, bool isTransposed) {
    int32_t operation = isTransposed ? cublas::transposed : cublas::asStored;
    library.check(library.descriptionSet(plan.description, attribute, &operation, sizeof operation),
                  "cublasLtMatmulDescSetAttribute");
  };
  set(cublas::descriptionOfA, !product.right.transposed);
  set(cublas::descriptionOfB, product.left.transposed);
  auto make = [&](cublas::Layout &layout, int type, int64_t rows, int64_t columns, int64_t stride) {
    library.check(library.layoutCreate(&layout, type, rows, columns, stride), "cublasLtMatrixLayoutCreate");
  };
  auto makeFactor = [&](cublas::Layout &layout, const qfa_gpu_factor_t &factor, int64_t rows) {
    make(layout, isRounded ? cublas::typeBf16 : cublas::typeF32, factor.transposed ? rows : product.k,
         factor.transposed ? product.k : rows, factor.stride);
  };
  makeFactor(plan.right, product.right, product.n);
  makeFactor(plan.left, product.left, product.m);
  make(plan.result, cublas::typeF32, product.n, product.m, product.stride);
  choose(plan, operands);
  return plan;
}

void CublasProducts::multiply(const qfa_gpu_product_t &product, const Plan &plan, const Operands &operands,
                              cuda::Stream stream) {
  auto alpha = static_cast<float>(product.scale), beta = product.addend < 0 ? 0.0f : 1.0f;
  library.check(library.multiply(handle, plan.description, &alpha, operands.right, plan.right, operands.left, plan.left,
                                 &beta, operands.addend, plan.result, operands.result, plan.result, &*plan.algorithm,
                                 workspace, workspaceBytes, stream),
                "cublasLtMatmul");
}

bool CublasProducts::run(const qfa_gpu_launch_t &launch, std::span<void *const> pointers, cuda::Stream stream) {
  std::vector<std::pair<const Plan *, Operands>> ready;
  for (int64_t i = 0; i < launch.product_count; ++i) {
    Operands operands = operandsOf(launch.products[i], pointers);
    ready.push_back({&planOf(launch.products[i], operands), operands});
    if (!ready.back().first->algorithm)
      return false;
  }
  for (size_t i = 0; i < ready.size(); ++i)
    multiply(launch.products[i], *ready[i].first, ready[i].second, stream);
  return !ready.empty();
}
