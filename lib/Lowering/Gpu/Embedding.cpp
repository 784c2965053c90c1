// Rows of the embedding table, dense or elastic, and the gradient of a dense one.
#include "Codes.h"
#include "GpuKernels.h"

using namespace mlir;
using namespace qfa;

static void planEmbedding(Operation *op, GpuPlan &plan) {
  auto embedding = cast<EmbeddingOp>(op);
  int64_t n = featuresOf(embedding.getResult()), total = elementsOf(embedding.getResult());
  plan.run("elements", {blocksFor(total)}, kThreads, [&](GpuBuilder &b) {
    b.forGrid(total, [&](Value at) {
      Value id = b.toI64(b.load(b.getI32Type(), b.operand(embedding.getIds()), b.div(at, n)));
      withWeight(b, embedding.getTable(), id, b.rem(at, n),
                 [&](Value value) { b.store(value, b.result(embedding.getResult()), at); });
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
