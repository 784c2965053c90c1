// The generated definitions of the ops.
#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace qfa;

#define GET_OP_CLASSES
#include "qfa/Dialect/QfaOps.cpp.inc"
