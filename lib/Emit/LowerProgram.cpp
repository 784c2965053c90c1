// Turns functions of launches into entries of the module ABI: address arithmetic and one call per launch.
#include "qfa/Emit/Passes.h"

#include "qfa/Dialect/Qfa.h"
#include "qfa/Emit/ModuleTables.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace qfa {
#define GEN_PASS_DEF_LOWERPROGRAM
#include "qfa/Emit/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

class EntryBuilder {
public:
  EntryBuilder(func::FuncOp func, const ModuleTables &tables) : func(func), tables(tables), b(func) {}

  LogicalResult build() {
    Location loc = func.getLoc();
    pointer = LLVM::LLVMPointerType::get(b.getContext());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer});
    auto entry = LLVM::LLVMFuncOp::create(b, loc, ("qfa_entry_" + func.getSymName()).str(), type);
    Block *block = entry.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    context = block->getArgument(0);
    io = block->getArgument(1);

    int64_t width = 1;
    for (auto launch : func.getOps<LaunchOp>())
      width = std::max<int64_t>(width, launch.getNumOperands() + launch.getNumResults());
    Value one = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(1));
    args = LLVM::AllocaOp::create(b, loc, pointer, LLVM::LLVMArrayType::get(pointer, width), one, /*alignment=*/8);
    runtime = loadField(loc, offsetof(qfa_context_t, runtime));
    launchFn = loadField(loc, offsetof(qfa_context_t, launch));
    arena = loadField(loc, offsetof(qfa_context_t, arena));

    for (Operation &op : func.getBody().front()) {
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        if (failed(buildLaunch(launch)))
          return failure();
      } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
        buildReturn(ret);
      } else if (!isa<WeightOp, ElasticRefOp, StateRefOp, StateAllOp, TrainableRefOp>(op)) {
        auto error = op.emitError("is not a launch; entries hold launches only");
        error.attachNote() << "--qfa-outline-kernels outlines ops with a kernel";
        return failure();
      }
    }
    LLVM::ReturnOp::create(b, loc, ValueRange{});
    return success();
  }

private:
  // base + bytes; 64-bit, arenas exceed 2 GiB.
  Value at(Location loc, Value base, int64_t bytes) {
    if (bytes == 0)
      return base;
    Value index = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytes));
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{index});
  }
  Value load(Location loc, Value address) { return LLVM::LoadOp::create(b, loc, pointer, address); }
  Value loadField(Location loc, int64_t bytes) { return load(loc, at(loc, context, bytes)); }

  // The address of a value: where a launch finds or leaves it.
  Value addressOf(Location loc, Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return load(loc, at(loc, io, argument.getArgNumber() * sizeof(void *)));
    Operation *op = value.getDefiningOp();
    if (auto launch = dyn_cast<LaunchOp>(op))
      return at(loc, arena, (*launch.getOffsets())[cast<OpResult>(value).getResultNumber()]);
    if (auto weight = dyn_cast<WeightOp>(op)) {
      Value parameters = loadField(loc, offsetof(qfa_context_t, parameters));
      return load(loc, at(loc, parameters, tables.parameterIndex.lookup(weight.getParameter()) * sizeof(void *)));
    }
    if (auto elastic = dyn_cast<ElasticRefOp>(op)) {
      Value rows = loadField(loc, offsetof(qfa_context_t, rows));
      return at(loc, rows, tables.elasticIndex.lookup(elastic.getElastic()) * sizeof(qfa_site_row_t));
    }
    if (auto trainable = dyn_cast<TrainableRefOp>(op)) {
      Value rows = loadField(loc, offsetof(qfa_context_t, trainables));
      return at(loc, rows, tables.trainableIndex.lookup(trainable.getTrainable()) * sizeof(qfa_trainable_row_t));
    }
    if (auto all = dyn_cast<StateAllOp>(op))
      return stateBase(loc, all.getKind());
    if (auto ref = dyn_cast<StateRefOp>(op)) {
      auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(func, ref.getStateAttr());
      return at(loc, stateBase(loc, state.getKind()), tables.stateOffset.lookup(ref.getState()));
    }
    llvm_unreachable("any other op was refused before its users");
  }
  Value stateBase(Location loc, StateKind kind) {
    return loadField(loc, offsetof(qfa_context_t, states) + static_cast<int64_t>(kind) * sizeof(void *));
  }

  LogicalResult buildLaunch(LaunchOp launch) {
    Location loc = launch.getLoc();
    if (launch.getNumResults() && !launch.getOffsets())
      return launch.emitError("has no place in the arena (--qfa-plan-memory)");
    SmallVector<Value> values(launch.getInputs());
    values.append(launch->result_begin(), launch->result_end());
    for (auto [i, value] : llvm::enumerate(values)) {
      Value address = addressOf(loc, value);
      LLVM::StoreOp::create(b, loc, address, at(loc, args, i * sizeof(void *)));
    }
    Value index = LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(tables.kernelIndex.lookup(launch.getKernel())));
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, b.getI32Type(), pointer});
    LLVM::CallOp::create(b, loc, type, ValueRange{launchFn, runtime, index, args});
    return success();
  }

  void buildReturn(func::ReturnOp ret) {
    Location loc = ret.getLoc();
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                            {pointer, pointer, pointer, b.getI64Type()});
    for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
      Value from = addressOf(loc, value);
      Value to = load(loc, at(loc, io, (func.getNumArguments() + i) * sizeof(void *)));
      int64_t bytes = cast<RankedTensorType>(value.getType()).getNumElements() * 4;
      Value size = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytes));
      LLVM::CallOp::create(b, loc, type,
                           ValueRange{loadField(loc, offsetof(qfa_context_t, copy)), runtime, to, from, size});
    }
  }

  func::FuncOp func;
  const ModuleTables &tables;
  OpBuilder b;
  Type pointer;
  Value context, io, args, runtime, launchFn, arena;
};

class LowerProgram : public qfa::impl::LowerProgramBase<LowerProgram> {
public:
  void runOnOperation() override {
    ModuleTables tables = readModuleTables(getOperation(), {});
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (func.isExternal() || func->hasAttr("qfa.tiles")) // the second: a kernel that is lowered already
        continue;
      if (failed(EntryBuilder(func, tables).build()))
        return signalPassFailure();
      func.erase();
    }
  }
};

} // namespace
