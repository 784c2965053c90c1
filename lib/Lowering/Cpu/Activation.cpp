// Gated activations and their gradients, element by element.
#include "../Common/GateMath.h"
#include "CpuKernels.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

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
