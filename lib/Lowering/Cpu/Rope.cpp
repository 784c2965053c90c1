// Rotary position embedding. Angles are computed as the kernel runs, in f64: positions reach 100,000 and more, where an
// f32 angle has lost the digits that matter. A token's cosines and sines serve all its heads.
#include "../Common/ConstantTable.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

// Sine and cosine of an f64 angle below 2^20, to 1e-10. angle = n pi/2 + r with n rounded by adding 1.5 * 2^52, whose
// low bits then are n; its last two choose function and sign. pi/2 is subtracted in two parts, the first of 33 bits, so
// that its product with n is exact.
static std::pair<Value, Value> emitSinCos(KernelBuilder &k, Value angle) {
  constexpr double magic = 6755399441055744.0;
  Type integer = withElement(angle.getType(), k.getI64Type());
  Value shifted = k.add(k.mul(angle, 0.63661977236758134), magic);
  Value n = k.sub(shifted, magic);
  Value r = k.fma(n, -1.5707963267341256, angle);
  r = k.fma(n, -6.077100506506192e-11, r);
  Value square = k.mul(r, r);
  auto series = [&](int64_t factor) { // 1 - r^2 / ((f+1)(f+2)) (1 - r^2 / ((f+3)(f+4)) (1 - ...
    Value sum = k.constant(angle.getType(), 1);
    for (int64_t i = factor + 12; i > factor; i -= 2)
      sum = k.fma(k.mul(square, -1.0 / static_cast<double>(i * (i - 1))), sum, 1);
    return sum;
  };
  Value sine = k.mul(series(1), r), cosine = series(0);
  Value quadrant = arith::BitcastOp::create(k, integer, shifted);
  Value even = k.equal(k.bitAnd(quadrant, 1), 0);
  auto signedBy = [&](Value q, Value x) { return k.select(k.equal(k.bitAnd(q, 2), 0), x, k.neg(x)); };
  return {signedBy(quadrant, k.select(even, sine, cosine)), signedBy(k.add(quadrant, 1), k.select(even, cosine, sine))};
}

// cosines: [d], sines: [d] of one position, times `scaling`
static void emitAngles(KernelBuilder &k, RopeOp rope, Value frequencies, Value position, Value cosines, Value sines) {
  double scaling = rope.getScaling().convertToDouble();
  Value p = arith::SIToFPOp::create(k, k.getF64Type(), position);
  k.vectorLoop(rope.getInverseFrequencies().getNumElements(), [&](Value i, Type type) {
    Type wide = withElement(type, k.getF64Type());
    auto [sine, cosine] = emitSinCos(k, k.mul(k.load(wide, frequencies, i), p));
    auto narrow = [&](Value x) -> Value { return arith::TruncFOp::create(k, type, x); };
    k.store(narrow(k.mul(cosine, scaling)), cosines, i);
    k.store(narrow(k.mul(sine, rope.getInverse() ? -scaling : scaling)), sines, i);
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
