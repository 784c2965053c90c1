// The angles of rotary position embedding.
#ifndef QFA_LIB_LOWERING_COMMON_ROPEANGLES_H
#define QFA_LIB_LOWERING_COMMON_ROPEANGLES_H

#include "CodeBuilder.h"

#include "qfa/Dialect/Qfa.h"

namespace qfa {

// Cosine and sine, as f32, of the angle frequency * position: times the op's scaling, the sine negated where it rotates
// backwards. frequency: f64, a scalar or a vector; position: f64.
std::pair<mlir::Value, mlir::Value> emitRopeAngle(CodeBuilder &k, RopeOp rope, mlir::Value frequency,
                                                  mlir::Value position);

} // namespace qfa

#endif // QFA_LIB_LOWERING_COMMON_ROPEANGLES_H
