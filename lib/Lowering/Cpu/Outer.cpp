// qfa.accumulate_outer. A tile is a block of rows of the buffer; the product's depth is the tokens, its left factor is
// read transposed in place, its right factor goes through panels of a part of the tokens.
#include "Outer.h"
#include "CpuKernels.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t tokenPart = 192;   // tokens at a time
static constexpr int64_t wideColumns = 128; // columns that become panels at a time: long enough pieces of rows to read
static constexpr int64_t tileRows = 96;     // a multiple of every mr

// [left, transposed | panels | spilled columns]
int64_t qfa::outerScratchFloats(int64_t width, int64_t maxRows, const Isa &target) {
  return tokenPart * (maxRows + wideColumns) + ResultColumns::spillFloats(width, maxRows, target);
}

void qfa::accumulateOuter(CodeBuilder &b, Value into, Value left, Value leftStride, Value right, int64_t width,
                          Value rows, int64_t maxRows, Value tokens, double factor, Value scratch) {
  int64_t nr = b.target.nr;
  Value panelPlace = b.at(scratch, tokenPart * maxRows), spill = b.at(panelPlace, tokenPart * wideColumns);
  Value copyStride = b.i64(maxRows), panelStride = b.i64(tokenPart * nr), always = b.constant(b.getI1Type(), 1);
  b.forLoop(0, tokens, tokenPart, [&](Value token) {
    Value part = b.min(b.sub(tokens, token), tokenPart);
    copyMatrix(b, scratch, copyStride, b.at(left, b.mul(token, leftStride)), leftStride, part, rows);
    b.forLoop(0, width, wideColumns, [&](Value wide) {
      Value columns = b.min(b.sub(b.i64(width), wide), wideColumns);
      packRows(b, {panelPlace, panelStride, b.div(b.add(columns, nr - 1), nr)},
               b.at(right, b.add(b.mul(token, width), wide)), b.i64(width), columns, part, factor);
      b.forLoop(0, columns, blockColumns, [&](Value first) {
        ResultColumns c(b, into, width, b.add(wide, first), rows, spill);
        c.loadSpill();
        Panels panels{b.at(panelPlace, b.mul(first, tokenPart)), panelStride, c.panels};
        product(b, {scratch, copyStride, true}, panels, c.target, rows, part, always);
        c.finish();
      });
    });
  });
}

static int64_t tiles(Operation *op) {
  return ceilDiv(cast<AccumulateOuterOp>(op).getInto().getType().getShape()[0], tileRows);
}

static int64_t scratchBytes(Operation *op, const Isa &target) {
  return outerScratchFloats(featuresOf(cast<AccumulateOuterOp>(op).getRight()), tileRows, target) * 4;
}

static void emit(Operation *op, KernelBuilder &b) {
  auto outer = cast<AccumulateOuterOp>(op);
  int64_t height = featuresOf(outer.getLeft()), width = featuresOf(outer.getRight());
  Value left = b.operand(outer.getLeft()), right = b.operand(outer.getRight()), into = b.operand(outer.getInto());
  b.forTiles([&](Value tile) {
    Value row = b.mul(tile, tileRows), rows = b.min(b.sub(b.i64(height), row), tileRows);
    accumulateOuter(b, b.at(into, b.mul(row, width)), b.at(left, row), b.i64(height), right, width, rows, tileRows,
                    b.i64(tokensOf(outer.getLeft())), outer.getScale().convertToDouble(), b.scratch());
  });
}

ArrayRef<CpuKernel> qfa::outerKernels() {
  static const CpuKernel kernels[] = {{AccumulateOuterOp::getOperationName(), tiles, scratchBytes, emit}};
  return kernels;
}
