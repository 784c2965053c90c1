// Elementary functions by range reduction and minimax polynomials (fitted by Remez exchange for relative error).
#include "VectorMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace qfa;

// `type` with another element type.
static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return VectorType::get(vector.getShape(), element);
  return element;
}

Value qfa::emitFloat(Builder &b, Type type, double value) {
  FloatAttr scalar = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, SplatElementsAttr::get(vector, scalar.getValue()));
  return arith::ConstantOp::create(b, scalar);
}

Value qfa::emitInt(Builder &b, Type type, int64_t value) {
  IntegerAttr scalar = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, SplatElementsAttr::get(vector, scalar.getValue()));
  return arith::ConstantOp::create(b, scalar);
}

Value qfa::emitFma(Builder &b, Value x, Value y, Value z) { return LLVM::FMulAddOp::create(b, x.getType(), x, y, z); }

namespace {

// One function being emitted: the arithmetic of values of one type.
struct Terms {
  Builder &b;
  Type type;
  Terms(Builder &b, Value x) : b(b), type(x.getType()) {}

  Value constant(double value) { return emitFloat(b, type, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return emitFma(b, x, y, z); }
  Value fma(Value x, double y, Value z) { return emitFma(b, x, constant(y), z); }
  Value fma(Value x, Value y, double z) { return emitFma(b, x, y, constant(z)); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value withSign(Value x, Value sign) { return math::CopySignOp::create(b, x, sign); }
  Value less(Value x, double y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, constant(y)); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }

  // c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = constant(c.back());
    for (double coefficient : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, coefficient);
    return sum;
  }
};

} // namespace

// e^x = 2^n e^r with n = round(x / ln 2). Adding 1.5 * 2^23 rounds and leaves n in the low bits of the sum.
Value qfa::emitExp(Builder &b, Value x) {
  Terms t(b, x);
  constexpr double kRound = 12582912.0;
  // Above 89 every result is infinite; the comparison lets a NaN pass.
  Value high = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, t.constant(89.0));
  Value clamped = t.select(high, t.constant(89.0), x);
  Value shifted = t.fma(clamped, 1.4426950408889634, t.constant(kRound));
  Value n = t.sub(shifted, t.constant(kRound));
  Value r = t.fma(n, -0.693359375, clamped); // ln 2 in two parts, the first exact in the product
  r = t.fma(n, 2.12194440e-4, r);
  Value p = t.polynomial(r, {4.999999404e-01, 1.666651964e-01, 4.166839272e-02, 8.368780836e-03, 1.381446724e-03});
  p = t.add(t.fma(t.mul(r, r), p, r), t.constant(1.0));
  // 2^(n - 1) doubled: n = 128 itself has no representation.
  Type integer = withElement(t.type, b.getI32Type());
  Value exponent = arith::AddIOp::create(b, arith::BitcastOp::create(b, integer, shifted), emitInt(b, integer, 126));
  Value power =
      arith::BitcastOp::create(b, t.type, arith::ShLIOp::create(b, exponent, emitInt(b, integer, 23)).getResult());
  Value result = t.mul(t.add(p, p), power);
  return t.select(t.less(x, -86.6), t.constant(0.0), result);
}

// log x = e ln 2 + log(1 + f) with x = 2^e (1 + f) and 1 + f between the roots of 1/2 and 2.
Value qfa::emitLog(Builder &b, Value x) {
  Terms t(b, x);
  Type integer = withElement(t.type, b.getI32Type());
  Value bits = arith::BitcastOp::create(b, integer, x);
  Value e = arith::ShRSIOp::create(b, arith::SubIOp::create(b, bits, emitInt(b, integer, 0x3f3504f3)).getResult(),
                                   emitInt(b, integer, 23));
  Value mantissa = arith::SubIOp::create(b, bits, arith::ShLIOp::create(b, e, emitInt(b, integer, 23)).getResult());
  Value f = t.sub(arith::BitcastOp::create(b, t.type, mantissa), t.constant(1.0));
  Value p = t.polynomial(f, {3.333333135e-01, -2.500081956e-01, 2.000122666e-01, -1.662335694e-01, 1.420175731e-01,
                             -1.316018105e-01, 1.276157796e-01, -7.634502649e-02});
  Value ef = arith::SIToFPOp::create(b, t.type, e);
  Value square = t.mul(f, f);
  Value small = t.fma(t.mul(square, f), p, t.mul(ef, t.constant(-2.12194440e-4)));
  small = t.fma(square, -0.5, small);
  return t.fma(ef, 0.693359375, t.add(f, small));
}

