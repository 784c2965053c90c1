// Builds the program's functions: each is a copy of @forward with static shapes and another end, two of them with
// caches.
#include "qfa/Autodiff/Passes.h"

#include "qfa/Dialect/Qfa.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace qfa {
#define GEN_PASS_DEF_BUILDFUNCTIONS
#include "qfa/Autodiff/Passes.h.inc"
} // namespace qfa

using namespace mlir;
using namespace qfa;

namespace {

// Copies @forward up to its head into a new function.
class ForwardCopy {
public:
  ForwardCopy(func::FuncOp forward, StringRef name, int64_t batch, int64_t sequence)
      : forward(forward), batch(batch), sequence(sequence), b(forward), i32(b.getI32Type()) {
    function = func::FuncOp::create(b, forward.getLoc(), name, b.getFunctionType({}, {}));
    b.setInsertionPointToEnd(function.addEntryBlock());
    map.map(forward.getArgument(0), addArgument({batch, sequence}));
  }

  Value addArgument(ArrayRef<int64_t> shape) {
    return function.getBody().front().addArgument(RankedTensorType::get(shape, i32), forward.getLoc());
  }

  // Returns the head's input. With `caches`, a key and a value cache per attention, positions start at `position`.
  Value copyBody(Operation *head, Value position = {}, ArrayRef<StateOp> caches = {}) {
    for (Operation &op : forward.getBody().front().without_terminator())
      if (&op != head)
        copy(op, position, caches);
    return map.lookup(head->getOperand(0));
  }

  Value copyOf(Value value) { return map.lookup(value); }
  OpBuilder &builder() { return b; }
  RankedTensorType staticType(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape(tensor.getShape());
    for (auto [i, dim] : llvm::enumerate(shape))
      if (ShapedType::isDynamic(dim))
        dim = i == 0 ? batch : sequence;
    return tensor.clone(shape);
  }

  void finish(Value result) {
    func::ReturnOp::create(b, forward.getLoc(), result);
    Block &block = function.getBody().front();
    function.setType(b.getFunctionType(block.getArgumentTypes(), result.getType()));
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

private:
  void copy(Operation &op, Value position, ArrayRef<StateOp> &caches) {
    Location loc = op.getLoc();
    if (auto dim = dyn_cast<tensor::DimOp>(op); dim && dim.getConstantIndex()) {
      // Sizes are known now; what they were for is a splat.
      int64_t size = staticType(dim.getSource().getType()).getDimSize(*dim.getConstantIndex());
      map.map(dim.getResult(), arith::ConstantIndexOp::create(b, loc, size).getResult());
      return;
    }
    if (auto splat = dyn_cast<tensor::SplatOp>(op)) {
      Attribute scalar;
      RankedTensorType type = staticType(splat.getType());
      if (matchPattern(splat.getInput(), m_Constant(&scalar)))
        map.map(splat.getResult(), arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, scalar)).getResult());
      else
        map.map(splat.getResult(), tensor::SplatOp::create(b, loc, map.lookup(splat.getInput()), type).getResult());
      return;
    }
    if (auto attention = dyn_cast<AttentionOp>(op); attention && position) {
      auto cache = [&](StateOp state) {
        return StateRefOp::create(b, loc, cast<BufferType>(state.getType()), FlatSymbolRefAttr::get(state));
      };
      Value keys = cache(caches[0]), values = cache(caches[1]);
      caches = caches.drop_front(2);
      Value q = map.lookup(attention.getQ()), k = map.lookup(attention.getK()), v = map.lookup(attention.getV());
      map.map(attention.getResult(),
              CachedAttentionOp::create(b, loc, TypeRange{q.getType()}, ValueRange{q, k, v, position, keys, values},
                                        op.getAttrs())
                  .getResult());
      return;
    }
    Operation *clone = b.clone(op, map);
    for (OpResult result : clone->getResults())
      if (isa<RankedTensorType>(result.getType()))
        result.setType(staticType(result.getType()));
    if (auto rope = dyn_cast<RopeOp>(clone); rope && position)
      rope.getPositionMutable().assign(position);
  }

  func::FuncOp forward, function;
  int64_t batch, sequence;
  OpBuilder b;
  Type i32;
  IRMapping map;
};

struct BuildFunctionsPass : qfa::impl::BuildFunctionsBase<BuildFunctionsPass> {
  using BuildFunctionsBase::BuildFunctionsBase;

