// The product: tiles of the factors stream through shared memory while warps multiply the one that has arrived.
//
// Which thread holds which element of the result is the tensor core's rule (PTX ISA, fragments of mma.m16n8k16), in
// precision f32 as well: lane l has rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next, of every 16 x 8 part.
#include "Gemm.h"

#include "GemmTile.h"
#include "GemmWarpgroup.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

Panel qfa::makePanel(GpuPlan &plan, int64_t rows, int64_t columns) {
  rows = roundUp(rows, panelAlign(plan.card));
  columns = roundUp(columns, panelAlign(plan.card));
  return {plan.workspace(rows * columns * factorBytes(plan.precision)), rows, columns};
}

namespace {
class Product {
public:
  Product(GpuBuilder &b, const GemmTile &tile, Precision precision, Panel a, Panel c)
      : b(b), tile(tile), precision(precision), panelA(a), panelB(c), element(factorType(b, precision)),
        layoutA(a, tile.bm, tile, factorBytes(precision)), layoutB(c, tile.bn, tile, factorBytes(precision)) {}

  void emit(GemmSize size, GemmEpilogue epilogue, int64_t parts) {
    stageBytes = layoutA.bytes() + layoutB.bytes();
    shared = b.dynamicShared(tile.sharedBytes(precision), b.getI8Type(), tile.isAsync ? kSwizzleBytes : 16);
    placeBlock(ceilDiv(size.m, tile.bm), ceilDiv(size.n, tile.bn));
    warpRow = b.mul(b.div(b.warp(), tile.warpsN), tile.warpM());
    warpColumn = b.mul(b.rem(b.warp(), tile.warpsN), tile.warpN());
    steps = ceilDiv(size.k, tile.bk) / parts;
    firstStep = parts == 1 ? b.i64(0) : b.mul(b.block(2), steps);
    Values sums = mainLoop();
    store(size, sums, epilogue);
  }

private:
  int64_t partsM() const { return tile.warpM() / 16; }
  int64_t partsN() const { return tile.warpN() / 8; }

  // Which tile of the result is this block's. Blocks start in the order of the grid: row after row of tiles, each would
  // read all of the second factor, which a large layer's does not leave in L2. So they go down several rows at once, a
  // column at a time, and those that run together share both factors.
  void placeBlock(int64_t rows, int64_t columns) {
    int64_t together = 8; // about as many results down as across, of 132 blocks of 256 x 128
    while (rows % together != 0)
      --together;
    Value number = b.add(b.mul(b.block(1), columns), b.block(0)), within = b.rem(number, together * columns);
    Value row = b.add(b.mul(b.div(number, together * columns), together), b.rem(within, together));
    blockRow = b.mul(row, tile.bm);
    blockColumn = b.mul(b.div(within, together), tile.bn);
  }

  // This thread's first address of the factor's tile at the first step.
  Value firstSource(Panel panel, const TileLayout &layout, Value first) {
    Value corner = panel.transposed ? first : b.mul(first, panel.columns);
    corner = b.add(corner, b.mul(firstStep, layout.step));
    return b.at(b.workspace(panel.offset), b.add(corner, layout.firstSource(b)), element);
  }

