// Products of a weight with a few vectors, without expanding the weight to memory.
#include "LinearDecode.h"

using namespace mlir;
using namespace qfa;

bool qfa::usesDecodeForm(LinearOp op) { return tokensOf(op.getX()) <= 8 && !op.getAdapter(); }

// Tokens done at once: their sums must fit the registers beside the codes.
static constexpr int64_t tokenStep = 2;

// Elastic: lanes are rows of the block. Per group: sum of x * code, then y += scale * that + zero * sum of x.
static void emitElasticBlock(LinearOp op, KernelBuilder &b, const SiteRow &row, Value block, int64_t token,
                             int64_t tokens, Value x, Value result) {
  auto type = cast<ElasticType>(op.getWeight().getType());
  int64_t in = type.getIn(), group = type.getGroup(), lanes = b.target.lanes, vectors = blockColumns / lanes;
  auto emit = [=](CodeBuilder &b, int64_t bits, ValueRange args) -> Values {
    Value words = args[0], scales = args[1], zeros = args[2], x = args[3], sums = args[4];
    Values totals(tokens * vectors, b.constant(b.vec(), 0));
    totals = b.forLoop(0, type.getGroups(), 1, totals, [&](Value j, ValueRange carried) {
      Value first = b.mul(j, group);
      // [x * code per token and vector | sum of x per token]
      Values inner(tokens * vectors, b.constant(b.vec(), 0));
      inner.append(tokens, b.f32(0));
      inner = b.forLoop(0, group, 1, inner, [&](Value c, ValueRange carried) {
        Value k = b.add(first, c), at = b.at(words, b.mul(k, bits), b.getI32Type());
        Values codes, next(carried);
        for (int64_t i = 0; i < blockColumns; i += lanes)
          codes.push_back(loadCodes(b, at, bits, i));
        for (int64_t t = 0; t < tokens; ++t) {
          Value scalar = b.loadF32(x, b.add(k, t * in)), element = b.broadcast(scalar, b.vec());
          for (int64_t v = 0; v < vectors; ++v)
            next[t * vectors + v] = b.fma(codes[v], element, carried[t * vectors + v]);
          next[tokens * vectors + t] = b.add(carried[tokens * vectors + t], scalar);
        }
        return next;
      });
      Values next;
      for (int64_t t = 0; t < tokens; ++t)
        for (int64_t v = 0; v < vectors; ++v) {
          Value index = b.add(b.mul(j, blockColumns), v * lanes);
          Value scale = b.mul(loadScales(b, type, scales, index), b.constants(laneFactors(lanes, bits, v * lanes)));
          Value total = b.fma(inner[t * vectors + v], scale, carried[t * vectors + v]);
          next.push_back(b.fma(loadScales(b, type, zeros, index), inner[tokens * vectors + t], total));
        }
      return next;
    });
    for (auto [i, total] : llvm::enumerate(totals))
      b.store(total, sums, i * lanes);
    return {};
  };
  Value sums = b.stack(tokens * blockColumns), first = b.mul(block, blockColumns);
  int64_t blockScales = type.getGroups() * blockColumns;
  switchOnBits(b, type, row, [&](int64_t bits) {
    b.call(llvm::formatv("decode_b{0}_{1}_{2}_{3}x{4}g{5}", bits, type.getScales(), tokens, type.getOut(), in, group)
               .str(),
           {b.at(row.codes, b.mul(block, in * bits), b.getI32Type()),
            b.at(row.scales, b.mul(block, blockScales), type.getScales()),
            b.at(row.zeros, b.mul(block, blockScales), type.getScales()), b.at(x, token * in), sums},
           [&](CodeBuilder &inner, ValueRange args) { return emit(inner, bits, args); });
  });
  copyMatrix(b, b.at(result, b.add(first, token * type.getOut())), b.i64(type.getOut()), sums, b.i64(blockColumns),
             b.i64(tokens), b.min(b.sub(type.getOut(), first), blockColumns));
}

// Dense: dot products of rows, as many rows at once as keep the multipliers busy.
static void emitDenseBlock(LinearOp op, KernelBuilder &b, Value tile, Value x, Value weight, Value result) {
  constexpr int64_t rowStep = 4;
  int64_t tokens = tokensOf(op.getX()), in = featuresOf(op.getX()), out = featuresOf(op.getResult());
  Value first = b.mul(tile, blockColumns), columns = b.min(b.sub(out, first), blockColumns);
  b.forLoop(0, columns, rowStep, [&](Value r) {
    Values rows, index; // beyond the last row, that row once more
    for (int64_t i = 0; i < rowStep; ++i) {
      index.push_back(b.add(first, b.min(b.add(r, i), b.sub(columns, 1))));
      rows.push_back(b.at(weight, b.mul(index.back(), in)));
    }
    b.forLoop(0, tokens, 1, [&](Value t) {
      Value token = b.at(x, b.mul(t, in));
      SmallVector<Reduction> kinds(rowStep, Reduction::sum);
      Values dots = b.reduceLoop(in, kinds, [&](Value k, Type type) {
        Values terms;
        Value element = b.load(type, token, k);
        for (Value row : rows)
          terms.push_back(b.mul(element, b.load(type, row, k)));
        return terms;
      });
      for (auto [n, dot] : llvm::zip(index, dots))
        b.store(dot, result, b.add(b.mul(t, out), n));
    });
  });
}

void qfa::emitDecodeForm(LinearOp op, KernelBuilder &b) {
  Value x = b.operand(op.getX()), result = b.result(op.getResult());
  bool isElastic = isa<ElasticType>(op.getWeight().getType());
  SiteRow row = isElastic ? b.site(op.getWeight()) : SiteRow();
  int64_t tokens = tokensOf(op.getX());
  b.forTiles([&](Value tile) {
    if (!isElastic)
      return emitDenseBlock(op, b, tile, x, b.operand(op.getWeight()), result);
    for (int64_t token = 0; token < tokens; token += tokenStep)
      emitElasticBlock(op, b, row, tile, token, std::min(tokenStep, tokens - token), x, result);
  });
}
