// Tiles of heads, their products, masks.
#include "AttentionTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include <limits>

using namespace mlir;
using namespace qfa;

static int64_t elementBytes(Precision precision) { return precision == Precision::bf16 ? 2 : 4; }
static Type elementType(GpuBuilder &b, Precision precision) {
  return precision == Precision::bf16 ? Type(b.getBF16Type()) : b.f32();
}

static int64_t tileStride(Precision precision, int64_t width) { // elements
  int64_t perChunk = 16 / elementBytes(precision), chunks = roundUp(width, 16) / perChunk;
  return (chunks + 1) * perChunk; // chunks are even
}

int64_t HeadTile::bytes(Precision precision, int64_t rows, int64_t width) {
  return rows * tileStride(precision, width) * elementBytes(precision);
}

AttentionCut qfa::chooseCut(Precision precision, int64_t width, int64_t owned, int64_t walked, int64_t floats,
                            int64_t largest) {
  static const AttentionCut cuts[] = {{4, 64}, {4, 32}, {4, 16}, {2, 32}, {2, 16}, {1, 16}, {1, 8}};
  // Tensor cores want multiples of 16 columns.
  ArrayRef<AttentionCut> usable = ArrayRef(cuts).drop_back(precision == Precision::bf16);
  for (const AttentionCut &cut : usable) {
    int64_t bytes = owned * HeadTile::bytes(precision, cut.rows(), width) +
                    walked * HeadTile::bytes(precision, cut.columns, width) + 4 * floats * cut.columns;
    if (precision == Precision::f32)
      bytes += 4 * cut.rows() * cut.columns;
    if (cut.columns <= largest && bytes <= kSharedBytes)
      return cut;
  }
  return usable.back(); // too large: the plan says so
}

//===----------------------------------------------------------------------===//
// HeadTile
//===----------------------------------------------------------------------===//

HeadTile::HeadTile(GpuBuilder &b, Precision precision, int64_t rows, int64_t width)
    : b(b), precision(precision), rows(rows), width(width), padded(roundUp(width, 16)),
      stride(tileStride(precision, width)), memory(b.shared(rows * stride, elementType(b, precision))) {}

void HeadTile::load(Value source, int64_t sourceStride, Value count, bool aligned) {
  int64_t lanes = aligned && width % 4 == 0 ? 4 : 1, perRow = padded / lanes;
  VectorType type = b.vec({}, lanes);
  // Places behind the rows or the width read the last valid ones instead and become zero: loads have no branches, and
  // several are under way at once.
  auto read = [&](Value i) {
    Value row = b.div(i, perRow), column = b.mul(b.rem(i, perRow), lanes);
    Value at = b.add(b.mul(b.min(row, b.sub(count, 1)), sourceStride), b.min(column, width - lanes));
    Value loaded = lanes == 1 ? b.broadcast(b.loadF32(source, at), type) : b.loadAligned(type, source, at);
    Value valid = b.bitAnd(b.less(row, count), b.less(column, width));
    return b.select(valid, loaded, 0);
  };
  auto write = [&](Value i, Value values) {
    Value at = b.add(b.mul(b.div(i, perRow), stride), b.mul(b.rem(i, perRow), lanes));
    b.storeAligned(precision == Precision::bf16 ? b.toBf16(values) : values, memory, at);
  };
  constexpr int64_t atOnce = 8;
  int64_t total = rows * perRow, whole = total / (b.threads * atOnce) * (b.threads * atOnce);
  b.forLoop(b.thread(), whole, b.threads * atOnce, [&](Value first) {
    Values values;
    for (int64_t i = 0; i < atOnce; ++i)
      values.push_back(read(b.add(first, i * b.threads)));
    for (int64_t i = 0; i < atOnce; ++i)
      write(b.add(first, i * b.threads), values[i]);
  });
  b.forLoop(b.add(b.thread(), whole), total, b.threads, [&](Value i) { write(i, read(i)); });
}

//===----------------------------------------------------------------------===//
// AttentionProducts
//===----------------------------------------------------------------------===//

