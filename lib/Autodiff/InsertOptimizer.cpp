// Builds @gradient_norm and @update from the trainables.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"

namespace qfa {
#define GEN_PASS_DEF_INSERTOPTIMIZER
#include "qfa/Autodiff/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

struct InsertOptimizerPass : qfa::impl::InsertOptimizerBase<InsertOptimizerPass> {
  void runOnOperation() override {
    if (getOperation().getOps<TrainableOp>().empty() || getOperation().lookupSymbol("update"))
      return;
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    buildGradientNorm(b);
    buildUpdate(b);
  }

private:
  void buildGradientNorm(OpBuilder &b) {
    OpBuilder::InsertionGuard guard(b);
    int64_t elements = 0;
    for (auto state : getOperation().getOps<StateOp>())
      if (state.getKind() == StateKind::gradient)
        elements += cast<BufferType>(state.getType()).getNumElements();
    Location loc = getOperation().getLoc();
    Type result = RankedTensorType::get({1}, b.getF32Type());
    auto function = func::FuncOp::create(b, loc, "gradient_norm", b.getFunctionType({}, result));
    b.setInsertionPointToStart(function.addEntryBlock());
    auto all =
        StateAllOp::create(b, loc, BufferType::get(&getContext(), elements, b.getF32Type()), StateKind::gradient);
    func::ReturnOp::create(b, loc, ValueRange{GradientNormOp::create(b, loc, result, all)});
  }

  void buildUpdate(OpBuilder &b) {
    OpBuilder::InsertionGuard guard(b);
    Location loc = getOperation().getLoc();
    auto function =
        func::FuncOp::create(b, loc, "update", b.getFunctionType(RankedTensorType::get({8}, b.getF32Type()), {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    SymbolTable symbols(getOperation());
    for (auto trainable : getOperation().getOps<TrainableOp>()) {
      auto row =
          TrainableRefOp::create(b, loc, cast<TrainableType>(trainable.getType()), FlatSymbolRefAttr::get(trainable));
      auto state = symbols.lookup<StateOp>(trainable.getGradient());
      auto gradient = StateRefOp::create(b, loc, cast<BufferType>(state.getType()), trainable.getGradientAttr());
      AdamwOp::create(b, loc, row, gradient, function.getArgument(0));
    }
    func::ReturnOp::create(b, loc);
  }
};

} // namespace
