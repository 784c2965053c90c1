// The products of attention: register tiles as of the GEMM, but with operands where they lie, since a block is used
// only once or twice and packing it would cost more than it saves.
#include "AttentionProduct.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace qfa;

// One tile in registers: `rows` rows of c, one vector per type of `columns` side by side.
static void emitTile(CodeBuilder &k, int64_t rows, ArrayRef<Type> columns, Value depth, Matrix a, Matrix b, Matrix c,
                     bool accumulate) {
  auto width = [](Type type) { return isa<VectorType>(type) ? cast<VectorType>(type).getDimSize(0) : 1; };
  auto forVectors = [&](llvm::function_ref<void(int64_t, Type)> body) {
    int64_t column = 0;
    for (Type type : columns) {
      body(column, type);
      column += width(type);
    }
  };
  Values sums;
  for (int64_t row = 0; row < rows; ++row)
    forVectors([&](int64_t column, Type type) {
      sums.push_back(accumulate ? k.load(type, k.at(c.base, row * c.row), column) : k.constant(type, 0));
    });
  sums = k.forLoop(0, depth, 1, sums, [&](Value p, ValueRange carried) {
    Value aColumn = k.at(a.base, k.mul(p, a.column)), bRow = k.at(b.base, k.mul(p, b.row));
    Values vectors, next;
    forVectors([&](int64_t column, Type type) { vectors.push_back(k.load(type, bRow, column)); });
    for (int64_t row = 0; row < rows; ++row) {
      Value scalar = k.loadF32(aColumn, row * a.row);
      for (Value vector : vectors)
        next.push_back(k.fma(scalar, vector, carried[next.size()]));
    }
    return next;
  });
  size_t next = 0;
  for (int64_t row = 0; row < rows; ++row)
    forVectors([&](int64_t column, Type) { k.store(sums[next++], k.at(c.base, row * c.row), column); });
}

// All rows of the columns that `types` span from `column` on.
static void emitColumns(CodeBuilder &k, Value rows, Value column, ArrayRef<Type> types, Value depth, Matrix a, Matrix b,
                        Matrix c, bool accumulate) {
  int64_t step = k.target.mr;
  b.base = k.at(b.base, column);
  c.base = k.at(c.base, column);
  auto tile = [&](Value row, int64_t count) {
    emitTile(k, count, types, depth, {k.at(a.base, k.mul(row, a.row)), a.row, a.column}, b,
             {k.at(c.base, k.mul(row, c.row)), c.row}, accumulate);
  };
  Value rest = k.rem(rows, step), whole = k.sub(rows, rest);
  k.forLoop(0, whole, step, [&](Value row) { tile(row, step); });
  SmallVector<int64_t> cases;
  for (int64_t count = 1; count < step; ++count)
    cases.push_back(count);
  k.switchOn(rest, cases, [&](int64_t count) { tile(whole, count); });
}

void qfa::emitProduct(CodeBuilder &k, Value rows, int64_t columns, Value depth, Matrix a, Matrix b, Matrix c,
                      bool accumulate) {
  std::string name = llvm::formatv("qfa_product_{0}_a{1}x{2}_b{3}_c{4}{5}", columns, a.row, a.column, b.row, c.row,
                                   accumulate ? "_add" : "");
  k.call(name, {a.base, b.base, c.base, rows, depth}, [&](CodeBuilder &f, ValueRange arguments) {
    Matrix left{arguments[0], a.row, a.column}, right{arguments[1], b.row}, into{arguments[2], c.row};
    int64_t panel = f.target.nr, lanes = f.target.lanes, whole = columns / panel * panel;
    auto emit = [&](Value column, ArrayRef<Type> types) {
      emitColumns(f, arguments[3], column, types, arguments[4], left, right, into, accumulate);
    };
    f.forLoop(0, whole, panel, [&](Value column) { emit(column, SmallVector<Type>(panel / lanes, f.vec())); });
    SmallVector<Type> rest((columns - whole) / lanes, f.vec());
    if (columns % lanes != 0)
      rest.push_back(f.vec({}, columns % lanes));
    if (!rest.empty())
      emit(f.i64(whole), rest);
    return Values();
  });
}

void qfa::emitTransposed(CodeBuilder &k, Value rows, int64_t columns, Matrix from, double factor, Value to,
                         int64_t width) {
  std::string name = llvm::formatv("qfa_transposed_{0}_from{1}_to{2}", columns, from.row, width);
  k.call(name, {from.base, to, rows, k.f32(factor)}, [&](CodeBuilder &f, ValueRange arguments) {
    Value source = arguments[0], target = arguments[1], count = arguments[2], scale = arguments[3];
    int64_t lanes = f.target.lanes, wholeColumns = columns / lanes * lanes;
    Value wholeRows = f.sub(count, f.rem(count, lanes));
    f.forLoop(0, wholeRows, lanes, [&](Value row) {
      f.forLoop(0, wholeColumns, lanes, [&](Value column) {
        Values block;
        for (int64_t i = 0; i < lanes; ++i)
          block.push_back(f.mul(f.load(f.vec(), source, f.add(f.mul(f.add(row, i), from.row), column)), scale));
        for (auto [i, vector] : llvm::enumerate(f.transpose(block)))
          f.store(vector, target, f.add(f.mul(f.add(column, i), width), row));
      });
    });
    auto single = [&](Value row, Value column) {
      f.store(f.mul(f.loadF32(source, f.add(f.mul(row, from.row), column)), scale), target,
              f.add(f.mul(column, width), row));
    };
    f.forLoop(0, wholeRows, 1,
              [&](Value row) { f.forLoop(wholeColumns, columns, 1, [&](Value column) { single(row, column); }); });
    f.forLoop(wholeRows, count, 1,
              [&](Value row) { f.forLoop(0, columns, 1, [&](Value column) { single(row, column); }); });
    f.forLoop(count, width, 1, [&](Value row) {
      f.forLoop(0, columns, 1, [&](Value column) { f.store(f.f32(0), target, f.add(f.mul(column, width), row)); });
    });
    return Values();
  });
}