  Values mainLoop() {
    Value sourceA = firstSource(panelA, layoutA, blockRow), sourceB = firstSource(panelB, layoutB, blockColumn);
    Value targetA = layoutA.firstTarget(b), targetB = b.add(layoutB.firstTarget(b), layoutA.bytes());
    std::optional<WarpgroupProducts> products;
    if (tile.isAsync)
      products.emplace(b, tile, layoutA, layoutB, panelA.transposed, panelB.transposed, shared);
    else
      prepareFragments();
    auto copy = [&](Value atA, Value atB, Value stage) { // stage: byte offset
      layoutA.copy(b, atA, b.at(shared, b.add(stage, targetA), b.getI8Type()));
      layoutB.copy(b, atB, b.at(shared, b.add(stage, targetB), b.getI8Type()));
    };
    int64_t ahead = tile.ahead(), lastStage = (tile.stages - 1) * stageBytes;
    for (int64_t stage = 0; stage < ahead; ++stage) {
      if (stage < steps)
        copy(b.at(sourceA, stage * layoutA.step, element), b.at(sourceB, stage * layoutB.step, element),
             b.i64(stage * stageBytes));
      NVVM::CpAsyncCommitGroupOp::create(b);
    }
    // Carried: addresses of the next copies, the stage to multiply (i32: this is all in the main loop that is neither a
    // copy, a fragment nor a product), the sums.
    Values carried = {b.at(sourceA, ahead * layoutA.step, element), b.at(sourceB, ahead * layoutB.step, element),
                      b.i32(0)};
    carried.append(partsM() * partsN() * 4, b.f32(0));
    Values results = b.forLoop(0, steps, 1, carried, [&](Value step, ValueRange values) -> Values {
      Value stage = values[2];
      NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(ahead - 1));
      if (products)
        products->fenceCopies();
      b.barrier(); // this stage has arrived for all threads, and all are done with the one that is filled next
      Values sums(values.drop_front(3));
      if (products)
        products->start(b.toI64(stage), sums);
      b.ifThen(b.less(step, steps - ahead), [&] {
        int64_t behind = (tile.stages - ahead) * stageBytes; // of the stage to fill, if there were as many before it
        Value filled = b.select(b.less(stage, b.i32(behind)), b.add(stage, b.i32(ahead * stageBytes)),
                                b.sub(stage, b.i32(behind)));
        copy(values[0], values[1], b.toI64(filled));
      });
      NVVM::CpAsyncCommitGroupOp::create(b);
      if (products)
        products->waitForOthers();
      else
        precision == Precision::bf16 ? multiplyBf16(b.toI64(stage), sums) : multiplyF32(b.toI64(stage), sums);
      Value next = b.select(b.equal(stage, lastStage), b.i32(0), b.add(stage, stageBytes));
      Values out = {b.at(values[0], layoutA.step, element), b.at(values[1], layoutB.step, element), next};
      out.append(sums);
      return out;
    });
    Values sums(llvm::drop_begin(results, 3));
    if (products)
      products->finish(sums);
    return sums;
  }

  // Where this lane's first fragments of a factor lie in a stage. A matrix load takes 16 rows (of results) x 16 of k as
  // four 8 x 8 matrices, each lane naming a row of one. Of the four, `kFirst` exchanges the second and the third: the
  // first factor's are wanted along its rows first, the second's along k first.
  //
  // The next 16 rows as stored are a constant further (TileLayout::at), so there is one offset for every 16 columns.
  Values firstFragments(Panel panel, const TileLayout &layout, Value first, bool kFirst, int64_t base) {
    Value lane = b.lane(), inner = b.rem(lane, 8), matrix = b.div(lane, 8);
    Value low = b.mul(b.bitAnd(matrix, 1), 8), high = b.mul(b.shiftRight(matrix, 1), 8);
    Value alongRows = b.add(first, kFirst ? high : low), alongK = kFirst ? low : high;
    Value row = b.add(panel.transposed ? alongK : alongRows, inner), column = panel.transposed ? alongRows : alongK;
    int64_t columns = panel.transposed ? (kFirst ? tile.warpN() : tile.warpM()) : tile.bk;
    Values offsets;
    for (int64_t i = 0; i < columns; i += 16)
      offsets.push_back(b.add(layout.at(b, row, b.div(b.add(column, i), layout.perChunk)), base));
    return offsets;
  }

  void prepareFragments() {
    if (precision == Precision::f32)
      return;
    fragmentsA = firstFragments(panelA, layoutA, warpRow, /*kFirst=*/false, 0);
    fragmentsB = firstFragments(panelB, layoutB, warpColumn, /*kFirst=*/true, layoutA.bytes());
  }

