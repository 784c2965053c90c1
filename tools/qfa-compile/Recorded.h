// Recorded inputs and outputs of a model, in whichever form they come.
#ifndef QFA_TOOLS_QFA_COMPILE_RECORDED_H
#define QFA_TOOLS_QFA_COMPILE_RECORDED_H

#include "qfa/Format/Npz.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace qfa {

struct Recorded {
  std::string name;      // for messages
  format::Arrays arrays; // input_ids [batch, sequence], logits [batch, sequence, vocabulary]
};

// Reads an .npz, a folder of input_N.pb and output_N.pb, or a folder of such folders called test_data_set_N. Fails when
// what was recorded is not a plain forward run: hidden positions, positions that do not count from 0, or filled caches.
llvm::Expected<std::vector<Recorded>> readRecorded(llvm::StringRef path, llvm::StringRef model);

} // namespace qfa

#endif // QFA_TOOLS_QFA_COMPILE_RECORDED_H
