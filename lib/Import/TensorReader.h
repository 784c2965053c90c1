// TensorProto: shape, type and the place of its bytes, inside the model or in a file beside it.

#ifndef QFA_LIB_IMPORT_TENSORREADER_H
#define QFA_LIB_IMPORT_TENSORREADER_H

#include "qfa/Import/OnnxModel.h"
#include "llvm/ADT/StringMap.h"

namespace qfa::onnx {

/// Reads tensors of one model; remembers the external files it has checked.
class TensorReader {
public:
  explicit TensorReader(llvm::StringRef modelPath) : modelPath(modelPath) {}

  llvm::Expected<Tensor> read(WireReader message);

  /// Refuses two tensors that share some bytes of an external file without being the same range.
  llvm::Error checkOverlaps(llvm::ArrayRef<Tensor> tensors) const;

private:
  struct ExternalFile {
    std::string path;
    uint64_t size = 0;
  };
  struct ExternalKeys {
    bool used = false;
    llvm::StringRef location, offset, length;
  };

  llvm::Expected<const ExternalFile *> open(llvm::StringRef location);
  llvm::Error place(const WireReader &message, const ExternalKeys &keys, uint64_t want, Tensor &tensor);

  llvm::StringRef modelPath;
  llvm::StringMap<ExternalFile> files;
};

} // namespace qfa::onnx

#endif // QFA_LIB_IMPORT_TENSORREADER_H
