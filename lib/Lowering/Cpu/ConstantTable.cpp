// Constant data beside the code of a kernel, as an internal global of the module.
#include "ConstantTable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace qfa;

Value qfa::emitConstantTable(KernelBuilder &k, ElementsAttr values) {
  auto module = k.function->getParentOfType<ModuleOp>();
  auto type = LLVM::LLVMArrayType::get(values.getElementType(), values.getNumElements());
  auto flat = cast<DenseElementsAttr>(values).reshape(
      RankedTensorType::get({values.getNumElements()}, values.getElementType()));
  OpBuilder::InsertionGuard guard(k);
  k.setInsertionPointToStart(module.getBody());
  auto global = LLVM::GlobalOp::create(k, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                                       (k.function.getName() + "_constants").str(), flat, /*alignment=*/64);
  SymbolTable(module).insert(global); // makes the name unique
  // Loops of the kernel must not repeat it.
  k.setInsertionPointToStart(&k.function.getBody().front());
  return LLVM::AddressOfOp::create(k, global);
}
