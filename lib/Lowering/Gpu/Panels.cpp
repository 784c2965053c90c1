// Panels are written in pairs or fours of neighbouring columns, neighbouring threads beside each other.
#include "Panels.h"

#include "Codes.h"

using namespace mlir;
using namespace qfa;

void qfa::storeFactors(GpuBuilder &b, Precision precision, ArrayRef<Value> values, Value row, Value at) {
  Value vector = b.vectorOf(values);
  b.storeAligned(precision == Precision::bf16 ? b.toBf16(vector) : vector, row, at);
}

Value qfa::panelRow(GpuBuilder &b, Precision precision, Panel panel, Value row) {
  return b.at(b.workspace(panel.offset), b.mul(row, panel.columns), factorType(b, precision));
}

// How many neighbouring columns of a cast a thread has: four, read and written at once, where no row begins elsewhere
// than on 16 bytes; else a pair, read one by one.
static int64_t columnsOfThread(ArrayRef<PanelSource> sources) {
  bool whole = llvm::all_of(
      sources, [](const PanelSource &source) { return source.columns % 4 == 0 && source.stride % 4 == 0; });
  return whole ? 4 : 2;
}

// A block of threads has columns of one row. There may be more rows than a grid may have blocks in y.
static Grid castGrid(Panel panel, int64_t count) { return {panel.rows, ceilDiv(panel.columns / count, kThreads)}; }

// Fills row block(0) of the panel: with zeros where `exists` does not hold, and behind the sources' columns. `row` is
// that of the sources.
static void emitCast(GpuBuilder &b, Precision precision, Panel panel, ArrayRef<PanelSource> sources, Value row,
                     Value exists) {
  int64_t count = columnsOfThread(sources), atOnce = count == 4 ? 4 : 1;
  VectorType type = b.vec({}, atOnce);
  auto load = [&](Value column) { // and its neighbours, from the source that has it
    Values values(atOnce, b.f32(0));
    int64_t end = 0;
    for (const PanelSource &source : sources) {
      int64_t first = end;
      end += source.columns;
      Value inside = b.bitAnd(exists, b.bitAnd(b.lessEqual(first, column), b.less(column, end)));
      values = b.ifElse(
          inside, ValueRange(values).getTypes(),
          [&] {
            int64_t stride = source.stride ? source.stride : source.columns;
            Value at = b.add(b.mul(row, stride), b.sub(column, first));
            if (atOnce == 1)
              return Values{b.loadF32(source.pointer(b), at)};
            Value loaded = b.loadAligned(type, source.pointer(b), at);
            Values parts;
            for (int64_t i = 0; i < atOnce; ++i)
              parts.push_back(b.extract(loaded, i));
            return parts;
          },
          [&] { return values; });
    }
    return values;
  };
  auto store = [&](Value i) {
    Value first = b.mul(i, count);
    Values values;
    for (int64_t column = 0; column < count; column += atOnce)
      values.append(load(b.add(first, column)));
    storeFactors(b, precision, values, panelRow(b, precision, panel, b.block(0)), first);
  };
  b.forGrid(panel.columns / count, store, 1);
}

Panel qfa::planCast(GpuPlan &plan, StringRef part, int64_t rows, ArrayRef<PanelSource> sources) {
  int64_t columns = 0;
  for (const PanelSource &source : sources)
    columns += source.columns;
  Panel panel = makePanel(plan, rows, columns);
  plan.run(part, castGrid(panel, columnsOfThread(sources)), kThreads, [&](GpuBuilder &b) {
    Value row = b.block(0);
    emitCast(b, plan.precision, panel, sources, row, b.less(row, rows));
  });
  return panel;
}

namespace {
// One block of 32 rows of the panel: a thread has two neighbouring inputs of all its rows, or one where groups are odd.
struct Dequantizer {
  GpuBuilder &b;
  Precision precision;
  ElasticType type;
  const SiteRow &row;
  Panel panel;

  static constexpr int64_t rowsAtOnce = 8; // whose scales are in registers

  int64_t inputs() const { return type.getGroup() % 2 == 0 ? 2 : 1; }

  void store(Value panelRowIndex, Value column, ArrayRef<Value> values) {
    storeFactors(b, precision, values, panelRow(b, precision, panel, panelRowIndex), column);
  }

  // `count` neighbours, as many at once as 16 bytes have and the count allows: tensors lie on 64 bytes, and `first` is
  // a multiple of count.
  Values loadAll(Type element, Value base, Value first, int64_t count) {
    int64_t atOnce = 16 / (element.getIntOrFloatBitWidth() / 8);
    while (count % atOnce != 0)
      atOnce /= 2;
    Values values;
    for (int64_t i = 0; i < count; i += atOnce) {
      Value loaded = b.loadAligned(VectorType::get(atOnce, element), base, b.add(first, i));
      for (int64_t j = 0; j < atOnce; ++j)
        values.push_back(b.extract(loaded, j));
    }
    return values;
  }

  Values loadScales(Value pointer, Value first) {
    Values scales = loadAll(type.getScales(), pointer, first, rowsAtOnce);
    if (!type.getScales().isF32())
      for (Value &scale : scales)
        scale = arith::ExtFOp::create(b, b.f32(), scale);
    return scales;
  }

