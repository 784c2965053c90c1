// A tensor of the reference interpreter: every number is a double, in row-major order.
#ifndef QFA_REFERENCE_TENSOR_H
#define QFA_REFERENCE_TENSOR_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

namespace qfa::reference {

using Shape = std::vector<int64_t>;

inline int64_t countOf(llvm::ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

struct Tensor {
  Shape shape;
  std::vector<double> data;

  Tensor() = default;
  explicit Tensor(Shape shape, double value = 0) : shape(std::move(shape)), data(countOf(this->shape), value) {}

  int64_t size() const { return static_cast<int64_t>(data.size()); }
  int64_t features() const { return shape.empty() ? 1 : shape.back(); }
  // Rows of `features` numbers: tokens of an activation [batch, sequence, features].
  int64_t rows() const { return features() == 0 ? 0 : size() / features(); }
  double *row(int64_t index) { return data.data() + index * features(); }
  const double *row(int64_t index) const { return data.data() + index * features(); }

  // The same leading dimensions with another last one.
  Shape withFeatures(int64_t features) const {
    Shape result = shape;
    result.back() = features;
    return result;
  }
};

} // namespace qfa::reference

#endif // QFA_REFERENCE_TENSOR_H
