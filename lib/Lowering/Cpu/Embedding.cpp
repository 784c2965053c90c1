// Rows of the embedding table, dense or elastic, and the gradient of a dense one.
#include "CpuKernels.h"
#include "Dequantize.h"
#include "TokenTiles.h"

using namespace mlir;
using namespace qfa;

static void emitEmbedding(Operation *op, KernelBuilder &k) {
  auto embedding = cast<EmbeddingOp>(op);
  int64_t n = featuresOf(embedding.getResult());
  Value ids = k.operand(embedding.getIds()), y = k.result(embedding.getResult());
  auto elastic = dyn_cast<ElasticType>(embedding.getTable().getType());
  SiteRow site = elastic ? k.site(embedding.getTable()) : SiteRow();
  forTokens(k, elementsOf(embedding.getIds()), [&](Value token) {
    Value id = k.toI64(k.load(k.getI32Type(), ids, token)), to = k.at(y, k.mul(token, n));
    if (elastic)
      return dequantizeRow(k, elastic, site, to, id);
    Value from = k.at(k.operand(embedding.getTable()), k.mul(id, n));
    k.vectorLoop(n, [&](Value i, Type type) { k.store(k.load(type, from, i), to, i); });
  });
}

// A tile owns columns of the buffer and adds all tokens in order: equal identifiers never meet on two threads.
static void emitEmbeddingGrad(Operation *op, KernelBuilder &k) {
  auto grad = cast<EmbeddingGradOp>(op);
  int64_t n = featuresOf(grad.getDy());
  Value ids = k.operand(grad.getIds()), dy = k.operand(grad.getDy()), into = k.operand(grad.getInto());
  forRanges(k, n, kTileColumns, [&](Value column, Value count) {
    k.forLoop(0, tokensOf(grad.getDy()), 1, [&](Value token) {
      Value id = k.toI64(k.load(k.getI32Type(), ids, token));
      Value from = k.at(dy, k.add(k.mul(token, n), column)), to = k.at(into, k.add(k.mul(id, n), column));
      k.vectorLoop(count,
                   [&](Value i, Type type) { k.store(k.add(k.load(type, to, i), k.load(type, from, i)), to, i); });
    });
  });
}

ArrayRef<CpuKernel> qfa::embeddingKernels() {
  static const CpuKernel kernels[] = {
      {"qfa.embedding", [](Operation *op) { return tokenTiles(cast<EmbeddingOp>(op).getResult()); }, nullptr,
       emitEmbedding},
      {"qfa.embedding_grad", [](Operation *op) { return columnTiles(cast<EmbeddingGradOp>(op).getDy()); }, nullptr,
       emitEmbeddingGrad},
  };
  return kernels;
}
