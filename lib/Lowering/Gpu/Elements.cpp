// Groups of elementwise ops, and gated activations: a thread has four elements side by side, or one where four do not
// divide them.
#include "../Common/ConstantTable.h"
#include "../Common/ElementwiseBody.h"
#include "../Common/GateMath.h"
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

// Runs body(i, type) for every 0 <= i < n in steps of what `type` holds.
static void planElements(GpuPlan &plan, int64_t n, llvm::function_ref<void(GpuBuilder &, Value, Type)> body) {
  int64_t lanes = n % 4 == 0 ? 4 : 1;
  plan.run("elements", {blocksFor(n / lanes)}, kThreads, [&](GpuBuilder &b) {
    Type type = lanes == 4 ? Type(b.vec({}, 4)) : b.f32();
    b.forGrid(n / lanes, [&](Value i) { body(b, b.mul(i, lanes), type); });
  });
}

static Value loadElements(GpuBuilder &b, Type type, Value pointer, Value i) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? b.loadAligned(vector, pointer, i) : b.load(type, pointer, i);
}
static void storeElements(GpuBuilder &b, Value value, Value pointer, Value i) {
  isa<VectorType>(value.getType()) ? b.storeAligned(value, pointer, i) : b.store(value, pointer, i);
}

static void planElementwise(Operation *op, GpuPlan &plan) {
  auto kernel = cast<KernelOp>(op);
  Value result = kernel.getBody().front().getTerminator()->getOperand(0);
  planElements(plan, elementsOf(result), [&](GpuBuilder &b, Value i, Type type) {
    Values loaded;
    for (Value input : elementwiseInputs(kernel)) {
      auto constant = input.getDefiningOp<arith::ConstantOp>();
      Value pointer = constant ? emitConstantTable(b, b.function, cast<ElementsAttr>(constant.getValue()), /*space=*/1)
                               : b.operand(input);
      loaded.push_back(loadElements(b, typeInLoop(input.getType(), type), pointer, i));
    }
    storeElements(b, emitElementwiseBody(b, kernel, type, loaded), b.result(result), i);
  });
}

static void planGatedActivation(Operation *op, GpuPlan &plan) {
  auto gated = cast<GatedActivationOp>(op);
  planElements(plan, elementsOf(gated.getGate()), [&](GpuBuilder &b, Value i, Type type) {
    Value gate = loadElements(b, type, b.operand(gated.getGate()), i);
    Value up = loadElements(b, type, b.operand(gated.getUp()), i);
    storeElements(b, b.mul(emitActivation(b, gated.getKind(), gate).first, up), b.result(gated.getResult()), i);
  });
}

static void planGatedActivationGrad(Operation *op, GpuPlan &plan) {
  auto grad = cast<GatedActivationGradOp>(op);
  planElements(plan, elementsOf(grad.getGate()), [&](GpuBuilder &b, Value i, Type type) {
    Value gate = loadElements(b, type, b.operand(grad.getGate()), i);
    Value up = loadElements(b, type, b.operand(grad.getUp()), i),
          dy = loadElements(b, type, b.operand(grad.getDy()), i);
    auto [value, slope] = emitActivation(b, grad.getKind(), gate);
    storeElements(b, b.mul(b.mul(dy, up), slope), b.result(grad.getDgate()), i);
    storeElements(b, b.mul(dy, value), b.result(grad.getDup()), i);
  });
}

ArrayRef<GpuKernel> qfa::gpuElementKernels() {
  static const GpuKernel kernels[] = {
      {KernelOp::getOperationName(), planElementwise},
      {GatedActivationOp::getOperationName(), planGatedActivation},
      {GatedActivationGradOp::getOperationName(), planGatedActivationGrad},
  };
  return kernels;
}
