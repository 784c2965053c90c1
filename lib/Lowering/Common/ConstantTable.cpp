// Constant data beside the code of a kernel, as an internal global of the module.
#include "ConstantTable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace qfa;

Value qfa::emitConstantTable(CodeBuilder &k, FunctionOpInterface function, ElementsAttr values, unsigned space) {
  Operation *module = SymbolTable::getNearestSymbolTable(function->getParentOp());
  auto type = LLVM::LLVMArrayType::get(values.getElementType(), values.getNumElements());
  auto flat = cast<DenseElementsAttr>(values).reshape(
      RankedTensorType::get({values.getNumElements()}, values.getElementType()));
  OpBuilder::InsertionGuard guard(k);
  k.setInsertionPointToStart(&module->getRegion(0).front());
  auto global = LLVM::GlobalOp::create(k, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                                       (function.getName() + "_constants").str(), flat, /*alignment=*/64, space);
  SymbolTable(module).insert(global); // makes the name unique
  // Loops of the kernel must not repeat it.
  k.setInsertionPointToStart(&function.getFunctionBody().front());
  return LLVM::AddressOfOp::create(k, global);
}
