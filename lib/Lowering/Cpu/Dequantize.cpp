// Dequantizers in the three orders that kernels read weights in.
#include "Dequantize.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <cmath>

using namespace mlir;
using namespace qfa;

static constexpr int64_t blockRows = 32;

namespace {
// Where the codes of `lanes` rows from `first` lie in the words of a (block, k), the third bit of 3-bit codes aside.
struct Fields {
  int64_t width;      // bits of a field
  int64_t word;       // first word
  int64_t words;      // words they spread over
  int64_t offset;     // of the first lane's field in its word
  bool shiftsLanes;   // fields reach bit 31, where a signed conversion fails: every lane is shifted down
  bool shiftsUniform; // shifting all lanes by the offset is enough

  Fields(int64_t lanes, int64_t bits, int64_t first) {
    width = bits == 3 ? 2 : bits;
    int64_t perWord = 32 / width;
    word = first / perWord;
    words = std::max<int64_t>(1, lanes / perWord);
    offset = first % perWord * width;
    bool reachesTop = offset + std::min(lanes, perWord) * width >= 32;
    shiftsLanes = reachesTop && std::min(lanes, perWord) * width >= 32;
    shiftsUniform = reachesTop && !shiftsLanes;
  }
  // Bits below a lane's field after the shift.
  int64_t below(int64_t lane) const {
    if (shiftsLanes)
      return 0;
    return (shiftsUniform ? 0 : offset) + lane % (32 / width) * width;
  }
};
} // namespace

SmallVector<float> qfa::laneFactors(int64_t lanes, int64_t bits, int64_t first) {
  SmallVector<float> factors(lanes, 1.0f);
  if (bits == 8)
    return factors;
  Fields fields(lanes, bits, first);
  for (int64_t lane = 0; lane < lanes; ++lane)
    factors[lane] = std::ldexp(1.0f, -static_cast<int>(fields.below(lane)));
  return factors;
}

Value qfa::loadCodes(CodeBuilder &b, Value words, int64_t bits, int64_t first) {
  int64_t lanes = b.target.lanes;
  Type i32 = b.getI32Type();
  VectorType integers = b.vec(i32);
  if (bits == 8) { // bytes in row order
    Value bytes = b.load(b.vec(b.getI8Type()), words, first);
    return b.toFloat(arith::ExtUIOp::create(b, integers, bytes));
  }
  Fields fields(lanes, bits, first);
  Value codes;
  SmallVector<int32_t> shifts(lanes), masks(lanes);
  if (fields.words == 1) {
    codes = b.broadcast(b.load(i32, words, fields.word), integers);
  } else {
    SmallVector<int64_t> source(lanes);
    for (int64_t lane = 0; lane < lanes; ++lane)
      source[lane] = lane / (32 / fields.width);
    Value several = b.load(b.vec(i32, fields.words), words, fields.word);
    codes = b.shuffle(several, several, source);
  }
  for (int64_t lane = 0; lane < lanes; ++lane) {
    shifts[lane] = fields.shiftsLanes ? static_cast<int32_t>(fields.offset + lane % (32 / fields.width) * fields.width)
                                      : static_cast<int32_t>(fields.offset);
    masks[lane] = static_cast<int32_t>(((1u << fields.width) - 1) << fields.below(lane));
  }
  if (fields.shiftsLanes || fields.shiftsUniform)
    codes = b.shiftRight(codes, b.constants(shifts));
  codes = b.toFloat(b.bitAnd(codes, b.constants(masks)));
  if (bits != 3)
    return codes;
  SmallVector<int32_t> planes(lanes);
  SmallVector<float> fours(lanes);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    planes[lane] = static_cast<int32_t>(1u << (first + lane));
    fours[lane] = std::ldexp(4.0f, static_cast<int>(fields.below(lane)));
  }
  Value plane = b.broadcast(b.load(i32, words, 2), integers), mask = b.constants(planes);
  Value isSet = b.equal(b.bitAnd(plane, mask), mask);
  return b.add(codes, b.select(isSet, b.constants(fours), 0.0));
}