// A polynomial near 0, where 1 - 2 / (e^2|x| + 1) would cancel.
Value qfa::emitTanh(Builder &b, Value x) {
  Terms t(b, x);
  Value magnitude = t.abs(x), square = t.mul(x, x);
  Value p =
      t.polynomial(square, {-3.333328068e-01, 1.333144158e-01, -5.373971537e-02, 2.063908800e-02, -5.704986863e-03});
  Value near = t.fma(t.mul(square, x), p, x);
  Value far = t.div(t.constant(2.0), t.add(emitExp(b, t.add(magnitude, magnitude)), t.constant(1.0)));
  return t.select(t.less(magnitude, 0.625), near, t.withSign(t.sub(t.constant(1.0), far), x));
}

// erfc(z) for z >= 0: e^(-z^2) u P(u), u = 1 / (1 + 0.4 z), fitted up to z = 10.
static Value emitErfc(Builder &b, Value z) {
  Terms t(b, z);
  Value u = t.div(t.constant(1.0), t.fma(z, 0.4, t.constant(1.0)));
  Value p = t.polynomial(u, {2.257069051e-01, 2.249520272e-01, 2.149190307e-01, 1.296799779e-01, 2.720650136e-01,
                             -2.843641639e-01, 5.474320650e-01, -4.988087416e-01, 1.980119497e-01, -2.959408611e-02});
  Value square = t.mul(z, z);
  return t.mul(emitExp(b, t.sub(t.constant(0.0), square)), t.mul(u, p));
}

Value qfa::emitErf(Builder &b, Value x) {
  Terms t(b, x);
  Value magnitude = t.abs(x);
  Value p = t.polynomial(t.mul(x, x), {1.128379107e+00, -3.761262596e-01, 1.128358543e-01, -2.685381286e-02,
                                       5.188327748e-03, -8.010193706e-04, 7.853861462e-05});
  Value far = t.withSign(t.sub(t.constant(1.0), emitErfc(b, magnitude)), x);
  return t.select(t.less(magnitude, 1.0), t.mul(x, p), far);
}

Value qfa::emitSigmoid(Builder &b, Value x) {
  Terms t(b, x);
  Value one = t.constant(1.0);
  return t.div(one, t.add(one, emitExp(b, t.sub(t.constant(0.0), x))));
}

Value qfa::emitNormalCdf(Builder &b, Value x) {
  Terms t(b, x);
  Value tail = t.mul(t.constant(0.5), emitErfc(b, t.mul(t.abs(x), t.constant(0.70710678118654752))));
  return t.select(t.less(x, 0.0), tail, t.sub(t.constant(1.0), tail));
}

// angle = n pi/2 + r, pi/2 in two parts so that r keeps its digits; n's last two bits choose function and sign.
std::pair<Value, Value> qfa::emitSinCos(Builder &b, Value angle) {
  Terms t(b, angle);
  constexpr double kRound = 6755399441055744.0; // 1.5 * 2^52
  Value shifted = t.fma(angle, 0.63661977236758134, t.constant(kRound));
  Value n = t.sub(shifted, t.constant(kRound));
  Value r = t.fma(n, -1.5707963267341256, angle); // the product is exact: 33 bits of pi/2
  r = t.fma(n, -6.0771005065061922e-11, r);
  Value square = t.mul(r, r);
  Value sine =
      t.polynomial(square, {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800});
  sine = t.mul(sine, r);
  Value cosine = t.polynomial(
      square, {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200});
  Type integer = withElement(t.type, b.getI64Type());
  Value quadrant = arith::BitcastOp::create(b, integer, shifted);
  Value zero = emitInt(b, integer, 0);
  auto bit = [&](Value value, int64_t mask) -> Value {
    Value masked = arith::AndIOp::create(b, value, emitInt(b, integer, mask));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked, zero);
  };
  Value odd = bit(quadrant, 1);
  Value next = arith::AddIOp::create(b, quadrant, emitInt(b, integer, 1));
  Value sin = t.select(odd, cosine, sine), cos = t.select(odd, sine, cosine);
  sin = t.select(bit(quadrant, 2), t.sub(t.constant(0.0), sin), sin);
  cos = t.select(bit(next, 2), t.sub(t.constant(0.0), cos), cos);
  return {sin, cos};
}
