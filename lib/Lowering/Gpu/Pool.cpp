// Sums of neighbouring features, their derivative, and the choice of one token.
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

// A group is summed by so many neighbouring lanes that a warp reads whole lines: the largest power of two that divides
// it, at most a warp.
static void planGroupPool(Operation *op, GpuPlan &plan) {
  auto pool = cast<GroupPoolOp>(op);
  int64_t group = pool.getGroup(), sums = elementsOf(pool.getResult());
  int64_t lanes = std::min<int64_t>(group & -group, kWarp);
  plan.run("groups", {blocksFor(sums * lanes)}, kThreads, [&](GpuBuilder &b) {
    Value at = b.div(b.add(b.mul(b.block(), b.threads), b.thread()), lanes), member = b.rem(b.thread(), lanes);
    Value exists = b.less(at, sums); // lanes without a group repeat the last one: shuffles need whole warps
    Value x = b.at(b.operand(pool.getX()), b.mul(b.min(at, sums - 1), group));
    Value sum = b.forLoop(member, group, lanes, b.f32(0), [&](Value i, ValueRange carried) -> Values {
      return {b.add(carried[0], b.loadF32(x, i))};
    })[0];
    for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
      sum = b.add(sum, b.shuffleXor(sum, mask));
    b.ifThen(b.bitAnd(exists, b.equal(member, 0)), [&] { b.store(sum, b.result(pool.getResult()), at); });
  });
}

static void planGroupUnpool(Operation *op, GpuPlan &plan) {
  auto unpool = cast<GroupUnpoolOp>(op);
  int64_t group = unpool.getGroup(), n = elementsOf(unpool.getResult());
  plan.run("elements", {blocksFor(n)}, kThreads, [&](GpuBuilder &b) {
    b.forGrid(n, [&](Value i) {
      Value value = b.loadF32(b.operand(unpool.getU()), b.div(i, group));
      if (unpool.getAddend())
        value = b.add(b.loadF32(b.operand(unpool.getAddend()), i), value);
      b.store(value, b.result(unpool.getResult()), i);
    });
  });
}

static void planSelectToken(Operation *op, GpuPlan &plan) {
  auto select = cast<SelectTokenOp>(op);
  int64_t sequence = select.getX().getType().getDimSize(1), n = featuresOf(select.getX());
  int64_t total = elementsOf(select.getResult());
  plan.run("elements", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    Value index = b.toI64(b.load(b.getI32Type(), b.operand(select.getIndex())));
    b.forGrid(total, [&](Value i) {
      Value token = b.add(b.mul(b.div(i, n), sequence), index);
      Value x = b.loadF32(b.operand(select.getX()), b.add(b.mul(token, n), b.rem(i, n)));
      b.store(x, b.result(select.getResult()), i);
    });
  });
}

ArrayRef<GpuKernel> qfa::gpuPoolKernels() {
  static const GpuKernel kernels[] = {
      {GroupPoolOp::getOperationName(), planGroupPool},
      {GroupUnpoolOp::getOperationName(), planGroupUnpool},
      {SelectTokenOp::getOperationName(), planSelectToken},
  };
  return kernels;
}
