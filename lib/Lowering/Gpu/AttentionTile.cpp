// Tiles' products.
#include "AttentionTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

AttentionCut qfa::chooseCut(const HeadLayout &layout, int64_t owned, int64_t walked, AttentionCut largest) {
  bool rounded = layout.precision == Precision::bf16;
  int64_t fewest = rounded ? 16 : 8; // columns; tensor cores want multiples of 16
  int64_t largestTiles = layout.isWide() ? dynamicLimit(/*arch=*/80) : kSharedBytes; // the least that a card has
  for (AttentionCut cut = largest; cut.warps > 0; cut.warps /= 2)
    for (cut.stages = largest.stages; cut.stages > 0; --cut.stages)
      for (cut.columns = largest.columns; cut.columns >= fewest; cut.columns /= 2) {
        int64_t bytes = layout.bytes(owned * cut.rows() + cut.stages * walked * cut.columns);
        if (!rounded)
          bytes += 4 * cut.rows() * cut.columns;
        if (bytes <= largestTiles)
          return cut;
      }
  return {/*warps=*/1, fewest}; // too large: the plan says so
}

int64_t qfa::mostWarps(const HeadLayout &layout, int64_t sequence) {
  return layout.precision == Precision::bf16 && sequence > 64 ? 8 : 4;
}

Value AttentionShape::rowOf(GpuBuilder &b, Value batchHead, int64_t heads) const {
  Value batch = b.div(batchHead, heads), head = b.rem(batchHead, heads);
  return b.mul(b.add(b.mul(batch, sequence * heads), head), width);
}

AttentionProducts::AttentionProducts(GpuBuilder &b, const HeadLayout &layout, const AttentionCut &cut)
    : b(b), layout(layout), cut(cut), warpRow(b.mul(b.warp(), 16)) {
  if (layout.precision == Precision::f32)
    weightMemory = b.shared(cut.rows() * cut.columns);
}

// A tile takes 4 registers for every 16 features, sums twice as many, of 255.
bool AttentionProducts::keepsFragments(const HeadLayout &layout, int64_t tiles) {
  return layout.precision == Precision::bf16 && tiles * layout.padded <= 256;
}

OwnedRows AttentionProducts::own(Value source, bool inRegisters) {
  OwnedRows owned;
  if (!inRegisters) {
    owned.tile.emplace(b, layout, cut.rows());
    owned.tile->copy(source);
    return owned;
  }
  Value first = layout.row(b, source, row(0), column());
  for (int64_t k = 0; k < layout.padded; k += 16)
    for (int64_t i = 0; i < 4; ++i)
      owned.fragments.push_back(b.load(b.getI32Type(), layout.row(b, first, i % 2 * 8, k + i / 2 * 8)));
  return owned;
}

Values AttentionProducts::zeros() const { return Values(cut.columns / 2, b.f32(0)); }

Value AttentionProducts::row(int64_t half) { return b.add(warpRow, b.add(b.div(b.lane(), 4), half * 8)); }
Value AttentionProducts::column() { return b.mul(b.rem(b.lane(), 4), 2); }

