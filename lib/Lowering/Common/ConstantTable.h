// Constant data beside the code of a kernel.
#ifndef QFA_LIB_LOWERING_COMMON_CONSTANTTABLE_H
#define QFA_LIB_LOWERING_COMMON_CONSTANTTABLE_H

#include "CodeBuilder.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

namespace qfa {

// Pointer to the values in row-major order: an internal global of the module around the function, in this address
// space.
mlir::Value emitConstantTable(CodeBuilder &k, mlir::FunctionOpInterface function, mlir::ElementsAttr values,
                              unsigned space = 0);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_CONSTANTTABLE_H
