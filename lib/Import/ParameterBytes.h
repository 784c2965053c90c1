// The bytes of a parameter, mapped from its file.

#ifndef QFA_LIB_IMPORT_PARAMETERBYTES_H
#define QFA_LIB_IMPORT_PARAMETERBYTES_H

#include "qfa/Dialect/Qfa.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace qfa {

inline llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mapParameter(ParameterOp parameter) {
  auto fail = [&](const llvm::Twine &why) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "weight '" + parameter.getSymName() + "': " + why);
  };
  if (parameter.getFile().empty())
    return fail("no file holds its bytes");
  auto buffer = llvm::MemoryBuffer::getFileSlice(parameter.getFile(), parameter.getBytes(), parameter.getOffset());
  if (!buffer)
    return fail(parameter.getFile() + ": " + buffer.getError().message());
  if ((*buffer)->getBufferSize() != uint64_t(parameter.getBytes()))
    return fail(parameter.getFile() + " ends before byte " + llvm::Twine(parameter.getOffset() + parameter.getBytes()));
  return std::move(*buffer);
}

} // namespace qfa

#endif // QFA_LIB_IMPORT_PARAMETERBYTES_H