  // The fragment of part i of the rows, part k of the inner size: 4 registers.
  Values loadMatrix(Panel panel, const TileLayout &layout, const Values &first, Value stage, int64_t i, int64_t k) {
    if (panel.transposed)
      std::swap(i, k);
    Value address = b.at(shared, b.add(stage, first[k]), b.getI8Type());
    Type i32 = b.getI32Type();
    Type four = LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
    auto context = b.getContext();
    Value loaded = NVVM::LdMatrixOp::create(
        b, four, b.at(address, i * 16 * layout.chunks * 16, b.getI8Type()), b.getI32IntegerAttr(4),
        NVVM::MMALayoutAttr::get(context, panel.transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row),
        NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
        NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
    Values parts;
    for (int64_t part = 0; part < 4; ++part)
      parts.push_back(LLVM::ExtractValueOp::create(b, loaded, part));
    return parts;
  }

  void multiplyBf16(Value stage, Values &sums) {
    int64_t m = partsM(), n = partsN();
    Type f = b.f32(), four = LLVM::LLVMStructType::getLiteral(b.getContext(), {f, f, f, f});
    for (int64_t k = 0; k < tile.bk / 16; ++k) {
      SmallVector<Values> a, c; // a: 4 registers per 16 rows; c: 4 per 16 columns
      for (int64_t i = 0; i < m; ++i)
        a.push_back(loadMatrix(panelA, layoutA, fragmentsA, stage, i, k));
      for (int64_t j = 0; j < n / 2; ++j)
        c.push_back(loadMatrix(panelB, layoutB, fragmentsB, stage, j, k));
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          Value *sum = &sums[(i * n + j) * 4];
          Value product = NVVM::MmaOp::create(
              b, four, a[i], ValueRange(c[j / 2]).slice(j % 2 * 2, 2), ValueRange(ArrayRef<Value>(sum, 4)),
              ArrayRef<int64_t>{16, 8, 16}, std::nullopt, std::nullopt,
              std::array<NVVM::MMATypes, 2>{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
              std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
          for (int64_t part = 0; part < 4; ++part)
            sum[part] = LLVM::ExtractValueOp::create(b, product, part);
        }
    }
  }

  // Element (i, k) of a stage's tile.
  Value loadElement(Panel panel, const TileLayout &layout, Value stage, Value i, Value k, int64_t base) {
    Value row = panel.transposed ? k : i, column = panel.transposed ? i : k;
    Value offset = b.add(layout.at(b, row, b.div(column, layout.perChunk)), b.mul(b.rem(column, layout.perChunk), 4));
    return b.load(b.f32(), b.at(shared, b.add(stage, b.add(offset, base)), b.getI8Type()));
  }

  void multiplyF32(Value stage, Values &sums) {
    int64_t m = partsM(), n = partsN();
    sums = b.forLoop(0, tile.bk, 1, sums, [&](Value k, ValueRange carried) -> Values {
      Values a, c, out;
      for (int64_t i = 0; i < 2 * m; ++i)
        a.push_back(loadElement(panelA, layoutA, stage, b.add(warpRow, b.add(rowOfLane(), i * 8)), k, 0));
      for (int64_t j = 0; j < 2 * n; ++j)
        c.push_back(loadElement(panelB, layoutB, stage, b.add(warpColumn, b.add(columnOfLane(), j / 2 * 8 + j % 2)), k,
                                layoutA.bytes()));
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j)
          for (int64_t part = 0; part < 4; ++part)
            out.push_back(b.fma(a[2 * i + part / 2], c[2 * j + part % 2], carried[(i * n + j) * 4 + part]));
      return out;
    });
  }

  Value rowOfLane() { return b.div(b.lane(), 4); }
  Value columnOfLane() { return b.mul(b.rem(b.lane(), 4), 2); }

  void store(GemmSize size, const Values &sums, GemmEpilogue epilogue) {
    for (int64_t i = 0; i < partsM(); ++i)
      for (int64_t half = 0; half < 2; ++half) {
        Value row = b.add(b.add(blockRow, warpRow), b.add(rowOfLane(), i * 16 + half * 8));
        b.ifThen(b.less(row, size.m), [&] {
          for (int64_t j = 0; j < partsN(); ++j) {
            Value column = b.add(b.add(blockColumn, warpColumn), b.add(columnOfLane(), j * 8));
            const Value *sum = &sums[(i * partsN() + j) * 4 + half * 2];
            auto pair = [&] { epilogue(b, row, column, ValueRange(ArrayRef<Value>(sum, 2))); };
            auto single = [&] {
              b.ifThen(b.less(column, size.n), [&] { epilogue(b, row, column, ValueRange(ArrayRef<Value>(sum, 1))); });
            };
            if (size.n % 2 == 0)
              b.ifThen(b.less(column, size.n), pair);
            else
              b.ifThen(b.less(b.add(column, 1), size.n), pair, single);
          }
        });
      }
  }

  GpuBuilder &b;
  const GemmTile &tile;
  Precision precision;
  Panel panelA, panelB;
  Type element;
  TileLayout layoutA, layoutB;
  int64_t stageBytes = 0, steps = 0; // steps: of bk, of this block
  Value firstStep, shared, blockRow, blockColumn, warpRow, warpColumn;
  Values fragmentsA, fragmentsB; // by 16 columns as stored
};
} // namespace

