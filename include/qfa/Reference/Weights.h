// Where the interpreter finds parameters, copies and adapters.
#ifndef QFA_REFERENCE_WEIGHTS_H
#define QFA_REFERENCE_WEIGHTS_H

#include "qfa/Dialect/Qfa.h"
#include "qfa/Format/Safetensors.h"
#include "qfa/Reference/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace qfa::reference {

// Asked once per tensor. A failure has emitted its reason on the op.
class Weights {
public:
  virtual ~Weights() = default;
  // [out, in] for matrices.
  virtual llvm::LogicalResult parameter(ParameterOp op, Tensor &value) = 0;
  // The dequantized copy [out, in] at this width; by default rounded to nearest from the parameter.
  virtual llvm::LogicalResult copy(ElasticOp op, int64_t bits, const Tensor &parameter, Tensor &value);
  // adapter_a [rank, groups] or adapter_b [out, rank].
  virtual llvm::LogicalResult adapter(ElasticOp op, int64_t bits, llvm::StringRef role, Tensor &value) = 0;
  // Whether `copy` needs the parameter.
  virtual bool hasCopy(ElasticOp op, int64_t bits) { return false; }
};

// Numbers that depend on the seed and the tensor's name only. Up matrices are not zero, so that adapters show.
class SeededWeights : public Weights {
public:
  explicit SeededWeights(uint64_t seed) : seed(seed) {}
  llvm::LogicalResult parameter(ParameterOp op, Tensor &value) override;
  llvm::LogicalResult adapter(ElasticOp op, int64_t bits, llvm::StringRef role, Tensor &value) override;

private:
  uint64_t seed;
};

// Safetensors files, then the model's own files (relative to `folder`), then `otherwise`, or an error when that is
// null.
class FileWeights : public Weights {
public:
  FileWeights(std::string folder, std::unique_ptr<Weights> otherwise)
      : folder(std::move(folder)), otherwise(std::move(otherwise)) {}
  bool open(const std::string &safetensors, std::string &error);

  llvm::LogicalResult parameter(ParameterOp op, Tensor &value) override;
  llvm::LogicalResult copy(ElasticOp op, int64_t bits, const Tensor &parameter, Tensor &value) override;
  llvm::LogicalResult adapter(ElasticOp op, int64_t bits, llvm::StringRef role, Tensor &value) override;
  bool hasCopy(ElasticOp op, int64_t bits) override;

private:
  const format::TensorView *find(llvm::StringRef name) const;
  llvm::LogicalResult readFloats(mlir::Operation *op, llvm::StringRef name, const Shape &shape, Tensor &value);
  llvm::LogicalResult readModelFile(ParameterOp op, Tensor &value);

  std::string folder;
  std::unique_ptr<Weights> otherwise;
  std::vector<std::unique_ptr<format::SafetensorsReader>> readers;
};

// A number in [-1, 1) that depends on seed, name and index only; exactly a float.
double seededNumber(uint64_t seed, llvm::StringRef name, uint64_t index);

} // namespace qfa::reference

#endif // QFA_REFERENCE_WEIGHTS_H