// Four 8 x 8 matrices of a tile, each lane naming a row of one: `lanes` points to it for those at row 0, column 0.
Values AttentionProducts::loadMatrix(Value lanes, int64_t row, int64_t column, bool transposed) {
  Type i32 = b.getI32Type();
  auto context = b.getContext();
  Value loaded = NVVM::LdMatrixOp::create(
      b, LLVM::LLVMStructType::getLiteral(context, {i32, i32, i32, i32}), layout.row(b, lanes, row, column),
      b.getI32IntegerAttr(4),
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

Values AttentionProducts::scores(Values sums, const OwnedRows &owned, const HeadTile &walked) {
  int64_t parts = cut.columns / 8;
  if (layout.precision == Precision::f32)
    return b.forLoop(0, layout.width, 1, sums, [&](Value k, ValueRange carried) -> Values {
      Values rows, out;
      for (int64_t half = 0; half < 2; ++half)
        rows.push_back(b.loadF32(layout.row(b, owned.tile->memory, row(half), k)));
      for (int64_t i = 0; i < parts * 4; ++i) {
        Value column = b.add(this->column(), i / 4 * 8 + i % 2);
        Value factor = b.loadF32(layout.row(b, walked.memory, column, k));
        out.push_back(b.fma(rows[i % 4 / 2], factor, carried[i]));
      }
      return out;
    });
  Value inner = b.rem(b.lane(), 8), low = b.mul(b.rem(b.div(b.lane(), 8), 2), 8), high = b.mul(b.div(b.lane(), 16), 8);
  Value rowLanes, columnLanes = layout.row(b, walked.memory, b.add(inner, high), low);
  if (owned.tile)
    rowLanes = layout.row(b, owned.tile->memory, b.add(warpRow, b.add(inner, low)), high);
  for (int64_t k = 0; k < layout.padded; k += 16) {
    Values a =
        owned.tile ? loadMatrix(rowLanes, 0, k, false) : Values(ArrayRef<Value>(owned.fragments).slice(k / 4, 4));
    for (int64_t j = 0; j < parts; j += 2) {
      Values c = loadMatrix(columnLanes, j * 8, k, false);
      multiply(a, ValueRange(c).take_front(2), &sums[j * 4]);
      multiply(a, ValueRange(c).drop_front(2), &sums[(j + 1) * 4]);
    }
  }
  return sums;
}

Values AttentionProducts::accumulate(ValueRange sums, ValueRange weights, const HeadTile &walked, bool again) {
  int64_t parts = layout.padded / 8;
  Values out(sums);
  if (layout.precision == Precision::f32) {
    if (again)
      NVVM::SyncWarpOp::create(b, b.i32(-1));
    for (int64_t i = 0; i < cut.columns / 2; ++i)
      b.store(weights[i], weightMemory, b.add(b.mul(row(i % 4 / 2), cut.columns), b.add(column(), i / 4 * 8 + i % 2)));
    NVVM::SyncWarpOp::create(b, b.i32(-1));
    return b.forLoop(0, cut.columns, 1, out, [&](Value k, ValueRange carried) -> Values {
      Values rows, next;
      for (int64_t half = 0; half < 2; ++half)
        rows.push_back(b.loadF32(weightMemory, b.add(b.mul(row(half), cut.columns), k)));
      Value first = layout.row(b, walked.memory, k, column());
      for (int64_t i = 0; i < parts * 4; ++i)
        next.push_back(b.fma(rows[i % 4 / 2], b.loadF32(first, i / 4 * 8 + i % 2), carried[i]));
      return next;
    });
  }
  Value inner = b.rem(b.lane(), 8), low = b.mul(b.rem(b.div(b.lane(), 8), 2), 8), high = b.mul(b.div(b.lane(), 16), 8);
  Value lanes = layout.row(b, walked.memory, b.add(inner, low), high);
  for (int64_t k = 0; k < cut.columns; k += 16) {
    Values a;
    for (int64_t i = 0; i < 4; ++i) { // of the two parts k and k + 8, two values of one row at a time
      Value pair = b.vectorOf(ValueRange(weights.slice(k / 2 + i * 2, 2)));
      a.push_back(LLVM::BitcastOp::create(b, b.getI32Type(), b.toBf16(pair)));
    }
    for (int64_t j = 0; j < parts; j += 2) {
      Values c = loadMatrix(lanes, k, j * 8, true);
      multiply(a, ValueRange(c).take_front(2), &out[j * 4]);
      multiply(a, ValueRange(c).drop_front(2), &out[(j + 1) * 4]);
    }
  }
  return out;
}

void qfa::storeRows(GpuBuilder &b, AttentionProducts &products, ValueRange sums, ArrayRef<Term> factors, Value target,
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
              values.push_back(b.mul(sum, factors[half]));
            b.storeAligned(b.vectorOf(values), target, b.add(b.mul(row, stride), column));
          });
        }
    });
  }
}
