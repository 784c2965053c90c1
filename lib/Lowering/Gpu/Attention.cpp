#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

ArrayRef<GpuKernel> qfa::gpuAttentionKernels() { return {}; }
