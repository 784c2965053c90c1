// Folds sums of gradients into the ops that can add to their result.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"

namespace qfa {
#define GEN_PASS_DEF_FOLDGRADIENTSUMS
#include "qfa/Autodiff/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

// The free addend operand of the op that makes `value`, none when it has none.
std::optional<MutableOperandRange> freeAddend(Value value) {
  std::optional<MutableOperandRange> addend;
  llvm::TypeSwitch<Operation *>(value.getDefiningOp())
      .Case<LinearGradOp>([&](LinearGradOp op) {
        if (value == op.getDx())
          addend = op.getAddendMutable();
      })
      .Case<GroupUnpoolOp, RmsNormGradOp>([&](auto op) { addend = op.getAddendMutable(); });
  return addend && addend->empty() && value.hasOneUse() ? addend : std::nullopt;
}

bool fold(arith::AddFOp sum, Value value, Value other) {
  std::optional<MutableOperandRange> addend = value.getDefiningOp() ? freeAddend(value) : std::nullopt;
  if (!addend)
    return false;
  Operation *op = value.getDefiningOp();
  if (op->getBlock() != sum->getBlock())
    return false;
  if (Operation *before = other.getDefiningOp(); before && !before->isBeforeInBlock(op)) {
    // The other comes later: the op moves down to the sum when none of its results is read before.
    if (llvm::any_of(op->getUsers(), [&](Operation *user) { return user->isBeforeInBlock(sum); }))
      return false;
    op->moveBefore(sum);
  }
  addend->assign(other);
  sum.replaceAllUsesWith(value);
  sum.erase();
  return true;
}

struct FoldGradientSumsPass : qfa::impl::FoldGradientSumsBase<FoldGradientSumsPass> {
  void runOnOperation() override {
    getOperation().walk([](arith::AddFOp sum) {
      Value lhs = sum.getLhs(), rhs = sum.getRhs();
      if (!fold(sum, rhs, lhs))
        fold(sum, lhs, rhs);
    });
  }
};

} // namespace
