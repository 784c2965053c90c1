// Rows of the embedding table, dense or elastic, and the gradient of a dense one.
#include "Codes.h"
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

// Element k of row `id`.
static void storeElastic(GpuBuilder &b, Value table, Value id, Value k, Value to, Value at) {
  auto type = cast<ElasticType>(table.getType());
  SiteRow row = b.site(table);
  Value block = b.div(id, kBlockRows), i = b.rem(id, kBlockRows);
  Value scaleAt = b.add(b.mul(b.add(b.mul(block, type.getGroups()), b.div(k, type.getGroup())), kBlockRows), i);
  Value scale = loadScale(b, type, row.scales, scaleAt), zero = loadScale(b, type, row.zeros, scaleAt);
  b.switchOn(row.bits, type.getBits(), [&](int64_t bits) {
    Value words = b.at(row.codes, b.mul(b.add(b.mul(block, type.getIn()), k), bits), b.getI32Type());
    b.store(b.fma(b.toFloat(loadCode(b, words, bits, i)), scale, zero), to, at);
  });
}

static void planEmbedding(Operation *op, GpuPlan &plan) {
  auto embedding = cast<EmbeddingOp>(op);
  Value table = embedding.getTable();
  int64_t n = featuresOf(embedding.getResult()), total = elementsOf(embedding.getResult());
  plan.run("elements", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    b.forGrid(total, [&](Value at) {
      Value id = b.toI64(b.load(b.getI32Type(), b.operand(embedding.getIds()), b.div(at, n))), k = b.rem(at, n);
      Value y = b.result(embedding.getResult());
      if (isa<ElasticType>(table.getType()))
        return storeElastic(b, table, id, k, y, at);
      b.store(b.loadF32(b.operand(table), b.add(b.mul(id, n), k)), y, at);
    });
  });
}

// A thread owns a column of the rows of one class (identifiers with one remainder) and adds their tokens in order, so
// equal identifiers never meet on two threads; the classes share the wait for memory.
static void planEmbeddingGrad(Operation *op, GpuPlan &plan) {
  constexpr int64_t classes = 32, threads = 128;
  auto grad = cast<EmbeddingGradOp>(op);
  int64_t n = featuresOf(grad.getDy()), tokens = tokensOf(grad.getDy());
  plan.run("columns", {blocksFor(n, threads), classes}, threads, [&](GpuBuilder &b) {
    b.forGrid(n, [&](Value column) {
      b.forLoop(0, tokens, 1, [&](Value token) {
        Value id = b.toI64(b.load(b.getI32Type(), b.operand(grad.getIds()), token));
        b.ifThen(b.equal(b.rem(id, classes), b.block(1)), [&] {
          Value into = b.at(b.operand(grad.getInto()), b.add(b.mul(id, n), column));
          b.store(b.add(b.loadF32(into), b.loadF32(b.operand(grad.getDy()), b.add(b.mul(token, n), column))), into);
        });
      });
    });
  });
}

ArrayRef<GpuKernel> qfa::gpuEmbeddingKernels() {
  static const GpuKernel kernels[] = {
      {EmbeddingOp::getOperationName(), planEmbedding},
      {EmbeddingGradOp::getOperationName(), planEmbeddingGrad},
  };
  return kernels;
}
