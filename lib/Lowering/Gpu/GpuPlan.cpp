// A plan in the making.
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

Type GpuPlan::factorType() {
  Builder b(kernel.getContext());
  return precision == Precision::bf16 ? Type(b.getBF16Type()) : Type(b.getF32Type());
}

std::string GpuPlan::function(StringRef part, int64_t threads, Emit emit) {
  std::string name = (kernel.getSymName() + "__" + part).str();
  GpuBuilder builder(kernel, into, name, threads);
  emit(builder);
  builder.finish();
  if (builder.sharedBytes > kSharedBytes && error.empty())
    error = (Twine("GPU function '") + name + "' needs " + Twine(builder.sharedBytes) +
             " bytes of shared memory a block, wanted at most " + Twine(kSharedBytes))
                .str();
  return name;
}

void GpuPlan::launch(StringRef function, Grid grid, int64_t threads, int64_t argument) {
  launch({function.str(), grid, threads}, argument);
}

int64_t GpuPlan::workspacePointer() {
  Block &body = kernel.getBody().front();
  return body.getNumArguments() + body.getTerminator()->getNumOperands();
}

int64_t GpuPlan::workspace(int64_t bytes) {
  int64_t start = workspaceBytes;
  workspaceBytes += llvm::alignTo(bytes, 256);
  return start;
}
