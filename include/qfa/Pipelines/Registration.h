// Registers everything a tool needs: dialects, passes, pipelines.
#ifndef QFA_PIPELINES_REGISTRATION_H
#define QFA_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qfa {

void registerAllDialects(mlir::DialectRegistry &registry);
void registerAllPasses();

} // namespace qfa

#endif // QFA_PIPELINES_REGISTRATION_H
