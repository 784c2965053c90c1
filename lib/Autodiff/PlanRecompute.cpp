// Chooses what the backward computes again: 1. collect the saved activations; 2. per level, the set of forward ops that
// are not kept, and the bytes that remain; 3. clone those ops before their first use in the backward.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace qfa {
#define GEN_PASS_DEF_PLANRECOMPUTE
#include "qfa/Autodiff/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

// A computed f32 tensor: no weight, no constant, no argument.
bool isActivation(Value value) {
  Operation *op = value.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return op && type && type.getElementType().isF32() && !isa<WeightOp>(op) && !matchPattern(op, m_Constant());
}

bool isCheap(Operation *op) {
  return isa<RmsNormOp, GatedActivationOp, RopeOp, GroupPoolOp, AdapterDownOp>(op) ||
         isa<arith::ArithDialect>(op->getDialect());
}

class Plan {
public:
  using Ops = llvm::DenseSet<Operation *>;

  explicit Plan(CrossEntropyOp loss) {
    Block *block = loss->getBlock();
    for (Operation &op : block->without_terminator())
      (op.isBeforeInBlock(loss) ? forward : backward).push_back(&op);
    backward.erase(backward.begin()); // the loss itself, which both sides border on
    this->loss = loss;
    for (Operation *op : backward)
      for (Value operand : op->getOperands())
        if (isActivation(operand) && !loss->isBeforeInBlock(operand.getDefiningOp()))
          read.insert(operand);
  }

  bool hasBackward() const { return !backward.empty(); }

  // The ops that are computed again at a level.
  Ops recomputed(int64_t level) { return level == 0 ? Ops() : level == 1 ? cheapOps() : opsWithinBlocks(); }

  // Size of what has to be kept: the values from which the read ones follow.
  int64_t savedBytes(const Ops &recomputed) {
    llvm::SetVector<Value> needed(read.begin(), read.end());
    int64_t bytes = 0;
    for (size_t i = 0; i < needed.size(); ++i) {
      Value value = needed[i];
      if (recomputed.contains(value.getDefiningOp())) {
        auto activations = llvm::make_filter_range(value.getDefiningOp()->getOperands(), isActivation);
        needed.insert(activations.begin(), activations.end());
        continue;
      }
      bytes += cast<RankedTensorType>(value.getType()).getNumElements() * 4;
    }
    return bytes;
  }

  void apply(const Ops &recomputed) {
    IRMapping clones;
    for (Operation *op : backward)
      for (OpOperand &operand : op->getOpOperands())
        if (isActivation(operand.get()) && recomputed.contains(operand.get().getDefiningOp()))
          operand.set(recompute(operand.get(), recomputed, clones, op));
  }

private:
  Ops cheapOps() {
    Ops ops;
    for (Operation *op : forward)
      if (isCheap(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
            return !isActivation(operand) || read.contains(operand) || ops.contains(operand.getDefiningOp());
          }))
        ops.insert(op);
    return ops;
  }

  Ops opsWithinBlocks() {
    Ops ops(forward.begin(), forward.end());
    // The last use of every activation, as an index into forward; the loss is the last of all.
    llvm::DenseMap<Operation *, size_t> index;
    for (auto [i, op] : llvm::enumerate(forward))
      index[op] = i;
    index[loss] = forward.size();
    llvm::SetVector<Value> live;
    SmallVector<SmallVector<Value>> dying(forward.size() + 1);
    Value input; // the last value that alone was live
    for (auto [i, op] : llvm::enumerate(forward)) {
      if (isa<AttentionOp>(op) && input)
        ops.erase(input.getDefiningOp());
      for (Value result : op->getResults()) {
        size_t last = i;
        for (Operation *user : result.getUsers())
          if (auto it = index.find(user); it != index.end())
            last = std::max(last, it->second);
        if (isActivation(result) && last > i) {
          live.insert(result);
          dying[last].push_back(result);
        }
      }
      for (Value value : dying[i])
        live.remove(value);
      if (live.size() == 1)
        input = live.front();
    }
    return ops;
  }

  Value recompute(Value value, const Ops &recomputed, IRMapping &clones, Operation *before) {
    if (Value clone = clones.lookupOrNull(value))
      return clone;
    Operation *op = value.getDefiningOp();
    IRMapping operands;
    for (Value operand : op->getOperands())
      if (isActivation(operand) && recomputed.contains(operand.getDefiningOp()))
        operands.map(operand, recompute(operand, recomputed, clones, before));
    Operation *clone = OpBuilder(before).clone(*op, operands);
    clone->setAttr("qfa.recomputed", UnitAttr::get(op->getContext()));
    clones.map(op->getResults(), clone->getResults());
    return clones.lookup(value);
  }

  Operation *loss;
  SmallVector<Operation *> forward, backward;
  llvm::SetVector<Value> read; // activations of the forward that the backward reads
};

struct PlanRecomputePass : qfa::impl::PlanRecomputeBase<PlanRecomputePass> {
  using PlanRecomputeBase::PlanRecomputeBase;

  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("train_step");
    if (!function || function->hasAttr("qfa.recompute_level"))
      return;
    CrossEntropyOp loss;
    function.walk([&](CrossEntropyOp op) { loss = op; });
    if (!loss) {
      emitError(function.getLoc()) << "@train_step has no qfa.cross_entropy";
      return signalPassFailure();
    }
    if (activationMemory < 0) {
      emitError(function.getLoc()) << "activation memory " << activationMemory.getValue() << " is negative";
      return signalPassFailure();
    }
    Plan plan(loss);
    int64_t smallest = 0;
    for (int64_t level : {0, 1, 2}) {
      Plan::Ops recomputed = plan.recomputed(level);
      int64_t bytes = plan.savedBytes(recomputed);
      smallest = level == 0 ? bytes : std::min(smallest, bytes);
      if (activationMemory != 0 && bytes > activationMemory)
        continue;
      plan.apply(recomputed);
      Builder b(&getContext());
      function->setAttr("qfa.recompute_level", b.getI64IntegerAttr(level));
      function->setAttr("qfa.saved_bytes", b.getI64IntegerAttr(bytes));
      return;
    }
    emitError(function.getLoc()) << "activation memory of " << activationMemory.getValue()
                                 << " bytes is too small for @train_step, the smallest that would do is " << smallest;
    signalPassFailure();
  }
};

} // namespace
