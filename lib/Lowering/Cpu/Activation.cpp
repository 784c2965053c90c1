// Gated activations and their gradients, element by element.
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static Value emitSigmoid(KernelBuilder &k, Value x) { return k.div(1, k.add(k.exp(k.neg(x)), 1)); }

// Probability of a standard normal variable below x. Through erfc, so that the left tail keeps its digits:
// erfc(z) = exp(-z^2) u P(u) with u = 1 / (1 + 0.4 z), P fitted to 8e-9 for 0 <= z <= 10.
static Value emitNormalCdf(KernelBuilder &k, Value x) {
  Value z = k.mul(k.abs(x), 0.70710678118654752), u = k.div(1, k.fma(z, 0.4, 1));
  Value p = k.constant(x.getType(), -2.959408611e-02);
  for (double c : {1.980119497e-01, -4.988087416e-01, 5.474320650e-01, -2.843641639e-01, 2.720650136e-01,
                   1.296799779e-01, 2.149190307e-01, 2.249520272e-01, 2.257069051e-01})
    p = k.fma(p, u, c);
  Value tail = k.mul(k.exp(k.neg(k.mul(z, z))), k.mul(k.mul(u, p), 0.5));
  return k.select(k.less(x, 0), tail, k.sub(1, tail));
}

// The activation of x, and its derivative.
static std::pair<Value, Value> emitActivation(KernelBuilder &k, GateKind kind, Value x) {
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

static void emitGatedActivation(Operation *op, KernelBuilder &k) {
  auto gated = cast<GatedActivationOp>(op);
  Value gate = k.operand(gated.getGate()), up = k.operand(gated.getUp()), y = k.result(gated.getResult());
  forRanges(k, elementsOf(gated.getGate()), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) {
      Value at = k.add(first, i);
      k.store(k.mul(emitActivation(k, gated.getKind(), k.load(type, gate, at)).first, k.load(type, up, at)), y, at);
    });
  });
}

static void emitGatedActivationGrad(Operation *op, KernelBuilder &k) {
  auto grad = cast<GatedActivationGradOp>(op);
  Value gate = k.operand(grad.getGate()), up = k.operand(grad.getUp()), dy = k.operand(grad.getDy());
  Value dgate = k.result(grad.getDgate()), dup = k.result(grad.getDup());
  forRanges(k, elementsOf(grad.getGate()), kTileElements, [&](Value first, Value count) {
    k.vectorLoop(count, [&](Value i, Type type) {
      Value at = k.add(first, i), d = k.load(type, dy, at);
      auto [activation, slope] = emitActivation(k, grad.getKind(), k.load(type, gate, at));
      k.store(k.mul(k.mul(d, k.load(type, up, at)), slope), dgate, at);
      k.store(k.mul(d, activation), dup, at);
    });
  });
}

ArrayRef<CpuKernel> qfa::activationKernels() {
  auto tiles = [](Operation *op) { return elementTiles(elementsOf(op->getOperand(0))); };
  static const CpuKernel kernels[] = {
      {"qfa.gated_activation", tiles, nullptr, emitGatedActivation},
      {"qfa.gated_activation_grad", tiles, nullptr, emitGatedActivationGrad},
  };
  return kernels;
}
