// The gates of gated activations.
#include "GateMath.h"

using namespace mlir;
using namespace qfa;

static Value emitSigmoid(CodeBuilder &k, Value x) { return k.div(1, k.add(k.exp(k.neg(x)), 1)); }

// Probability of a standard normal variable below x. Through erfc, so that the left tail keeps its digits:
// erfc(z) = exp(-z^2) u P(u) with u = 1 / (1 + 0.4 z), P fitted to 8e-9 for 0 <= z <= 10.
static Value emitNormalCdf(CodeBuilder &k, Value x) {
  Value z = k.mul(k.abs(x), 0.70710678118654752), u = k.div(1, k.fma(z, 0.4, 1));
  Value p = k.constant(x.getType(), -2.959408611e-02);
  for (double c : {1.980119497e-01, -4.988087416e-01, 5.474320650e-01, -2.843641639e-01, 2.720650136e-01,
                   1.296799779e-01, 2.149190307e-01, 2.249520272e-01, 2.257069051e-01})
    p = k.fma(p, u, c);
  Value tail = k.mul(k.exp(k.neg(k.mul(z, z))), k.mul(k.mul(u, p), 0.5));
  return k.select(k.less(x, 0), tail, k.sub(1, tail));
}

std::pair<Value, Value> qfa::emitActivation(CodeBuilder &k, GateKind kind, Value x) {
  switch (kind) {
  case GateKind::silu: { // x s, s (1 + x (1 - s))
    Value s = emitSigmoid(k, x);
    return {k.mul(x, s), k.mul(s, k.fma(x, k.sub(1, s), 1))};
  }
  case GateKind::gelu: { // x F, F + x f with F, f distribution and density of the normal variable
    Value cdf = emitNormalCdf(k, x);
    Value density = k.mul(k.exp(k.mul(k.mul(x, x), -0.5)), 0.3989422804014327);
    return {k.mul(x, cdf), k.fma(x, density, cdf)};
  }
  case GateKind::gelu_tanh: { // x s with s = (1 + tanh(u)) / 2 = sigmoid(2 u), u = a (x + b x^3)
    constexpr double a = 1.5957691216057308, b = 0.044715; // a: 2 sqrt(2 / pi), for 2 u
    Value square = k.mul(x, x);
    Value s = emitSigmoid(k, k.mul(k.mul(x, a), k.fma(square, b, 1)));
    Value slope = k.mul(k.fma(square, 3 * b, 1), a); // of 2 u
    return {k.mul(x, s), k.mul(s, k.fma(k.mul(x, slope), k.sub(1, s), 1))};
  }
  }
  llvm_unreachable("every kind of gate is above");
}
