// qfa.linear for many tokens. A tile is a block of 32 output columns: the weight's block becomes panels, which all
// tokens pass. For a few tokens see LinearDecode.cpp.
#include "CpuKernels.h"
#include "LinearDecode.h"

using namespace mlir;
using namespace qfa;

// Inputs of the weight that are panels at a time; bounds the scratch memory of wide layers.
static int64_t panelDepth(LinearOp op) {
  auto elastic = dyn_cast<ElasticType>(op.getWeight().getType());
  int64_t in = featuresOf(op.getX()), step = elastic ? depthStep(elastic) : 1;
  return std::min(in, std::max<int64_t>(1, 1024 / step) * step);
}

static int64_t adapterRank(LinearOp op) { return op.getAdapter() ? featuresOf(op.getAdapter()) : 0; }

static int64_t tiles(Operation *op) { return ceilDiv(featuresOf(op->getResult(0)), blockColumns); }

// [panels | spilled columns]
static int64_t scratchBytes(Operation *op, const Isa &target) {
  auto linear = cast<LinearOp>(op);
  if (usesDecodeForm(linear))
    return 0;
  int64_t panels = std::max(panelDepth(linear), adapterRank(linear)) * blockColumns;
  return (panels + ResultColumns::spillFloats(featuresOf(linear.getResult()), tokensOf(linear.getX()), target)) * 4;
}

static void emit(Operation *op, KernelBuilder &b) {
  auto linear = cast<LinearOp>(op);
  if (usesDecodeForm(linear))
    return emitDecodeForm(linear, b);
  int64_t tokens = tokensOf(linear.getX()), in = featuresOf(linear.getX()), out = featuresOf(linear.getResult());
  int64_t rank = adapterRank(linear), depth = panelDepth(linear), nr = b.target.nr;
  auto elastic = dyn_cast<ElasticType>(linear.getWeight().getType());
  SiteRow row = elastic ? b.site(linear.getWeight()) : SiteRow();
  Value x = b.operand(linear.getX()), result = b.result(linear.getResult());
  Value adapter = rank ? b.operand(linear.getAdapter()) : Value();
  Value weight = elastic ? Value() : b.operand(linear.getWeight());
  Value spill = b.at(b.scratch(), std::max(depth, rank) * blockColumns);

  b.forTiles([&](Value tile) {
    Value first = b.mul(tile, blockColumns);
    ResultColumns c(b, result, out, first, b.i64(tokens), spill);
    Panels panels{b.scratch(), b.i64(depth * nr), c.panels};
    b.forLoop(0, in, depth, [&](Value k) {
      Value partDepth = b.min(b.sub(in, k), depth);
      if (elastic)
        dequantizeColumns(b, elastic, row, panels, tile, k, partDepth);
      else
        packColumns(b, panels, b.at(weight, b.add(b.mul(first, in), k)), b.i64(in), c.columns, partDepth);
      product(b, {b.at(x, k), b.i64(in)}, panels, c.target, b.i64(tokens), partDepth, b.less(0, k));
    });
    if (rank) {
      panels.stride = b.i64(rank * nr);
      packColumns(b, panels, b.at(row.adapterB, b.mul(first, rank)), b.i64(rank), c.columns, b.i64(rank));
      product(b, {adapter, b.i64(rank)}, panels, c.target, b.i64(tokens), b.i64(rank), b.constant(b.getI1Type(), 1));
    }
    c.finish();
  });
}

ArrayRef<CpuKernel> qfa::linearKernels() {
  static const CpuKernel kernels[] = {{LinearOp::getOperationName(), tiles, scratchBytes, emit}};
  return kernels;
}
