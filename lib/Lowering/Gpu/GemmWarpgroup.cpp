// Matrix descriptors (PTX ISA, "asynchronous warpgroup level matrix shared memory layout", 128-byte swizzle): 8 rows of
// 128 bytes lie together. Rows are those of the product, with k along them, or transposed.
#include "GemmWarpgroup.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t groupRows = 64, inner = 16; // of one instruction
static constexpr int64_t rowBytes = 128, unit = 16;  // descriptors count in units

// From one 16 of k to the next: beside it in the row, or 16 rows further.
static int64_t innerStep(bool transposed) { return (transposed ? inner * rowBytes : inner * 2) / unit; }

WarpgroupProducts::WarpgroupProducts(GpuBuilder &b, const GemmTile &tile, const TileLayout &layoutA,
                                     const TileLayout &layoutB, bool transposedA, bool transposedB, Value shared)
    : b(b), tile(tile), transposedA(transposedA), transposedB(transposedB) {
  Value start = LLVM::PtrToIntOp::create(b, b.getI64Type(), shared);
  // 64 rows of the product are as many rows as stored, or half of a row of 128 bytes and all rows of it.
  Value group = b.div(b.warp(), groupRows / tile.warpM());
  Value first = b.mul(group, (transposedA ? layoutA.rows : groupRows) * rowBytes);
  matrixA = describe(layoutA, transposedA, b.add(start, first));
  matrixB = describe(layoutB, transposedB, b.add(start, layoutA.bytes()));
}

Value WarpgroupProducts::describe(const TileLayout &layout, bool transposed, Value start) {
  constexpr int64_t swizzle128 = int64_t{1} << 62, windowBits = 18; // of addresses in shared memory
  // Along rows of the product from one 8 to the next; transposed, that is along k, and the first is between columns of
  // 128 bytes. Else the first means nothing.
  int64_t leading = transposed ? layout.rows * rowBytes : unit, stride = 8 * rowBytes;
  Value place = b.shiftRight(b.bitAnd(start, (int64_t{1} << windowBits) - 1), 4);
  return b.bitOr(place, swizzle128 | stride / unit << 32 | leading / unit << 16);
}

void WarpgroupProducts::fenceCopies() {
  auto context = b.getContext();
  NVVM::FenceProxyOp::create(b, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
                             NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
}

void WarpgroupProducts::start(Value stage, Values &sums) {
  Type registers = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(sums.size(), b.f32()));
  Value all = LLVM::UndefOp::create(b, registers), offset = b.shiftRight(stage, 4);
  for (auto [i, sum] : llvm::enumerate(sums))
    all = LLVM::InsertValueOp::create(b, all, sum, static_cast<int64_t>(i));
  auto shape = NVVM::MMAShapeAttr::get(b.getContext(), groupRows, tile.bn, inner);
  using NVVM::MMALayout;
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t k = 0; k < tile.bk / inner; ++k)
    all = NVVM::WgmmaMmaAsyncOp::create(b, registers, all, b.add(b.add(matrixA, offset), k * innerStep(transposedA)),
                                        b.add(b.add(matrixB, offset), k * innerStep(transposedB)), shape,
                                        NVVM::WGMMATypes::bf16, NVVM::WGMMATypes::bf16, NVVM::WGMMATypes::f32,
                                        NVVM::WGMMAScaleOut::one, NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
                                        transposedA ? MMALayout::col : MMALayout::row,
                                        transposedB ? MMALayout::row : MMALayout::col, /*satfinite=*/nullptr);
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = LLVM::ExtractValueOp::create(b, all, static_cast<int64_t>(i));
}

void WarpgroupProducts::waitForOthers() { NVVM::WgmmaWaitGroupSyncOp::create(b, uint64_t{1}); }

// To LLVM the sums have been there since they were started. An empty piece of assembly gives them anew, behind the
// wait.
void WarpgroupProducts::finish(Values &sums) {
  NVVM::WgmmaWaitGroupSyncOp::create(b, uint64_t{0});
  std::string outputs, inputs;
  for (size_t i = 0; i < sums.size(); ++i) {
    outputs += i ? ",=f" : "=f";
    inputs += "," + std::to_string(i);
  }
  Type registers = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(sums.size(), b.f32()));
  Value all = LLVM::InlineAsmOp::create(b, registers, sums, /*asm_string=*/"", outputs + inputs,
                                        /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                        LLVM::AsmDialectAttr(), ArrayAttr())
                  .getRes();
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = LLVM::ExtractValueOp::create(b, all, static_cast<int64_t>(i));
}
