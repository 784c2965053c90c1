// What forward and backward attention share: the sizes of heads and blocks, and which keys a query sees.
#ifndef QFA_LIB_LOWERING_CPU_ATTENTION_H
#define QFA_LIB_LOWERING_CPU_ATTENTION_H

#include "../Common/AttentionHeads.h"
#include "AttentionProduct.h"
#include "Gemm.h"

#include "qfa/Dialect/Qfa.h"

namespace qfa {

// Keys that are scored at once, against at most so many queries: features and scores of both stay in the first-level
// cache. Few queries, since the block on the diagonal computes twice what it needs.
constexpr int64_t kKeyBlock = 64, kQueryBlock = 32;

struct HeadShape : AttentionHeads {
  using AttentionHeads::AttentionHeads;
  int64_t context = 0;    // rows of the caches; 0: keys are as many as queries
  bool isStacked = false; // rows of a block are the heads of one query: all stand at one position
};

// Queries per block: lanes of a score vector are queries, so short sequences take fewer.
inline int64_t queryBlock(const Isa &target, int64_t queries) {
  return std::min(kQueryBlock, roundUp(queries, target.lanes));
}

// Queries `first` .. first + count - 1, their positions counted from the first key.
struct QuerySpan {
  mlir::Value first, count;
};

// body(key, count, masked) for every block of keys that some query of the span sees; masked: some query does not see
// all.
void forKeyBlocks(CodeBuilder &k, const HeadShape &shape, QuerySpan queries,
                  llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value)> body);
// Per lane: whether the query at `firstQuery` + lane sees the key.
mlir::Value isVisible(CodeBuilder &k, const HeadShape &shape, mlir::Value firstQuery, mlir::Value key);

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_ATTENTION_H
