// Three bits are two and one: two words as at 2 bits, and one of the third bits.
#include "Codes.h"

using namespace mlir;
using namespace qfa;

Value qfa::codeOf(GpuBuilder &b, ArrayRef<Value> words, int64_t bits, int64_t i) {
  if (bits == 3) {
    Value high = b.bitAnd(b.shiftRight(words[2], i), 1);
    return b.bitOr(codeOf(b, words.take_front(2), 2, i), b.shiftLeft(high, 2));
  }
  int64_t perWord = 32 / bits;
  return b.bitAnd(b.shiftRight(words[i / perWord], i % perWord * bits), (1 << bits) - 1);
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
