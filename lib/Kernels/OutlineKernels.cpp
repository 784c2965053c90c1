// Outlines computing ops into kernels: gathers elementwise ops, makes one kernel per distinct body, leaves launches.
#include "qfa/Kernels/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace qfa {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "qfa/Kernels/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

bool isTensorConstant(Operation *op) {
  return isa<arith::ConstantOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
}

// An op of arith or math that computes one f32 tensor element by element.
bool isElementwise(Operation *op) {
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) && !isTensorConstant(op) &&
         op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType());
}

// The ops of one kernel, in program order.
using Group = SmallVector<Operation *>;

// The elementwise ops that can run in one loop with `root`: those whose every user is already there.
Group gatherElementwise(Operation *root) {
  llvm::SetVector<Operation *> members;
  members.insert(root);
  for (size_t i = 0; i < members.size(); ++i)
    for (Value operand : members[i]->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || producer->getBlock() != root->getBlock())
        continue;
      bool joins = isElementwise(producer) && producer->getResult(0).getType() == root->getResult(0).getType() &&
                   llvm::all_of(producer->getUsers(), [&](Operation *user) { return members.contains(user); });
      if (joins || isTensorConstant(producer))
        members.insert(producer);
    }
  Group group(members.begin(), members.end());
  llvm::sort(group, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return group;
}

void appendShape(std::string &name, Type type) {
  llvm::raw_string_ostream os(name);
  if (auto elastic = dyn_cast<ElasticType>(type)) {
    os << "_w" << elastic.getOut() << "x" << elastic.getIn() << "b";
    llvm::interleave(elastic.getBits(), os, "");
  } else if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    os << "_";
    llvm::interleave(tensor.getShape(), os, "x");
  } else if (auto buffer = dyn_cast<BufferType>(type)) {
    os << "_";
    llvm::interleave(buffer.getShape(), os, "x");
  }
}

// Kernel names are <op>_<shapes of the first two operands>, readable in profiles; a number is appended when two kernels
// differ elsewhere.
std::string kernelName(const Group &group) {
  Operation *root = group.back();
  std::string name = root->getName().stripDialect().str();
  if (group.size() > 1)
    name = "elementwise";
  for (Value operand : root->getOperands().take_front(2))
    appendShape(name, operand.getType());
  return name;
}

class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : module(module), symbols(module) {}

  // The kernel whose body is `group` applied to `inputs`, made when new.
  KernelOp get(const Group &group, ValueRange inputs, ValueRange outputs) {
    OpBuilder builder(module.getContext());
    OwningOpRef<KernelOp> kernel = KernelOp::create(builder, group.back()->getLoc(), "kernel");
    Block &body = kernel->getBody().emplaceBlock();
    IRMapping mapping;
    for (Value input : inputs)
      mapping.map(input, body.addArgument(input.getType(), builder.getUnknownLoc()));
    builder.setInsertionPointToEnd(&body);
    for (Operation *op : group)
      builder.clone(*op, mapping)->setDiscardableAttrs(DictionaryAttr::get(module.getContext()));
    SmallVector<Value> results;
    for (Value output : outputs)
      results.push_back(mapping.lookup(output));
    YieldOp::create(builder, builder.getUnknownLoc(), results);

    std::string text;
    llvm::raw_string_ostream(text) << *kernel;
    KernelOp &known = byText[text];
    if (!known) {
      known = kernel.release();
      known.setSymName(kernelName(group));
      symbols.insert(known); // makes the name unique
    }
    return known;
  }

  size_t size() const { return byText.size(); }

private:
  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<KernelOp> byText;
};

class OutlineKernels : public qfa::impl::OutlineKernelsBase<OutlineKernels> {
public:
  void runOnOperation() override {
    KernelTable kernels(getOperation());
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (failed(outline(func, kernels)))
        return signalPassFailure();
    numKernels = kernels.size();
  }

private:
  // Backwards, so that an elementwise op meets its users' kernel before it could start its own.
  LogicalResult outline(func::FuncOp func, KernelTable &kernels) {
    if (!func.getBody().hasOneBlock())
      return func.emitError("has ") << func.getBody().getBlocks().size() << " blocks, wanted straight-line code";
    DenseSet<Operation *> outlined;
    SmallVector<Operation *> backwards;
    for (Operation &op : llvm::reverse(func.getBody().front()))
      backwards.push_back(&op);
    for (Operation *op : backwards) {
      if (outlined.contains(op) || !(isa<KernelOpInterface>(op) || isElementwise(op)))
        continue;
      Group group = isElementwise(op) ? gatherElementwise(op) : Group{op};
      if (failed(launch(group, kernels, outlined)))
        return failure();
    }
    for (Operation &rest : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (isTensorConstant(&rest) && rest.use_empty())
        rest.erase();
    return success();
  }

  LogicalResult launch(const Group &group, KernelTable &kernels, DenseSet<Operation *> &outlined) {
    Operation *root = group.back();
    llvm::SetVector<Value> inputs;
    for (Operation *op : group)
      for (Value operand : op->getOperands())
        if (!llvm::is_contained(group, operand.getDefiningOp()))
          inputs.insert(operand);
    for (Type type : root->getResultTypes())
      if (!cast<RankedTensorType>(type).hasStaticShape())
        return root->emitOpError("has dynamic shape ")
               << type << ", kernels need static shapes (--qfa-build-functions)";

    OpBuilder builder(root);
    KernelOp kernel = kernels.get(group, inputs.getArrayRef(), root->getResults());
    auto launch = LaunchOp::create(builder, root->getLoc(), root->getResultTypes(), kernel.getSymName(),
                                   inputs.getArrayRef(), nullptr);
    ++numLaunches;
    root->replaceAllUsesWith(launch->getResults());
    // The other members have no users left, but for constants that serve several kernels.
    for (Operation *op : llvm::reverse(group))
      if (op->use_empty()) {
        outlined.insert(op);
        op->erase();
      }
    return success();
  }
};

} // namespace
