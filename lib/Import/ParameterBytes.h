// The bytes of a parameter, mapped from its file.

#ifndef QFA_LIB_IMPORT_PARAMETERBYTES_H
#define QFA_LIB_IMPORT_PARAMETERBYTES_H

#include "qfa/Dialect/Qfa.h"
#include "qfa/Import/OnnxModel.h"

namespace qfa {

inline llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mapParameter(ParameterOp parameter) {
  std::string why = "no file holds its bytes";
  if (!parameter.getFile().empty()) {
    auto buffer = onnx::mapBytes(parameter.getFile(), parameter.getOffset(), parameter.getBytes());
    if (buffer)
      return std::move(*buffer);
    why = llvm::toString(buffer.takeError());
  }
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "weight '" + parameter.getSymName() + "': " + why);
}

} // namespace qfa

#endif // QFA_LIB_IMPORT_PARAMETERBYTES_H
