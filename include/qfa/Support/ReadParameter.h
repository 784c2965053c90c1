// Reads the values of a parameter from where its symbol says they lie.
#ifndef QFA_SUPPORT_READPARAMETER_H
#define QFA_SUPPORT_READPARAMETER_H

#include "qfa/Dialect/Qfa.h"

#include <vector>

namespace qfa {

// The f32 values in logical order ([out, in] also where the file holds the transpose). Fails, with an error on the op,
// when the file is missing or too short.
llvm::LogicalResult readParameter(ParameterOp parameter, std::vector<float> &values);

} // namespace qfa

#endif // QFA_SUPPORT_READPARAMETER_H