// Without f16 instructions: shift the half's exponent and mantissa into place, then multiply by 2^112 for the bias.
// Exact for all finite values, also subnormal ones.
static Value extendHalf(CodeBuilder &b, Value bits) {
  auto shape = dyn_cast<VectorType>(bits.getType());
  Type i32 = shape ? Type(b.vec(b.getI32Type(), shape.getDimSize(0))) : b.getI32Type();
  Type f32 = shape ? Type(b.vec({}, shape.getDimSize(0))) : b.getF32Type();
  Value wide = arith::ExtUIOp::create(b, i32, bits);
  Value magnitude = b.mul(b.bitcast(b.shiftLeft(b.bitAnd(wide, 0x7FFF), 13), f32), std::ldexp(1.0, 112));
  Value sign = b.shiftLeft(b.bitAnd(wide, 0x8000), 16);
  return b.bitcast(b.bitOr(b.bitcast(magnitude, i32), sign), f32);
}

static Value loadScale(CodeBuilder &b, ElasticType type, Value pointer, Term index, bool single) {
  auto loaded = [&](Type element) { return single ? element : Type(b.vec(element)); };
  if (type.getScales().isF32())
    return b.load(loaded(b.getF32Type()), pointer, index);
  if (!b.target.hasHalf)
    return extendHalf(b, b.load(loaded(b.getI16Type()), pointer, index));
  return arith::ExtFOp::create(b, loaded(b.getF32Type()), b.load(loaded(b.getF16Type()), pointer, index));
}

Value qfa::loadScales(CodeBuilder &b, ElasticType type, Value pointer, Term index) {
  return loadScale(b, type, pointer, index, false);
}

void qfa::switchOnBits(CodeBuilder &b, ElasticType type, const SiteRow &row, llvm::function_ref<void(int64_t)> body) {
  b.switchOn(row.bits, type.getBits(), body);
}

int64_t qfa::depthStep(ElasticType type) {
  int64_t step = std::min<int64_t>(type.getGroup(), 256);
  while (type.getGroup() % step != 0)
    --step;
  return step;
}

static std::string suffix(ElasticType type, int64_t bits) {
  return "_b" + std::to_string(bits) + (type.getScales().isF32() ? "_f32" : "_f16");
}

// Pointers to the block's scales or zeros of group 0.
static Value blockScales(CodeBuilder &b, ElasticType type, Value pointer, Value block) {
  return b.at(pointer, b.mul(block, type.getGroups() * blockRows), type.getScales());
}

void qfa::dequantizeColumns(CodeBuilder &b, ElasticType type, const SiteRow &row, Panels panels, Value block,
                            Value first, Value depth) {
  // One step: depth inputs of one group. args: panel, panel stride, words, scales, zeros, depth.
  auto emitStep = [&](CodeBuilder &b, int64_t bits, ValueRange args) -> Values {
    int64_t lanes = b.target.lanes, nr = b.target.nr;
    Values scales, zeros;
    for (int64_t i = 0; i < blockRows; i += lanes) {
      scales.push_back(b.mul(loadScales(b, type, args[3], i), b.constants(laneFactors(lanes, bits, i))));
      zeros.push_back(loadScales(b, type, args[4], i));
    }
    b.forLoop(0, args[5], 1, [&](Value k) {
      Value words = b.at(args[2], b.mul(k, bits), b.getI32Type()), to = b.at(args[0], b.mul(k, nr));
      for (int64_t i = 0; i < blockRows; i += lanes) {
        Value weights = b.fma(loadCodes(b, words, bits, i), scales[i / lanes], zeros[i / lanes]);
        b.store(weights, to, b.add(b.mul(args[1], i / nr), i % nr));
      }
    });
    return {};
  };
  int64_t step = depthStep(type);
  switchOnBits(b, type, row, [&](int64_t bits) {
    Value words = b.at(row.codes, b.mul(b.add(b.mul(block, type.getIn()), first), bits), b.getI32Type());
    Value scales = blockScales(b, type, row.scales, block), zeros = blockScales(b, type, row.zeros, block);
    b.forLoop(0, depth, step, [&](Value k) {
      Value group = b.mul(b.div(b.add(first, k), type.getGroup()), blockRows);
      b.call("dequantize_columns" + suffix(type, bits),
             {b.at(panels.pointer, b.mul(k, b.target.nr)), panels.stride, b.at(words, b.mul(k, bits), b.getI32Type()),
              b.at(scales, group, type.getScales()), b.at(zeros, group, type.getScales()), b.i64(step)},
             [&](CodeBuilder &inner, ValueRange args) { return emitStep(inner, bits, args); });
    });
  });
}

