// Walks, masks, scores.
#include "AttentionWalk.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <limits>

using namespace mlir;
using namespace qfa;

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

// To multiples of columns.
static Value floorOf(GpuBuilder &b, const AttentionCut &cut, Value x) {
  return b.mul(b.div(x, cut.columns), cut.columns);
}
static Value ceilOf(GpuBuilder &b, const AttentionCut &cut, Value x) {
  return floorOf(b, cut, b.add(x, cut.columns - 1));
}

Walk qfa::walkOverKeys(GpuBuilder &b, const AttentionShape &shape, const AttentionCut &cut, Value first,
                       Value keyCount) {
  Walk walk;
  walk.end = ceilOf(b, cut, b.min(b.add(first, cut.rows()), keyCount));
  walk.fullEnd = b.min(floorOf(b, cut, b.add(first, 1)), walk.end); // the first query sees `first` and all before
  walk.begin = walk.fullBegin = b.i64(0);
  if (shape.window) { // the first query sees one more key than it hides, the last one hides the most
    auto hidden = [&](int64_t row) { return b.max(b.add(first, row + 1 - shape.window), 0); };
    walk.begin = b.min(floorOf(b, cut, hidden(0)), walk.fullEnd);
    walk.fullBegin = b.min(ceilOf(b, cut, hidden(cut.rows() - 1)), walk.fullEnd);
  }
  return walk;
}

Walk qfa::walkOverQueries(GpuBuilder &b, const AttentionShape &shape, const AttentionCut &cut, Value first) {
  Walk walk;
  walk.begin = first;
  walk.end = walk.fullEnd = b.i64(roundUp(shape.sequence, cut.columns));
  if (shape.window) { // the last key is seen until this query, the first one by so many less
    walk.end = b.min(walk.end, ceilOf(b, cut, b.add(first, cut.rows() - 1 + shape.window)));
    walk.fullEnd = b.min(walk.end, floorOf(b, cut, b.add(first, shape.window)));
  }
  walk.fullBegin = b.min(b.add(first, cut.rows()), walk.end); // all of these queries see the last key
  if (shape.window)
    walk.fullEnd = b.max(walk.fullBegin, walk.fullEnd);
  return walk;
}

Values qfa::emitWalk(GpuBuilder &b, const AttentionCut &cut, const Walk &walk, ValueRange carried, WalkBody body) {
  Values values(carried);
  auto part = [&](Value from, Value to, bool masked) {
    if (from != to)
      values = b.forLoop(from, to, cut.columns, values,
                         [&](Value column, ValueRange inner) { return body(column, masked, inner); });
  };
  part(walk.begin, walk.fullBegin, true);
  part(walk.fullBegin, walk.fullEnd, false);
  part(walk.fullEnd, walk.end, true);
  return values;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

static Value approximate(GpuBuilder &b, StringRef intrinsic, Value x) {
  return LLVM::CallIntrinsicOp::create(b, b.f32(), b.getStringAttr(intrinsic), ValueRange(x)).getResult(0);
}

double qfa::logOfE(Precision precision) { return precision == Precision::bf16 ? 1.4426950408889634 : 1; }

Value qfa::power(GpuBuilder &b, Precision precision, Value x) {
  return precision == Precision::bf16 ? approximate(b, "llvm.nvvm.ex2.approx.ftz.f32", x) : b.exp(x);
}

// 1 - 2 / (1 + e^2x): the caps of scores are off by about 1e-6 then.
static Value tanhOf(GpuBuilder &b, Precision precision, Value x) {
  if (precision == Precision::f32)
    return b.tanh(x);
  Value grown = b.add(power(b, precision, b.mul(x, 2 * logOfE(precision))), 1);
  return b.fma(approximate(b, "llvm.nvvm.rcp.approx.ftz.f", grown), -2, 1);
}

Value qfa::scaleScore(GpuBuilder &b, Precision precision, const AttentionShape &shape, Value product, Value *slope) {
  if (!shape.softcap)
    return shape.scale > 0 ? product : b.mul(product, shape.scale);
  Value capped = tanhOf(b, precision, b.mul(product, shape.scale / shape.softcap));
  if (slope)
    *slope = b.fma(b.neg(capped), capped, 1);
  return capped;
}

void qfa::maskScores(GpuBuilder &b, const AttentionShape &shape, AttentionProducts &products, Values &scores,
                     Value firstRow, Value firstColumn, bool rowsAreQueries) {
  // From key to query: of the lane's first score, then of each a constant more.
  Value rows = b.add(firstRow, products.row(0)), columns = b.add(firstColumn, products.column());
  Value distance = rowsAreQueries ? b.sub(rows, columns) : b.sub(columns, rows);
  distance = arith::TruncIOp::create(b, b.getI32Type(), distance);
  for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i) {
    int64_t more = i % 4 / 2 * 8 - (i / 4 * 8 + i % 2);
    more = rowsAreQueries ? more : -more;
    Value seen = b.lessEqual(-more, distance);
    if (shape.window)
      seen = b.bitAnd(seen, b.less(distance, shape.window - more));
    scores[i] = b.select(seen, scores[i], -std::numeric_limits<double>::infinity());
  }
}
