// A plan in the making.
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

// CUDA C++ Programming Guide, compute capabilities. sm_80 and sm_87 have 163 KiB, but their code runs on sm_86 and
// sm_89 as well.
int64_t qfa::dynamicLimit(int arch) { return (arch < 90 || arch >= 120 ? 99 : 227) * 1024; }

std::string GpuPlan::function(StringRef part, int64_t threads, Emit emit) {
  std::string name = (kernel.getSymName() + "__" + part).str();
  GpuBuilder builder(kernel, into, name, threads);
  emit(builder);
  builder.finish();
  auto limit = [&](int64_t bytes, int64_t largest) {
    if (bytes > largest && error.empty())
      error = (Twine("GPU function '") + name + "' needs " + Twine(bytes) +
               " bytes of shared memory a block, wanted at most " + Twine(largest))
                  .str();
  };
  limit(builder.sharedBytes, kSharedBytes);
  limit(builder.sharedBytes + builder.dynamicBytes, dynamicLimit(card.arch.number));
  dynamicBytes[name] = builder.dynamicBytes;
  return name;
}

void GpuPlan::launch(StringRef function, Grid grid, int64_t threads, int64_t argument) {
  launch({function.str(), grid, threads}, argument);
}

void GpuPlan::launch(Launch launch, int64_t argument) {
  launch.argument = argument;
  launch.sharedBytes = dynamicBytes.lookup(launch.function);
  launches.push_back(std::move(launch));
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
