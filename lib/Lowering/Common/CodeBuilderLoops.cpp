// Loops, branches and functions of the code builder.
#include "CodeBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace qfa;

Values CodeBuilder::forLoop(Term lo, Term hi, Term step, ValueRange initial,
                            llvm::function_ref<Values(Value, ValueRange)> body) {
  auto integer = [&](Term term) { return term.value ? term.value : i64(static_cast<int64_t>(term.number)); };
  Value first = integer(lo), last = integer(hi), stride = integer(step);
  auto loop = scf::ForOp::create(*this, first, last, stride, initial);
  // The body is filled in place, so that it can find its function. Without values to carry it ends itself.
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty())
    scf::YieldOp::create(*this, next);
  return Values(loop.getResults());
}

void CodeBuilder::forLoop(Term lo, Term hi, Term step, llvm::function_ref<void(Value)> body) {
  forLoop(lo, hi, step, {}, [&](Value i, ValueRange) {
    body(i);
    return Values();
  });
}

Values CodeBuilder::ifElse(Value condition, TypeRange types, llvm::function_ref<Values()> then,
                           llvm::function_ref<Values()> otherwise) {
  auto branch = scf::IfOp::create(*this, types, condition, /*addThenBlock=*/true,
                                  /*addElseBlock=*/static_cast<bool>(otherwise));
  auto fill = [&](Block *block, llvm::function_ref<Values()> body) {
    InsertionGuard guard(*this);
    setInsertionPointToEnd(block);
    Values results = body();
    scf::YieldOp::create(*this, results);
  };
  fill(branch.thenBlock(), then);
  if (otherwise)
    fill(branch.elseBlock(), otherwise);
  return Values(branch.getResults());
}

void CodeBuilder::ifThen(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto wrap = [](llvm::function_ref<void()> body) {
    return [body] {
      body();
      return Values();
    };
  };
  auto wrappedThen = wrap(then), wrappedElse = wrap(otherwise);
  ifElse(condition, {}, wrappedThen, otherwise ? llvm::function_ref<Values()>(wrappedElse) : nullptr);
}

void CodeBuilder::switchOn(Value integer, ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body) {
  if (cases.size() == 1)
    return body(cases.front());
  Value index = createOrFold<arith::IndexCastOp>(getIndexType(), integer);
  auto branch = scf::IndexSwitchOp::create(*this, TypeRange(), index, cases, cases.size());
  auto fill = [&](Region &region, llvm::function_ref<void()> emit) {
    InsertionGuard guard(*this);
    createBlock(&region);
    emit();
    scf::YieldOp::create(*this);
  };
  fill(branch.getDefaultRegion(), [] {});
  for (auto [region, value] : llvm::zip(branch.getCaseRegions(), cases))
    fill(region, [&, value = value] { body(value); });
}

void CodeBuilder::vectorLoop(Term n, llvm::function_ref<void(Value, Type)> body) {
  Value count = n.value ? n.value : i64(static_cast<int64_t>(n.number));
  Value whole = sub(count, rem(count, target.lanes));
  forLoop(0, whole, target.lanes, [&](Value i) { body(i, vec()); });
  forLoop(whole, count, 1, [&](Value i) { body(i, getF32Type()); });
}

Values CodeBuilder::reduceLoop(Term n, ArrayRef<Reduction> kinds, llvm::function_ref<Values(Value, Type)> body) {
  constexpr int64_t unroll = 4; // as many independent sums as an addition takes cycles
  auto combine = [&](Reduction kind, Value a, Value b) { return kind == Reduction::sum ? add(a, b) : max(a, b); };
  auto step = [&](Value i, Type type, ValueRange carried) {
    Values next;
    for (auto [kind, old, fresh] : llvm::zip(kinds, carried, body(i, type)))
      next.push_back(combine(kind, fresh, old));
    return next;
  };
  Value count = n.value ? n.value : i64(static_cast<int64_t>(n.number));
  Value blocks = sub(count, rem(count, target.lanes * unroll)), whole = sub(count, rem(count, target.lanes));
  Values initial;
  for (int64_t copy = 0; copy < unroll; ++copy)
    for (Reduction kind : kinds)
      initial.push_back(constant(vec(), kind == Reduction::sum ? 0 : -std::numeric_limits<double>::infinity()));
  Values sums = forLoop(0, blocks, target.lanes * unroll, initial, [&](Value i, ValueRange carried) {
    Values next;
    for (int64_t copy = 0; copy < unroll; ++copy)
      llvm::append_range(next,
                         step(add(i, copy * target.lanes), vec(), carried.slice(copy * kinds.size(), kinds.size())));
    return next;
  });
  Values partial;
  for (auto [i, kind] : llvm::enumerate(kinds)) {
    auto copy = [&, i = i](int64_t c) { return sums[c * kinds.size() + i]; };
    partial.push_back(combine(kind, combine(kind, copy(0), copy(1)), combine(kind, copy(2), copy(3))));
  }
  partial = forLoop(blocks, whole, target.lanes, partial,
                    [&](Value i, ValueRange carried) { return step(i, vec(), carried); });
  for (auto [value, kind] : llvm::zip(partial, kinds))
    value = reduce(kind, value);
  return forLoop(whole, count, 1, partial, [&](Value i, ValueRange carried) { return step(i, getF32Type(), carried); });
}

Value CodeBuilder::sumLoop(Term n, llvm::function_ref<Value(Value, Type)> body) {
  return reduceLoop(n, {Reduction::sum}, [&](Value i, Type type) { return Values{body(i, type)}; }).front();
}

Value CodeBuilder::maxLoop(Term n, llvm::function_ref<Value(Value, Type)> body) {
  return reduceLoop(n, {Reduction::max}, [&](Value i, Type type) { return Values{body(i, type)}; }).front();
}

void CodeBuilder::setTarget(func::FuncOp function) {
  SmallVector<Attribute> attributes;
  auto pass = [&](StringRef key, StringRef value) {
    if (!value.empty())
      attributes.push_back(getArrayAttr({getStringAttr(key), getStringAttr(value)}));
  };
  pass("target-cpu", target.cpu);
  pass("prefer-vector-width", target.width);
  if (!attributes.empty())
    function->setAttr("passthrough", getArrayAttr(attributes));
}

Values CodeBuilder::call(StringRef name, ValueRange arguments, Body body) {
  std::string symbol = (name + "__" + target.name).str();
  auto function = module.lookupSymbol<func::FuncOp>(symbol);
  if (!function) {
    CodeBuilder inner(module.getLoc(), module, target);
    inner.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(inner, symbol, getFunctionType(TypeRange(arguments), {}));
    function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(getContext(), LLVM::Linkage::Internal));
    inner.setTarget(function);
    inner.setInsertionPointToStart(function.addEntryBlock());
    Values results = body(inner, function.getArguments());
    func::ReturnOp::create(inner, results);
    function.setType(getFunctionType(TypeRange(arguments), TypeRange(ValueRange(results))));
  }
  return Values(func::CallOp::create(*this, function, arguments).getResults());
}