void qfa::dequantizeRows(CodeBuilder &b, ElasticType type, const SiteRow &row, Value target, Value stride, Value block,
                         Value first, Value columns) {
  int64_t group = type.getGroup();
  // args: target, stride, words of the block, scales, zeros, first, columns, in. Squares of lanes x lanes.
  auto emit = [&](CodeBuilder &b, int64_t bits, ValueRange args) -> Values {
    int64_t lanes = b.target.lanes;
    Value lastInput = b.sub(args[7], 1);
    b.forLoop(0, args[6], lanes, [&](Value c) {
      for (int64_t i = 0; i < blockRows; i += lanes) {
        Values square;
        Value factors = b.constants(laneFactors(lanes, bits, i)), scales, zeros;
        for (int64_t column = 0; column < lanes; ++column) {
          Value k = b.min(b.add(b.add(args[5], c), column), lastInput);
          if (column == 0 || group % lanes != 0) { // otherwise all columns of the square share a group
            Value index = b.add(b.mul(b.div(k, group), blockRows), i);
            scales = b.mul(loadScales(b, type, args[3], index), factors);
            zeros = loadScales(b, type, args[4], index);
          }
          Value words = b.at(args[2], b.mul(k, bits), b.getI32Type());
          square.push_back(b.fma(loadCodes(b, words, bits, i), scales, zeros));
        }
        for (auto [lane, line] : llvm::enumerate(b.transpose(square)))
          b.store(line, args[0], b.add(b.mul(args[1], i + lane), c));
      }
    });
    return {};
  };
  switchOnBits(b, type, row, [&](int64_t bits) {
    b.call("dequantize_rows" + suffix(type, bits) + "_g" + std::to_string(group),
           {target, stride, b.at(row.codes, b.mul(block, type.getIn() * bits), b.getI32Type()),
            blockScales(b, type, row.scales, block), blockScales(b, type, row.zeros, block), first, columns,
            b.i64(type.getIn())},
           [&](CodeBuilder &inner, ValueRange args) { return emit(inner, bits, args); });
  });
}

void qfa::dequantizeRow(CodeBuilder &b, ElasticType type, const SiteRow &row, Value target, Value n) {
  Type i32 = b.getI32Type();
  // args: target, words of the block, scales, zeros (both at the row of group 0), row in the block, groups.
  auto emit = [&](CodeBuilder &b, int64_t bits, ValueRange args) -> Values {
    int64_t width = bits == 3 ? 2 : bits, perWord = 32 / width;
    Value word = b.div(args[4], perWord);
    Value shift = arith::TruncIOp::create(b, i32, b.mul(b.rem(args[4], perWord), width));
    Value plane = arith::TruncIOp::create(b, i32, args[4]);
    b.forLoop(0, args[5], 1, [&](Value group) {
      Value scale = loadScale(b, type, args[2], b.mul(group, blockRows), true);
      Value zero = loadScale(b, type, args[3], b.mul(group, blockRows), true);
      b.forLoop(0, type.getGroup(), 1, [&](Value c) {
        Value k = b.add(b.mul(group, type.getGroup()), c), words = b.at(args[1], b.mul(k, bits), i32);
        Value code = b.bitAnd(b.shiftRight(b.load(i32, words, word), shift), (1 << width) - 1);
        if (bits == 3)
          code = b.bitOr(code, b.shiftLeft(b.bitAnd(b.shiftRight(b.load(i32, words, 2), plane), 1), 2));
        b.store(b.fma(b.toFloat(code), scale, zero), args[0], k);
      });
    });
    return {};
  };
  Value block = b.div(n, blockRows), lane = b.rem(n, blockRows);
  switchOnBits(b, type, row, [&](int64_t bits) {
    b.call("dequantize_row" + suffix(type, bits) + "_g" + std::to_string(type.getGroup()),
           {target, b.at(row.codes, b.mul(block, type.getIn() * bits), i32),
            b.at(blockScales(b, type, row.scales, block), lane, type.getScales()),
            b.at(blockScales(b, type, row.zeros, block), lane, type.getScales()), lane, b.i64(type.getGroups())},
           [&](CodeBuilder &inner, ValueRange args) { return emit(inner, bits, args); });
  });
}
