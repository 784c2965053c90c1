// Three bits are two and one: two words as at 2 bits, and one of the third bits.
#include "Codes.h"

#include <cmath>

using namespace mlir;
using namespace qfa;

// In the mantissa of a power of two that gives bit `at` the weight 1: a logical operation and a subtraction, both
// exact, instead of a shift, a mask and a conversion, for which cards have fewer units.
Value qfa::bitsToFloat(GpuBuilder &b, Value word, int64_t at, int64_t count, Value high, int64_t highAt) {
  constexpr int64_t mantissaBits = 23, exponentBias = 127;
  if (at + count + (high ? 1 : 0) > mantissaBits) {
    constexpr int64_t down = 12; // the same for all such bits of a word
    word = b.shiftRight(word, down);
    at -= down;
  }
  int64_t exponent = mantissaBits - at;
  Value bits = b.bitOr(b.bitAnd(word, ((1 << count) - 1) << at), (exponentBias + exponent) << mantissaBits);
  if (high) {
    int64_t highest = at + count, by = highAt - highest;
    Value moved = by >= 0 ? b.shiftRight(high, by) : b.shiftLeft(high, -by);
    bits = b.bitOr(bits, b.bitAnd(moved, int64_t{1} << highest));
  }
  return b.sub(arith::BitcastOp::create(b, b.f32(), bits).getResult(), std::ldexp(1.0, static_cast<int>(exponent)));
}

Value qfa::codeOf(GpuBuilder &b, ArrayRef<Value> words, int64_t bits, int64_t i) {
  if (bits == 3)
    return bitsToFloat(b, words[i / 16], i % 16 * 2, 2, words[2], i);
  int64_t perWord = 32 / bits;
  return bitsToFloat(b, words[i / perWord], i % perWord * bits, bits);
}

Value qfa::loadCode(GpuBuilder &b, Value words, int64_t bits, Value i) {
  auto narrow = [&](Value index) -> Value { return arith::TruncIOp::create(b, b.getI32Type(), index); };
  if (bits == 3) {
    Value high = b.bitAnd(b.shiftRight(b.load(b.getI32Type(), words, 2), narrow(i)), 1);
    return b.bitOr(loadCode(b, words, 2, i), b.shiftLeft(high, 2));
  }
  int64_t perWord = 32 / bits;
  Value word = b.load(b.getI32Type(), words, b.div(i, perWord));
  return b.bitAnd(b.shiftRight(word, narrow(b.mul(b.rem(i, perWord), bits))), (1 << bits) - 1);
}

Value qfa::loadScale(GpuBuilder &b, ElasticType type, Value pointer, Value index) {
  Value scale = b.load(type.getScales(), pointer, index);
  return type.getScales().isF32() ? scale : arith::ExtFOp::create(b, b.f32(), scale);
}

void qfa::withWeight(GpuBuilder &b, Value weight, Value n, Value k, llvm::function_ref<void(Value)> body) {
  auto type = dyn_cast<ElasticType>(weight.getType());
  if (!type) {
    int64_t columns = cast<RankedTensorType>(weight.getType()).getDimSize(1);
    return body(b.loadF32(b.operand(weight), b.add(b.mul(n, columns), k)));
  }
  SiteRow row = b.site(weight);
  Value block = b.div(n, kBlockRows), i = b.rem(n, kBlockRows);
  Value scaleAt = b.add(b.mul(b.add(b.mul(block, type.getGroups()), b.div(k, type.getGroup())), kBlockRows), i);
  Value scale = loadScale(b, type, row.scales, scaleAt), zero = loadScale(b, type, row.zeros, scaleAt);
  b.switchOn(row.bits, type.getBits(), [&](int64_t bits) {
    Value words = b.at(row.codes, b.mul(b.add(b.mul(block, type.getIn()), k), bits), b.getI32Type());
    body(b.fma(b.toFloat(loadCode(b, words, bits, i)), scale, zero));
  });
}