  void runOnOperation() override {
    SmallVector<std::string> names(functions.begin(), functions.end());
    if (names.empty())
      names = {"train_step", "eval_step", "prefill", "decode"};
    if (failed(checkOptions()) || failed(findHead()))
      return signalPassFailure();
    if (llvm::is_contained(names, "prefill") || llvm::is_contained(names, "decode"))
      declareCaches();
    for (StringRef name : names) {
      if (name == "train_step" || name == "eval_step")
        buildStep(name, /*gradient=*/name == "train_step");
      else if (name == "logits")
        buildLogits();
      else if (name == "prefill")
        buildCached(name, prefill, /*select=*/true);
      else if (name == "decode")
        buildCached(name, 1, /*select=*/false);
      else {
        emitError(forward.getLoc()) << "function '" << name
                                    << "' is not one of train_step, eval_step, logits, prefill, decode";
        return signalPassFailure();
      }
    }
    forward.erase();
  }

private:
  LogicalResult checkOptions() {
    Location loc = getOperation().getLoc();
    for (auto [name, value] : {std::pair<StringRef, int64_t>{"batch", batch},
                               {"sequence", sequence},
                               {"prefill", prefill},
                               {"context", context}})
      if (value <= 0)
        return emitError(loc) << name << " " << value << " is not positive";
    if (prefill > context)
      return emitError(loc) << "prefill " << prefill.getValue() << " exceeds context " << context.getValue();
    return success();
  }

  LogicalResult findHead() {
    forward = getOperation().lookupSymbol<func::FuncOp>("forward");
    if (!forward || forward.isExternal())
      return emitError(getOperation().getLoc()) << "module has no function @forward";
    auto ids = RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, IntegerType::get(&getContext(), 32));
    if (forward.getArgumentTypes() != ArrayRef<Type>(ids))
      return emitError(forward.getLoc()) << "@forward takes " << forward.getArgumentTypes() << ", wanted " << ids;
    Operation *end = forward.getBody().front().getTerminator();
    head = end->getNumOperands() == 1 ? end->getOperand(0).getDefiningOp<LinearOp>() : LinearOp();
    if (!head || head.getAdapter())
      return emitError(end->getLoc()) << "@forward does not return the result of one qfa.linear without adapter";
    return success();
  }

  void buildStep(StringRef name, bool gradient) {
    ForwardCopy copy(forward, name, batch, sequence);
    Value labels = copy.addArgument({batch, sequence});
    Value h = copy.copyBody(head); // [batch, sequence, features]
    Type perToken = RankedTensorType::get({batch, sequence}, copy.builder().getF32Type());
    auto loss = CrossEntropyOp::create(copy.builder(), head.getLoc(), perToken, perToken,
                                       gradient ? h.getType() : Type(), h, copy.copyOf(head.getWeight()), labels);
    copy.finish(loss.getLoss());
  }

  void buildLogits() {
    ForwardCopy copy(forward, "logits", batch, sequence);
    finishWithHead(copy, copy.copyBody(head));
  }

  void buildCached(StringRef name, int64_t tokens, bool select) {
    ForwardCopy copy(forward, name, 1, tokens);
    Value position = copy.addArgument({1});
    Value last = select ? copy.addArgument({1}) : Value();
    Value h = copy.copyBody(head, position, caches); // [1, tokens, features]
    if (select) {
      auto type = cast<RankedTensorType>(h.getType());
      h = SelectTokenOp::create(copy.builder(), head.getLoc(), type.clone({1, 1, type.getDimSize(2)}), h, last);
    }
    finishWithHead(copy, h);
  }

  void finishWithHead(ForwardCopy &copy, Value h) {
    auto type = cast<RankedTensorType>(h.getType());
    Type logits = type.clone({type.getDimSize(0), type.getDimSize(1), head.getType().getShape().back()});
    copy.finish(LinearOp::create(copy.builder(), head.getLoc(), logits, h, copy.copyOf(head.getWeight()), Value()));
  }

  // prefill and decode share the caches.
  void declareCaches() {
    OpBuilder b(forward);
    int64_t index = 0;
    forward.walk([&](AttentionOp op) {
      auto type = BufferType::get(&getContext(), {context, op.getK().getType().getShape().back()}, b.getF32Type());
      for (StringRef what : {"keys", "values"})
        caches.push_back(
            StateOp::create(b, op.getLoc(), StateKind::cache, ("attention." + Twine(index) + "." + what).str(), type));
      ++index;
    });
  }

  func::FuncOp forward;
  LinearOp head;
  SmallVector<StateOp> caches; // keys and values of each attention in turn
};

} // namespace