  // block: of the storage; firstRow: of the panel.
  void weights(Value block, Value firstRow, Value k) {
    Value place = b.mul(b.add(b.mul(block, type.getGroups()), b.div(k, type.getGroup())), kBlockRows);
    b.switchOn(row.bits, type.getBits(), [&](int64_t bits) {
      Value first = b.mul(b.add(b.mul(block, type.getIn()), k), bits);
      Values words = loadAll(b.getI32Type(), row.codes, first, inputs() * bits), scales, zeros;
      for (int64_t i = 0; i < kBlockRows; ++i) {
        if (i % rowsAtOnce == 0) {
          scales = loadScales(row.scales, b.add(place, i));
          zeros = loadScales(row.zeros, b.add(place, i));
        }
        Values values;
        for (int64_t input = 0; input < inputs(); ++input) {
          Value code = codeOf(b, ArrayRef<Value>(words).slice(input * bits, bits), bits, i);
          values.push_back(b.fma(code, scales[i % rowsAtOnce], zeros[i % rowsAtOnce]));
        }
        store(b.add(firstRow, i), k, values);
      }
    });
  }

  // Columns behind the weights: the adapter's, then zeros.
  void adapter(Value firstOutput, Value firstRow, Value column, int64_t rank) {
    for (int64_t i = 0; i < kBlockRows; ++i) {
      Values values;
      for (int64_t input = 0; input < inputs(); ++input) {
        Value r = b.sub(b.add(column, input), type.getIn()), output = b.add(firstOutput, i), value = b.f32(0);
        if (rank)
          value = b.ifElse(
              b.bitAnd(b.less(r, rank), b.less(output, type.getOut())), b.f32(),
              [&]() -> Values { return {b.loadF32(row.adapterB, b.add(b.mul(output, rank), r))}; },
              [&]() -> Values { return {value}; })[0];
        values.push_back(value);
      }
      store(b.add(firstRow, i), column, values);
    }
  }

  void zeros(Value firstRow, Value column) {
    for (int64_t i = 0; i < kBlockRows; ++i)
      store(b.add(firstRow, i), column, Values(inputs(), b.f32(0)));
  }
};
} // namespace

// A block of threads in x has `threads` columns or pairs of them, one in y a block of 32 rows of the panel.
static void emitDequantize(GpuBuilder &b, Precision precision, Value weight, Panel panel, Value firstBlock,
                           int64_t rank) {
  auto type = cast<ElasticType>(weight.getType());
  SiteRow row = b.site(weight);
  Dequantizer to{b, precision, type, row, panel};
  b.forGrid(panel.columns / to.inputs(), [&](Value i) {
    Value column = b.mul(i, to.inputs()), block = b.add(firstBlock, b.block(1));
    Value firstRow = b.mul(b.block(1), kBlockRows);
    b.ifThen(
        b.less(block, ceilDiv(type.getOut(), kBlockRows)),
        [&] {
          b.ifThen(
              b.less(column, type.getIn()), [&] { to.weights(block, firstRow, column); },
              [&] { to.adapter(b.mul(block, kBlockRows), firstRow, column, rank); });
        },
        [&] { to.zeros(firstRow, column); });
  });
}

static Grid dequantizeGrid(ElasticType type, Panel panel, int64_t threads) {
  int64_t inputs = type.getGroup() % 2 == 0 ? 2 : 1;
  return {ceilDiv(panel.columns / inputs, threads), panel.rows / kBlockRows};
}

static constexpr int64_t dequantizeThreads = 128;

Panel qfa::planDequantize(GpuPlan &plan, StringRef part, Value weight) {
  auto type = cast<ElasticType>(weight.getType());
  Panel panel = makePanel(plan, type.getOut(), type.getIn() + type.getRank());
  plan.runEarly(part, dequantizeGrid(type, panel, dequantizeThreads), dequantizeThreads,
                [&](GpuBuilder &b) { emitDequantize(b, plan.precision, weight, panel, b.i64(0), type.getRank()); });
  return panel;
}

Panel qfa::planWeight(GpuPlan &plan, StringRef part, Value weight) {
  if (isa<ElasticType>(weight.getType()))
    return planDequantize(plan, part, weight);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  return planCast(plan, part, shape[0], {{[&](GpuBuilder &b) { return b.operand(weight); }, shape[1], 0}});
}

WeightPart qfa::weightPart(GpuPlan &plan, StringRef part, Value weight, int64_t rows) {
  if (auto type = dyn_cast<ElasticType>(weight.getType())) {
    Panel panel = makePanel(plan, rows, type.getIn());
    std::string name = plan.function(part, dequantizeThreads, [&](GpuBuilder &b) {
      emitDequantize(b, plan.precision, weight, panel, b.mul(b.argument(), rows / kBlockRows), 0);
    });
    return {name, dequantizeGrid(type, panel, dequantizeThreads), dequantizeThreads, panel};
  }
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  int64_t total = shape[0];
  auto pointer = [&](GpuBuilder &b) { return b.operand(weight); };
  PanelSource source = {pointer, shape[1], 0};
  Panel panel = makePanel(plan, rows, shape[1]);
  std::string name = plan.function(part, kThreads, [&](GpuBuilder &b) {
    Value row = b.add(b.mul(b.argument(), rows), b.block(0));
    emitCast(b, plan.precision, panel, source, row, b.bitAnd(b.less(row, total), b.less(b.block(0), rows)));
  });
  return {name, castGrid(panel, columnsOfThread(source)), kThreads, panel};
}
