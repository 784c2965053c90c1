// Panels and tiles of heads.
#include "AttentionRows.h"

#include "Panels.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace qfa;

static constexpr int64_t chunkBytes = 16;

HeadLayout::HeadLayout(Precision precision, int64_t width)
    : precision(precision), width(width), padded(roundUp(width, 16)), elementBytes(factorBytes(precision)),
      stride(padded + chunkBytes / elementBytes) {}

Value HeadLayout::row(GpuBuilder &b, Value rows, Term row, Term feature) const {
  Value at = b.add(b.mul(row.value ? row.value : b.i64(static_cast<int64_t>(row.number)), stride), feature);
  return b.at(rows, at, factorType(b, precision));
}

Value HeadPanel::head(GpuBuilder &b, Value batchHead) const {
  return layout.row(b, b.workspace(offset), b.mul(batchHead, rows));
}

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

namespace {
// What a panel is made of: f32 [batch, sequence, heads, width].
struct HeadSource {
  Value operand;
  int64_t batch, sequence, heads;
  bool aligned; // every row starts on 16 bytes

  HeadSource(Value operand, int64_t width) : operand(operand) {
    auto tensor = dyn_cast<RankedTensorType>(operand.getType());
    ArrayRef<int64_t> shape = tensor ? tensor.getShape() : cast<BufferType>(operand.getType()).getShape();
    batch = tensor ? shape[0] : 1;
    sequence = shape[shape.size() - 2];
    heads = shape.back() / width;
    aligned = tensor && width % 4 == 0; // buffers lie on 4 bytes only
  }
};
} // namespace

// A thread has a chunk. What lies behind the rows or the width is read from the last valid place and becomes zero:
// loads have no branches, and several are under way at once.
static void emitPanel(GpuBuilder &b, const HeadSource &source, const HeadPanel &panel, Value count) {
  const HeadLayout &layout = panel.layout;
  int64_t perChunk = chunkBytes / layout.elementBytes, chunks = layout.stride / perChunk;
  int64_t lanes = source.aligned ? 4 : 1;
  b.forGrid(source.batch * source.heads * panel.rows * chunks, [&](Value i) {
    Value line = b.div(i, chunks), first = b.mul(b.rem(i, chunks), perChunk);
    Value row = b.rem(line, panel.rows), batch = b.div(b.div(line, panel.rows), source.heads),
          head = b.rem(b.div(line, panel.rows), source.heads);
    Value token = b.add(b.mul(batch, source.sequence), b.min(row, b.sub(count, 1)));
    Value from = b.mul(b.add(b.mul(token, source.heads), head), layout.width);
    Values values;
    for (int64_t j = 0; j < perChunk; j += lanes) {
      Value feature = b.add(first, j), at = b.add(from, b.min(feature, layout.width - lanes));
      Value valid = b.bitAnd(b.less(row, count), b.less(feature, layout.width));
      Value loaded = b.loadAligned(b.vec({}, lanes), b.operand(source.operand), at);
      for (int64_t lane = 0; lane < lanes; ++lane)
        values.push_back(b.select(valid, b.extract(loaded, lane), 0));
    }
    storeFactors(b, layout.precision, values, layout.row(b, b.workspace(panel.offset), line), first);
  });
}

SmallVector<HeadPanel> qfa::planHeadPanels(GpuPlan &plan, int64_t width, ValueRange operands,
                                           llvm::function_ref<Value(GpuBuilder &)> count) {
  HeadLayout layout(plan.precision, width);
  SmallVector<HeadSource> sources;
  SmallVector<HeadPanel> panels;
  SmallVector<int64_t> cases;
  int64_t chunks = 0; // of the largest
  for (Value operand : operands) {
    const HeadSource &source = sources.emplace_back(operand, width);
    int64_t rows = roundUp(source.sequence, kHeadRowAlign), bytes = layout.bytes(source.batch * source.heads * rows);
    cases.push_back(static_cast<int64_t>(panels.size()));
    panels.push_back({layout, plan.workspace(bytes), rows});
    chunks = std::max(chunks, bytes / chunkBytes);
  }
  plan.run("cast", {blocksFor(chunks), static_cast<int64_t>(panels.size())}, kThreads, [&](GpuBuilder &b) {
    b.switchOn(b.block(1), cases, [&](int64_t i) {
      bool isBuffer = isa<BufferType>(operands[i].getType());
      emitPanel(b, sources[i], panels[i], isBuffer ? count(b) : b.i64(sources[i].sequence));
    });
  });
  return panels;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

HeadTile::HeadTile(GpuBuilder &b, const HeadLayout &layout, int64_t rows, int64_t stages)
    : b(b), layout(layout), rows(rows) {
  int64_t count = stages * rows * layout.stride;
  Type element = factorType(b, layout.precision);
  memory = layout.isWide() ? b.dynamicShared(count, element) : b.shared(count, element);
  if (layout.isWide())
    b.wantBlocks(1); // ptxas does not know of dynamic memory, and might save registers for more
}

HeadTile HeadTile::at(Value stage) const {
  HeadTile tile = *this;
  tile.memory = layout.row(b, memory, b.mul(stage, rows));
  return tile;
}

// A warp copies its share from front to back: so near to each other, chunks have one address and constants.
void HeadTile::copy(Value source) const {
  int64_t share = layout.bytes(rows) / (b.threads / kWarp);
  Type byte = b.getI8Type();
  Value first = b.add(b.mul(b.warp(), share), b.mul(b.lane(), chunkBytes));
  Value from = b.at(source, first, byte), to = b.at(memory, first, byte);
  for (int64_t done = 0; done < share; done += kWarp * chunkBytes) {
    auto copyChunk = [&] {
      NVVM::CpAsyncOp::create(b, b.at(to, done, byte), b.at(from, done, byte), chunkBytes,
                              NVVM::LoadCacheModifierKind::CG, /*cpSize=*/Value());
    };
    int64_t lanes = (share - done) / chunkBytes;
    if (lanes >= kWarp)
      copyChunk();
    else
      b.ifThen(b.less(b.lane(), lanes), copyChunk);
  }
}

// There is one group of copies under way at a time, so that none needs an end.
void qfa::awaitCopies(GpuBuilder &b) {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.nvvm.cp.async.wait.all"), ValueRange());
}
