// qfa.linear_grad: dx = dy W and dadapter = dy B. A tile is a block of 32 columns of W; one further tile does B. The
// depth is the weight's output width, taken in parts so that scratch memory stays small.
#include "CpuKernels.h"
#include "Dequantize.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t partRows = 256; // rows of W that are panels at a time; whole blocks of the storage

static int64_t rankOf(LinearGradOp op) { return op.getDadapter() ? featuresOf(op.getDadapter()) : 0; }

static int64_t tiles(Operation *op) {
  auto grad = cast<LinearGradOp>(op);
  return ceilDiv(featuresOf(grad.getDx()), blockColumns) + ceilDiv(rankOf(grad), blockColumns);
}

// [panels | spilled columns]
static int64_t scratchBytes(Operation *op, const Isa &target) {
  auto grad = cast<LinearGradOp>(op);
  int64_t tokens = tokensOf(grad.getDy());
  int64_t spill = std::max(ResultColumns::spillFloats(featuresOf(grad.getDx()), tokens, target),
                           ResultColumns::spillFloats(rankOf(grad), tokens, target));
  return (partRows * blockColumns + spill) * 4;
}

// result[:, first ..] = dy times columns of a matrix with as many rows as dy has features; `fill` makes the panels of
// `rows` rows from `row` on. With an addend the product is added to it.
static void emitColumns(LinearGradOp grad, KernelBuilder &b, Value result, int64_t width, Value first, Value addend,
                        llvm::function_ref<void(Panels, ResultColumns &, Value, Value)> fill) {
  int64_t tokens = tokensOf(grad.getDy()), depth = featuresOf(grad.getDy());
  Value dy = b.operand(grad.getDy());
  ResultColumns c(b, result, width, first, b.i64(tokens), b.at(b.scratch(), partRows * blockColumns));
  Panels panels{b.scratch(), b.i64(partRows * b.target.nr), c.panels};
  if (addend)
    copyMatrix(b, c.target.pointer, c.target.stride, b.at(addend, first), b.i64(width), b.i64(tokens), c.columns);
  b.forLoop(0, depth, partRows, [&](Value row) {
    Value rows = b.min(b.sub(b.i64(depth), row), partRows);
    fill(panels, c, row, rows);
    Value accumulate = addend ? b.constant(b.getI1Type(), 1) : b.less(0, row);
    product(b, {b.at(dy, row), b.i64(depth)}, panels, c.target, b.i64(tokens), rows, accumulate);
  });
  c.finish();
}

static void emit(Operation *op, KernelBuilder &b) {
  auto grad = cast<LinearGradOp>(op);
  int64_t in = featuresOf(grad.getDx()), rank = rankOf(grad), nr = b.target.nr;
  auto elastic = dyn_cast<ElasticType>(grad.getWeight().getType());
  SiteRow site = elastic ? b.site(grad.getWeight()) : SiteRow();
  int64_t weightTiles = ceilDiv(in, blockColumns);

  auto emitDx = [&](Value tile) {
    Value first = b.mul(tile, blockColumns), addend = grad.getAddend() ? b.operand(grad.getAddend()) : Value();
    emitColumns(grad, b, b.result(grad.getDx()), in, first, addend,
                [&](Panels panels, ResultColumns &c, Value row, Value rows) {
                  if (!elastic)
                    return packRows(b, panels, b.at(b.operand(grad.getWeight()), b.add(b.mul(row, in), first)),
                                    b.i64(in), c.columns, rows);
                  b.forLoop(0, rows, blockColumns, [&](Value block) { // a block of the storage is 32 rows
                    Value place = b.at(panels.pointer, b.mul(block, nr));
                    b.forLoop(0, c.panels, 1, [&](Value p) {
                      dequantizeRows(b, elastic, site, b.at(place, b.mul(p, panels.stride)), b.i64(nr),
                                     b.div(b.add(row, block), blockColumns), b.add(first, b.mul(p, nr)), b.i64(nr));
                    });
                  });
                });
  };
  auto emitDadapter = [&](Value tile) {
    Value first = b.mul(tile, blockColumns);
    emitColumns(grad, b, b.result(grad.getDadapter()), rank, first, {},
                [&](Panels panels, ResultColumns &c, Value row, Value rows) {
                  packRows(b, panels, b.at(site.adapterB, b.add(b.mul(row, rank), first)), b.i64(rank), c.columns,
                           rows);
                });
  };
  b.forTiles([&](Value tile) {
    if (!rank)
      return emitDx(tile);
    b.ifThen(b.less(tile, weightTiles), [&] { emitDx(tile); }, [&] { emitDadapter(b.sub(tile, weightTiles)); });
  });
}

ArrayRef<CpuKernel> qfa::linearGradKernels() {
  static const CpuKernel kernels[] = {{LinearGradOp::getOperationName(), tiles, scratchBytes, emit}};
  return kernels;
}
