// The micro-kernel, the blocking around it, and the packing of panels.
#include "Gemm.h"

using namespace mlir;
using namespace qfa;

// Rows of the left factor that stay in the second-level cache while all panels pass; a multiple of every mr.
static constexpr int64_t rowBlock = 96;
// Depth of a panel's part that stays in the first-level cache while rows pass.
static constexpr int64_t depthBlock = 256;

// One tile [rows, nr] of the target; its accumulators stay in registers.
static Values emitMicroKernel(CodeBuilder &b, int64_t rows, bool transposed, ValueRange arguments) {
  Value a = arguments[0], stride = arguments[1], panel = arguments[2], c = arguments[3], cStride = arguments[4],
        depth = arguments[5], accumulate = arguments[6];
  int64_t lanes = b.target.lanes, nr = b.target.nr, vectors = nr / lanes;
  Values row; // start of each row of a, or a itself
  for (int64_t r = 0; r < rows; ++r)
    row.push_back(transposed ? b.at(a, r) : b.at(a, b.mul(stride, r)));

  auto step = [&](Value k, ValueRange sums) {
    Values panelRow, next;
    for (int64_t v = 0; v < vectors; ++v)
      panelRow.push_back(b.load(b.vec(), panel, b.add(b.mul(k, nr), v * lanes)));
    Value index = transposed ? b.mul(k, stride) : k;
    for (int64_t r = 0; r < rows; ++r) {
      Value element = b.broadcast(b.loadF32(row[r], index), b.vec());
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(b.fma(element, panelRow[v], sums[r * vectors + v]));
    }
    return next;
  };
  Values sums(rows * vectors, b.constant(b.vec(), 0));
  // Large tiles need no unrolling, and LLVM would load all elements of a longer body first, more than there are
  // registers.
  int64_t unroll = rows * vectors > 16 ? 1 : 4;
  Value whole = b.sub(depth, b.rem(depth, unroll));
  sums = b.forLoop(0, whole, unroll, sums, [&](Value k, ValueRange carried) {
    Values next(carried);
    for (int64_t u = 0; u < unroll; ++u)
      next = step(b.add(k, u), next);
    return next;
  });
  sums = b.forLoop(whole, depth, 1, sums, step);

  auto forTile = [&](llvm::function_ref<void(int64_t, Value, int64_t)> body) {
    for (int64_t r = 0; r < rows; ++r) {
      Value line = b.at(c, b.mul(cStride, r));
      for (int64_t v = 0; v < vectors; ++v)
        body(r * vectors + v, line, v * lanes);
    }
  };
  b.ifThen(
      accumulate,
      [&] {
        forTile([&](int64_t i, Value line, int64_t column) {
          b.store(b.add(b.load(b.vec(), line, column), sums[i]), line, column);
        });
      },
      [&] { forTile([&](int64_t i, Value line, int64_t column) { b.store(sums[i], line, column); }); });
  return {};
}

static Values emitProduct(CodeBuilder &b, bool transposed, ValueRange arguments) {
  Value a = arguments[0], stride = arguments[1], panels = arguments[2], panelStride = arguments[3],
        count = arguments[4], c = arguments[5], cStride = arguments[6], cPanelStride = arguments[7],
        rows = arguments[8], depth = arguments[9], accumulate = arguments[10];
  int64_t mr = b.target.mr;
  auto element = [&](Value i, Value k) { return transposed ? b.add(b.mul(k, stride), i) : b.add(b.mul(i, stride), k); };
  auto micro = [&](int64_t size, ValueRange operands) {
    b.call("micro_kernel_" + std::to_string(size) + (transposed ? "_transposed" : ""), operands,
           [&](CodeBuilder &inner, ValueRange args) { return emitMicroKernel(inner, size, transposed, args); });
  };
  b.forLoop(0, depth, depthBlock, [&](Value k) {
    Value partDepth = b.min(b.sub(depth, k), depthBlock);
    Value partAccumulate = b.bitOr(accumulate, b.less(0, k));
    b.forLoop(0, rows, rowBlock, [&](Value first) {
      Value partRows = b.min(b.sub(rows, first), rowBlock);
      Value rest = b.rem(partRows, mr), whole = b.sub(partRows, rest);
      b.forLoop(0, count, 1, [&](Value p) {
        Value panel = b.at(panels, b.add(b.mul(p, panelStride), b.mul(k, b.target.nr)));
        Value columns = b.at(c, b.mul(p, cPanelStride));
        auto tile = [&](Value i, int64_t size) {
          micro(size, {b.at(a, element(i, k)), stride, panel, b.at(columns, b.mul(i, cStride)), cStride, partDepth,
                       partAccumulate});
        };
        b.forLoop(0, whole, mr, [&](Value i) { tile(b.add(first, i), mr); });
        // The rest by powers of two: few micro-kernels serve all sizes.
        for (int64_t size = llvm::PowerOf2Ceil(mr) / 2; size >= 1; size /= 2)
          b.ifThen(b.equal(b.bitAnd(rest, size), size), [&] {
            Value larger = b.bitAnd(rest, -2 * size); // done before
            tile(b.add(first, b.add(whole, larger)), size);
          });
      });
    });
  });
  return {};
}

