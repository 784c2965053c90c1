// The Supernet stage: linear layers become elastic weights at sites with a bit choice.
#ifndef QFA_SUPERNET_PASSES_H
#define QFA_SUPERNET_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qfa {

#define GEN_PASS_DECL
#include "qfa/Supernet/Passes.h.inc"

using SupernetOptions = BuildSupernetOptions;

void buildSupernetPipeline(mlir::OpPassManager &pm, const SupernetOptions &options);

#define GEN_PASS_REGISTRATION
#include "qfa/Supernet/Passes.h.inc"

} // namespace qfa

#endif // QFA_SUPERNET_PASSES_H