void qfa::storeValues(GpuBuilder &b, ValueRange values, Value pointer, Value at, bool aligned) {
  if (values.size() == 2 && aligned) {
    b.storeAligned(b.vectorOf(values), pointer, at);
    return;
  }
  for (auto [i, value] : llvm::enumerate(values))
    b.store(value, b.at(pointer, at), static_cast<int64_t>(i));
}

int64_t qfa::chooseParts(GpuPlan &plan, GemmSize size) {
  const GemmTile &tile = chooseTile(plan.card, plan.precision, size);
  constexpr int64_t leastSteps = 8; // that pay for a start
  int64_t wantedBlocks = 2 * (plan.card.multiprocessors ? plan.card.multiprocessors : 132);
  int64_t steps = ceilDiv(size.k, tile.bk), blocks = ceilDiv(size.n, tile.bn) * ceilDiv(size.m, tile.bm);
  int64_t parts = std::max<int64_t>(1, std::min(ceilDiv(wantedBlocks, blocks), steps / leastSteps));
  while (steps % parts != 0) // equal parts
    --parts;
  return parts;
}

static GpuProduct makeProduct(GpuPlan &plan, GemmSize size, Panel a, Panel b, const StoredMatrix &stored) {
  GpuProduct::Factor left{a.offset, a.columns, a.transposed}, right{b.offset, b.columns, b.transposed};
  right.offset += stored.first * (b.transposed ? 1 : b.columns) * factorBytes(plan.precision);
  int64_t k = roundUp(size.k, 16); // libraries are faster with whole vectors; the padding is zero
  return {size.m, stored.n, k, left, right, stored.result, stored.addend, stored.offset, stored.stride, stored.scale};
}

GpuPlan::Launch qfa::gemmLaunch(GpuPlan &plan, StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue,
                                ArrayRef<StoredMatrix> stored, int64_t parts) {
  const GemmTile &tile = chooseTile(plan.card, plan.precision, size);
  std::string name = plan.function(part, tile.threads(), [&](GpuBuilder &builder) {
    Product(builder, tile, plan.precision, a, b).emit(size, epilogue, parts);
  });
  GpuPlan::Launch launch{name, {ceilDiv(size.n, tile.bn), ceilDiv(size.m, tile.bm), parts}, tile.threads()};
  for (const StoredMatrix &matrix : stored)
    launch.products.push_back(makeProduct(plan, size, a, b, matrix));
  return launch;
}

void qfa::planGemm(GpuPlan &plan, StringRef part, GemmSize size, Panel a, Panel b, GemmEpilogue epilogue,
                   ArrayRef<StoredMatrix> stored) {
  plan.launch(gemmLaunch(plan, part, size, a, b, epilogue, stored));
}
