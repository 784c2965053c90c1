// Constant data beside the code of a kernel.
#ifndef QFA_LIB_LOWERING_CPU_CONSTANTTABLE_H
#define QFA_LIB_LOWERING_CPU_CONSTANTTABLE_H

#include "KernelBuilder.h"

namespace qfa {

// Pointer to the values in row-major order: an internal global of the module.
mlir::Value emitConstantTable(KernelBuilder &k, mlir::ElementsAttr values);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_CONSTANTTABLE_H
