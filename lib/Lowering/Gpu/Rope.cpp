// Rotary position embedding: the cosines and sines of every position first, which all heads and batch rows share, then
// a thread for every pair and every feature that is not rotated.
#include "../Common/ConstantTable.h"
#include "../Common/RopeAngles.h"
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

static void planRope(Operation *op, GpuPlan &plan) {
  auto rope = cast<RopeOp>(op);
  int64_t n = featuresOf(rope.getX()), heads = rope.getNumHeads(), width = n / heads;
  int64_t d = rope.getInverseFrequencies().getNumElements(), sequence = rope.getX().getType().getDimSize(1);
  int64_t angles = sequence * d,
          tables = plan.workspace(2 * angles * 4); // cosines: [sequence, d], sines: [sequence, d]

  plan.run("angles", {blocksFor(angles)}, kThreads, [&](GpuBuilder &b) {
    Value frequencies = emitConstantTable(b, b.function, rope.getInverseFrequencies(), /*space=*/1);
    Value start = rope.getPosition() ? b.toI64(b.load(b.getI32Type(), b.operand(rope.getPosition()))) : b.i64(0);
    b.forGrid(angles, [&](Value i) {
      Value position = arith::SIToFPOp::create(b, b.getF64Type(), b.add(start, b.div(i, d)));
      auto [cosine, sine] = emitRopeAngle(b, rope, b.load(b.getF64Type(), frequencies, b.rem(i, d)), position);
      b.store(cosine, b.workspace(tables), i);
      b.store(sine, b.workspace(tables), b.add(i, angles));
    });
  });

  int64_t perHead = width - d, total = tokensOf(rope.getX()) * heads * perHead;
  plan.run("pairs", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    b.forGrid(total, [&](Value item) {
      Value head = b.div(item, perHead), i = b.rem(item, perHead), first = b.mul(head, width); // head: of all tokens
      Value x = b.at(b.operand(rope.getX()), first), y = b.at(b.result(rope.getResult()), first);
      auto rotate = [&] {
        Value angle = b.add(b.mul(b.rem(b.div(head, heads), sequence), d), i);
        Value c = b.loadF32(b.workspace(tables), angle), s = b.loadF32(b.workspace(tables), b.add(angle, angles));
        Value atA = rope.getInterleaved() ? b.mul(i, 2) : i, atB = b.add(atA, rope.getInterleaved() ? 1 : d);
        Value xa = b.loadF32(x, atA), xb = b.loadF32(x, atB);
        b.store(b.sub(b.mul(xa, c), b.mul(xb, s)), y, atA);
        b.store(b.add(b.mul(xb, c), b.mul(xa, s)), y, atB);
      };
      b.ifThen(b.less(i, d), rotate, [&] {
        Value rest = b.add(i, d);
        b.store(b.loadF32(x, rest), y, rest);
      });
    });
  });
}

ArrayRef<GpuKernel> qfa::gpuRopeKernels() {
  static const GpuKernel kernels[] = {{RopeOp::getOperationName(), planRope}};
  return kernels;
}
