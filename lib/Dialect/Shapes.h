// Shape checks shared by the verifiers. A dynamic dimension agrees with everything.
#ifndef QFA_LIB_DIALECT_SHAPES_H
#define QFA_LIB_DIALECT_SHAPES_H

#include "qfa/Dialect/Qfa.h"

namespace qfa {

inline int64_t lastDim(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape().back();
}

// Output and input width of a weight [out, in], dense or elastic; -1 for a dense weight of another rank.
inline int64_t weightOut(mlir::Value weight) {
  if (auto elastic = llvm::dyn_cast<ElasticType>(weight.getType()))
    return elastic.getOut();
  auto type = llvm::cast<mlir::RankedTensorType>(weight.getType());
  return type.getRank() == 2 ? type.getDimSize(0) : -1;
}
inline int64_t weightIn(mlir::Value weight) {
  if (auto elastic = llvm::dyn_cast<ElasticType>(weight.getType()))
    return elastic.getIn();
  auto type = llvm::cast<mlir::RankedTensorType>(weight.getType());
  return type.getRank() == 2 ? type.getDimSize(1) : -1;
}

inline bool agree(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b);
}
inline bool divides(int64_t divisor, int64_t n) {
  return divisor > 0 && (mlir::ShapedType::isDynamic(n) || n % divisor == 0);
}

inline llvm::LogicalResult expectShape(mlir::Operation *op, llvm::StringRef name, mlir::Type type,
                                       llvm::ArrayRef<int64_t> wanted) {
  auto shape = llvm::cast<mlir::ShapedType>(type).getShape();
  bool agrees = shape.size() == wanted.size();
  for (size_t i = 0; agrees && i < wanted.size(); ++i)
    agrees = agree(shape[i], wanted[i]);
  if (agrees)
    return llvm::success();
  auto error = op->emitOpError() << name << " has shape [";
  auto print = [&](int64_t size) { mlir::ShapedType::isDynamic(size) ? error << "?" : error << size; };
  llvm::interleaveComma(shape, error, print);
  error << "], wanted [";
  llvm::interleaveComma(wanted, error, print);
  return error << "]";
}

// `value` has the batch and sequence of `like` and the given number of features.
inline llvm::LogicalResult expectLike(mlir::Operation *op, llvm::StringRef name, mlir::Value value, mlir::Value like,
                                      int64_t features) {
  auto shape = llvm::cast<mlir::RankedTensorType>(like.getType()).getShape();
  llvm::SmallVector<int64_t> wanted(shape.begin(), shape.end());
  wanted.back() = features;
  return expectShape(op, name, value.getType(), wanted);
}

} // namespace qfa

#endif // QFA_LIB_DIALECT_SHAPES_H
