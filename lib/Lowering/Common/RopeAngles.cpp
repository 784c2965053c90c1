// Angles are computed as the kernel runs, in f64: positions reach 100,000 and more, where an f32 angle has lost the
// digits that matter.
#include "RopeAngles.h"

using namespace mlir;
using namespace qfa;

static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

// Sine and cosine of an f64 angle below 2^20, to 1e-10. angle = n pi/2 + r with n rounded by adding 1.5 * 2^52, whose
// low bits then are n; its last two choose function and sign. pi/2 is subtracted in two parts, the first of 33 bits, so
// that its product with n is exact.
static std::pair<Value, Value> emitSinCos(CodeBuilder &k, Value angle) {
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

std::pair<Value, Value> qfa::emitRopeAngle(CodeBuilder &k, RopeOp rope, Value frequency, Value position) {
  double scaling = rope.getScaling().convertToDouble();
  auto [sine, cosine] = emitSinCos(k, k.mul(frequency, position));
  Type type = withElement(frequency.getType(), k.f32());
  auto narrow = [&](Value x) -> Value { return arith::TruncFOp::create(k, type, x); };
  return {narrow(k.mul(cosine, scaling)), narrow(k.mul(sine, rope.getInverse() ? -scaling : scaling))};
}
