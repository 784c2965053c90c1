// Stage 8: the weights of a subnet, taken out of a trained run.
#ifndef QFA_EXTRACT_EXTRACTSUBNET_H
#define QFA_EXTRACT_EXTRACTSUBNET_H

#include "qfa/Dialect/Qfa.h"

namespace qfa {

struct SubnetReport {
  uint64_t bytes = 0;          // of the written file
  int64_t merged = 0;          // elastic weights whose adapter was merged
  double largestZeroError = 0; // of a merged zero, rounded to the deployed type, in units of its group's scale
};

// A run's folder: copies and floating-point parameters in supernet.safetensors, adapters in the newest of
// checkpoints/NNNNNN/adapters.safetensors. `module` is a static module (--qfa-specialize-bits, mode static). Writes one
// safetensors file that holds, per elastic weight, its one copy with the adapter merged exactly into the zeros, and the
// parameters that the code reads. Tensors are read and written one by one.
llvm::LogicalResult extractSubnet(mlir::ModuleOp module, llvm::StringRef run, llvm::StringRef output,
                                  SubnetReport &report);

// The options with which the run's supernet was built, as in qfa_module_t::supernet_options.
mlir::FailureOr<std::string> readSupernetOptions(llvm::StringRef run, mlir::Location loc);

} // namespace qfa

#endif // QFA_EXTRACT_EXTRACTSUBNET_H
