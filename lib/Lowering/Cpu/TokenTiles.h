// Tiles of kernels that work token by token or element by element.
#ifndef QFA_LIB_LOWERING_CPU_TOKENTILES_H
#define QFA_LIB_LOWERING_CPU_TOKENTILES_H

#include "Gemm.h"
#include "KernelBuilder.h"

namespace qfa {

constexpr int64_t kTileTokens = 16;     // enough work for a thread to fetch, small enough to balance
constexpr int64_t kTileColumns = 64;    // of kernels that own columns and walk over all tokens
constexpr int64_t kTileElements = 4096; // 16 KiB per operand

inline int64_t tokenTiles(mlir::Value tensor) { return ceilDiv(tokensOf(tensor), kTileTokens); }
inline int64_t columnTiles(mlir::Value tensor) { return ceilDiv(featuresOf(tensor), kTileColumns); }
inline int64_t elementTiles(int64_t elements) { return ceilDiv(elements, kTileElements); }

// body(first, count) of each of this call's tiles, `size` of `total` units a tile, the last one perhaps shorter.
inline void forRanges(KernelBuilder &k, int64_t total, int64_t size,
                      llvm::function_ref<void(mlir::Value, mlir::Value)> body) {
  k.forTiles([&](mlir::Value tile) {
    mlir::Value first = k.mul(tile, size);
    body(first, k.min(k.sub(total, first), size));
  });
}

// body(token) for every token of this call's tiles.
inline void forTokens(KernelBuilder &k, int64_t tokens, llvm::function_ref<void(mlir::Value)> body) {
  forRanges(k, tokens, kTileTokens,
            [&](mlir::Value first, mlir::Value count) { k.forLoop(first, k.add(first, count), 1, body); });
}

} // namespace qfa

#endif // QFA_LIB_LOWERING_CPU_TOKENTILES_H
