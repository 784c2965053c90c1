// Sums of neighbouring features, their derivative, and the choice of one token.
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static void emitGroupPool(Operation *op, KernelBuilder &k) {
  auto pool = cast<GroupPoolOp>(op);
  int64_t group = pool.getGroup(), groups = featuresOf(pool.getResult());
  Value x = k.operand(pool.getX()), y = k.result(pool.getResult());
  forTokens(k, tokensOf(pool.getX()), [&](Value token) {
    k.forLoop(0, groups, 1, [&](Value j) {
      Value at = k.add(k.mul(token, groups), j), members = k.at(x, k.mul(at, group));
      k.store(k.sumLoop(group, [&](Value i, Type type) { return k.load(type, members, i); }), y, at);
    });
  });
}

static void emitGroupUnpool(Operation *op, KernelBuilder &k) {
  auto unpool = cast<GroupUnpoolOp>(op);
  int64_t group = unpool.getGroup(), groups = featuresOf(unpool.getU());
  Value u = k.operand(unpool.getU()), y = k.result(unpool.getResult());
  Value addend = unpool.getAddend() ? k.operand(unpool.getAddend()) : Value();
  forTokens(k, tokensOf(unpool.getU()), [&](Value token) {
    k.forLoop(0, groups, 1, [&](Value j) {
      Value at = k.add(k.mul(token, groups), j), first = k.mul(at, group), value = k.loadF32(u, at);
      k.vectorLoop(group, [&](Value i, Type type) {
        Value to = k.add(first, i);
        k.store(addend ? k.add(k.load(type, addend, to), value) : k.broadcast(value, type), y, to);
      });
    });
  });
}

// A tile is a row of the batch.
static void emitSelectToken(Operation *op, KernelBuilder &k) {
  auto select = cast<SelectTokenOp>(op);
  int64_t sequence = select.getX().getType().getDimSize(1), n = featuresOf(select.getX());
  Value x = k.operand(select.getX()), y = k.result(select.getResult());
  Value index = k.toI64(k.load(k.getI32Type(), k.operand(select.getIndex())));
  k.forTiles([&](Value row) {
    Value from = k.at(x, k.mul(k.add(k.mul(row, sequence), index), n)), to = k.at(y, k.mul(row, n));
    k.vectorLoop(n, [&](Value i, Type type) { k.store(k.load(type, from, i), to, i); });
  });
}

ArrayRef<CpuKernel> qfa::poolKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.group_pool", [](Operation *op) { return tokenTiles(op->getOperand(0)); }, nullptr, emitGroupPool},
      {"qfa.group_unpool", [](Operation *op) { return tokenTiles(op->getOperand(0)); }, nullptr, emitGroupUnpool},
      {"qfa.select_token", [](Operation *op) { return cast<SelectTokenOp>(op).getX().getType().getDimSize(0); },
       nullptr, emitSelectToken},
  };
  return kernels;
}
