// The qfa dialect: types, ops and interfaces.
#ifndef QFA_DIALECT_QFA_H
#define QFA_DIALECT_QFA_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "qfa/Dialect/QfaDialect.h.inc"
#include "qfa/Dialect/QfaEnums.h.inc"
#include "qfa/Dialect/QfaInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "qfa/Dialect/QfaTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "qfa/Dialect/QfaAttributes.h.inc"

#define GET_OP_CLASSES
#include "qfa/Dialect/QfaOps.h.inc"

#endif // QFA_DIALECT_QFA_H