AttentionProducts::AttentionProducts(GpuBuilder &b, Precision precision, const AttentionCut &cut)
    : b(b), precision(precision), cut(cut), warpRow(b.mul(b.warp(), 16)) {
  if (precision == Precision::f32)
    weightMemory = b.shared(cut.rows() * cut.columns);
}

Value AttentionProducts::exp(Value x) {
  if (precision == Precision::f32)
    return b.exp(x);
  auto name = b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f32");
  return LLVM::CallIntrinsicOp::create(b, b.f32(), name, ValueRange(b.mul(x, 1.4426950408889634))).getResult(0);
}

Value AttentionProducts::row(int64_t half) { return b.add(warpRow, b.add(b.div(b.lane(), 4), half * 8)); }
Value AttentionProducts::column() { return b.mul(b.rem(b.lane(), 4), 2); }

// Four 8 x 8 matrices of a tile, each lane naming a row of one.
Values AttentionProducts::loadMatrix(const HeadTile &tile, Value row, Value column, bool transposed) {
  Type i32 = b.getI32Type();
  auto context = b.getContext();
  Value loaded = NVVM::LdMatrixOp::create(
      b, LLVM::LLVMStructType::getLiteral(context, {i32, i32, i32, i32}),
      b.at(tile.memory, b.add(b.mul(row, tile.stride), column), b.getBF16Type()), b.getI32IntegerAttr(4),
      NVVM::MMALayoutAttr::get(context, transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row),
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  Values parts;
  for (int64_t i = 0; i < 4; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, loaded, i));
  return parts;
}

void AttentionProducts::multiply(ValueRange a, ValueRange c, Value *sum) {
  Type f = b.f32();
  Value product =
      NVVM::MmaOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), {f, f, f, f}), a, c,
                          ValueRange(ArrayRef<Value>(sum, 4)), ArrayRef<int64_t>{16, 8, 16}, std::nullopt, std::nullopt,
                          std::array<NVVM::MMATypes, 2>{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
                          std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (int64_t i = 0; i < 4; ++i)
    sum[i] = LLVM::ExtractValueOp::create(b, product, i);
}

Values AttentionProducts::scores(const HeadTile &owned, const HeadTile &walked) {
  int64_t parts = cut.columns / 8;
  Values sums(parts * 4, b.f32(0));
  if (precision == Precision::f32)
    return b.forLoop(0, owned.width, 1, sums, [&](Value k, ValueRange carried) -> Values {
      Values rows, out;
      for (int64_t half = 0; half < 2; ++half)
        rows.push_back(b.loadF32(owned.memory, b.add(b.mul(row(half), owned.stride), k)));
      for (int64_t i = 0; i < parts * 4; ++i) {
        Value column = b.add(this->column(), i / 4 * 8 + i % 2);
        Value factor = b.loadF32(walked.memory, b.add(b.mul(column, walked.stride), k));
        out.push_back(b.fma(rows[i % 4 / 2], factor, carried[i]));
      }
      return out;
    });
  Value inner = b.rem(b.lane(), 8), low = b.mul(b.rem(b.div(b.lane(), 8), 2), 8), high = b.mul(b.div(b.lane(), 16), 8);
  for (int64_t k = 0; k < owned.padded; k += 16) {
    Values a = loadMatrix(owned, b.add(warpRow, b.add(inner, low)), b.add(high, k), false);
    for (int64_t j = 0; j < parts; j += 2) {
      Values c = loadMatrix(walked, b.add(b.add(inner, high), j * 8), b.add(low, k), false);
      multiply(a, ValueRange(c).take_front(2), &sums[j * 4]);
      multiply(a, ValueRange(c).drop_front(2), &sums[(j + 1) * 4]);
    }
  }
  return sums;
}

