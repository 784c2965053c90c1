// Which keys an attention mask lets a query see, read off the mask's values.

#ifndef QFA_LIB_IMPORT_RECOGNISEMASK_H
#define QFA_LIB_IMPORT_RECOGNISEMASK_H

#include "ShapeFacts.h"

namespace qfa::onnx {

/// The largest score that counts as masked. Exporters use the least number of a type, at least -65504, times a scale.
constexpr double maskedScore = -1e4;

/// A query i sees the keys j <= i, and with `window` only those with j > i - window.
struct Mask {
  std::optional<int64_t> window;
};

/// Reads a mask [.., S, S] of booleans or of summands to the scores. Null when it is neither causal nor a sliding
/// window.
std::optional<Mask> recogniseMask(mlir::Value value, ShapeFacts &facts);

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_RECOGNISEMASK_H
