// Rotary position embedding. A token's cosines and sines serve all its heads.
#include "../Common/ConstantTable.h"
#include "../Common/RopeAngles.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

// cosines: [d], sines: [d] of one position
static void emitAngles(KernelBuilder &k, RopeOp rope, Value frequencies, Value position, Value cosines, Value sines) {
  Value p = arith::SIToFPOp::create(k, k.getF64Type(), position);
  k.vectorLoop(rope.getInverseFrequencies().getNumElements(), [&](Value i, Type type) {
    auto vector = dyn_cast<VectorType>(type);
    Type wide = vector ? Type(VectorType::get(vector.getShape(), k.getF64Type())) : k.getF64Type();
    auto [cosine, sine] = emitRopeAngle(k, rope, k.load(wide, frequencies, i), p);
    k.store(cosine, cosines, i);
    k.store(sine, sines, i);
  });
}

static void emitRope(Operation *op, KernelBuilder &k) {
  auto rope = cast<RopeOp>(op);
  int64_t n = featuresOf(rope.getX()), heads = rope.getNumHeads(), width = n / heads;
  int64_t d = rope.getInverseFrequencies().getNumElements(), sequence = rope.getX().getType().getDimSize(1);
  Value x = k.operand(rope.getX()), y = k.result(rope.getResult());
  Value frequencies = emitConstantTable(k, k.function, rope.getInverseFrequencies());
  Value start = rope.getPosition() ? k.toI64(k.load(k.getI32Type(), k.operand(rope.getPosition()))) : k.i64(0);
  Value cosines = k.scratch(), sines = k.at(cosines, d);
  forTokens(k, tokensOf(rope.getX()), [&](Value token) {
    emitAngles(k, rope, frequencies, k.add(start, k.rem(token, sequence)), cosines, sines);
    k.forLoop(0, heads, 1, [&](Value head) {
      Value first = k.add(k.mul(token, n), k.mul(head, width)), from = k.at(x, first), to = k.at(y, first);
      auto rotate = [&](Value i, Type type, Value a, Value b) { // of a pair at a and b
        Value c = k.load(type, cosines, i), s = k.load(type, sines, i);
        Value xa = k.load(type, from, a), xb = k.load(type, from, b);
        k.store(k.sub(k.mul(xa, c), k.mul(xb, s)), to, a);
        k.store(k.add(k.mul(xb, c), k.mul(xa, s)), to, b);
      };
      if (rope.getInterleaved())
        k.forLoop(0, d, 1, [&](Value i) { rotate(i, k.f32(), k.mul(i, 2), k.add(k.mul(i, 2), 1)); });
      else
        k.vectorLoop(d, [&](Value i, Type type) { rotate(i, type, i, k.add(i, d)); });
      k.vectorLoop(width - 2 * d, [&](Value i, Type type) {
        Value rest = k.add(i, 2 * d);
        k.store(k.load(type, from, rest), to, rest);
      });
    });
  });
}

ArrayRef<CpuKernel> qfa::ropeKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.rope", [](Operation *op) { return tokenTiles(op->getOperand(0)); },
       [](Operation *op, const Isa &) { return 8 * cast<RopeOp>(op).getInverseFrequencies().getNumElements(); },
       emitRope},
  };
  return kernels;
}