Values AttentionProducts::accumulate(ValueRange sums, ValueRange weights, const HeadTile &walked) {
  int64_t parts = walked.padded / 8;
  Values out(sums);
  if (precision == Precision::f32) {
    if (weightsWereRead)
      NVVM::SyncWarpOp::create(b, b.i32(-1));
    weightsWereRead = true;
    for (int64_t i = 0; i < cut.columns / 2; ++i)
      b.store(weights[i], weightMemory, b.add(b.mul(row(i % 4 / 2), cut.columns), b.add(column(), i / 4 * 8 + i % 2)));
    NVVM::SyncWarpOp::create(b, b.i32(-1));
    return b.forLoop(0, cut.columns, 1, out, [&](Value k, ValueRange carried) -> Values {
      Values rows, next;
      for (int64_t half = 0; half < 2; ++half)
        rows.push_back(b.loadF32(weightMemory, b.add(b.mul(row(half), cut.columns), k)));
      for (int64_t i = 0; i < parts * 4; ++i) {
        Value at = b.add(b.mul(k, walked.stride), b.add(column(), i / 4 * 8 + i % 2));
        next.push_back(b.fma(rows[i % 4 / 2], b.loadF32(walked.memory, at), carried[i]));
      }
      return next;
    });
  }
  Value inner = b.rem(b.lane(), 8), low = b.mul(b.rem(b.div(b.lane(), 8), 2), 8), high = b.mul(b.div(b.lane(), 16), 8);
  for (int64_t k = 0; k < cut.columns; k += 16) {
    Values a;
    for (int64_t i = 0; i < 4; ++i) { // of the two parts k and k + 8, two values of one row at a time
      Value pair = b.vectorOf(ValueRange(weights.slice(k / 2 + i * 2, 2)));
      a.push_back(LLVM::BitcastOp::create(b, b.getI32Type(), b.toBf16(pair)));
    }
    for (int64_t j = 0; j < parts; j += 2) {
      Values c = loadMatrix(walked, b.add(b.add(inner, low), k), b.add(high, j * 8), true);
      multiply(a, ValueRange(c).take_front(2), &out[j * 4]);
      multiply(a, ValueRange(c).drop_front(2), &out[(j + 1) * 4]);
    }
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Scores and results
//===----------------------------------------------------------------------===//

Values qfa::maskScores(GpuBuilder &b, const AttentionShape &shape, AttentionProducts &products, ValueRange scores,
                       Value firstRow, Value firstColumn, bool rowsAreQueries, Value masked) {
  return b.ifElse(
      masked, scores.getTypes(),
      [&] {
        Values out;
        for (int64_t i = 0, n = static_cast<int64_t>(scores.size()); i < n; ++i) {
          Value row = b.add(firstRow, products.row(i % 4 / 2));
          Value column = b.add(firstColumn, b.add(products.column(), i / 4 * 8 + i % 2));
          Value query = rowsAreQueries ? row : column, key = rowsAreQueries ? column : row;
          Value seen = b.lessEqual(key, query);
          if (shape.window)
            seen = b.bitAnd(seen, b.less(b.sub(query, shape.window), key));
          out.push_back(b.select(seen, scores[i], -std::numeric_limits<double>::infinity()));
        }
        return out;
      },
      [&] { return Values(scores); });
}

Value qfa::scaleScore(GpuBuilder &b, const AttentionShape &shape, Value product, Value *slope) {
  if (!shape.softcap)
    return b.mul(product, shape.scale);
  Value capped = b.tanh(b.mul(product, shape.scale / shape.softcap));
  if (slope)
    *slope = b.sub(1, b.mul(capped, capped));
  return b.mul(capped, shape.softcap);
}

void qfa::storeRows(GpuBuilder &b, AttentionProducts &products, ValueRange sums, const Values &factors, Value target,
                    int64_t stride, int64_t width, Value count) {
  int64_t pair = width % 2 == 0 ? 2 : 1; // neighbouring columns lie together, on 8 bytes where the width is even
  for (int64_t half = 0; half < 2; ++half) {
    Value row = products.row(half);
    b.ifThen(b.less(row, count), [&] {
      for (int64_t part = 0; part < static_cast<int64_t>(sums.size()) / 4; ++part)
        for (int64_t i = 0; i < 2; i += pair) {
          Value column = b.add(products.column(), part * 8 + i);
          b.ifThen(b.less(column, width), [&] {
            Values values;
            for (Value sum : sums.slice(part * 4 + half * 2 + i, pair))
              values.push_back(factors.empty() ? sum : b.mul(sum, factors[half]));
            b.storeAligned(b.vectorOf(values), target, b.add(b.mul(row, stride), column));
          });
        }
    });
  }
}
