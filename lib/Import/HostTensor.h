// A small tensor on the host: what the evaluator computes with. Elements are 64-bit words, so that views need no types.

#ifndef QFA_LIB_IMPORT_HOSTTENSOR_H
#define QFA_LIB_IMPORT_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

namespace qfa::onnx {

struct HostTensor {
  enum Kind : uint8_t { Float, Int, Bool };

  Kind kind = Float;
  bool known = false;      // whether `words` holds the elements; the shape is always meant
  bool fromWeight = false; // whether some element was computed from a weight
  llvm::SmallVector<int64_t> shape;
  std::vector<uint64_t> words;

  HostTensor() = default;
  HostTensor(Kind kind, llvm::ArrayRef<int64_t> shape) : kind(kind), shape(shape) {}

  int64_t rank() const { return shape.size(); }
  /// The number of elements; saturates, and is negative for a malformed shape.
  int64_t size() const {
    int64_t product = 1;
    for (int64_t dim : shape) {
      if (dim < 0)
        return -1;
      if (llvm::MulOverflow(product, dim, product))
        return INT64_MAX;
    }
    return product;
  }
  /// Makes room for all elements. Refuses what no mask or table of a small sample needs: the elements stay unknown
  /// then.
  bool allocate() {
    int64_t count = size();
    known = count >= 0 && count <= (1 << 22);
    if (known)
      words.resize(count);
    return known;
  }
  double number(size_t i) const { return kind == Float ? llvm::bit_cast<double>(words[i]) : double(int64_t(words[i])); }
  int64_t integer(size_t i) const {
    return kind == Float ? int64_t(llvm::bit_cast<double>(words[i])) : int64_t(words[i]);
  }
  void set(size_t i, double value) {
    words[i] = kind == Float ? llvm::bit_cast<uint64_t>(value) : uint64_t(kind == Bool ? value != 0 : int64_t(value));
  }
  void setInteger(size_t i, int64_t value) {
    words[i] = kind == Float ? llvm::bit_cast<uint64_t>(double(value)) : uint64_t(kind == Bool ? value != 0 : value);
  }
  /// All elements as integers.
  llvm::SmallVector<int64_t> integers() const {
    llvm::SmallVector<int64_t> result;
    for (size_t i = 0; i < words.size(); ++i)
      result.push_back(integer(i));
    return result;
  }

  bool sameAs(const HostTensor &other) const {
    return kind == other.kind && known && other.known && shape == other.shape && words == other.words;
  }

  /// From and to the attribute of an `onnx.constant`. Floats become f32.
  static HostTensor fromAttribute(mlir::ElementsAttr value);
  mlir::ElementsAttr toAttribute(mlir::MLIRContext *context) const;
};

/// Distance between neighbours in each dimension of a row-major tensor.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// The shape that `a` and `b` broadcast to; false when they do not.
bool broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b, llvm::SmallVectorImpl<int64_t> &result);

/// Calls `visit(position, index)` for each position of `shape` in row-major order, where `index` is the linear index in
/// a tensor with `strides`; a stride of 0 repeats.
template <typename Visit>
void forEachIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides, int64_t start, Visit visit) {
  int64_t size = 1;
  for (int64_t dim : shape)
    size *= dim;
  llvm::SmallVector<int64_t, 6> at(shape.size(), 0);
  int64_t index = start;
  for (int64_t position = 0; position < size; ++position) {
    visit(position, index);
    for (int64_t d = int64_t(shape.size()) - 1; d >= 0; --d) {
      index += strides[d];
      if (++at[d] < shape[d])
        break;
      index -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
}

/// Strides by which a tensor of shape `from` is read at the positions of the broadcast shape `to`.
llvm::SmallVector<int64_t> broadcastStrides(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_HOSTTENSOR_H