void qfa::product(CodeBuilder &b, Factor a, Panels panels, Target target, Value rows, Value depth, Value accumulate) {
  b.call(a.transposed ? "product_transposed" : "product",
         {a.pointer, a.stride, panels.pointer, panels.stride, panels.count, target.pointer, target.stride,
          target.panelStride, rows, depth, accumulate},
         [&](CodeBuilder &inner, ValueRange args) { return emitProduct(inner, a.transposed, args); });
}

void qfa::packRows(CodeBuilder &b, Panels panels, Value source, Value stride, Value columns, Value depth,
                   double factor) {
  auto emit = [](CodeBuilder &b, ValueRange args) -> Values {
    Value panels = args[0], panelStride = args[1], count = args[2], source = args[3], stride = args[4],
          columns = args[5], depth = args[6], factor = args[7];
    int64_t nr = b.target.nr, lanes = b.target.lanes;
    b.forLoop(0, depth, 1, [&](Value k) {
      Value from = b.at(source, b.mul(k, stride)), line = b.at(panels, b.mul(k, nr));
      b.forLoop(0, count, 1, [&](Value p) {
        Value first = b.mul(p, nr), to = b.at(line, b.mul(p, panelStride));
        b.ifThen(
            b.lessEqual(b.add(first, nr), columns),
            [&] {
              for (int64_t c = 0; c < nr; c += lanes)
                b.store(b.mul(b.load(b.vec(), from, b.add(first, c)), factor), to, c);
            },
            [&] {
              for (int64_t c = 0; c < nr; ++c)
                b.store(b.mul(b.loadF32(from, b.min(b.add(first, c), b.sub(columns, 1))), factor), to, c);
            });
      });
    });
    return {};
  };
  b.call("pack_rows", {panels.pointer, panels.stride, panels.count, source, stride, columns, depth, b.f32(factor)},
         emit);
}

void qfa::packColumns(CodeBuilder &b, Panels panels, Value source, Value stride, Value columns, Value depth,
                      double factor) {
  auto emit = [](CodeBuilder &b, ValueRange args) -> Values {
    Value panels = args[0], panelStride = args[1], count = args[2], source = args[3], stride = args[4],
          columns = args[5], depth = args[6], factor = args[7];
    int64_t nr = b.target.nr, lanes = b.target.lanes;
    Value whole = b.sub(depth, b.rem(depth, lanes));
    // Squares of lanes x lanes: rows of the source to columns of the panel.
    b.forLoop(0, b.mul(count, nr), lanes, [&](Value first) {
      Value panel = b.at(panels, b.add(b.mul(b.div(first, nr), panelStride), b.rem(first, nr)));
      Values rows;
      for (int64_t i = 0; i < lanes; ++i)
        rows.push_back(b.at(source, b.mul(b.min(b.add(first, i), b.sub(columns, 1)), stride)));
      b.forLoop(0, whole, lanes, [&](Value k) {
        Values square;
        for (Value row : rows)
          square.push_back(b.load(b.vec(), row, k));
        for (auto [i, line] : llvm::enumerate(b.transpose(square)))
          b.store(b.mul(line, factor), panel, b.mul(b.add(k, i), nr));
      });
      b.forLoop(whole, depth, 1, [&](Value k) {
        for (auto [i, row] : llvm::enumerate(rows))
          b.store(b.mul(b.loadF32(row, k), factor), panel, b.add(b.mul(k, nr), i));
      });
    });
    return {};
  };
  b.call("pack_columns", {panels.pointer, panels.stride, panels.count, source, stride, columns, depth, b.f32(factor)},
         emit);
}

void qfa::copyMatrix(CodeBuilder &b, Value target, Value targetStride, Value source, Value sourceStride, Value rows,
                     Value columns) {
  b.call("copy_matrix", {target, targetStride, source, sourceStride, rows, columns},
         [](CodeBuilder &b, ValueRange args) -> Values {
           b.forLoop(0, args[4], 1, [&](Value i) {
             Value to = b.at(args[0], b.mul(i, args[1])), from = b.at(args[2], b.mul(i, args[3]));
             b.vectorLoop(args[5], [&](Value c, Type type) { b.store(b.load(type, from, c), to, c); });
           });
           return {};
         });
}

ResultColumns::ResultColumns(CodeBuilder &b, Value result, int64_t width, Value first, Value rows, Value spill)
    : b(b), place(b.at(result, first)), rows(rows), width(width) {
  int64_t nr = b.target.nr;
  columns = b.min(b.sub(b.i64(width), first), blockColumns);
  panels = b.div(b.add(columns, nr - 1), nr);
  target = {place, b.i64(width), b.i64(nr)};
  if (width % nr == 0)
    return;
  isPartial = b.less(columns, blockColumns);
  target.pointer = b.select(isPartial, spill, place);
  target.stride = b.select(isPartial, blockColumns, target.stride);
}

void ResultColumns::loadSpill() {
  if (isPartial)
    b.ifThen(isPartial, [&] { copyMatrix(b, target.pointer, target.stride, place, b.i64(width), rows, columns); });
}

void ResultColumns::finish() {
  if (isPartial)
    b.ifThen(isPartial, [&] { copyMatrix(b, place, b.i64(width), target.pointer, target.stride, rows, columns); });
}
