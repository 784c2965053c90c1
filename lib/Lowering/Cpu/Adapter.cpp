// qfa.adapter_down and qfa.adapter_down_grad, the small products of adapters. A tile is a block of tokens.
#include "CpuKernels.h"
#include "Gemm.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t tokenBlock = 64;

static int64_t tokenTiles(Operation *op) { return ceilDiv(tokensOf(op->getOperand(0)), tokenBlock); }

// [panels of A | spilled columns]
static int64_t adapterScratch(Operation *op, const Isa &target) {
  int64_t depth = featuresOf(op->getOperand(0)), width = featuresOf(op->getResult(0));
  return (depth * roundUp(width, blockColumns) + ResultColumns::spillFloats(width, tokenBlock, target)) * 4;
}

// result = scale * left * A^T for `down`, scale * left * A otherwise; A is [rank, groups].
static void emitAdapter(KernelBuilder &b, bool down, Value leftValue, Value weight, Value resultValue, double scale) {
  int64_t tokens = tokensOf(leftValue), depth = featuresOf(leftValue), width = featuresOf(resultValue);
  int64_t groups = down ? depth : width, nr = b.target.nr;
  Value left = b.operand(leftValue), result = b.result(resultValue), a = b.site(weight).adapterA;
  Panels panels{b.scratch(), b.i64(depth * nr), b.i64(ceilDiv(width, nr))};
  if (down)
    packColumns(b, panels, a, b.i64(groups), b.i64(width), b.i64(depth), scale);
  else
    packRows(b, panels, a, b.i64(groups), b.i64(width), b.i64(depth), scale);
  Value spill = b.at(b.scratch(), depth * roundUp(width, blockColumns));
  b.forTiles([&](Value tile) {
    Value token = b.mul(tile, tokenBlock), rows = b.min(b.sub(b.i64(tokens), token), tokenBlock);
    b.forLoop(0, width, blockColumns, [&](Value first) {
      ResultColumns c(b, b.at(result, b.mul(token, width)), width, first, rows, spill);
      Panels part{b.at(panels.pointer, b.mul(first, depth)), panels.stride, c.panels};
      product(b, {b.at(left, b.mul(token, depth)), b.i64(depth)}, part, c.target, rows, b.i64(depth),
              b.constant(b.getI1Type(), 0));
      c.finish();
    });
  });
}

static void emitDown(Operation *op, KernelBuilder &b) {
  auto down = cast<AdapterDownOp>(op);
  emitAdapter(b, true, down.getU(), down.getWeight(), down.getResult(), down.getScale().convertToDouble());
}

static void emitDownGrad(Operation *op, KernelBuilder &b) {
  auto grad = cast<AdapterDownGradOp>(op);
  emitAdapter(b, false, grad.getDy(), grad.getWeight(), grad.getResult(), grad.getScale().convertToDouble());
}

ArrayRef<CpuKernel> qfa::adapterKernels() {
  static const CpuKernel kernels[] = {
      {AdapterDownOp::getOperationName(), tokenTiles, adapterScratch, emitDown},
      {AdapterDownGradOp::getOperationName(), tokenTiles, adapterScratch, emitDownGrad},
  };
  return kernels;
}
