// The heads of an attention op.
#ifndef QFA_LIB_LOWERING_COMMON_ATTENTIONHEADS_H
#define QFA_LIB_LOWERING_COMMON_ATTENTIONHEADS_H

#include "Sizes.h"

namespace qfa {

struct AttentionHeads {
  int64_t heads, kvHeads, width; // query heads, key/value heads, features of each
  int64_t window;                // 0: none
  double scale, softcap;         // softcap 0: none

  template <typename AttentionLike>
  explicit AttentionHeads(AttentionLike op)
      : heads(op.getNumHeads()), kvHeads(op.getNumKvHeads()), width(featuresOf(op.getQ()) / heads),
        window(op.getWindow().value_or(0)), scale(op.getScale().convertToDouble()),
        softcap(op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0) {}

  int64_t group() const { return heads / kvHeads; } // query heads per key/value head
  int64_t features() const { return heads * width; }
  int64_t kvFeatures() const { return kvHeads * width; }
};

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ATTENTIONHEADS_H
